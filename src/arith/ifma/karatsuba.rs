//! Products of eight numbers side by side by Karatsuba's method.
//!
//! With X = 2^(52 L/2), x = x0 + x1 X and likewise y, the middle of x y is (x0 + x1)(y0 + y1) - x0 y0 - x1 y1. A sum is
//! d + c X with 0 <= d < X and a carry c of 0 or 1, so that the product of two is d e + (c e + c' d) X + c c' X^2. What
//! corrects it are multiply-adds with c and c' as factors, the same for every secret.
//!
//! Bounds, in units of 2^52, for the sizes of two levels: a schoolbook product of h limbs has columns in 0..2h; a level above
//! columns in -n..p stays in -2(n + p)..2(n + p) + 2; two levels over h = 20 stay within 330, two such products and a
//! reduction within 850; a signed column holds 2,048.
//!
//! The sums stand where the columns of the halves' products will be, and so all that a product of residues touches, 42 KB for
//! 60 limbs, stays in a nearest cache of 48 KB.

// Loops over indices stand for registers: the compiler unrolls them, and slices would hide that.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use super::columns::{BLOCK, Block, MASK, schoolbook, schoolbook_square};

/// Levels at most. A third would be for 80 limbs alone.
const LEVELS: u32 = 2;

/// Blocks from which a product, or a square, is quicker in halves.
const LEAST: usize = 4;
const LEAST_SQUARE: usize = 6;

/// Blocks of working memory for products of numbers of so many blocks.
pub(super) const fn working_blocks(blocks: usize) -> usize {
    // The two products of pairs' sums, on two levels.
    2 * blocks + blocks
}

/// Whether numbers of so many blocks are taken in halves.
const fn splits(blocks: usize, levels: u32, least: usize) -> bool {
    levels > 0 && blocks >= least && blocks.is_multiple_of(2)
}

/// columns = x y.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiply(columns: &mut [Block], x: &[Block], y: &[Block], work: &mut [Block]) {
    multiply_level(columns, x, y, work, LEVELS);
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_level(columns: &mut [Block], x: &[Block], y: &[Block], work: &mut [Block], levels: u32) {
    let blocks = x.len();
    if !splits(blocks, levels, LEAST) {
        return schoolbook(columns, [(x, y)]);
    }
    let half = blocks / 2;
    let (product, work) = work.split_at_mut(blocks);
    let (sx, sy) = columns[..blocks].split_at_mut(half);
    let [cx, cy] = add_halves([&mut *sx, sy], [x, y], levels - 1, LEAST);
    multiply_level(product, sx, sy, work, levels - 1);
    add_carries(product, (sx, cx), (sy, cy));
    let (low, high) = columns.split_at_mut(blocks);
    multiply_level(low, &x[..half], &y[..half], work, levels - 1);
    multiply_level(high, &x[half..], &y[half..], work, levels - 1);
    add_middle(low, high, product);
    add_carry(high, cx, cy);
}

