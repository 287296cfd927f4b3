//! Nonces: random n-th residues modulo n^2, which are encryptions of zero. Four ways to draw them.

use std::fmt;

use super::PublicKey;
use crate::arith::FixedBasePowers;
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::secret::{Limbs, slices};
use crate::threads;

/// How a nonce is drawn. All ciphertexts decrypt alike; what they rest on and what they cost differs.
///
/// ```
/// use tacita::paillier::{NonceMethod, Plaintext, SecretKey};
///
/// let secret = SecretKey::generate_insecure_for_tests(512)?;
/// let public = secret.public_key();
/// let plaintexts = [Plaintext::new(3, public)?, Plaintext::new(4, public)?];
/// // The quickest way open to the public key is `PublicBase`; this one assumes nothing about short exponents.
/// let nonces = public.nonces(NonceMethod::Power, plaintexts.len())?;
/// let ciphertexts = public.encrypt_batch_with(&plaintexts, nonces)?;
/// assert_eq!(secret.decrypt(&ciphertexts[1])?.to_signed(public), 4);
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NonceMethod {
    /// r^n, r uniform in Z_n*: the reference. Rests on Paillier's decisional composite residuosity (DCR) alone.
    Power,
    /// h_n^a from a table, a uniform of half the bits of n (Damgard, Jurik, Nielsen 2010). Wants a key whose owner declares
    /// p = q = 3 mod 4 and gcd(p - 1, q - 1) = 2. Rests on DCR and on short exponents being as good as long ones. The Jacobi
    /// symbol of its ciphertexts is always 1, which shows that this way was used, never the message.
    PublicBase,
    /// With the secret key: h_n^a mod p^2 and h_n^b mod q^2 from two tables, a and b independent. Rests on DCR alone; see
    /// `docs/threat-model.md`.
    SecretBase,
    /// The product of the powers of secret random residues r_i^n by fresh short exponents, from a table: within 2^-128 of
    /// r^n under every key that was verified, so it rests on DCR alone too. A third to a sixth of its cost, once the table is
    /// made: that takes the time of some 800 nonces of [`Power`](Self::Power), and the key then keeps up to 48 MB as long as
    /// a clone of it lives. For public keys under which thousands of nonces are drawn; see `docs/threat-model.md`.
    RandomBases,
}

impl NonceMethod {
    /// Whether it makes a nonce uniform to somebody who made the key, too: what an evaluator hides behind.
    pub(crate) fn hides_from_key_holder(self) -> bool {
        matches!(self, Self::Power | Self::RandomBases)
    }
}

/// A random n-th residue modulo n^2. Using it twice would tell the difference of two plaintexts, so it is consumed by move; a
/// process that is forked off must not use its copy.
pub struct Nonce {
    pub(super) key: Fingerprint,
    /// Twice the limbs of n.
    pub(super) limbs: Limbs,
}

/// What fresh ciphertexts are of.
#[derive(Clone, Copy)]
pub(super) enum Messages<'a> {
    /// So many zeros: nonces.
    Zeros(usize),
    /// Numbers below n.
    Numbers(&'a [&'a [u64]]),
}

impl<'a> Messages<'a> {
    pub(super) fn count(self) -> usize {
        match self {
            Self::Zeros(count) => count,
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// The numbers; `None` where all are zeros anyway.
    pub(super) fn numbers(self) -> Option<&'a [&'a [u64]]> {
        match self {
            Self::Zeros(_) => None,
            Self::Numbers(numbers) => Some(numbers),
        }
    }
}

/// The numbers of nonces.
pub(super) fn limbs_of(nonces: &[Nonce]) -> Vec<&[u64]> {
    nonces.iter().map(|nonce| &nonce.limbs[..]).collect()
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(redacted)")
    }
}

impl PublicKey {
    /// The quickest way to draw nonces that is open to somebody without the secret key.
    pub fn nonce_method(&self) -> NonceMethod {
        if self.short_nonces() { NonceMethod::PublicBase } else { NonceMethod::Power }
    }

    /// Draws `count` nonces from the operating system's randomness, on all cores.
    ///
    /// # Errors
    /// [`Error::Argument`] for a method that this key does not permit; [`Error::Randomness`].
    pub fn nonces(&self, method: NonceMethod, count: usize) -> Result<Vec<Nonce>> {
        self.nonces_from(method, count, &mut SystemEntropy)
    }

