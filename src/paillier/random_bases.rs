//! The table of [`NonceMethod::RandomBases`](super::NonceMethod::RandomBases).
//!
//! r_1^n, ..., r_k^n with r_i uniform in Z_n*, drawn once for a key and kept secret; a nonce is the product of their powers by
//! fresh uniform exponents e_i of w bits. Take a key with gcd(n, phi(n)) = 1, so that r -> r^n maps Z_n* one to one onto the
//! group G of n-th residues, and see nonces through the characters of G. One of order t sees in r_i^n a uniform t-th root of
//! unity, z; the mean over z of |mean over e of z^e|^2 is the chance c_t of e = e' mod t for two exponents. So, by the
//! inequality of Cauchy and Schwarz, the distance of a nonce from uniform, in the mean over the bases, is at most
//! sqrt(sum of c_t^k over the nontrivial characters) / 2 even for somebody who knows the bases.
//! - Of all characters there are phi(n) < 2^|n|, and c_t = 2^-w from t = 2^w on: these add 2^(|n| - w k).
//! - Of order t there are at most t^s, s the number of n's primes. An honest key has two; a key made to deceive may have many
//!   small ones, but none up to 6367 > 2^12, so s <= |n| / 12. For t = 2, c_t = 1/2: these add 2^(s - k). Between 2 and 2^w it is
//!   less: c_t is near 1/t, and t^(s - k) falls with t.
//!
//! Hence k >= (|n| + 256) / w and k >= s + 256: the sum is at most 2^-254, the distance 2^-128.

use rayon::prelude::*;

use super::PublicKey;
use super::nonce::Nonce;
use crate::arith::FixedBasePowers;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::secret::Limbs;

/// Bytes beyond which a table gains little: windows of six bits at 3072 bits, of five at 4096.
const MEMORY: usize = 48 << 20;

/// Twice the bits of security, which the length of exponents has beyond that of the group.
const MARGIN: u32 = 256;

/// Bits of the exponents together.
fn exponent_bits(key_bits: u32) -> u32 {
    key_bits + MARGIN
}

/// Bases at least, whatever the windows: [`check_modulus`](super::proof::check_modulus) has found no prime below 2^12.
fn least_bases(key_bits: u32) -> u32 {
    key_bits / 12 + MARGIN
}

pub(super) fn table(key: &PublicKey, memory: usize, entropy: &mut dyn Entropy) -> Result<Box<dyn FixedBasePowers>> {
    let (bits, least) = (exponent_bits(key.bits()), least_bases(key.bits()));
    key.constant_time().independent_bases(bits, least, memory.min(MEMORY), &mut |count| {
        let bases = key.powers(count, entropy)?;
        let inverses = inverses(key, &bases, entropy)?;
        Ok(bases.into_iter().zip(inverses).map(|(base, inverse)| [base.limbs, inverse]).collect())
    })
}

/// Inverses modulo n. Inverting takes a time that depends on the number, so it sees each times a random one.
fn inverses(key: &PublicKey, bases: &[Nonce], entropy: &mut dyn Entropy) -> Result<Vec<Limbs>> {
    let modulus = key.montgomery();
    let n = &modulus.modulus()[..key.limbs()];
    let invert = |base: &Nonce, blind: &Limbs| {
        let blinded = modulus.mul(&modulus.rem(&base.limbs), blind);
        let inverse = blinded.to_integer().invert(key.modulus()).ok()?;
        Some(modulus.mul(&Limbs::from_integer(&inverse, modulus.length()), blind))
    };
    let mut inverses = vec![None; bases.len()];
    // Under an honest key the first blind does. Under one made of small primes it may have to be drawn again.
    for _ in 0..MARGIN {
        let mut blinds = vec![Limbs::zero(modulus.length()); bases.len()];
        let unfit = inverses.iter().zip(&mut blinds).filter(|(inverse, _)| inverse.is_none());
        for (_, blind) in unfit {
            entropy.below(&mut blind[..key.limbs()], n)?;
        }
        inverses
            .par_iter_mut()
            .zip(bases)
            .zip(&blinds)
            .filter(|((inverse, _), _)| inverse.is_none())
            .for_each(|((inverse, base), blind)| *inverse = invert(base, blind));
        if inverses.iter().all(Option::is_some) {
            break;
        }
    }
    inverses.into_iter().collect::<Option<_>>().ok_or(Error::Bug("units are not invertible"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// log2(2^x + 2^y).
    fn log_sum(x: f64, y: f64) -> f64 {
        x.max(y) + (1.0 + (-(x - y).abs()).exp2()).log2()
    }

    /// log2 of the bound on the distance of a nonce from uniform.
    fn distance(key_bits: u32, width: u32) -> f64 {
        let bases = exponent_bits(key_bits).div_ceil(width).max(least_bases(key_bits));
        let (bases, primes, exponents) = (f64::from(bases), f64::from(key_bits / 12), 1u64 << width);
        let long = f64::from(key_bits) - f64::from(width) * bases;
        let sum = (2..exponents).fold(long, |sum, order| {
            // Pairs of exponents that are the same modulo the order.
            let (more, each) = (exponents % order, exponents / order);
            let pairs = more * (each + 1).pow(2) + (order - more) * each.pow(2);
            let chance = pairs as f64 / (exponents * exponents) as f64;
            let characters = (primes * (order as f64).log2()).min(f64::from(key_bits));
            log_sum(sum, characters + bases * chance.log2())
        });
        sum / 2.0 - 1.0
    }

    #[test]
    fn a_nonce_is_within_2_to_the_minus_128_of_uniform_whatever_the_windows_are() {
        for key_bits in [2048, 3072, 4096] {
            for width in 1..=10 {
                let distance = distance(key_bits, width);
                assert!(distance <= -128.0, "{key_bits} bits, windows of {width}: 2^{distance}");
            }
        }
    }
}
