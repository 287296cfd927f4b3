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

#[inline]
#[target_feature(enable = "avx512f")]
fn zero() -> Window {
    [_mm512_setzero_si512(); 2 * BLOCK]
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

/// Gives out the lower half of the window and moves on by one block.
#[inline]
#[target_feature(enable = "avx512f")]
fn give_out(window: &mut Window) -> Block {
    let mut columns = [_mm512_setzero_si512(); BLOCK];
    for i in 0..BLOCK {
        columns[i] = window[i];
        window[i] = window[i + BLOCK];
        window[i + BLOCK] = _mm512_setzero_si512();
    }
    columns
}

/// Settles the lowest five columns: their quotient digits go to `quotient`, what they carry to the columns above, which
/// become the lowest. They are multiples of 2^52 then, so that what a column carries is its part above, rounded up; this
/// stands for the low product with the first limb of m.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn settle(window: &mut Window, quotient: &mut Block, m: &Block, negated_inverse: __m512i) {
    let round_up = _mm512_set1_epi64(MASK);
    macro_rules! column {
        ($($j:literal)*) => {$({
            let q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), window[$j], negated_inverse);
            quotient[$j] = q;
            let carry = _mm512_srai_epi64::<52>(_mm512_add_epi64(window[$j], round_up));
            window[$j + 1] = _mm512_add_epi64(window[$j + 1], carry);
            window[$j + 1] = _mm512_madd52hi_epu64(window[$j + 1], q, m[0]);
            column!($j, q, 1 2 3 4);
        })*};
        ($j:literal, $q:ident, $($i:literal)*) => {$(
            window[$j + $i] = _mm512_madd52lo_epu64(window[$j + $i], $q, m[$i]);
            window[$j + $i + 1] = _mm512_madd52hi_epu64(window[$j + $i + 1], $q, m[$i]);
        )*};
    }
    column!(0 1 2 3 4);
    give_out(window);
}

/// Gives out the lower half of the window as limbs and moves on by one block.
#[inline]
#[target_feature(enable = "avx512f")]
fn give_out_limbs(window: &mut Window, carry: &mut __m512i) -> Block {
    let mut limbs = give_out(window);
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
    // What a block settles is added after the products of the next, most of which need not wait for it.
    let (mut sums, mut window) = (Sums::zero(), zero());
    for k in 0..blocks {
        for i in 0..k {
            sums.add_product(&quotient[i], &broadcast(&m.limbs[k - i]));
        }
        add_columns(&mut window, &t[k]);
        add_columns(&mut window, &sums.take());
        settle(&mut window, &mut quotient[k], &m0, negated_inverse);
    }
    let mut carry = _mm512_setzero_si512();
    for k in blocks..2 * blocks {
        for i in k + 1 - blocks..blocks {
            sums.add_product(&quotient[i], &broadcast(&m.limbs[k - i]));
        }
        add_columns(&mut window, &t[k]);
        add_columns(&mut window, &sums.take());
        out[k - blocks] = give_out_limbs(&mut window, &mut carry);
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
    let (mut first, mut second) = (zero(), zero());
    for k in 0..blocks {
        let ((q, t), (q2, w)) = (t.split_at_mut(k), w.split_at_mut(k));
        add_columns(&mut first, &t[0]);
        (0..TIMES).for_each(|_| add_columns(&mut second, &w[0]));
        for ((q, q2), m) in q.iter().zip(q2).zip(m.limbs[1..=k].iter().rev()) {
            let m = broadcast(m);
            add_product(&mut first, q, &m);
            add_product(&mut second, q2, &m);
        }
        settle(&mut first, &mut t[0], &m0, negated_inverse);
        if LINKED {
            for i in 0..BLOCK {
                second[i] = _mm512_sub_epi64(second[i], t[0][i]);
            }
        }
        settle(&mut second, &mut w[0], &m0, negated_inverse);
    }
    let ((q, t), (q2, w)) = (t.split_at(blocks), w.split_at(blocks));
    let (mut carry, mut second_carry) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for k in 0..blocks {
        add_columns(&mut first, &t[k]);
        (0..TIMES).for_each(|_| add_columns(&mut second, &w[k]));
        for ((q, q2), m) in q[k + 1..].iter().zip(&q2[k + 1..]).zip(m.limbs[k + 1..].iter().rev()) {
            let m = broadcast(m);
            add_product(&mut first, q, &m);
            add_product(&mut second, q2, &m);
        }
        a[k] = give_out_limbs(&mut first, &mut carry);
        b[k] = give_out_limbs(&mut second, &mut second_carry);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_columns(window: &mut Window, columns: &Block) {
    for i in 0..BLOCK {
        window[i] = _mm512_add_epi64(window[i], columns[i]);
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
