//! Montgomery's reduction of eight numbers side by side.

// Loops over indices stand for registers: the compiler unrolls them, and slices would hide that.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use zeroize::Zeroizing;

use super::columns::{BLOCK, Block, MASK, Sums};

/// The columns that a product of two blocks touches.
type Window = [__m512i; 2 * BLOCK];

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

/// Adds the product of x and y. Both halves go to the same columns: what is reduced side by side fills the registers, and its
/// multiply-adds need not wait, as those of one are between those of the other.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_product(window: &mut Window, x: &Block, y: &Block) {
    for i in 0..BLOCK {
        for j in 0..BLOCK {
            window[i + j] = _mm512_madd52lo_epu64(window[i + j], x[i], y[j]);
            window[i + j + 1] = _mm512_madd52hi_epu64(window[i + j + 1], x[i], y[j]);
        }
    }
}

/// Gives out the lower half of the window and moves it on by one block; its upper half starts as `TIMES` block `next` of
/// columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn give_out<const TIMES: usize>(window: &mut Window, columns: &[Block], next: usize) -> Block {
    let mut out = [_mm512_setzero_si512(); BLOCK];
    out.copy_from_slice(&window[..BLOCK]);
    move_on::<TIMES>(window, columns, next);
    out
}

/// The same where the lower half is settled.
#[inline]
#[target_feature(enable = "avx512f")]
fn move_on<const TIMES: usize>(window: &mut Window, columns: &[Block], next: usize) {
    let next = times::<TIMES>(columns, next);
    for i in 0..BLOCK {
        window[i] = window[i + BLOCK];
        window[i + BLOCK] = next[i];
    }
}

/// The two lowest blocks of columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn begin<const TIMES: usize>(columns: &[Block]) -> Window {
    let mut window = [_mm512_setzero_si512(); 2 * BLOCK];
    let (lower, upper) = window.split_at_mut(BLOCK);
    lower.copy_from_slice(&times::<TIMES>(columns, 0));
    upper.copy_from_slice(&times::<TIMES>(columns, 1));
    window
}

/// `TIMES` a block of columns, zeros beyond them.
#[inline]
#[target_feature(enable = "avx512f")]
fn times<const TIMES: usize>(columns: &[Block], block: usize) -> Block {
    let mut out = [_mm512_setzero_si512(); BLOCK];
    if TIMES > 0
        && let Some(columns) = columns.get(block)
    {
        out = *columns;
        (1..TIMES).for_each(|_| add_columns(&mut out, columns));
    }
    out
}

/// The quotient digits of the lowest five columns, which are settled: what they carry goes to the columns above. They are
/// multiples of 2^52 then, so that what a column carries is its part above, rounded up; this stands for the low product with
/// the first limb of m. The high one is added to the carry, not to the column, which would have to wait for it.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn settle(window: &mut Window, m: &Block, negated_inverse: __m512i) -> Block {
    let mut quotient = [_mm512_setzero_si512(); BLOCK];
    let round_up = _mm512_set1_epi64(MASK);
    macro_rules! column {
        ($($j:literal)*) => {$({
            let q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), window[$j], negated_inverse);
            quotient[$j] = q;
            let carry = _mm512_srai_epi64::<52>(_mm512_add_epi64(window[$j], round_up));
            let carry = _mm512_madd52hi_epu64(carry, q, m[0]);
            column!($j, q, 1 2 3 4);
            window[$j + 1] = _mm512_add_epi64(window[$j + 1], carry);
        })*};
        ($j:literal, $q:ident, $($i:literal)*) => {$(
            window[$j + $i] = _mm512_madd52lo_epu64(window[$j + $i], $q, m[$i]);
            window[$j + $i + 1] = _mm512_madd52hi_epu64(window[$j + $i + 1], $q, m[$i]);
        )*};
    }
    column!(0 1 2 3 4);
    quotient
}

/// Gives out the lower half of the window as limbs and moves on by one block, as [`give_out`].
#[inline]
#[target_feature(enable = "avx512f")]
fn give_out_limbs<const TIMES: usize>(
    window: &mut Window,
    columns: &[Block],
    next: usize,
    carry: &mut __m512i,
) -> Block {
    let mut limbs = give_out::<TIMES>(window, columns, next);
    for limb in &mut limbs {
        let sum = _mm512_add_epi64(*limb, *carry);
        *limb = _mm512_and_si512(sum, _mm512_set1_epi64(MASK));
        *carry = _mm512_srai_epi64::<52>(sum);
    }
    limbs
}

