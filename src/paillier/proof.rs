//! The key proof: gcd(n, phi(n)) = 1, which is what makes r^n a perfect mask (Goldberg, Reyzin, Sagga, Baldimtsi 2018).
//!
//! Eleven numbers modulo n come from a hash of n; the key's owner shows an n-th root of each. If n shared a factor with
//! phi(n), then at most one number in a prime factor of theirs would have a root. No prime factor up to 6367 divides n, so
//! all eleven have roots with a probability below 6367^-11 < 2^-138.

use rayon::prelude::*;
use rug::Integer;
use rug::integer::Order;
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};

use crate::error::{Error, KeyFault, Result};
use crate::secret::WipedInteger;

/// Numbers whose roots are shown.
const ROOTS: u32 = 11;

/// Prime factors up to this bound are ruled out by trial division.
const SMALL_FACTORS: u32 = 6367;

/// Eleven n-th roots modulo n that show gcd(n, phi(n)) = 1. It does not show that n has two prime factors, and need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProof(Vec<u8>);

impl KeyProof {
    /// Reads 11 big-endian numbers of `key_bits` / 8 bytes each, one behind the other.
    ///
    /// # Errors
    /// [`KeyFault::WrongProof`] if the length is another.
    pub fn from_bytes(bytes: &[u8], key_bits: u32) -> Result<Self> {
        if bytes.len() != ROOTS as usize * (key_bits as usize / 8) {
            return Err(KeyFault::WrongProof.into());
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Eleven big-endian numbers, each as long as n.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Proves n = p q. The exponents are secret; GMP's constant-time power takes them.
    pub(super) fn prove(n: &Integer, p: &WipedInteger, q: &WipedInteger) -> Result<Self> {
        let length = n.significant_digits::<u8>();
        let exponent = |prime: &Integer| {
            let order = WipedInteger(Integer::from(prime - 1));
            n.clone().invert(&order).map(WipedInteger).map_err(|_| Error::from(KeyFault::Factors))
        };
        let (d_p, d_q) = (exponent(p)?, exponent(q)?);
        let p_inverse = WipedInteger(p.0.clone().invert(q).map_err(|_| KeyFault::Factors)?);
        let root = |i| -> Result<Vec<u8>> {
            let rho = challenge("key-proof", n, i)?;
            let root_p = WipedInteger(Integer::from(&rho % &p.0).secure_pow_mod(&d_p, p));
            let root_q = WipedInteger((rho % &q.0).secure_pow_mod(&d_q, q));
            let step = WipedInteger((Integer::from(&root_q.0 - &root_p.0) * &p_inverse.0).modulo(q));
            Ok(fixed_width(&(Integer::from(&step.0 * &p.0) + &root_p.0), length))
        };
        let roots: Vec<Vec<u8>> = (0..ROOTS).into_par_iter().map(root).collect::<Result<_>>()?;
        Ok(Self(roots.concat()))
    }

    /// Checks the product of the roots: one power instead of eleven, for a proof that only an accident can have changed.
    pub(super) fn check_product(&self, n: &Integer) -> Result<()> {
        let length = n.significant_digits::<u8>();
        let (mut roots, mut challenges) = (Integer::from(1), Integer::from(1));
        for (i, root) in (0..ROOTS).zip(self.0.chunks_exact(length)) {
            roots = roots * Integer::from_digits(root, Order::Msf) % n;
            challenges = challenges * challenge("key-proof", n, i)? % n;
        }
        let power = roots.pow_mod(n, n).map_err(|_| KeyFault::WrongProof)?;
        if power == challenges { Ok(()) } else { Err(KeyFault::WrongProof.into()) }
    }

    /// Checks the roots against n, whose length, parity, small factors and compositeness are checked already.
    pub(super) fn verify(&self, n: &Integer) -> Result<()> {
        let length = n.significant_digits::<u8>();
        if self.0.len() != ROOTS as usize * length {
            return Err(KeyFault::WrongProof.into());
        }
        let roots: Vec<_> = self.0.chunks_exact(length).map(|root| Integer::from_digits(root, Order::Msf)).collect();
        if roots.iter().any(|root| *root <= 1 || root >= n) {
            return Err(KeyFault::WrongProof.into());
        }
        (0..ROOTS).into_par_iter().zip(roots).try_for_each(|(i, root)| {
            let power = root.pow_mod(n, n).map_err(|_| KeyFault::WrongProof)?;
            if power == challenge("key-proof", n, i)? { Ok(()) } else { Err(KeyFault::WrongProof.into()) }
        })
    }
}

/// Z(label, i): the first number v with 1 < v < n among the SHAKE256 values of
/// "tacita/v1/" || label || 00 || N || u32be i || u32be j for j = 0, 1, ..., N being n in big-endian bytes.
///
/// # Errors
/// [`KeyFault::Hash`] if v shares a factor with n.
pub(super) fn challenge(label: &str, n: &Integer, i: u32) -> Result<Integer> {
    let length = n.significant_digits::<u8>();
    let modulus = fixed_width(n, length);
    let mut bytes = vec![0; length];
    for j in 0u32.. {
        Shake256::default()
            .chain(b"tacita/v1/")
            .chain(label)
            .chain([0])
            .chain(&modulus)
            .chain(i.to_be_bytes())
            .chain(j.to_be_bytes())
            .finalize_xof()
            .read(&mut bytes);
        let value = Integer::from_digits(&bytes, Order::Msf);
        if value > 1 && value < *n {
            return if Integer::from(value.gcd_ref(n)) == 1 { Ok(value) } else { Err(KeyFault::Hash.into()) };
        }
    }
    Err(Error::Bug("no hash value below the modulus"))
}

/// What can be seen of a modulus without help: it is odd, has no prime factor up to 6367, and is composite by one
/// Miller-Rabin test to base 2 (a pseudoprime to that base is refused like a prime).
pub(super) fn check_modulus(n: &Integer) -> Result<()> {
    if n.is_even() {
        return Err(KeyFault::Even.into());
    }
    for factor in (3..=SMALL_FACTORS).step_by(2) {
        if n.is_divisible_u(factor) {
            return Err(KeyFault::SmallFactor { factor }.into());
        }
    }
    if passes_base_2(n) { Err(KeyFault::Prime.into()) } else { Ok(()) }
}

/// One round of Miller-Rabin to base 2: is the odd n > 2 a prime, as far as that can tell?
fn passes_base_2(n: &Integer) -> bool {
    let minus_one = Integer::from(n - 1);
    let twos = minus_one.find_one(0).unwrap_or(0);
    let odd_part = Integer::from(&minus_one >> twos);
    let Ok(mut power) = Integer::from(2).pow_mod(&odd_part, n) else { return false };
    if power == 1 {
        return true;
    }
    for _ in 0..twos {
        if power == minus_one {
            return true;
        }
        power.square_mut();
        power %= n;
    }
    false
}

/// The number in exactly `length` big-endian bytes.
pub(super) fn fixed_width(value: &Integer, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    value.write_digits(&mut bytes, Order::Msf);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn miller_rabin_to_base_2_tells_primes_and_its_pseudoprimes() {
        for prime in [3u32, 5, 65_537, 999_983] {
            assert!(passes_base_2(&prime.into()), "{prime}");
        }
        for composite in [9u32, 341, 561, 999_981] {
            assert!(!passes_base_2(&composite.into()), "{composite}");
        }
        // Strong pseudoprimes to base 2 (OEIS A001262).
        for pseudoprime in [2047u32, 3277, 4033] {
            assert!(passes_base_2(&pseudoprime.into()), "{pseudoprime}");
        }
    }

    #[test]
    fn hash_values_differ_by_label_index_and_modulus() {
        let n = (Integer::from(1) << 255u32).next_prime();
        let m = n.clone().next_prime();
        let values = [
            challenge("key-proof", &n, 0).unwrap(),
            challenge("key-proof", &n, 1).unwrap(),
            challenge("nonce-base", &n, 0).unwrap(),
            challenge("key-proof", &m, 0).unwrap(),
        ];
        for (i, value) in values.iter().enumerate() {
            assert!(!values[..i].contains(value));
        }
    }

    #[test]
    fn the_owner_of_a_modulus_that_shares_a_factor_with_its_phi_cannot_prove_it() {
        // n = p^2 r, so p divides phi(n) = p (p - 1) (r - 1). The best the owner can do is to take roots in the part of the
        // group whose order is coprime to n; they are roots of the few numbers that lie in it only.
        let p = (Integer::from(3) << 510u32).next_prime();
        let r = (Integer::from(15) << 1020u32).next_prime();
        let n = p.clone().square() * &r;
        assert_eq!(n.significant_bits(), 2048);
        check_modulus(&n).unwrap();
        let order = (p - 1u32) * (r - 1u32);
        let d = n.clone().invert(&order).unwrap();
        let root = |i| fixed_width(&challenge("key-proof", &n, i).unwrap().pow_mod(&d, &n).unwrap(), 256);
        let claimed = KeyProof((0..ROOTS).flat_map(root).collect());
        assert_eq!(claimed.verify(&n), Err(KeyFault::WrongProof.into()));
    }
}
