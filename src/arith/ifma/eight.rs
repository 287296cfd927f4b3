//! Eight residues side by side, one a lane.

use std::arch::x86_64::*;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::columns::{Block, MASK};
use super::radix::{self, LANES};
use super::shared_table::SharedTable;
use super::{Constants, Single, karatsuba, reduction, zero_blocks};
use crate::arith::lanes::{Lanes, Pair};

/// Lanes for eight residues modulo m^2.
pub(crate) struct Eight(Arc<Constants>);

/// Limb i of a, and behind them of b, in vector i: L limbs each. Wiped on drop.
#[derive(Clone)]
pub(crate) struct Bundle(Zeroizing<Box<[Block]>>);

/// Limb i of eight numbers in vector i: sums of up to 1,602 numbers below 2m, added without carries. Wiped on drop.
pub(crate) struct Scalars(Zeroizing<Box<[Block]>>);

/// Products of factored entries: a, and beta = b R modulo m above -R, so that two entries take seven operations instead of
/// eight. beta, in L limbs, is less by R in the lanes where it is negative.
///
/// A factor c c' = u R - q m is u - (q / R) m modulo m^2 after a division by R. Times a + (beta / R) m that makes
/// a u = u' R - q' m and, with the next division by R, a' = u' and beta' = (beta u - a q) / R - q' modulo m. With
/// -R + m < beta < 7m the quotient by R, as the reduction finds it, is between -4m and 2m; so 5m more keep beta' there.
pub(crate) struct Product {
    a: Zeroizing<Box<[Block]>>,
    beta: Zeroizing<Box<[Block]>>,
    /// All ones where beta is negative.
    negative: __m512i,
    f: Scalars,
}

/// Working memory of one thread. Wiped on drop.
pub(crate) struct Scratch {
    /// Columns of the product that gives the new a, and of the sum that gives the new b; in their lower halves afterwards the
    /// quotients of the reductions.
    t: Zeroizing<Box<[Block]>>,
    w: Zeroizing<Box<[Block]>>,
    products: Zeroizing<Box<[Block]>>,
    /// Two numbers of L limbs.
    x: Zeroizing<Box<[Block]>>,
    y: Zeroizing<Box<[Block]>>,
}

impl Bundle {
    fn pair(&self) -> (&[Block], &[Block]) {
        self.0.split_at(self.0.len() / 2)
    }

    /// The limbs of a and b of all lanes.
    pub(super) fn limbs_mut(&mut self) -> &mut [__m512i] {
        self.0.as_flattened_mut()
    }

    fn pair_mut(&mut self) -> (&mut [Block], &mut [Block]) {
        let half = self.0.len() / 2;
        self.0.split_at_mut(half)
    }
}

impl Eight {
    pub(super) fn new(constants: Arc<Constants>) -> Self {
        Self(constants)
    }

    fn zero_scalars(&self) -> Scalars {
        Scalars(zero_blocks(self.0.blocks()))
    }

