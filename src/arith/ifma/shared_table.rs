//! A list of residues from which each of many numbers picks one, all of it read whichever those are.
//!
//! The words of a limb are kept byte by byte: plane b holds byte b of every entry, and behind it comes the next plane. Two
//! vectors are 128 bytes, among which one instruction (`vpermi2b`) picks for each of 64 bytes. With windows of seven bits that
//! is one byte of a limb for 64 numbers, a plane after the other, and the bytes are put together at the end; for eight numbers
//! it is all the bytes that happen to lie in these two vectors. No address depends on what is picked.

use std::arch::x86_64::*;

use zeroize::Zeroizing;

use super::eight::Bundle;
use super::radix::{self, LANES};
use super::{Constants, Single, zeroed};
use crate::arith::lanes::LONGEST_WINDOW;

/// Bytes of a limb of 52 bits.
const PLANES: usize = 7;

/// Numbers whose bytes fill a vector.
const MANY: usize = 64;

/// Bits that tell the 128 bytes of two vectors apart.
const PAIR_BITS: u32 = 7;

/// The binary logarithm of the entries to which shorter lists are filled up: their planes fill one pair.
const LEAST_WIDTH: u32 = 4;

/// Pairs of vectors of a limb, for the longest windows.
const MOST_PAIRS: usize = PLANES << (LONGEST_WINDOW - PAIR_BITS);

/// For each limb its planes, filled up to whole pairs of vectors. Wiped on drop.
pub(crate) struct SharedTable {
    vectors: Zeroizing<Box<[__m512i]>>,
    /// The binary logarithm of the bytes of a plane.
    width: u32,
    /// Pairs of vectors of a limb.
    pairs: usize,
}

impl SharedTable {
    /// Bytes for a limb of windows of so many bits.
    pub(super) fn limb_bytes(width: u32) -> usize {
        (PLANES << width.max(LEAST_WIDTH)).next_multiple_of(1 << PAIR_BITS)
    }

    #[target_feature(enable = "avx512f,avx512vbmi")]
    pub(super) fn new(constants: &Constants, entries: &[Single]) -> Self {
        let width = entries.len().next_power_of_two().trailing_zeros().max(LEAST_WIDTH);
        assert!(width <= LONGEST_WINDOW, "windows have at most {LONGEST_WINDOW} bits");
        let pairs = Self::limb_bytes(width) >> PAIR_BITS;
        let (length, vectors) = (constants.length(), constants.vectors());
        // Byte e of word b is byte b of word e.
        let by_planes = bytes(&std::array::from_fn(|b| std::array::from_fn(|e| (8 * e + b) as u8)));
        // In its place at once: a list that grows leaves copies behind that nobody wipes.
        let mut table = zeroed(2 * length * 2 * pairs, radix::ZERO);
        // Eight limbs of all entries, eight entries a time; and one of these limbs, plane by plane.
        let mut limbs = zeroed((1 << width) / LANES, [radix::ZERO; LANES]);
        let mut planes = zeroed((1 << width) / LANES, [0; LANES]);
        let halves = table.chunks_exact_mut(length * 2 * pairs).zip([0, vectors]);
        for (i, out) in halves.flat_map(|(half, first)| (first..).zip(half.chunks_mut(LANES * 2 * pairs))) {
            for (limbs, entries) in limbs.iter_mut().zip(entries.chunks(LANES)) {
                let mut rows = [radix::ZERO; LANES];
                rows.iter_mut().zip(entries).for_each(|(row, entry)| *row = entry.0[i]);
                *limbs = radix::transpose(rows);
            }
            for (limb, out) in out.chunks_exact_mut(2 * pairs).enumerate() {
                for (planes, limbs) in planes.iter_mut().zip(&*limbs) {
                    *planes = radix::words(_mm512_permutexvar_epi8(by_planes, limbs[limb]));
                }
                for (v, out) in out.iter_mut().enumerate() {
                    // A plane is eight bytes, a word, for each group of eight entries.
                    let word = |i: usize| planes[i & (planes.len() - 1)][i >> planes.len().trailing_zeros()];
                    *out = radix::vector(std::array::from_fn(|i| word(LANES * v + i)));
                }
            }
        }
        Self { vectors: table, width, pairs }
    }

