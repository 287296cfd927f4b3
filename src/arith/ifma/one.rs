//! One residue, its limbs spread over the lanes: for what cannot wait for seven others.
//!
//! Step i of L adds a c_i and a d_i + b c_i to two rows of sums, makes their lowest limbs multiples of 2^52 with q_i m and
//! q'_i m, takes q_i from the second, and moves both down by a limb; see [`reduce_pair`](super::reduction::reduce_pair) for
//! what is added up. The second row starts from a multiple of m with limbs so large that no q_i makes one negative.

use std::arch::x86_64::*;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::columns::MASK;
use super::eight::Eight;
use super::radix::{self, LANES};
use super::shared_table::SharedTable;
use super::{Constants, Single, vectors_of, zeroed};
use crate::arith::lanes::{Lanes, Pair};

/// Lanes, WIDTH 1, for a residue modulo m^2.
pub(crate) struct One {
    constants: Arc<Constants>,
    eight: Eight,
}

/// One residue needs none beside the registers.
pub(crate) struct NoMemory;

/// A row of limbs.
type Row<const V: usize> = [__m512i; V];

/// The words of a row, of which step i takes one.
type Digits<const V: usize> = [[u64; LANES]; V];

/// Runs a function for the number of vectors that the modulus takes.
macro_rules! for_vectors {
    ($this:expr, $function:ident($($argument:expr),*)) => {
        match $this.vectors() {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            3 => $function::<3>($($argument),*),
            4 => $function::<4>($($argument),*),
            5 => $function::<5>($($argument),*),
            6 => $function::<6>($($argument),*),
            7 => $function::<7>($($argument),*),
            8 => $function::<8>($($argument),*),
            9 => $function::<9>($($argument),*),
            _ => $function::<10>($($argument),*),
        }
    };
}

#[inline]
fn row<const V: usize>(vectors: &[__m512i]) -> Row<V> {
    std::array::from_fn(|v| vectors[v])
}

#[inline]
fn digits<const V: usize>(vectors: &[__m512i]) -> Digits<V> {
    std::array::from_fn(|v| radix::words(vectors[v]))
}

/// A number and, in all lanes, the digits of this step and of the next of the number it is multiplied by.
type Factor<'a, const V: usize> = (&'a Row<V>, __m512i, __m512i);

/// Digit i in all lanes. The last step asks for digit L, which is zero: so is what fills up the vectors, and this beyond them.
#[inline]
#[target_feature(enable = "avx512f")]
fn digit<const V: usize>(digits: &Digits<V>, i: usize) -> __m512i {
    _mm512_set1_epi64(digits.as_flattened().get(i).map_or(0, |&digit| digit as i64))
}

/// sums += the low halves of x times a digit, from one vector on.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_low<const V: usize>(sums: &mut Row<V>, x: &Row<V>, digit: __m512i, from: usize) {
    for v in from..V {
        sums[v] = _mm512_madd52lo_epu64(sums[v], x[v], digit);
    }
}

/// sums += the high halves of x times a digit, but for the lowest vector.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_high<const V: usize>(sums: &mut Row<V>, x: &Row<V>, digit: __m512i) {
    for v in 1..V {
        sums[v] = _mm512_madd52hi_epu64(sums[v], x[v], digit);
    }
}

/// Adds the products with a digit, settles the lowest limb with q m, moves down by a limb and gives out q, in all lanes.
///
/// The lowest vector comes in with the low halves of this digit's products and leaves with those of the next digit's. The way
/// from one q to the next leads through it, so what need not stand on that way, high halves and the next low ones, is
/// summed beside.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn step<const V: usize, const F: usize>(
    sums: &mut Row<V>,
    factors: [Factor<V>; F],
    m: &Row<V>,
    negated_inverse: __m512i,
) -> __m512i {
    let q = _mm512_madd52lo_epu64(radix::ZERO, sums[0], negated_inverse);
    let q = _mm512_broadcastq_epi64(_mm512_castsi512_si128(q));
    let mut beside = radix::ZERO;
    for (x, digit, next) in factors {
        beside = _mm512_madd52hi_epu64(beside, x[0], digit);
        beside = _mm512_madd52lo_epu64(beside, x[0], next);
        add_low(sums, x, digit, 1);
    }
    add_low(sums, m, q, 0);
    beside = _mm512_madd52hi_epu64(beside, m[0], q);
    shift(sums);
    sums[0] = _mm512_add_epi64(sums[0], beside);
    factors.iter().for_each(|(x, digit, _)| add_high(sums, x, *digit));
    add_high(sums, m, q);
    q
}

