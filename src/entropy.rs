//! Randomness: the operating system's, and a stream that can be repeated for tests and test vectors.

use rand::TryRng;

use crate::error::{Error, Result};
use crate::secret::{less, significant_bits};

/// Where random bytes come from.
pub(crate) trait Entropy {
    /// Fills `bytes`; a failing source is an error, never replaced by another.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()>;

    /// Fills `limbs` with a uniform number of `bits` bits.
    fn bits(&mut self, limbs: &mut [u64], bits: u32) -> Result<()> {
        let mut buffer = zeroize::Zeroizing::new(vec![0; 8 * limbs.len()]);
        self.fill(&mut buffer)?;
        for (i, (limb, bytes)) in limbs.iter_mut().zip(buffer.chunks_exact(8)).enumerate() {
            let below = bits.saturating_sub(64 * i as u32).min(64);
            let mask = if below == 64 { u64::MAX } else { (1 << below) - 1 };
            *limb = u64::from_le_bytes(bytes.try_into().expect("chunks of eight")) & mask;
        }
        Ok(())
    }

    /// Fills `limbs` with a uniform number below `bound`, of the same length and with a nonzero top limb, by rejection.
    /// How many numbers were rejected says nothing about the one that is kept.
    fn below(&mut self, limbs: &mut [u64], bound: &[u64]) -> Result<()> {
        let bits = significant_bits(bound);
        loop {
            self.bits(limbs, bits)?;
            if less(limbs, bound) {
                return Ok(());
            }
        }
    }
}

/// The operating system's random source.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        rand::rngs::SysRng.try_fill_bytes(bytes).map_err(|_| Error::Randomness)
    }
}

/// SHAKE256 (FIPS 202) of a seed: the same bytes every time. For tests and test vectors only.
#[cfg(any(test, feature = "hazmat"))]
pub(crate) struct SeededEntropy(shake::Shake256Reader);

#[cfg(any(test, feature = "hazmat"))]
impl SeededEntropy {
    pub(crate) fn new(seed: &[u8]) -> Self {
        use shake::digest::{ExtendableOutput, Update};
        Self(shake::Shake256::default().chain(seed).finalize_xof())
    }
}

#[cfg(any(test, feature = "hazmat"))]
impl Entropy for SeededEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        shake::digest::XofReader::read(&mut self.0, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::integer;

    #[test]
    fn uniform_numbers_stay_below_their_bound() {
        let mut limbs = [0; 2];
        for bound in [[1, 0], [2, 0], [u64::MAX, 1], [0, 1], [5, 1 << 63]] {
            for _ in 0..200 {
                SystemEntropy.below(&mut limbs, &bound).unwrap();
                assert!(integer(&limbs) < integer(&bound));
            }
        }
    }

    #[test]
    fn the_asked_number_of_bits_is_filled() {
        let mut limbs = [0; 3];
        for bits in [0, 1, 63, 64, 65, 130, 192] {
            let mut seen = [0; 3];
            for _ in 0..200 {
                SystemEntropy.bits(&mut limbs, bits).unwrap();
                seen.iter_mut().zip(&limbs).for_each(|(seen, limb)| *seen |= limb);
            }
            assert_eq!(significant_bits(&seen), bits, "the top bit comes up, none above it does");
        }
    }
}
