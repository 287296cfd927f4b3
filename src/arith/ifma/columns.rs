//! Products and Montgomery's reduction of eight numbers side by side.
//!
//! A number of L limbs in radix 2^52 is L vectors; vector i holds limb i of each lane. L is a multiple of [`BLOCK`].
//! Products are *columns*: 2L vectors whose elements are signed 64-bit sums, worth 2^(52 i) each, with carries still in
//! them. They are computed by product scanning in blocks of five limbs by five: the sums of a block stay in ten registers
//! until all products that belong there have been added. The processor starts one multiply-add a cycle, and nearly all
//! that is done here is multiply-adds.
//!
//! Bounds, in units of 2^52, for the sizes of two Karatsuba levels: a schoolbook product of h limbs has columns in
//! 0..2h; a level above columns in -n..p stays in -(2n + p + 2)..3p + n + 2; two levels over h = 20 stay within 500, two such
//! products and a reduction within 1,200; a signed column holds 2,048.

// Loops over indices stand for registers: the compiler unrolls them, and slices would hide that.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use std::arch::x86_64::*;

use zeroize::Zeroizing;

/// Limbs of a block.
pub(super) const BLOCK: usize = 5;

/// Five limbs of eight numbers.
pub(super) type Block = [__m512i; BLOCK];

/// 2^52 - 1.
pub(super) const MASK: i64 = (1 << 52) - 1;

/// The two factors of a product, of the same length.
pub(super) type Term<'a> = (&'a [Block], &'a [Block]);

/// The sums of the columns that a product of two blocks touches.
type Sums = [__m512i; 2 * BLOCK];

/// Karatsuba levels at most: a third would overflow the columns.
const LEVELS: u32 = 2;

/// Adds the product of x and y to the sums.
macro_rules! multiply_add {
    ($sums:ident, $x:expr, $y:expr, $($at:literal),*) => {
        $({
            const I: usize = $at / BLOCK;
            const J: usize = $at % BLOCK;
            $sums[I + J] = _mm512_madd52lo_epu64($sums[I + J], $x[I], $y[J]);
            $sums[I + J + 1] = _mm512_madd52hi_epu64($sums[I + J + 1], $x[I], $y[J]);
        })*
    };
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_product(sums: &mut Sums, x: &Block, y: &Block) {
    multiply_add!(sums, x, y, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24);
}

/// Adds what stands beside the diagonal in the square of x, once.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_half_square(sums: &mut Sums, x: &Block) {
    multiply_add!(sums, x, x, 1, 2, 3, 4, 7, 8, 9, 13, 14, 19);
}

/// Adds the diagonal of the square of x.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_diagonal(sums: &mut Sums, x: &Block) {
    multiply_add!(sums, x, x, 0, 6, 12, 18, 24);
}

#[inline]
#[target_feature(enable = "avx512f")]
fn zero() -> Sums {
    [_mm512_setzero_si512(); 2 * BLOCK]
}

/// Gives out the lower half of the sums and moves on by one block.
#[inline]
#[target_feature(enable = "avx512f")]
fn give_out(sums: &mut Sums, columns: &mut Block) {
    for i in 0..BLOCK {
        columns[i] = sums[i];
        sums[i] = sums[i + BLOCK];
        sums[i + BLOCK] = _mm512_setzero_si512();
    }
}

/// columns = the sum of the products x y by the schoolbook.
#[target_feature(enable = "avx512f,avx512ifma")]
fn schoolbook<const N: usize>(columns: &mut [Block], terms: [Term; N]) {
    let blocks = terms[0].0.len();
    let mut sums = zero();
    for (k, out) in columns.iter_mut().enumerate() {
        for i in (k + 1).saturating_sub(blocks)..blocks.min(k + 1) {
            for (x, y) in terms {
                add_product(&mut sums, &x[i], &y[k - i]);
            }
        }
        give_out(&mut sums, out);
    }
}