/// Moves sums whose lowest limb is a multiple of 2^52 down by one limb.
#[inline]
#[target_feature(enable = "avx512f")]
fn shift<const V: usize>(sums: &mut Row<V>) {
    // Sums are not negative and below 2^63: at most 1,762 times 2^52. So 63 leaves nothing of any but the lowest.
    let carry = _mm512_srlv_epi64(sums[0], _mm512_set_epi64(63, 63, 63, 63, 63, 63, 63, radix::BITS as i64));
    for v in 0..V {
        let above = if v + 1 < V { sums[v + 1] } else { radix::ZERO };
        sums[v] = _mm512_alignr_epi64::<1>(above, sums[v]);
    }
    sums[0] = _mm512_add_epi64(sums[0], carry);
}

/// Brings sums below 2^63 to limbs of 52 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn carry<const V: usize>(sums: &mut Row<V>) {
    let mask = _mm512_set1_epi64(MASK);
    let mut below = radix::ZERO;
    let (mut overflows, mut full) = (0u128, 0u128);
    for (v, sum) in sums.iter_mut().enumerate() {
        let carries = _mm512_srli_epi64::<{ radix::BITS }>(*sum);
        let limbs = _mm512_and_si512(*sum, mask);
        *sum = _mm512_add_epi64(limbs, _mm512_alignr_epi64::<7>(carries, below));
        below = carries;
        overflows |= u128::from(_mm512_cmpgt_epi64_mask(*sum, mask)) << (LANES * v);
        full |= u128::from(_mm512_cmpeq_epi64_mask(*sum, mask)) << (LANES * v);
    }
    // Each carry is 1 now; an addition lets it run through limbs of ones.
    let carried = ((overflows << 1) + full) ^ full;
    for (v, sum) in sums.iter_mut().enumerate() {
        // x + 1 = x - (2^52 - 1) modulo 2^52.
        let limbs = _mm512_mask_sub_epi64(*sum, (carried >> (LANES * v)) as u8, *sum, mask);
        *sum = _mm512_and_si512(limbs, mask);
    }
}

/// The pair of REDC(s + x c) and REDC(s' + sum of y d - q), q the quotient of the first, for `first` = (x, c), the (y, d) of
/// `second`, and the sums s and s' with which it starts; `above` is added to the first after the reduction.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce_pair<const V: usize, const F: usize, const S: usize>(
    constants: &Constants,
    mut sums: [Row<V>; 2],
    first: [(&Row<V>, &Digits<V>); F],
    second: [(&Row<V>, &Digits<V>); S],
    above: Option<&Row<V>>,
) -> [Row<V>; 2] {
    let m = row::<V>(&constants.m);
    let negated_inverse = _mm512_set1_epi64(*constants.modulus.negated_inverse as i64);
    let reserve = row::<V>(&constants.reserve);
    for v in 0..V {
        sums[1][v] = _mm512_add_epi64(sums[1][v], reserve[v]);
    }
    let [mut s, mut t] = sums;
    first.iter().for_each(|(x, c)| s[0] = _mm512_madd52lo_epu64(s[0], x[0], digit(c, 0)));
    second.iter().for_each(|(y, d)| t[0] = _mm512_madd52lo_epu64(t[0], y[0], digit(d, 0)));
    for i in 0..constants.length() {
        let first = first.map(|(x, c)| (x, digit(c, i), digit(c, i + 1)));
        let second = second.map(|(y, d)| (y, digit(d, i), digit(d, i + 1)));
        let q = step(&mut s, first, &m, negated_inverse);
        t[0] = _mm512_mask_sub_epi64(t[0], 1, t[0], q);
        step(&mut t, second, &m, negated_inverse);
    }
    if let Some(above) = above {
        for v in 0..V {
            s[v] = _mm512_add_epi64(s[v], above[v]);
        }
    }
    carry(&mut s);
    carry(&mut t);
    [s, t]
}