    fn zero(&self) -> Bundle {
        Bundle(zero_blocks(2 * self.0.blocks()))
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul(&self, x: &mut Bundle, y: &Bundle, s: &mut Scratch) {
        let ((a, b), (c, d)) = (x.pair(), y.pair());
        karatsuba::multiply_pairs(&mut s.t, &mut s.w, [a, b], [c, d], &mut s.products);
        reduction::reduce_pair::<1>(&mut x.0, &mut s.t, &mut s.w, &self.0.modulus);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn sqr(&self, x: &mut Bundle, s: &mut Scratch) {
        let (a, b) = x.pair();
        karatsuba::square(&mut s.t, a, &mut s.products);
        karatsuba::multiply(&mut s.w, a, b, &mut s.products);
        reduction::reduce_pair::<2>(&mut x.0, &mut s.t, &mut s.w, &self.0.modulus);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul_factored(&self, product: &mut Product, [first, second]: [&Bundle; 2], s: &mut Scratch) {
        let Constants { modulus, five_m, .. } = &*self.0;
        let Product { a, beta, negative, f } = product;
        let blocks = a.len();
        [first, second].into_iter().for_each(|entry| add_limbs(&mut f.0, entry.pair().1));
        // c c' = u R - q m.
        karatsuba::multiply(&mut s.t, first.pair().0, second.pair().0, &mut s.products);
        let (u, q) = (&mut s.x, &mut s.y);
        reduction::reduce(u, q, &s.t, modulus);
        // a u = u' R - q' m, and beta u - a q, where -a q = a (R - 1 - q) + a - a R.
        let mask = _mm512_set1_epi64(MASK);
        q.as_flattened_mut().iter_mut().for_each(|q| *q = _mm512_sub_epi64(mask, *q));
        karatsuba::multiply_pairs(&mut s.t, &mut s.w, [&**a, &**beta], [&**u, &**q], &mut s.products);
        let (low, high) = s.w.split_at_mut(blocks);
        let columns = low.as_flattened_mut().iter_mut().zip(high.as_flattened_mut());
        let limbs = a.as_flattened().iter().zip(u.as_flattened()).zip(five_m.iter());
        for ((low, high), ((&a, &u), &five_m)) in columns.zip(limbs) {
            *low = _mm512_add_epi64(*low, a);
            // beta is R less than its limbs say in the lanes where it is negative.
            let taken = _mm512_add_epi64(a, _mm512_and_si512(*negative, u));
            *high = _mm512_add_epi64(*high, _mm512_sub_epi64(_mm512_set1_epi64(five_m as i64), taken));
        }
        reduction::reduce_two([a, beta], &mut s.t, &mut s.w, modulus);
        // beta' = REDC(...) + 5m - q'.
        let mut borrow = radix::ZERO;
        for (beta, q) in beta.iter_mut().zip(&s.t[..blocks]) {
            for (beta, q) in beta.iter_mut().zip(q) {
                let limb = _mm512_add_epi64(_mm512_sub_epi64(*beta, *q), borrow);
                *beta = _mm512_and_si512(limb, mask);
                borrow = _mm512_srai_epi64::<{ radix::BITS }>(limb);
            }
        }
        *negative = borrow;
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn expand(&self, product: Product, s: &mut Scratch) -> Bundle {
        // b = REDC(beta), whose part above R is 0 or -1.
        let blocks = self.0.blocks();
        let mut x = self.zero();
        let (a, b) = x.pair_mut();
        a.copy_from_slice(&product.a);
        s.t[..blocks].copy_from_slice(&product.beta);
        s.t[blocks..].as_flattened_mut().fill(radix::ZERO);
        s.t[blocks][0] = product.negative;
        reduction::reduce(b, &mut s.y, &s.t, &self.0.modulus);
        self.mul_one_plus(&mut x, &product.f, s);
        x
    }

    /// The pair (u, REDC(-q)) of the number whose limbs are in `s.t`, which is used up.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reduce_long(&self, s: &mut Scratch) -> Bundle {
        let mut x = self.zero();
        reduction::reduce_pair::<0>(&mut x.0, &mut s.t, &mut s.w, &self.0.modulus);
        x
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn take_in(&self, numbers: &[&[u64]], s: &mut Scratch) -> Bundle {
        radix::load(s.t.as_flattened_mut(), numbers);
        self.reduce_long(s)
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn enter_long(&self, numbers: &[&[u64]], s: &mut Scratch) -> Bundle {
        // x = low + high 2^k, k = 2 |m|: both parts are below 2^k < 4 m^2.
        let parts = numbers.iter().map(|number| number.split_at(self.0.cut().min(number.len())));
        let (low, high): (Vec<_>, Vec<_>) = parts.unzip();
        let mut sum = self.take_in(&high, s);
        self.mul(&mut sum, &self.in_all_lanes(&self.0.shift), s);
        let low = self.take_in(&low, s);
        // Sums below 4m are fit for one product with a pair below 2m: (16 m^2 + R m) / R < 2m.
        let (a, b) = sum.pair_mut();
        add(a, low.pair().0);
        add(b, low.pair().1);
        self.mul(&mut sum, &self.in_all_lanes(&self.0.r3), s);
        sum
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn leave(&self, x: &Bundle, s: &mut Scratch) -> Vec<Pair> {
        // A product with the plain pair (1, 0): a c = a and a d + b c = b.
        let blocks = self.0.blocks();
        for (columns, half) in [(&mut s.t, x.pair().0), (&mut s.w, x.pair().1)] {
            columns[..blocks].copy_from_slice(half);
            columns[blocks..].as_flattened_mut().fill(radix::ZERO);
        }
        let mut plain = self.zero();
        reduction::reduce_pair::<1>(&mut plain.0, &mut s.t, &mut s.w, &self.0.modulus);
        let (a, b) = plain.pair();
        let pair = |(a, b): (Zeroizing<Vec<u64>>, Zeroizing<Vec<u64>>)| {
            // Reductions of numbers below R are at most m. What comes off a = m is one more m in b, so b <= m + 1.
            let (a, carried) = self.0.settle(&a, 0);
            let (b, _) = self.0.settle(&b, carried);
            Pair { a, b }
        };
        radix::unload(a.as_flattened()).into_iter().zip(radix::unload(b.as_flattened())).map(pair).collect()
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul_one_plus(&self, x: &mut Bundle, k: &Scalars, s: &mut Scratch) {
        // The sum k is reduced to k / R below 2m, and R^3 makes it k R. With R mod m^2 = c + d m the Montgomery form of 1 + k m
        // is c + (d + k R) m. As d < 2m and k R < 1.1 m, its second part is below 3.1 m, and (a, b) times it has
        // a d + b c < 10.2 m^2, which R > 16 m permits: b < m + 10.2 m^2 / R + 1 < 2m.
        let (blocks, modulus) = (self.0.blocks(), &self.0.modulus);
        let quotient = &mut s.w[..blocks];
        s.t[..blocks].copy_from_slice(&k.0);
        s.t[blocks..].as_flattened_mut().fill(radix::ZERO);
        reduction::reduce(&mut s.x, quotient, &s.t, modulus);
        let r3 = words_of(&self.0.r3_mod_m);
        for (y, &limb) in s.y.as_flattened_mut().iter_mut().zip(r3.as_flattened()) {
            *y = _mm512_set1_epi64(limb as i64);
        }
        karatsuba::multiply(&mut s.t, &s.x, &s.y, &mut s.products);
        reduction::reduce(&mut s.x, quotient, &s.t, modulus);
        let mut factor = self.in_all_lanes(&self.0.one);
        add(factor.pair_mut().1, &s.x);
        self.mul(x, &factor, s);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn factor(&self, x: &mut Bundle, inverse: &Bundle, s: &mut Scratch) {
        // With x R = a + b m and x^-1 R = c + d m: b c / R^2 = b / a.
        let (blocks, modulus) = (self.0.blocks(), &self.0.modulus);
        let quotient = &mut s.w[..blocks];
        let (_, b) = x.pair_mut();
        karatsuba::multiply(&mut s.t, b, inverse.pair().0, &mut s.products);
        reduction::reduce(&mut s.x, quotient, &s.t, modulus);
        s.t[..blocks].copy_from_slice(&s.x);
        s.t[blocks..].as_flattened_mut().fill(radix::ZERO);
        reduction::reduce(b, quotient, &s.t, modulus);
    }

    #[target_feature(enable = "avx512f")]
    fn in_all_lanes(&self, single: &Single) -> Bundle {
        let mut bundle = self.zero();
        self.gather(&mut bundle, &[single; LANES]);
        bundle
    }

    #[target_feature(enable = "avx512f")]
    fn gather(&self, bundle: &mut Bundle, singles: &[&Single]) {
        let (vectors, length) = (self.0.vectors(), self.0.length());
        for (half, limbs) in bundle.0.as_flattened_mut().chunks_exact_mut(length).enumerate() {
            for (v, limbs) in limbs.chunks_mut(LANES).enumerate() {
                let mut rows = [radix::ZERO; LANES];
                for (row, single) in rows.iter_mut().zip(singles) {
                    *row = single.0[half * vectors + v];
                }
                let columns = radix::transpose(rows);
                // A copy of known length is no call.
                match <&mut [__m512i; LANES]>::try_from(&mut *limbs) {
                    Ok(limbs) => *limbs = columns,
                    Err(_) => limbs.copy_from_slice(&columns[..limbs.len()]),
                }
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    fn scatter_to(&self, singles: &mut [Single], x: &Bundle) {
        let (vectors, length) = (self.0.vectors(), self.0.length());
        for (half, limbs) in x.0.as_flattened().chunks_exact(length).enumerate() {
            for (v, limbs) in limbs.chunks(LANES).enumerate() {
                let columns = <[__m512i; LANES]>::try_from(limbs).unwrap_or_else(|_| {
                    let mut columns = [radix::ZERO; LANES];
                    columns[..limbs.len()].copy_from_slice(limbs);
                    columns
                });
                for (row, single) in radix::transpose(columns).into_iter().zip(singles.iter_mut()) {
                    single.0[half * vectors + v] = row;
                }
            }
        }
    }

    /// Limb by limb, so that each is chosen in a register and stored once: entry by entry the compiler makes stores under
    /// a mask, whose time depends on the mask when the next one reads what they wrote.
    #[target_feature(enable = "avx512f")]
    fn select(&self, out: &mut Bundle, table: &[Bundle], which: &[usize]) {
        let which = indices(which);
        let chosen = |j: usize| _mm512_cmpeq_epi64_mask(which, _mm512_set1_epi64(j as i64));
        let chosen = Zeroizing::new((0..table.len()).map(chosen).collect::<Vec<_>>());
        for (i, out) in out.0.as_flattened_mut().iter_mut().enumerate() {
            let mut limb = radix::ZERO;
            for (entry, &chosen) in table.iter().zip(&*chosen) {
                limb = _mm512_mask_mov_epi64(limb, chosen, entry.0.as_flattened()[i]);
            }
            *out = limb;
        }
    }
}

/// sums += x without carries.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_limbs(sums: &mut [Block], x: &[Block]) {
    for (sum, x) in sums.as_flattened_mut().iter_mut().zip(x.as_flattened()) {
        *sum = _mm512_add_epi64(*sum, *x);
    }
}

/// x += y for sums below R.
#[target_feature(enable = "avx512f")]
fn add(x: &mut [Block], y: &[Block]) {
    let mut carry = radix::ZERO;
    for (x, y) in x.as_flattened_mut().iter_mut().zip(y.as_flattened()) {
        let sum = _mm512_add_epi64(_mm512_add_epi64(*x, *y), carry);
        *x = _mm512_and_si512(sum, _mm512_set1_epi64(MASK));
        carry = _mm512_srli_epi64::<{ radix::BITS }>(sum);
    }
}

/// One index a lane.
fn indices(which: &[usize]) -> __m512i {
    let mut words = Zeroizing::new([0; LANES]);
    words.iter_mut().zip(which).for_each(|(word, &index)| *word = index as u64);
    radix::vector(*words)
}

/// The words of vectors.
fn words_of(vectors: &[__m512i]) -> Zeroizing<Vec<[u64; LANES]>> {
    Zeroizing::new(vectors.iter().map(|&vector| radix::words(vector)).collect())
}

#[allow(unsafe_code)]
impl Lanes for Eight {
    const WIDTH: usize = LANES;
    // For p of 1,536 bits 32 entries of a lane's own take 135 ns, where a product takes 290 ns, and 256 shared ones 30 ns if they
    // are read for 64 numbers together.
    const READ: f64 = 0.015;
    const READ_SHARED: f64 = 0.0004;
    type Single = Single;
    type Residues = Bundle;
    type Scalars = Scalars;
    type Product = Product;
    type Table = Vec<Bundle>;
    type SharedTable = SharedTable;
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        let blocks = self.0.blocks();
        Scratch {
            t: zero_blocks(2 * blocks),
            w: zero_blocks(2 * blocks),
            products: zero_blocks(karatsuba::working_blocks(blocks)),
            x: zero_blocks(blocks),
            y: zero_blocks(blocks),
        }
    }

    fn one(&self) -> Bundle {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.in_all_lanes(&self.0.one) }
    }

    fn scalars(&self, numbers: &[&[u64]]) -> Scalars {
        let mut scalars = self.zero_scalars();
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { radix::load(scalars.0.as_flattened_mut(), numbers) };
        scalars
    }

    fn enter_raw(&self, numbers: &[&[u64]], s: &mut Scratch) -> Bundle {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.take_in(numbers, s) }
    }

    fn enter(&self, numbers: &[&[u64]], s: &mut Scratch) -> Bundle {
        let mut x = self.enter_raw(numbers, s);
        Lanes::mul(self, &mut x, &self.r_squared(), s);
        x
    }

    fn enter_long(&self, numbers: &[&[u64]], s: &mut Scratch) -> Bundle {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.enter_long(numbers, s) }
    }

    fn r_squared(&self) -> Bundle {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.in_all_lanes(&self.0.r3) }
    }

    fn r_inverse(&self) -> Bundle {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.in_all_lanes(&self.0.unit) }
    }

    fn leave(&self, x: &Bundle, s: &mut Scratch) -> Vec<Pair> {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.leave(x, s) }
    }

    fn mul(&self, x: &mut Bundle, y: &Bundle, s: &mut Scratch) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.mul(x, y, s) }
    }

    fn sqr(&self, x: &mut Bundle, s: &mut Scratch) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.sqr(x, s) }
    }

    fn mul_one_plus(&self, x: &mut Bundle, k: &Scalars, s: &mut Scratch) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.mul_one_plus(x, k, s) }
    }

    fn factor(&self, x: &mut Bundle, inverse: &Bundle, s: &mut Scratch) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.factor(x, inverse, s) }
    }

    fn empty_product(&self) -> Product {
        let mut sum = self.zero_scalars();
        for (sum, &limb) in sum.0.as_flattened_mut().iter_mut().zip(self.0.start.iter()) {
            *sum = radix::vector([limb; LANES]);
        }
        Product {
            a: Zeroizing::new(self.one().pair().0.into()),
            beta: zero_blocks(self.0.blocks()),
            negative: radix::ZERO,
            f: sum,
        }
    }

    fn mul_factored(&self, product: &mut Product, entries: [&Bundle; 2], s: &mut Scratch) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.mul_factored(product, entries, s) }
    }

    fn mul_one_plus_in(&self, product: &mut Product, k: &Scalars) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { add_limbs(&mut product.f.0, &k.0) }
    }

    fn expand(&self, product: Product, s: &mut Scratch) -> Bundle {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.expand(product, s) }
    }

    fn gather(&self, bundle: &mut Bundle, singles: &[&Single]) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.gather(bundle, singles) }
    }

    fn fetch(&self, single: &Single) {
        // The first cache is full of the bundles at work.
        for vector in single.0.iter() {
            // SAFETY: Prefetching reads nothing that the program could see.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(vector).cast()) }
        }
    }

    fn scatter(&self, x: &Bundle) -> Vec<Single> {
        let mut singles = vec![Single::zero(self.0.vectors()); LANES];
        Lanes::scatter_to(self, &mut singles, x);
        singles
    }

    fn scatter_to(&self, singles: &mut [Single], x: &Bundle) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.scatter_to(singles, x) }
    }

    fn table(&self, entries: &[Bundle]) -> Vec<Bundle> {
        entries.to_vec()
    }

    fn select(&self, out: &mut Bundle, table: &Vec<Bundle>, which: &[usize]) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { self.select(out, table, which) }
    }

    fn shared_table(&self, entries: &[Single]) -> SharedTable {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { SharedTable::new(&self.0, entries) }
    }

    fn select_shared(&self, out: &mut [Bundle], table: &SharedTable, which: &[usize]) {
        // SAFETY: Constants exist only where the processor has the features.
        unsafe { table.select(out, which) }
    }
}