/// columns = x^2 by the schoolbook: what is beside the diagonal is doubled in the sums, because 2x has limbs of 53 bits.
#[target_feature(enable = "avx512f,avx512ifma")]
fn schoolbook_square(columns: &mut [Block], x: &[Block]) {
    let blocks = x.len();
    let mut carried = [_mm512_setzero_si512(); BLOCK];
    for (k, out) in columns.iter_mut().enumerate() {
        let mut sums = zero();
        for i in (k + 1).saturating_sub(blocks)..k.div_ceil(2) {
            add_product(&mut sums, &x[i], &x[k - i]);
        }
        let middle = (k % 2 == 0 && k / 2 < blocks).then(|| &x[k / 2]);
        if let Some(middle) = middle {
            add_half_square(&mut sums, middle);
        }
        for i in 0..BLOCK {
            sums[i] = _mm512_add_epi64(_mm512_add_epi64(sums[i], sums[i]), carried[i]);
            sums[i + BLOCK] = _mm512_add_epi64(sums[i + BLOCK], sums[i + BLOCK]);
        }
        if let Some(middle) = middle {
            add_diagonal(&mut sums, middle);
        }
        for i in 0..BLOCK {
            out[i] = sums[i];
            carried[i] = sums[i + BLOCK];
        }
    }
}

/// x - y modulo 2^(52 L) to `difference`, and all ones in the lanes where it is negative.
#[inline]
#[target_feature(enable = "avx512f")]
fn subtract(difference: &mut [Block], x: &[Block], y: &[Block]) -> __m512i {
    let mask = _mm512_set1_epi64(MASK);
    let mut borrow = _mm512_setzero_si512();
    for ((out, x), y) in difference.iter_mut().zip(x).zip(y) {
        for i in 0..BLOCK {
            let limb = _mm512_add_epi64(_mm512_sub_epi64(x[i], y[i]), borrow);
            out[i] = _mm512_and_si512(limb, mask);
            borrow = _mm512_srai_epi64::<52>(limb);
        }
    }
    borrow
}

/// Blocks of working memory for [`multiply`] and [`square`] of numbers of so many blocks.
pub(super) const fn working_blocks(blocks: usize) -> usize {
    // On each level the differences of two terms, 4 b/2, and their product, b; levels halve b.
    6 * blocks
}

/// columns = the sum of the products x y of one or two terms.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiply<const N: usize>(columns: &mut [Block], terms: [Term; N], work: &mut [Block]) {
    multiply_level(columns, terms, work, LEVELS);
}

/// Sums of products by Karatsuba's method: with X = 2^(52 L/2), x = x0 + x1 X and likewise y, the middle of x y is
/// x0 y0 + x1 y1 - (x0 - x1)(y0 - y1).
///
/// A difference is d - s X with 0 <= d < X and s = 1 if it is negative, so that the product of two is
/// d e - (s e + s' d) X + s s' X^2.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_level<const N: usize>(columns: &mut [Block], terms: [Term; N], work: &mut [Block], levels: u32) {
    let blocks = terms[0].0.len();
    if levels == 0 || blocks < 4 || blocks % 2 == 1 {
        return schoolbook(columns, terms);
    }
    let half = blocks / 2;
    let (product, work) = work.split_at_mut(blocks);
    let (differences, work) = work.split_at_mut(N * blocks);
    let mut signs = [(_mm512_setzero_si512(), _mm512_setzero_si512()); N];
    for (((x, y), place), signs) in terms.into_iter().zip(differences.chunks_exact_mut(blocks)).zip(&mut signs) {
        let (d, e) = place.split_at_mut(half);
        *signs = (subtract(d, &x[..half], &x[half..]), subtract(e, &y[..half], &y[half..]));
    }
    let place = |i: usize| differences[i * blocks..(i + 1) * blocks].split_at(half);
    multiply_level(product, std::array::from_fn::<Term, N, _>(place), work, levels - 1);
    let (low, high) = columns.split_at_mut(blocks);
    multiply_level(low, terms.map(|(x, y)| (&x[..half], &y[..half])), work, levels - 1);
    multiply_level(high, terms.map(|(x, y)| (&x[half..], &y[half..])), work, levels - 1);
    for (place, (s, t)) in differences.chunks_exact(blocks).zip(signs) {
        let (d, e) = place.split_at(half);
        for ((d, e), product) in d.iter().zip(e).zip(&mut product[half..]) {
            for i in 0..BLOCK {
                let correction = _mm512_add_epi64(_mm512_and_si512(s, e[i]), _mm512_and_si512(t, d[i]));
                product[i] = _mm512_sub_epi64(product[i], correction);
            }
        }
    }
    add_middle(low, high, product);
    for (s, t) in signs {
        // Both are 0 or -1, and so is their conjunction.
        high[half][0] = _mm512_add_epi64(high[half][0], _mm512_and_si512(s, t));
    }
}

/// columns = x^2.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn square(columns: &mut [Block], x: &[Block], work: &mut [Block]) {
    square_level(columns, x, work, LEVELS);
}