/// Montgomery's reduction of t, signed columns of a number above -R and below 2^52 R: `quotient` becomes q = -t/m mod R and
/// `out` the limbs of (t + q m) / R, which must be below R.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn reduce(out: &mut [Block], quotient: &mut [Block], t: &[Block], m: &Modulus) {
    let blocks = m.limbs.len();
    let negated_inverse = _mm512_set1_epi64(*m.negated_inverse as i64);
    let m0 = broadcast(&m.limbs[0]);
    debug_assert_eq!(t.len(), 2 * blocks);
    // What a block settles is added after the products of the next, most of which need not wait for it.
    let (mut sums, mut window) = (Sums::zero(), begin::<1>(t));
    for k in 0..blocks {
        for i in 0..k {
            sums.add_product(&quotient[i], &broadcast(&m.limbs[k - i]));
        }
        add_columns(&mut window, &sums.take());
        quotient[k] = settle(&mut window, &m0, negated_inverse);
        move_on::<1>(&mut window, t, k + 2);
    }
    let mut carry = _mm512_setzero_si512();
    for k in blocks..2 * blocks {
        for i in k + 1 - blocks..blocks {
            sums.add_product(&quotient[i], &broadcast(&m.limbs[k - i]));
        }
        add_columns(&mut window, &sums.take());
        out[k - blocks] = give_out_limbs::<1>(&mut window, t, k + 2, &mut carry);
    }
}

/// The two reductions of a product of pairs: with u = (t + q m) / R the first, the second is that of `TIMES` w - q. `out` is
/// both results; the quotients are left in the lower halves of t and w. With `TIMES` 0 w is only room for its quotient.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn reduce_pair<const TIMES: usize>(out: &mut [Block], t: &mut [Block], w: &mut [Block], m: &Modulus) {
    let (a, b) = out.split_at_mut(m.limbs.len());
    reduce_side_by_side::<TIMES, true>([a, b], t, w, m);
}

/// The reductions of t and w, whose quotients are left in their lower halves.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn reduce_two(out: [&mut [Block]; 2], t: &mut [Block], w: &mut [Block], m: &Modulus) {
    reduce_side_by_side::<1, false>(out, t, w, m);
}

/// The reductions of t and of `TIMES` w, which is `LINKED` if the quotient of the first is taken from it. One computes while
/// the other waits for its quotient.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce_side_by_side<const TIMES: usize, const LINKED: bool>(
    [a, b]: [&mut [Block]; 2],
    t: &mut [Block],
    w: &mut [Block],
    m: &Modulus,
) {
    let blocks = m.limbs.len();
    let negated_inverse = _mm512_set1_epi64(*m.negated_inverse as i64);
    let m0 = broadcast(&m.limbs[0]);
    debug_assert!(t.len() == 2 * blocks && w.len() == 2 * blocks);
    // The windows hold blocks k and k + 1 of the columns, so that the place of block k is free for its quotient.
    let (mut first, mut second) = (begin::<1>(t), begin::<TIMES>(w));
    for k in 0..blocks {
        for ((q, q2), m) in t[..k].iter().zip(&w[..k]).zip(m.limbs[1..=k].iter().rev()) {
            let m = broadcast(m);
            add_product(&mut first, q, &m);
            add_product(&mut second, q2, &m);
        }
        t[k] = settle(&mut first, &m0, negated_inverse);
        move_on::<1>(&mut first, t, k + 2);
        if LINKED {
            for i in 0..BLOCK {
                second[i] = _mm512_sub_epi64(second[i], t[k][i]);
            }
        }
        w[k] = settle(&mut second, &m0, negated_inverse);
        move_on::<TIMES>(&mut second, w, k + 2);
    }
    let (mut carry, mut second_carry) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for k in 0..blocks {
        let above = k + 1..blocks;
        for ((q, q2), m) in t[above.clone()].iter().zip(&w[above.clone()]).zip(m.limbs[above].iter().rev()) {
            let m = broadcast(m);
            add_product(&mut first, q, &m);
            add_product(&mut second, q2, &m);
        }
        a[k] = give_out_limbs::<1>(&mut first, t, blocks + k + 2, &mut carry);
        b[k] = give_out_limbs::<TIMES>(&mut second, w, blocks + k + 2, &mut second_carry);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_columns(sums: &mut [__m512i], columns: &Block) {
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
