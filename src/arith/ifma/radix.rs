//! Numbers in limbs of 52 bits, and vectors of eight words.

use std::arch::x86_64::*;

use crate::arith::power::digit;

/// Bits of a limb.
pub(super) const BITS: u32 = 52;

/// Words of a vector.
pub(super) const LANES: usize = 8;

/// Limb i of a number in words of 64 bits.
pub(super) fn limb(number: &[u64], i: usize) -> u64 {
    digit(number, BITS * i as u32, BITS) as u64
}

/// Writes the number whose limb i is `limb(i)`, `limbs` of them, to words of 64 bits, which must hold it.
pub(super) fn to_words(words: &mut [u64], limbs: usize, limb: impl Fn(usize) -> u64) {
    words.fill(0);
    for i in 0..limbs {
        let bit = BITS as usize * i;
        let (word, shift) = (bit / 64, bit % 64);
        let value = limb(i);
        if word < words.len() {
            words[word] |= value << shift;
        }
        if shift > 64 - BITS as usize && word + 1 < words.len() {
            words[word + 1] |= value >> (64 - shift);
        }
    }
}

/// The vector of eight words.
#[allow(unsafe_code)]
pub(super) fn vector(words: [u64; LANES]) -> __m512i {
    // SAFETY: both are 64 bytes for which every pattern is valid.
    unsafe { std::mem::transmute(words) }
}

/// The eight words of a vector.
#[allow(unsafe_code)]
pub(super) fn words(vector: __m512i) -> [u64; LANES] {
    // SAFETY: both are 64 bytes for which every pattern is valid.
    unsafe { std::mem::transmute(vector) }
}

/// A vector of zeros.
// SAFETY: both are 64 bytes for which every pattern is valid.
#[allow(unsafe_code)]
pub(super) const ZERO: __m512i = unsafe { std::mem::transmute([0u64; LANES]) };

/// Word i of vector j becomes word j of vector i.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    // Swaps the off-diagonal halves of blocks of two words, then of four, then of eight.
    let mut a = rows;
    for i in 0..4 {
        a[2 * i] = _mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]);
    }
    let low = vector([0, 1, 8, 9, 4, 5, 12, 13]);
    let high = vector([2, 3, 10, 11, 6, 7, 14, 15]);
    let mut b = a;
    for half in [0, 4] {
        for i in 0..2 {
            b[half + i] = _mm512_permutex2var_epi64(a[half + i], low, a[half + i + 2]);
            b[half + i + 2] = _mm512_permutex2var_epi64(a[half + i], high, a[half + i + 2]);
        }
    }
    let mut c = b;
    for i in 0..4 {
        c[i] = _mm512_shuffle_i64x2::<0b01_00_01_00>(b[i], b[i + 4]);
        c[i + 4] = _mm512_shuffle_i64x2::<0b11_10_11_10>(b[i], b[i + 4]);
    }
    c
}