/// columns = x^2 by Karatsuba's method.
#[target_feature(enable = "avx512f,avx512ifma")]
fn square_level(columns: &mut [Block], x: &[Block], work: &mut [Block], levels: u32) {
    let blocks = x.len();
    if levels == 0 || blocks < 6 || blocks % 2 == 1 {
        return schoolbook_square(columns, x);
    }
    let half = blocks / 2;
    let (x0, x1) = x.split_at(half);
    let (d, work) = work.split_at_mut(half);
    let (product, work) = work.split_at_mut(blocks);
    let s = subtract(d, x0, x1);
    square_level(product, d, work, levels - 1);
    let (low, high) = columns.split_at_mut(blocks);
    square_level(low, x0, work, levels - 1);
    square_level(high, x1, work, levels - 1);
    for (d, product) in d.iter().zip(&mut product[half..]) {
        for i in 0..BLOCK {
            let correction = _mm512_and_si512(s, d[i]);
            product[i] = _mm512_sub_epi64(product[i], _mm512_add_epi64(correction, correction));
        }
    }
    add_middle(low, high, product);
    high[half][0] = _mm512_add_epi64(high[half][0], s);
}

/// With low = x0 y0, high = x1 y1 and `product` the product of the differences: adds low + high - product half a length up.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_middle(low: &mut [Block], high: &mut [Block], product: &[Block]) {
    let half = low.len() / 2;
    for b in 0..half {
        for i in 0..BLOCK {
            // Quarters of the columns, from the lowest: l0 l1 h0 h1.
            let (l0, l1, h0, h1) = (low[b][i], low[half + b][i], high[b][i], high[half + b][i]);
            let shared = _mm512_add_epi64(l1, h0);
            let lower = _mm512_sub_epi64(_mm512_add_epi64(shared, l0), product[b][i]);
            let upper = _mm512_sub_epi64(_mm512_add_epi64(shared, h1), product[half + b][i]);
            low[half + b][i] = lower;
            high[b][i] = upper;
        }
    }
}

/// What the reduction needs of an odd modulus.
pub(super) struct Modulus {
    /// m, the same in all lanes.
    pub(super) limbs: Zeroizing<Vec<[u64; BLOCK]>>,
    /// -m^-1 mod 2^52.
    pub(super) negated_inverse: Zeroizing<u64>,
}

impl Modulus {
    pub(super) fn new(limbs: Vec<[u64; BLOCK]>, negated_inverse: u64) -> Self {
        Self { limbs: Zeroizing::new(limbs), negated_inverse: Zeroizing::new(negated_inverse) }
    }
}

/// Settles the lowest five columns: their quotient digits go to `quotient`, what they carry to the columns above, which
/// become the lowest. They are multiples of 2^52 then, so that what a column carries is its part above, rounded up; this
/// stands for the low product with the first limb of m.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn settle(sums: &mut Sums, quotient: &mut Block, m: &Block, negated_inverse: __m512i) {
    let round_up = _mm512_set1_epi64(MASK);
    macro_rules! column {
        ($($j:literal)*) => {$({
            let q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), sums[$j], negated_inverse);
            quotient[$j] = q;
            let carry = _mm512_srai_epi64::<52>(_mm512_add_epi64(sums[$j], round_up));
            sums[$j + 1] = _mm512_add_epi64(sums[$j + 1], carry);
            sums[$j + 1] = _mm512_madd52hi_epu64(sums[$j + 1], q, m[0]);
            column!($j, q, 1 2 3 4);
        })*};
        ($j:literal, $q:ident, $($i:literal)*) => {$(
            sums[$j + $i] = _mm512_madd52lo_epu64(sums[$j + $i], $q, m[$i]);
            sums[$j + $i + 1] = _mm512_madd52hi_epu64(sums[$j + $i + 1], $q, m[$i]);
        )*};
    }
    column!(0 1 2 3 4);
    for i in 0..BLOCK {
        sums[i] = sums[i + BLOCK];
        sums[i + BLOCK] = _mm512_setzero_si512();
    }
}

/// Gives out the lower half of the sums as limbs and moves on by one block.
#[inline]
#[target_feature(enable = "avx512f")]
fn give_out_limbs(sums: &mut Sums, limbs: &mut Block, carry: &mut __m512i) {
    give_out(sums, limbs);
    for limb in limbs {
        let sum = _mm512_add_epi64(*limb, *carry);
        *limb = _mm512_and_si512(sum, _mm512_set1_epi64(MASK));
        *carry = _mm512_srai_epi64::<52>(sum);
    }
}

