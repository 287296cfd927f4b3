//! Products of eight numbers side by side by Karatsuba's method.
//!
//! With X = 2^(52 L/2), x = x0 + x1 X and likewise y, the middle of x y is x0 y0 + x1 y1 - (x0 - x1)(y0 - y1). A difference is
//! d - s X with 0 <= d < X and s = 1 if it is negative, so that the product of two is d e - (s e + s' d) X + s s' X^2.
//!
//! Bounds, in units of 2^52, for the sizes of two levels: a schoolbook product of h limbs has columns in 0..2h; a level above
//! columns in -n..p stays in -(3n + p + 2)..3p + n + 2; two levels over h = 20 stay within 500, two such products and a
//! reduction within 1,200; a signed column holds 2,048.
//!
//! The differences stand where the columns of the halves' products will be, and so all that a product of residues touches
//! stays in the nearest cache of most processors, 42 KB for 60 limbs.
//!
//! Signs are vectors of all ones or zeros and choose by conjunction. Were they masks, the compiler might make stores under a
//! mask of what is chosen, whose time depends on the mask when the next one reads what they wrote.

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
    // The two products of pairs' differences, on two levels.
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
    let (d, e) = columns[..blocks].split_at_mut(half);
    let (sd, se) = (subtract(d, x), subtract(e, y));
    multiply_level(product, d, e, work, levels - 1);
    correct(product, (d, sd), (e, se));
    let (low, high) = columns.split_at_mut(blocks);
    multiply_level(low, &x[..half], &y[..half], work, levels - 1);
    multiply_level(high, &x[half..], &y[half..], work, levels - 1);
    add_middle(low, high, product);
    subtract_signs(high, sd, se);
}

/// ac = a c and sum = a d + b c, for pairs (a, b) and (c, d), whose differences both share.
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
    let ((da, db), (dc, dd)) = (ac[..blocks].split_at_mut(half), sum[..blocks].split_at_mut(half));
    let (sa, sb, sc, sd) = (subtract(da, a), subtract(db, b), subtract(dc, c), subtract(dd, d));
    multiply_pairs_level(p, q, [da, db, dc, dd], work, levels - 1);
    correct(p, (da, sa), (dc, sc));
    correct(q, (da, sa), (dd, sd));
    correct(q, (db, sb), (dc, sc));
    let ((ac0, ac1), (sum0, sum1)) = (ac.split_at_mut(blocks), sum.split_at_mut(blocks));
    multiply_pairs_level(ac0, sum0, [&a[..half], &b[..half], &c[..half], &d[..half]], work, levels - 1);
    multiply_pairs_level(ac1, sum1, [&a[half..], &b[half..], &c[half..], &d[half..]], work, levels - 1);
    add_middle(ac0, ac1, p);
    add_middle(sum0, sum1, q);
    subtract_signs(ac1, sa, sc);
    subtract_signs(sum1, sa, sd);
    subtract_signs(sum1, sb, sc);
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
    let d = &mut columns[..half];
    let sd = subtract(d, x);
    square_level(product, d, work, levels - 1);
    correct(product, (d, sd), (d, sd));
    let (low, high) = columns.split_at_mut(blocks);
    square_level(low, &x[..half], work, levels - 1);
    square_level(high, &x[half..], work, levels - 1);
    add_middle(low, high, product);
    subtract_signs(high, sd, sd);
}

/// The lower half of x less the upper, modulo X, and all ones in the lanes where that is negative.
#[inline]
#[target_feature(enable = "avx512f")]
fn subtract(difference: &mut [Block], x: &[Block]) -> __m512i {
    let mask = _mm512_set1_epi64(MASK);
    let mut borrow = _mm512_setzero_si512();
    let (lower, upper) = x.split_at(difference.len());
    for ((out, x), y) in difference.iter_mut().zip(lower).zip(upper) {
        for i in 0..BLOCK {
            let limb = _mm512_add_epi64(_mm512_sub_epi64(x[i], y[i]), borrow);
            out[i] = _mm512_and_si512(limb, mask);
            borrow = _mm512_srai_epi64::<52>(limb);
        }
    }
    borrow
}

/// Takes (s e + s' d) X from the product of two differences.
#[inline]
#[target_feature(enable = "avx512f")]
fn correct(product: &mut [Block], (d, sd): (&[Block], __m512i), (e, se): (&[Block], __m512i)) {
    let upper = &mut product[d.len()..];
    for ((d, e), product) in d.iter().zip(e).zip(upper) {
        for i in 0..BLOCK {
            let correction = _mm512_add_epi64(_mm512_and_si512(sd, e[i]), _mm512_and_si512(se, d[i]));
            product[i] = _mm512_sub_epi64(product[i], correction);
        }
    }
}

/// Takes s s' X^3 from the whole product, which is X^2 from its middle.
#[inline]
#[target_feature(enable = "avx512f")]
fn subtract_signs(high: &mut [Block], sd: __m512i, se: __m512i) {
    // Both are 0 or -1, and so is their conjunction.
    let top = &mut high[high.len() / 2][0];
    *top = _mm512_add_epi64(*top, _mm512_and_si512(sd, se));
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