#[inline]
fn store<const V: usize>(x: &mut Single, [a, b]: [Row<V>; 2]) {
    x.0[..V].copy_from_slice(&a);
    x.0[V..].copy_from_slice(&b);
}

const fn nothing<const V: usize>() -> [Row<V>; 2] {
    [[radix::ZERO; V]; 2]
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn mul<const V: usize>(constants: &Constants, x: &mut Single, y: &Single) {
    let (a, b) = (row::<V>(&x.0), row::<V>(&x.0[V..]));
    let (c, d) = (digits::<V>(&y.0), digits::<V>(&y.0[V..]));
    store(x, reduce_pair(constants, nothing(), [(&a, &c)], [(&a, &d), (&b, &c)], None));
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn sqr<const V: usize>(constants: &Constants, x: &mut Single) {
    let (a, mut b) = (row::<V>(&x.0), row::<V>(&x.0[V..]));
    // 2b < 4m < R.
    b.iter_mut().for_each(|b| *b = _mm512_add_epi64(*b, *b));
    carry(&mut b);
    let digits = digits::<V>(&x.0);
    store(x, reduce_pair(constants, nothing(), [(&a, &digits)], [(&b, &digits)], None));
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn mul_factored<const V: usize>(constants: &Constants, x: &mut Single, entry: &Single) {
    let (a, b) = (row::<V>(&x.0), row::<V>(&x.0[V..]));
    let c = digits::<V>(&entry.0);
    store(x, reduce_pair(constants, nothing(), [(&a, &c)], [(&b, &c)], None));
}

/// The pair (u, REDC(-q)) of the number with the limbs `low` and `high`.
#[target_feature(enable = "avx512f,avx512ifma")]
fn take_in<const V: usize>(constants: &Constants, low: &[__m512i], high: &[__m512i]) -> Single {
    let mut x = Single::zero(V);
    let sums = [row(low), [radix::ZERO; V]];
    store(&mut x, reduce_pair(constants, sums, [], [], Some(&row::<V>(high))));
    x
}

/// A product with the plain pair (1, 0).
#[target_feature(enable = "avx512f,avx512ifma")]
fn leave<const V: usize>(constants: &Constants, x: &mut Single) {
    let sums = [row::<V>(&x.0), row::<V>(&x.0[V..])];
    store(x, reduce_pair(constants, sums, [], [], None));
}

/// The pair of the Montgomery form of 1 + k m, from the limbs of k in sums: c + (d + k R) m with c + d m = R mod m^2. The
/// second part is below 3.1 m, which a product of pairs permits beside a, b, c < 2m: a d + b c < 10.2 m^2, and R > 16 m.
#[target_feature(enable = "avx512f,avx512ifma")]
fn one_plus<const V: usize>(constants: &Constants, k: &[__m512i]) -> Single {
    let [over_r, _] = reduce_pair(constants, [row(k), [radix::ZERO; V]], [], [], None);
    let r3 = digits::<V>(&constants.r3_mod_m);
    let [k_r, _] = reduce_pair(constants, nothing(), [(&over_r, &r3)], [], None);
    let mut b = row::<V>(&constants.one.0[V..]);
    for v in 0..V {
        b[v] = _mm512_add_epi64(b[v], k_r[v]);
    }
    carry(&mut b);
    let mut factor = constants.one.clone();
    store(&mut factor, [row(&constants.one.0), b]);
    factor
}

/// b / a, from x R = a + b m and x^-1 R = c + d m: b c / R^2.
#[target_feature(enable = "avx512f,avx512ifma")]
fn factor<const V: usize>(constants: &Constants, x: &mut Single, inverse: &Single) {
    let (b, c) = (row::<V>(&x.0[V..]), digits::<V>(&inverse.0));
    let [f_r, _] = reduce_pair(constants, nothing(), [(&b, &c)], [], None);
    let [f, _] = reduce_pair(constants, [f_r, [radix::ZERO; V]], [], [], None);
    store(x, [row(&x.0), f]);
}

/// x += y limb by limb, for sums below 4m.
#[target_feature(enable = "avx512f,avx512ifma")]
fn add<const V: usize>(x: &mut Single, y: &Single) {
    let (mut a, mut b) = (row::<V>(&x.0), row::<V>(&x.0[V..]));
    for v in 0..V {
        a[v] = _mm512_add_epi64(a[v], y.0[v]);
        b[v] = _mm512_add_epi64(b[v], y.0[V + v]);
    }
    carry(&mut a);
    carry(&mut b);
    store(x, [a, b]);
}

/// `out` becomes entry `which`; every entry is read. Vector by vector: see the selection in eight lanes.
#[target_feature(enable = "avx512f")]
fn select(out: &mut Single, table: &[Single], which: usize) {
    let which = _mm512_set1_epi64(which as i64);
    for (i, out) in out.0.iter_mut().enumerate() {
        let mut limbs = radix::ZERO;
        for (j, entry) in table.iter().enumerate() {
            let chosen = _mm512_cmpeq_epi64_mask(which, _mm512_set1_epi64(j as i64));
            limbs = _mm512_mask_mov_epi64(limbs, chosen, entry.0[i]);
        }
        *out = limbs;
    }
}

impl One {
    pub(super) fn new(constants: Arc<Constants>) -> Self {
        Self { eight: Eight::new(constants.clone()), constants }
    }

    /// Limbs `from` to `from` + L of a number.
    fn limbs(&self, number: &[u64], from: usize) -> Scalars {
        let length = self.constants.length();
        let limbs: Zeroizing<Vec<_>> = Zeroizing::new((from..from + length).map(|i| radix::limb(number, i)).collect());
        Scalars(vectors_of(&limbs))
    }
}

/// c (1 + f m).
pub(crate) struct Product {
    c: Single,
    f: Scalars,
}

/// Limbs of a sum of up to 1,601 numbers below 2m, added without carries. Wiped on drop.
pub(crate) struct Scalars(Zeroizing<Box<[__m512i]>>);

// SAFETY of the unsafe blocks: Constants exist only where the processor has the features.
#[allow(unsafe_code)]
impl Lanes for One {
    const WIDTH: usize = 1;
    // Every entry is in the nearest cache: two vectors a cycle.
    const READ: f64 = 0.005;
    const READ_SHARED: f64 = 0.005;
    type Single = Single;
    type Residues = Single;
    type Scalars = Scalars;
    type Product = Product;
    type Table = Vec<Single>;
    type SharedTable = SharedTable;
    type Scratch = NoMemory;

    fn scratch(&self) -> NoMemory {
        NoMemory
    }

    fn one(&self) -> Single {
        self.constants.one.clone()
    }

    fn scalars(&self, numbers: &[&[u64]]) -> Scalars {
        self.limbs(numbers[0], 0)
    }

    fn enter_raw(&self, numbers: &[&[u64]], _: &mut NoMemory) -> Single {
        let (low, high) = (self.limbs(numbers[0], 0), self.limbs(numbers[0], self.constants.length()));
        let constants = &*self.constants;
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { for_vectors!(constants, take_in(constants, &low.0, &high.0)) }
    }

    fn enter(&self, numbers: &[&[u64]], s: &mut NoMemory) -> Single {
        let mut x = self.enter_raw(numbers, s);
        self.mul(&mut x, &self.constants.r3, s);
        x
    }

    fn enter_long(&self, numbers: &[&[u64]], s: &mut NoMemory) -> Single {
        // x = low + high 2^k, k = 2 |m|: both parts are below 2^k < 4 m^2.
        let (low, high) = numbers[0].split_at(self.constants.cut().min(numbers[0].len()));
        let mut sum = self.enter_raw(&[high], s);
        self.mul(&mut sum, &self.constants.shift, s);
        let low = self.enter_raw(&[low], s);
        let constants = &*self.constants;
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { for_vectors!(constants, add(&mut sum, &low)) };
        // Sums below 4m are fit for one product with a pair below 2m: (16 m^2 + R m) / R < 2m.
        self.mul(&mut sum, &self.constants.r3, s);
        sum
    }

    fn r_squared(&self) -> Single {
        self.constants.r3.clone()
    }

    fn r_inverse(&self) -> Single {
        self.constants.unit.clone()
    }

    fn leave(&self, x: &Single, _: &mut NoMemory) -> Vec<Pair> {
        let constants = &*self.constants;
        let mut plain = x.clone();
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { for_vectors!(constants, leave(constants, &mut plain)) };
        let words: Zeroizing<Vec<_>> = Zeroizing::new(plain.0.iter().map(|&x| radix::words(x)).collect());
        let (a, b) = words.as_flattened().split_at(LANES * constants.vectors());
        // Reductions of numbers below R are at most m, with the reserve m + 1. What comes off a is one more m in b.
        let (a, carried) = constants.settle(a, 0);
        let (b, _) = constants.settle(b, carried);
        vec![Pair { a, b }]
    }

    fn mul(&self, x: &mut Single, y: &Single, _: &mut NoMemory) {
        let constants = &*self.constants;
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { for_vectors!(constants, mul(constants, x, y)) }
    }

    fn sqr(&self, x: &mut Single, _: &mut NoMemory) {
        let constants = &*self.constants;
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { for_vectors!(constants, sqr(constants, x)) }
    }

    fn mul_one_plus(&self, x: &mut Single, k: &Scalars, s: &mut NoMemory) {
        let constants = &*self.constants;
        // SAFETY: Constants exist only where the processor has the features.
        let factor = unsafe { for_vectors!(constants, one_plus(constants, &k.0)) };
        self.mul(x, &factor, s);
    }

    fn factor(&self, x: &mut Single, inverse: &Single, _: &mut NoMemory) {
        let constants = &*self.constants;
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { for_vectors!(constants, factor(constants, x, inverse)) }
    }

    fn empty_product(&self) -> Product {
        Product { c: self.one(), f: Scalars(zeroed(self.constants.vectors(), radix::ZERO)) }
    }

    fn mul_factored(&self, product: &mut Product, entries: [&Single; 2], _: &mut NoMemory) {
        let constants = &*self.constants;
        for entry in entries {
            // SAFETY: Constants exist only where the processor has the features.
            unsafe {
                for_vectors!(constants, mul_factored(constants, &mut product.c, entry));
                add_limbs(&mut product.f.0, &entry.0[constants.vectors()..]);
            }
        }
    }

    fn mul_one_plus_in(&self, product: &mut Product, k: &Scalars) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { add_limbs(&mut product.f.0, &k.0) }
    }

    fn expand(&self, mut product: Product, s: &mut NoMemory) -> Single {
        self.mul_one_plus(&mut product.c, &product.f, s);
        product.c
    }

    fn gather(&self, bundle: &mut Single, singles: &[&Single]) {
        bundle.0.copy_from_slice(&singles[0].0);
    }

    fn scatter(&self, x: &Single) -> Vec<Single> {
        vec![x.clone()]
    }

    fn scatter_to(&self, singles: &mut [Single], x: &Single) {
        singles[0].0.copy_from_slice(&x.0);
    }

    fn table(&self, entries: &[Single]) -> Vec<Single> {
        entries.to_vec()
    }

    fn select(&self, out: &mut Single, table: &Vec<Single>, which: &[usize]) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { select(out, table, which[0]) }
    }

    fn shared_table(&self, entries: &[Single]) -> SharedTable {
        self.eight.shared_table(entries)
    }

    fn select_shared(&self, out: &mut [Single], table: &SharedTable, which: &[usize]) {
        for (out, which) in out.chunks_mut(LANES).zip(which.chunks(LANES)) {
            let mut bundle = [self.eight.one()];
            self.eight.select_shared(&mut bundle, table, which);
            out.iter_mut().zip(self.eight.scatter(&bundle[0])).for_each(|(out, selected)| *out = selected);
        }
    }
}

/// sums += x without carries.
#[target_feature(enable = "avx512f")]
fn add_limbs(sums: &mut [__m512i], x: &[__m512i]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum = _mm512_add_epi64(*sum, *x);
    }
}