/// Montgomery's reduction of t, signed columns of a number above -R and below 2^52 R: `quotient` becomes q = -t/m mod R and
/// `out` the limbs of (t + q m) / R, which must be below R. `negated_inverse` is -m^-1 mod 2^52.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn reduce(out: &mut [Block], quotient: &mut [Block], t: &[Block], m: &Modulus) {
    let blocks = m.limbs.len();
    let negated_inverse = _mm512_set1_epi64(*m.negated_inverse as i64);
    let m0 = broadcast(&m.limbs[0]);
    let mut sums = zero();
    for k in 0..blocks {
        add_columns(&mut sums, &t[k]);
        for i in 0..k {
            add_product(&mut sums, &quotient[i], &broadcast(&m.limbs[k - i]));
        }
        settle(&mut sums, &mut quotient[k], &m0, negated_inverse);
    }
    let mut carry = _mm512_setzero_si512();
    for k in blocks..2 * blocks {
        add_columns(&mut sums, &t[k]);
        for i in k + 1 - blocks..blocks {
            add_product(&mut sums, &quotient[i], &broadcast(&m.limbs[k - i]));
        }
        give_out_limbs(&mut sums, &mut out[k - blocks], &mut carry);
    }
}

/// The two reductions of a product of pairs: with u = (t + q m) / R the first, the second is that of `TIMES` w - q. `out` is
/// both results, `quotients` both quotients.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn reduce_pair<const TIMES: usize>(
    out: &mut [Block],
    quotients: &mut [[Block; 2]],
    t: &[Block],
    w: &[Block],
    m: &Modulus,
) {
    let (a, b) = out.split_at_mut(m.limbs.len());
    reduce_side_by_side::<TIMES, true>([a, b], quotients, t, w, m);
}

/// The reductions of t and w.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn reduce_two(out: [&mut [Block]; 2], quotients: &mut [[Block; 2]], t: &[Block], w: &[Block], m: &Modulus) {
    reduce_side_by_side::<1, false>(out, quotients, t, w, m);
}

/// The reductions of t and of `TIMES` w, which is `LINKED` if the quotient of the first is taken from it. One computes while
/// the other waits for its quotient.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce_side_by_side<const TIMES: usize, const LINKED: bool>(
    [a, b]: [&mut [Block]; 2],
    quotients: &mut [[Block; 2]],
    t: &[Block],
    w: &[Block],
    m: &Modulus,
) {
    let blocks = m.limbs.len();
    let negated_inverse = _mm512_set1_epi64(*m.negated_inverse as i64);
    let m0 = broadcast(&m.limbs[0]);
    let (mut first, mut second) = (zero(), zero());
    for k in 0..blocks {
        add_columns(&mut first, &t[k]);
        (0..TIMES).for_each(|_| add_columns(&mut second, &w[k]));
        let (before, after) = quotients.split_at_mut(k);
        for (q, m) in before.iter().zip(m.limbs[1..=k].iter().rev()) {
            let m = broadcast(m);
            add_product(&mut first, &q[0], &m);
            add_product(&mut second, &q[1], &m);
        }
        let [q, q2] = &mut after[0];
        settle(&mut first, q, &m0, negated_inverse);
        if LINKED {
            for i in 0..BLOCK {
                second[i] = _mm512_sub_epi64(second[i], q[i]);
            }
        }
        settle(&mut second, q2, &m0, negated_inverse);
    }
    let (mut carry, mut second_carry) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for k in 0..blocks {
        add_columns(&mut first, &t[blocks + k]);
        (0..TIMES).for_each(|_| add_columns(&mut second, &w[blocks + k]));
        for (q, m) in quotients[k + 1..].iter().zip(m.limbs[k + 1..].iter().rev()) {
            let m = broadcast(m);
            add_product(&mut first, &q[0], &m);
            add_product(&mut second, &q[1], &m);
        }
        give_out_limbs(&mut first, &mut a[k], &mut carry);
        give_out_limbs(&mut second, &mut b[k], &mut second_carry);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_columns(sums: &mut Sums, columns: &Block) {
    for i in 0..BLOCK {
        sums[i] = _mm512_add_epi64(sums[i], columns[i]);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn broadcast(limbs: &[u64; BLOCK]) -> Block {
    let mut block = [_mm512_setzero_si512(); BLOCK];
    for i in 0..BLOCK {
        block[i] = _mm512_set1_epi64(limbs[i] as i64);
    }
    block
}