/// ac = a c and sum = a d + b c, for pairs (a, b) and (c, d), whose halves' sums both share.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiply_pairs(
    ac: &mut [Block],
    sum: &mut [Block],
    [a, b]: [&[Block]; 2],
    [c, d]: [&[Block]; 2],
    work: &mut [Block],
) {
    multiply_pairs_level(ac, sum, [a, b, c, d], work, LEVELS);
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_pairs_level(ac: &mut [Block], sum: &mut [Block], numbers: [&[Block]; 4], work: &mut [Block], levels: u32) {
    let [a, b, c, d] = numbers;
    let blocks = a.len();
    if !splits(blocks, levels, LEAST) {
        schoolbook(ac, [(a, c)]);
        return schoolbook(sum, [(a, d), (b, c)]);
    }
    let half = blocks / 2;
    let (p, work) = work.split_at_mut(blocks);
    let (q, work) = work.split_at_mut(blocks);
    let ((sa, sb), (sc, sd)) = (ac[..blocks].split_at_mut(half), sum[..blocks].split_at_mut(half));
    let carries @ [ca, cb, cc, cd] = add_halves([&mut *sa, sb, sc, sd], numbers, levels - 1, LEAST);
    multiply_pairs_level(p, q, [sa, sb, sc, sd], work, levels - 1);
    add_carries_of_pairs(p, q, [sa, sb, sc, sd], carries);
    let ((ac0, ac1), (sum0, sum1)) = (ac.split_at_mut(blocks), sum.split_at_mut(blocks));
    multiply_pairs_level(ac0, sum0, [&a[..half], &b[..half], &c[..half], &d[..half]], work, levels - 1);
    multiply_pairs_level(ac1, sum1, [&a[half..], &b[half..], &c[half..], &d[half..]], work, levels - 1);
    add_middle(ac0, ac1, p);
    add_middle(sum0, sum1, q);
    add_carry(ac1, ca, cc);
    add_carry(sum1, ca, cd);
    add_carry(sum1, cb, cc);
}

/// columns = x^2.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn square(columns: &mut [Block], x: &[Block], work: &mut [Block]) {
    square_level(columns, x, work, LEVELS);
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn square_level(columns: &mut [Block], x: &[Block], work: &mut [Block], levels: u32) {
    let blocks = x.len();
    if !splits(blocks, levels, LEAST_SQUARE) {
        return schoolbook_square(columns, x);
    }
    let half = blocks / 2;
    let (product, work) = work.split_at_mut(blocks);
    let s = &mut columns[..half];
    let [c] = add_halves([&mut *s], [x], levels - 1, LEAST_SQUARE);
    square_level(product, s, work, levels - 1);
    add_carries(product, (s, c), (s, c));
    let (low, high) = columns.split_at_mut(blocks);
    square_level(low, &x[..half], work, levels - 1);
    square_level(high, &x[half..], work, levels - 1);
    add_middle(low, high, product);
    add_carry(high, c, c);
}

/// The sums of numbers' halves modulo X, and their carries, from limbs below 2^52. Where the halves are not split again, at so
/// many `levels` from `least` blocks on, limbs keep what they carry in bit 52: all that follows reads them as factors of
/// multiply-adds, which take 52 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_halves<const N: usize>(
    sums: [&mut [Block]; N],
    numbers: [&[Block]; N],
    levels: u32,
    least: usize,
) -> [__m512i; N] {
    if splits(sums[0].len(), levels, least) {
        add_halves_to::<N, true>(sums, numbers)
    } else {
        add_halves_to::<N, false>(sums, numbers)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_halves_to<const N: usize, const MASKED: bool>(sums: [&mut [Block]; N], numbers: [&[Block]; N]) -> [__m512i; N] {
    let mask = _mm512_set1_epi64(MASK);
    let mut carries = [_mm512_setzero_si512(); N];
    let half = sums[0].len();
    for b in 0..half {
        for i in 0..BLOCK {
            for n in 0..N {
                let limb = _mm512_add_epi64(_mm512_add_epi64(numbers[n][b][i], numbers[n][half + b][i]), carries[n]);
                sums[n][b][i] = if MASKED { _mm512_and_si512(limb, mask) } else { limb };
                carries[n] = _mm512_srli_epi64::<52>(limb);
            }
        }
    }
    carries
}

/// Adds (c e + c' d) X to the product of two sums' limbs d and e.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_carries(product: &mut [Block], (d, c): (&[Block], __m512i), (e, c2): (&[Block], __m512i)) {
    let upper = &mut product[d.len()..];
    for ((d, e), product) in d.iter().zip(e).zip(upper) {
        for i in 0..BLOCK {
            product[i] = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(product[i], c, e[i]), c2, d[i]);
        }
    }
}

/// As [`add_carries`], to a c and to a d + b c.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_carries_of_pairs(ac: &mut [Block], sum: &mut [Block], numbers: [&[Block]; 4], [ca, cb, cc, cd]: [__m512i; 4]) {
    let half = numbers[0].len();
    let [a, b, c, d] = numbers;
    let upper = ac[half..].iter_mut().zip(&mut sum[half..]);
    for ((ac, sum), (((a, b), c), d)) in upper.zip(a.iter().zip(b).zip(c).zip(d)) {
        for i in 0..BLOCK {
            ac[i] = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(ac[i], ca, c[i]), cc, a[i]);
            sum[i] = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(sum[i], ca, d[i]), cd, a[i]);
            sum[i] = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(sum[i], cb, c[i]), cc, b[i]);
        }
    }
}

/// Adds c c' X^3 to the whole product, which is X^2 in its middle.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_carry(high: &mut [Block], c: __m512i, c2: __m512i) {
    let top = &mut high[high.len() / 2][0];
    *top = _mm512_madd52lo_epu64(*top, c, c2);
}

/// With low = x0 y0, high = x1 y1 and `product` that of the sums: adds product - low - high half a length up.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_middle(low: &mut [Block], high: &mut [Block], product: &[Block]) {
    let half = low.len() / 2;
    for b in 0..half {
        for i in 0..BLOCK {
            // Quarters of the columns, from the lowest: l0 l1 h0 h1.
            let (l0, l1, h0, h1) = (low[b][i], low[half + b][i], high[b][i], high[half + b][i]);
            let shared = _mm512_sub_epi64(l1, h0);
            low[half + b][i] = _mm512_add_epi64(shared, _mm512_sub_epi64(product[b][i], l0));
            high[b][i] = _mm512_sub_epi64(_mm512_sub_epi64(product[half + b][i], h1), shared);
        }
    }
}
