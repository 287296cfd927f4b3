//! Columns of eight numbers side by side, and their products by the schoolbook.
//!
//! A number of L limbs in radix 2^52 is L vectors; vector i holds limb i of each lane. L is a multiple of [`BLOCK`].
//! Products are *columns*: 2L vectors whose elements are signed 64-bit sums, worth 2^(52 i) each, with carries still in
//! them. They are computed by product scanning in blocks of five limbs by five: the sums of a block stay in registers until
//! all products that belong there have been added. The processor starts one or two multiply-adds a cycle, and nearly all
//! that is done here is multiply-adds.
//!
//! The compiler unrolls what is done with a block, and loops over blocks stay loops: what [`karatsuba`](super::karatsuba) and
//! [`reduction`](super::reduction) take for one product of residues should fit the cache of decoded instructions.

// Loops over indices in a block stand for registers, and slices would hide that.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use std::arch::x86_64::*;

/// Limbs of a block.
pub(super) const BLOCK: usize = 5;

/// Five limbs of eight numbers.
pub(super) type Block = [__m512i; BLOCK];

/// 2^52 - 1.
pub(super) const MASK: i64 = (1 << 52) - 1;

/// The two factors of a product, of the same length.
type Term<'a> = (&'a [Block], &'a [Block]);

/// Columns to which the low halves in a product of two blocks belong, or the high ones.
const SPAN: usize = 2 * BLOCK - 1;

/// Sums of products of blocks, low and high halves apart: a processor that starts two multiply-adds a cycle has their sums
/// four cycles later, so that a column which got both halves would keep the next multiply-add waiting.
pub(super) struct Sums {
    low: [__m512i; SPAN],
    /// Worth a column more.
    high: [__m512i; SPAN],
    /// The high half that belongs to the lowest column.
    carried: __m512i,
}

impl Sums {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn zero() -> Self {
        let zero = _mm512_setzero_si512();
        Self { low: [zero; SPAN], high: [zero; SPAN], carried: zero }
    }

    /// The sum of the lowest five columns; moves on by one block.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn take(&mut self) -> Block {
        let mut columns = [_mm512_add_epi64(self.low[0], self.carried); BLOCK];
        for i in 1..BLOCK {
            columns[i] = _mm512_add_epi64(self.low[i], self.high[i - 1]);
        }
        self.carried = self.high[BLOCK - 1];
        for sums in [&mut self.low, &mut self.high] {
            for i in 0..BLOCK - 1 {
                sums[i] = sums[i + BLOCK];
            }
            for i in BLOCK - 1..SPAN {
                sums[i] = _mm512_setzero_si512();
            }
        }
        columns
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_product(&mut self, x: &Block, y: &Block) {
        for i in 0..BLOCK {
            for j in 0..BLOCK {
                self.low[i + j] = _mm512_madd52lo_epu64(self.low[i + j], x[i], y[j]);
                self.high[i + j] = _mm512_madd52hi_epu64(self.high[i + j], x[i], y[j]);
            }
        }
    }

    /// Adds what stands beside the diagonal in the square of x, once.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_half_square(&mut self, x: &Block) {
        for i in 0..BLOCK {
            for j in i + 1..BLOCK {
                self.low[i + j] = _mm512_madd52lo_epu64(self.low[i + j], x[i], x[j]);
                self.high[i + j] = _mm512_madd52hi_epu64(self.high[i + j], x[i], x[j]);
            }
        }
    }
}

/// columns = the sum of the products x y by the schoolbook.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn schoolbook<const N: usize>(columns: &mut [Block], terms: [Term; N]) {
    let mut sums = Sums::zero();
    let blocks = terms[0].0.len();
    for (k, out) in columns.iter_mut().enumerate() {
        for i in (k + 1).saturating_sub(blocks)..blocks.min(k + 1) {
            for (x, y) in terms {
                sums.add_product(&x[i], &y[k - i]);
            }
        }
        *out = sums.take();
    }
}

/// columns = x^2 by the schoolbook: what is beside the diagonal is doubled in the sums, because 2x has limbs of 53 bits.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn schoolbook_square(columns: &mut [Block], x: &[Block]) {
    let blocks = x.len();
    let mut sums = Sums::zero();
    for (middle, pair) in columns.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        for (odd, out) in pair.iter_mut().enumerate() {
            let k = 2 * middle + odd;
            for i in (k + 1).saturating_sub(blocks)..k.div_ceil(2) {
                sums.add_product(&x[i], &x[k - i]);
            }
            if odd == 0 {
                sums.add_half_square(&x[middle]);
            }
            let taken = sums.take();
            for i in 0..BLOCK {
                out[i] = _mm512_add_epi64(taken[i], taken[i]);
            }
        }
        let (x, diagonal) = (x[middle], pair.as_flattened_mut());
        for i in 0..BLOCK {
            diagonal[2 * i] = _mm512_madd52lo_epu64(diagonal[2 * i], x[i], x[i]);
            diagonal[2 * i + 1] = _mm512_madd52hi_epu64(diagonal[2 * i + 1], x[i], x[i]);
        }
    }
}