    /// Each lane of the bundles, counted through, becomes the entry that stands in `which` at its place.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub(super) fn select(&self, out: &mut [Bundle], which: &[usize]) {
        for (out, which) in out.chunks_mut(MANY / LANES).zip(which.chunks(MANY)) {
            // Two bundles one by one take less than eight together.
            if self.width < PAIR_BITS || which.len() <= 2 * LANES {
                out.iter_mut().zip(which.chunks(LANES)).for_each(|(out, which)| self.select_bundle(out, which));
                continue;
            }
            match self.width {
                7 => self.select_many::<1>(out, which),
                8 => self.select_many::<2>(out, which),
                9 => self.select_many::<4>(out, which),
                _ => self.select_many::<8>(out, which),
            }
        }
    }

    /// For up to eight numbers.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn select_bundle(&self, out: &mut Bundle, which: &[usize]) {
        // Where byte b of each lane comes from.
        let mut pair = Zeroizing::new([[0u8; 8]; LANES]);
        let mut within = Zeroizing::new([[0u8; 8]; LANES]);
        // Lanes beyond get the first entry.
        let which = which.iter().chain(std::iter::repeat(&0));
        for ((pair, within), which) in pair.iter_mut().zip(within.iter_mut()).zip(which) {
            for (plane, (pair, within)) in pair.iter_mut().zip(within).enumerate() {
                let byte = plane << self.width | which;
                (*pair, *within) = ((byte >> PAIR_BITS) as u8, (byte % (1 << PAIR_BITS)) as u8);
            }
        }
        let (pair, within) = (bytes(&pair), bytes(&within));
        let mut chosen = Zeroizing::new([0; MOST_PAIRS]);
        for (i, chosen) in chosen[..self.pairs].iter_mut().enumerate() {
            *chosen = _mm512_cmpeq_epi8_mask(pair, _mm512_set1_epi8(i as i8));
        }
        for (out, vectors) in out.limbs_mut().iter_mut().zip(self.vectors.chunks_exact(2 * self.pairs)) {
            let mut limb = radix::ZERO;
            for (pair, &chosen) in vectors.as_chunks::<2>().0.iter().zip(chosen.iter()) {
                limb = _mm512_or_si512(limb, _mm512_maskz_permutex2var_epi8(chosen, pair[0], within, pair[1]));
            }
            *out = limb;
        }
    }

    /// For up to 64 numbers and planes of `PAIRS` pairs of vectors.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn select_many<const PAIRS: usize>(&self, out: &mut [Bundle], which: &[usize]) {
        // Unpacking bytes, then pairs and fours of them, leaves the numbers of lanes 2i and 2i + 1 of bundle k at the bytes
        // 16 i + 2k and one behind.
        let mut within = Zeroizing::new([[0u8; 8]; LANES]);
        let mut above = Zeroizing::new([[0u8; 8]; LANES]);
        for (number, &which) in which.iter().enumerate() {
            let (bundle, lane) = (number / LANES, number % LANES);
            let byte = 16 * (lane / 2) + 2 * bundle + lane % 2;
            within.as_flattened_mut()[byte] = (which % (1 << PAIR_BITS)) as u8;
            above.as_flattened_mut()[byte] = (which >> PAIR_BITS) as u8;
        }
        let (within, above) = (bytes(&within), bytes(&above));
        let upper = [1, 2, 4].map(|bit| _mm512_test_epi8_mask(above, _mm512_set1_epi8(bit)));
        let bundles = which.len().div_ceil(LANES);
        for (limb, planes) in self.vectors.as_chunks::<2>().0.chunks_exact(PLANES * PAIRS).enumerate() {
            let mut plane = [radix::ZERO; 8];
            for (plane, pairs) in plane.iter_mut().zip(planes.as_chunks::<PAIRS>().0) {
                let mut picked = pairs.map(|[low, high]| _mm512_permutex2var_epi8(low, within, high));
                // Each bit above the pair's halves what is left. What a mask chooses goes to another place than it came from:
                // otherwise the compiler makes stores under a mask, whose time depends on the mask when what they wrote is
                // read.
                let mut left = PAIRS;
                for upper in upper {
                    if left > 1 {
                        let mut fewer = [radix::ZERO; PAIRS];
                        for i in 0..left / 2 {
                            fewer[i] = _mm512_mask_mov_epi8(picked[2 * i], upper, picked[2 * i + 1]);
                        }
                        (picked, left) = (fewer, left / 2);
                    }
                }
                *plane = picked[0];
            }
            for (out, limbs) in out[..bundles].iter_mut().zip(join_bytes(plane)) {
                out.limbs_mut()[limb] = limbs;
            }
        }
    }
}