    pub(crate) fn nonces_from(
        &self,
        method: NonceMethod,
        count: usize,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Nonce>> {
        Ok(self.as_nonces(self.encryptions(method, Messages::Zeros(count), entropy)?))
    }

    /// Fresh encryptions (1 + m n) rho mod n^2, with nonces of a method. Where these come from a table, the message costs an
    /// addition.
    pub(super) fn encryptions(
        &self,
        method: NonceMethod,
        messages: Messages,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Limbs>> {
        self.permit(method)?;
        threads::run(|| match method {
            NonceMethod::Power => {
                let nonces = self.powers(messages.count(), entropy)?;
                Ok(match messages {
                    Messages::Zeros(_) => nonces.into_iter().map(|nonce| nonce.limbs).collect(),
                    Messages::Numbers(numbers) => self.constant_time().times_one_plus(&limbs_of(&nonces), numbers),
                })
            }
            NonceMethod::PublicBase => self.by_table(self.nonce_table()?, self.bits() / 2, messages, entropy),
            NonceMethod::RandomBases => {
                let table = self.random_bases_table(entropy)?;
                self.by_table(table, table.bits(), messages, entropy)
            }
            NonceMethod::SecretBase => Err(Error::Bug("a method that is not permitted was tried")),
        })?
    }

    /// Refuses a method that is not open to whoever has this key.
    pub(super) fn permit(&self, method: NonceMethod) -> Result<()> {
        let refused = |why: &str| Err(Error::Argument(why.into()));
        match method {
            NonceMethod::Power | NonceMethod::RandomBases => Ok(()),
            NonceMethod::PublicBase if self.short_nonces() => Ok(()),
            NonceMethod::PublicBase => refused("this key's owner does not declare that short nonces may be used"),
            NonceMethod::SecretBase => refused("nonces from the secret base need the secret key"),
        }
    }

    pub(super) fn powers(&self, count: usize, entropy: &mut dyn Entropy) -> Result<Vec<Nonce>> {
        Ok(self.powers_of(&self.roots(count, entropy)?))
    }

    /// The nonces r^n of [`roots`](Self::roots), on all threads of the pool.
    pub(crate) fn powers_of(&self, roots: &[Limbs]) -> Vec<Nonce> {
        let n = Limbs::from_integer(self.modulus(), self.limbs());
        self.as_nonces(self.constant_time().powers(&slices(roots), &vec![&n[..]; roots.len()]))
    }

    /// Uniform units modulo n, on all threads of the pool.
    pub(crate) fn roots(&self, count: usize, entropy: &mut dyn Entropy) -> Result<Vec<Limbs>> {
        let mut roots = self.roots_or_not(count, entropy)?;
        // Honest keys never get further. A key may have been made of small primes so that one draw in twenty-five is not a
        // unit; then only those are drawn again, or a long list would never be without one. A random number that the check
        // multiplies with may be no unit either: a root is drawn again if it never passes.
        const CHECKS: usize = 3;
        while !self.all_units(&roots, entropy)? {
            let mut unfit = Vec::new();
            for root in &mut roots {
                let mut fit = false;
                for _ in 0..CHECKS {
                    fit = fit || self.all_units(std::slice::from_ref(root), entropy)?;
                }
                if !fit {
                    unfit.push(root);
                }
            }
            let again = self.roots_or_not(unfit.len(), entropy)?;
            unfit.into_iter().zip(again).for_each(|(root, again)| *root = again);
        }
        Ok(roots)
    }

    /// Uniform numbers below n, units or not.
    fn roots_or_not(&self, count: usize, entropy: &mut dyn Entropy) -> Result<Vec<Limbs>> {
        let n = Limbs::from_integer(self.modulus(), self.limbs());
        let mut roots = vec![Limbs::zero(self.limbs()); count];
        roots.iter_mut().try_for_each(|root| entropy.below(root, &n))?;
        Ok(roots)
    }

    /// Whether all numbers are coprime to n. The greatest common divisor takes a time that depends on its argument, so it
    /// sees their product times a random number.
    fn all_units(&self, numbers: &[Limbs], entropy: &mut dyn Entropy) -> Result<bool> {
        let n = &self.montgomery().modulus()[..self.limbs()];
        let mut blind = Limbs::zero(self.limbs());
        entropy.below(&mut blind, n)?;
        let mut numbers = slices(numbers);
        numbers.push(&blind);
        Ok(self.constant_time().product_up_to_units(&numbers).to_integer().gcd(self.modulus()) == 1)
    }

    /// Encryptions with powers by uniform exponents of `bits` bits.
    fn by_table(
        &self,
        table: &dyn FixedBasePowers,
        bits: u32,
        messages: Messages,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<Limbs>> {
        let mut exponents = vec![Limbs::zero(bits.div_ceil(64) as usize); messages.count()];
        exponents.iter_mut().try_for_each(|exponent| entropy.bits(exponent, bits))?;
        Ok(table.powers(&slices(&exponents), messages.numbers()))
    }

    /// How many of them are computed side by side by one thread.
    pub(super) fn nonces_side_by_side(&self) -> usize {
        self.constant_time().width()
    }

    pub(super) fn as_nonces(&self, numbers: Vec<Limbs>) -> Vec<Nonce> {
        let key = self.fingerprint();
        numbers.into_iter().map(|limbs| Nonce { key, limbs }).collect()
    }
}

/// For test vectors: nonces from chosen numbers.
#[cfg(feature = "hazmat")]
impl PublicKey {
    /// r^n mod n^2 for a given unit r. Whoever knows r can read the message.
    ///
    /// # Errors
    /// [`Error::Argument`] if r is not a unit in 1..n.
    pub fn nonce_from_root(&self, r: &rug::Integer) -> Result<Nonce> {
        if *r < 1 || r >= self.modulus() || rug::Integer::from(r.gcd_ref(self.modulus())) != 1 {
            return Err(Error::Argument("the root must be a unit modulo n".into()));
        }
        let power = r.clone().pow_mod(self.modulus(), self.modulus_squared());
        let power = power.map_err(|_| Error::Bug("a power with a positive exponent failed"))?;
        Ok(Nonce { key: self.fingerprint(), limbs: Limbs::from_integer(&power, 2 * self.limbs()) })
    }

    /// h_n^a mod n^2 for a given exponent. Whoever knows a can read the message.
    ///
    /// # Errors
    /// [`Error::Argument`] if a is negative or longer than half of n, or if the key does not permit
    /// [`NonceMethod::PublicBase`].
    pub fn nonce_from_exponent(&self, a: &rug::Integer) -> Result<Nonce> {
        if *a < 0 || a.significant_bits() > self.bits() / 2 || !self.short_nonces() {
            return Err(Error::Argument("the exponent is too long, or the key permits no short nonces".into()));
        }
        let exponent = Limbs::from_integer(a, self.limbs() / 2);
        let powers = threads::run(|| Ok::<_, Error>(self.nonce_table()?.powers(&[&exponent], None)))??;
        self.as_nonces(powers).pop().ok_or(Error::Bug("no nonce"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::UnverifiedPublicKey;
    use rug::Integer;

    /// Its owner can prove gcd(n, phi(n)) = 1: no prime between 6367 and twice that divides another less 1.
    fn key_of_small_primes(bits: u32) -> PublicKey {
        let mut n = Integer::from(1);
        let mut prime = Integer::from(6367);
        while n.significant_bits() < bits - 26 {
            prime = prime.next_prime();
            n *= &prime;
        }
        n *= ((Integer::from(1) << bits) / &n).prev_prime();
        assert_eq!(n.significant_bits(), bits);
        UnverifiedPublicKey { n, short_nonces: false, proof: None }.assume_verified().unwrap()
    }

    /// Fails after so many draws.
    struct Scarce(usize);

    impl Entropy for Scarce {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
            self.0 = self.0.checked_sub(1).ok_or(Error::Randomness)?;
            SystemEntropy.fill(bytes)
        }
    }

    #[test]
    fn units_are_found_where_one_number_in_twenty_five_is_none() {
        // Were roots drawn again whenever one check fails, so many would pass once in e^16 rounds.
        let count = 10_000;
        let roots = key_of_small_primes(4096).roots(count, &mut Scarce(20 * count)).unwrap();
        assert_eq!(roots.len(), count);
    }

    #[test]
    fn a_key_of_small_primes_does_not_keep_the_evaluator_busy_for_ever() {
        let key = key_of_small_primes(256);
        // All of so many are units once in e^25 times.
        let nonces = key.nonces(NonceMethod::Power, 10_000).unwrap();
        assert_eq!(nonces.len(), 10_000);
        let numbers: Vec<_> = nonces.iter().map(|nonce| key.montgomery().rem(&nonce.limbs)).collect();
        assert!(key.all_units(&numbers, &mut SystemEntropy).unwrap());
        let nonces = key.nonces(NonceMethod::RandomBases, 100).unwrap();
        let numbers: Vec<_> = nonces.iter().map(|nonce| key.montgomery().rem(&nonce.limbs)).collect();
        assert!(key.all_units(&numbers, &mut SystemEntropy).unwrap());
    }
}
