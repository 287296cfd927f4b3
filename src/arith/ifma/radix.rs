//! Numbers in limbs of 52 bits, and vectors of eight words.

use std::arch::x86_64::*;

use zeroize::Zeroizing;

use crate::arith::power::digit;

/// Bits of a limb.
pub(super) const BITS: u32 = 52;

/// Words of a vector.
pub(super) const LANES: usize = 8;

/// Limb i of a number in words of 64 bits.
pub(super) fn limb(number: &[u64], i: usize) -> u64 {
    digit(number, BITS * i as u32, BITS) as u64
}

/// Word i of a number whose limbs are given: the other way round.
fn word(limbs: &[u64], i: usize) -> u64 {
    let (limb, shift) = (64 * i / BITS as usize, 64 * i as u32 % BITS);
    let at = |i: usize| limbs.get(i).copied().unwrap_or(0);
    // A word reaches into the second limb, and into a third where it begins in the upper part of its first.
    let above = BITS - shift;
    let third = if above + BITS < 64 { at(limb + 2) << (above + BITS) } else { 0 };
    at(limb) >> shift | at(limb + 1) << above | third
}

/// Writes a number in limbs to words, which must hold it.
pub(super) fn to_words(words: &mut [u64], limbs: &[u64]) {
    words.iter_mut().enumerate().for_each(|(i, out)| *out = word(limbs, i));
}

/// Limb i of up to eight numbers to vector i.
#[target_feature(enable = "avx512f")]
pub(super) fn load(limbs: &mut [__m512i], numbers: &[&[u64]]) {
    let longest = numbers.iter().map(|number| number.len()).max().unwrap_or(0);
    let mut words = Zeroizing::new(Vec::with_capacity(longest.next_multiple_of(LANES) + 1));
    for start in (0..longest).step_by(LANES) {
        let mut rows = [ZERO; LANES];
        for (row, number) in rows.iter_mut().zip(numbers) {
            let rest = number.get(start..).unwrap_or(&[]);
            *row = match rest.first_chunk() {
                Some(chunk) => vector(*chunk),
                None => {
                    let mut chunk = Zeroizing::new([0; LANES]);
                    chunk[..rest.len()].copy_from_slice(rest);
                    vector(*chunk)
                }
            };
        }
        words.extend(transpose(rows));
    }
    let mask = _mm512_set1_epi64((1 << BITS) - 1);
    let at = |i: usize| words.get(i).copied().unwrap_or(ZERO);
    for (i, limb) in limbs.iter_mut().enumerate() {
        let bit = BITS as usize * i;
        let (word, shift) = (bit / 64, (bit % 64) as i64);
        // A shift by 64 gives zero.
        let low = _mm512_srlv_epi64(at(word), _mm512_set1_epi64(shift));
        let high = _mm512_sllv_epi64(at(word + 1), _mm512_set1_epi64(64 - shift));
        *limb = _mm512_and_si512(_mm512_or_si512(low, high), mask);
    }
}

/// The limbs of eight numbers, limb i in vector i, number by number.
#[target_feature(enable = "avx512f")]
pub(super) fn unload(limbs: &[__m512i]) -> [Zeroizing<Vec<u64>>; LANES] {
    let mut numbers = [(); LANES].map(|()| Zeroizing::new(Vec::with_capacity(limbs.len().next_multiple_of(LANES))));
    for chunk in limbs.chunks(LANES) {
        let mut rows = [ZERO; LANES];
        rows[..chunk.len()].copy_from_slice(chunk);
        for (number, row) in numbers.iter_mut().zip(transpose(rows)) {
            number.extend(words(row));
        }
    }
    numbers
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