/// The vector of 64 bytes.
fn bytes(bytes: &[[u8; 8]; LANES]) -> __m512i {
    radix::vector(bytes.map(u64::from_le_bytes))
}

/// From byte b of 64 words in vector b, the words: bytes 16 i + 2k and 16 i + 2k + 1 of all make words 2i and 2i + 1 of
/// vector k.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn join_bytes(plane: [__m512i; 8]) -> [__m512i; 8] {
    let mut twos = plane;
    for i in 0..4 {
        twos[i] = _mm512_unpacklo_epi8(plane[2 * i], plane[2 * i + 1]);
        twos[4 + i] = _mm512_unpackhi_epi8(plane[2 * i], plane[2 * i + 1]);
    }
    let mut fours = twos;
    for half in [0, 4] {
        for i in 0..2 {
            let (low, high) = (twos[half + 2 * i], twos[half + 2 * i + 1]);
            fours[half + i] = _mm512_unpacklo_epi16(low, high);
            fours[half + 2 + i] = _mm512_unpackhi_epi16(low, high);
        }
    }
    let mut words = fours;
    for quarter in 0..4 {
        let (low, high) = (fours[2 * quarter], fours[2 * quarter + 1]);
        words[2 * quarter] = _mm512_unpacklo_epi32(low, high);
        words[2 * quarter + 1] = _mm512_unpackhi_epi32(low, high);
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rug::Integer;

    use super::super::eight::Eight;
    use super::*;
    use crate::arith::lanes::Lanes;
    use crate::arith::montgomery::Montgomery;
    use crate::arith::testing::{has_ifma, random_below};
    use crate::entropy::SeededEntropy;

    #[test]
    fn every_place_gets_the_entry_that_it_asked_for() {
        if !has_ifma() {
            return;
        }
        let m = (Integer::from(1) << 300u32).next_prime();
        let constants = Arc::new(Constants::new(Arc::new(Montgomery::new(&m))));
        let eight = Eight::new(constants.clone());
        let mut entropy = SeededEntropy::new(b"entries");
        let words = |x: &Single| x.0.iter().flat_map(|&vector| radix::words(vector)).collect::<Vec<_>>();
        for width in 0..=LONGEST_WINDOW {
            let count = 1usize << width;
            let bound = Integer::from(&m * 2u32);
            let mut part = || random_below(&bound, &mut entropy);
            let entries: Vec<_> = (0..count).map(|_| Single::from_pair(&part(), &part(), constants.length())).collect();
            let table = eight.shared_table(&entries);
            // The last bundle may not be full, nor the last 64 numbers.
            for numbers in [1, 8, 9, 16, 17, 24, 61, 64, 65, 100, 128] {
                let which: Vec<_> = (0..numbers).map(|i| ((i * 0x9E37_79B1) >> 7) % count).collect();
                let mut out: Vec<_> = (0..numbers.div_ceil(LANES)).map(|_| eight.one()).collect();
                eight.select_shared(&mut out, &table, &which);
                let found = out.iter().flat_map(|bundle| eight.scatter(bundle));
                // The lanes beyond the last number hold something valid, the first entry.
                let which = which.iter().chain(std::iter::repeat(&0));
                for (place, (found, &which)) in found.zip(which).enumerate() {
                    assert_eq!(words(&found), words(&entries[which]), "{count} entries, {place} of {numbers}");
                }
            }
        }
    }
}
