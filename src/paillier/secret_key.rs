//! The secret key: decryption, quick nonces, the key proof.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use rug::Integer;
use rug::integer::IsPrime;

use super::generate::{PRIMALITY_ROUNDS, permits_short_nonces};
use super::{Ciphertext, KeyProof, Nonce, NonceMethod, Plaintext, PublicKey};
use crate::arith::fixed_base::FixedBase;
use crate::arith::lanes::Lanes;
use crate::arith::montgomery::Montgomery;
use crate::arith::portable::{ConstantTime, Portable, Residue};
use crate::arith::power::pow_secret;
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, KeyFault, Result};
use crate::secret::{Limbs, WipedInteger};
use crate::threads;

/// The factors of n. Cheap to clone; wiped when the last clone goes. `Debug` shows the public part only.
#[derive(Clone)]
pub struct SecretKey(Arc<Inner>);

struct Inner {
    public: PublicKey,
    p: Factor,
    q: Factor,
    /// p^-1 mod q, which joins plaintexts.
    p_inverse: Limbs,
    /// p^-2 mod q^2 in Montgomery form, which joins nonces.
    p2_inverse: Residue,
    /// Powers of the nonce base modulo p^2 and q^2, made when first wanted.
    nonce_tables: OnceLock<[FixedBase<Portable<ConstantTime>>; 2]>,
}

/// What belongs to one of the two primes, here called p; the other is q.
struct Factor {
    modulus: Arc<Montgomery>,
    lanes: Arc<Portable<ConstantTime>>,
    /// p - 1.
    order: Limbs,
    /// (-q)^-1 mod p, which takes c^(p-1) = 1 - m q p mod p^2 to m mod p.
    h: Limbs,
}

impl Factor {
    fn new(p: &Integer, q: &Integer) -> Result<Self> {
        let modulus = Arc::new(Montgomery::new(p));
        let order = WipedInteger(Integer::from(p - 1));
        let negated = WipedInteger(Integer::from(-q).modulo(p));
        let h = WipedInteger(negated.0.clone().invert(p).map_err(|_| KeyFault::Factors)?);
        Ok(Self {
            lanes: Arc::new(Portable::new(modulus.clone())),
            order: Limbs::from_integer(&order, p.significant_digits::<u64>()),
            h: Limbs::from_integer(&h, modulus.length()),
            modulus,
        })
    }

    /// m mod p from a ciphertext modulo n^2, in constant time.
    fn decrypt(&self, ciphertext: &[u64]) -> Result<Limbs> {
        let scratch = &mut self.lanes.scratch();
        let c = self.lanes.enter(&[&self.modulus.rem_square(ciphertext)], scratch);
        let bits = 64 * self.order.len() as u32;
        let power = pow_secret(&*self.lanes, &c, &[&self.order], bits, scratch);
        let pair = &self.lanes.leave(&power, scratch)[0];
        // Fermat: the first component is 1, or the ciphertext is no unit, or the machine erred.
        let differs = pair.a.iter().skip(1).fold(pair.a[0] ^ 1, |differs, limb| differs | limb);
        if differs != 0 {
            return Err(Error::Decryption);
        }
        Ok(self.modulus.mul(&pair.b, &self.h))
    }
}

impl SecretKey {
    /// The key of two primes, for keys that were made elsewhere. Where they are not both 3 mod 4 with
    /// gcd(p - 1, q - 1) = 2, nonces are drawn by [`NonceMethod::Power`].
    ///
    /// # Errors
    /// [`KeyFault::Factors`] unless p and q are distinct primes of the same length; [`KeyFault::Size`] unless n = pq has
    /// 2048, 3072 or 4096 bits.
    pub fn from_primes(p: Integer, q: Integer) -> Result<Self> {
        Self::from_primes_with_proof(WipedInteger(p), WipedInteger(q), None)
    }

    pub(super) fn from_primes_with_proof(p: WipedInteger, q: WipedInteger, proof: Option<KeyProof>) -> Result<Self> {
        let bits = Integer::from(&p.0 * &q.0).significant_bits();
        super::KeySize::try_from(bits)?;
        let is_prime = |x: &Integer| *x > 1 && x.is_probably_prime(PRIMALITY_ROUNDS) != IsPrime::No;
        let half = |x: &Integer| x.significant_bits() == bits / 2;
        if p.0 == q.0 || !half(&p) || !half(&q) || !is_prime(&p) || !is_prime(&q) {
            return Err(KeyFault::Factors.into());
        }
        Self::from_checked_factors(p, q, proof)
    }

    pub(super) fn from_checked_factors(p: WipedInteger, q: WipedInteger, proof: Option<KeyProof>) -> Result<Self> {
        let public = PublicKey::trusted(Integer::from(&p.0 * &q.0), permits_short_nonces(&p, &q), proof)?;
        let (p_side, q_side) = (Factor::new(&p, &q)?, Factor::new(&q, &p)?);
        let inverse = |x: &Integer, modulus: &Integer| {
            x.clone().invert(modulus).map(WipedInteger).map_err(|_| Error::from(KeyFault::Factors))
        };
        let p_inverse: WipedInteger = inverse(&p.0, &q.0)?;
        let p_inverse = Limbs::from_integer(&p_inverse, q_side.modulus.length());
        let squares = [&p.0, &q.0].map(|prime| WipedInteger(prime.clone().square()));
        let p2_inverse = inverse(&squares[0], &squares[1])?;
        let p2_inverse = Limbs::from_integer(&p2_inverse, q_side.modulus.square_length());
        let p2_inverse = q_side.lanes.enter(&[&p2_inverse], &mut q_side.lanes.scratch());
        let inner = Inner { public, p: p_side, q: q_side, p_inverse, p2_inverse, nonce_tables: OnceLock::new() };
        Ok(Self(Arc::new(inner)))
    }

    /// The public part.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// The prime factors.
    pub(super) fn primes(&self) -> (WipedInteger, WipedInteger) {
        let prime = |factor: &Factor| WipedInteger(factor.modulus.modulus().to_integer());
        (prime(&self.0.p), prime(&self.0.q))
    }

    /// The key proof, made once and then kept in the public key too.
    ///
    /// # Errors
    /// [`KeyFault::Factors`] if n shares a factor with phi(n), which two primes of the same length do not let happen.
    pub fn proof(&self) -> Result<&KeyProof> {
        let cell = self.0.public.proof_cell();
        if cell.get().is_none() {
            let (p, q) = self.primes();
            let proof = threads::run(|| KeyProof::prove(self.0.public.modulus(), &p, &q))??;
            // Two threads may both have made it, the same one.
            let _ = cell.set(proof);
        }
        cell.get().ok_or(Error::Bug("the key proof vanished"))
    }

    /// Decrypts one ciphertext, the two primes on two cores, in constant time.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the ciphertext belongs to another key; [`Error::Decryption`] if a check of the result
    /// fails, which shows a faulty machine.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext> {
        self.0.public.expect(ciphertext.key())?;
        threads::run(|| self.decrypt_limbs(ciphertext.limbs()))?
    }

    /// Decrypts a list on all cores.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_batch(&self, ciphertexts: &[Ciphertext]) -> Result<Vec<Plaintext>> {
        ciphertexts.iter().try_for_each(|c| self.0.public.expect(c.key()))?;
        threads::run(|| ciphertexts.par_iter().map(|c| self.decrypt_limbs(c.limbs())).collect())?
    }

    /// [`decrypt_batch`](Self::decrypt_batch) with a check of the machine: the product of c_j^(e_j), e_j random 64-bit
    /// numbers, must decrypt to the sum of e_j m_j. Costs one decryption and a 64-bit power for each ciphertext more.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt); [`Error::Randomness`].
    pub fn decrypt_batch_verified(&self, ciphertexts: &[Ciphertext]) -> Result<Vec<Plaintext>> {
        let plaintexts = self.decrypt_batch(ciphertexts)?;
        let (public, modulus) = (&self.0.public, self.0.public.montgomery());
        let mut product = Integer::from(1);
        let mut sum = Limbs::zero(modulus.length());
        for (ciphertext, plaintext) in ciphertexts.iter().zip(&plaintexts) {
            let mut exponent = Limbs::zero(modulus.length());
            SystemEntropy.bits(&mut exponent[..1], 64)?;
            product *= public.mul_plain(ciphertext, &exponent.to_integer())?.to_integer();
            product %= public.modulus_squared();
            let mut padded = Limbs::zero(modulus.length());
            padded[..plaintext.limbs().len()].copy_from_slice(plaintext.limbs());
            modulus.add_assign(&mut sum, &modulus.mul(&exponent, &padded));
        }
        let total = self.decrypt(&Ciphertext::from_integer(public, &product))?;
        if total.limbs() == &sum[..public.limbs()] { Ok(plaintexts) } else { Err(Error::Decryption) }
    }

    fn decrypt_limbs(&self, ciphertext: &[u64]) -> Result<Plaintext> {
        let (p, q) = (&self.0.p, &self.0.q);
        let (m_p, m_q) = rayon::join(|| p.decrypt(ciphertext), || q.decrypt(ciphertext));
        let (m_p, m_q) = (m_p?, m_q?);
        // Garner: m = m_p + p ((m_q - m_p) / p mod q).
        let step = q.modulus.mul(&q.modulus.sub(&m_q, &q.modulus.rem(&m_p)), &self.0.p_inverse);
        Ok(Plaintext::from_limbs(p.modulus.add_multiple(&m_p, &step, self.0.public.limbs())))
    }

    /// The quickest way to draw nonces with this key: from the secret base where its primes permit it.
    pub fn nonce_method(&self) -> NonceMethod {
        if self.0.public.short_nonces() { NonceMethod::SecretBase } else { NonceMethod::Power }
    }

    /// Draws `count` nonces by any method, on all cores.
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
        if method != NonceMethod::SecretBase {
            return self.0.public.nonces_from(method, count, entropy);
        }
        if !self.0.public.short_nonces() {
            return Err(Error::Argument("the primes of this key do not permit nonces from the secret base".into()));
        }
        let mut draw = |order: &Limbs| -> Result<Vec<Limbs>> {
            let mut exponents = vec![Limbs::zero(order.len()); count];
            exponents.iter_mut().try_for_each(|exponent| entropy.below(exponent, order))?;
            Ok(exponents)
        };
        let exponents = [draw(&self.0.p.order)?, draw(&self.0.q.order)?];
        threads::run(|| {
            let tables = self.nonce_tables()?;
            let [a, b] = &exponents;
            Ok(a.par_iter().zip(b).map(|(a, b)| self.secret_base_nonce(tables, a, b)).collect())
        })?
    }

    /// h_n^a mod p^2 and h_n^b mod q^2, joined modulo n^2, in constant time.
    fn secret_base_nonce(&self, tables: &[FixedBase<Portable<ConstantTime>>; 2], a: &Limbs, b: &Limbs) -> Nonce {
        let side = |table: &FixedBase<_>, factor: &Factor, exponent: &Limbs| {
            let scratch = &mut factor.lanes.scratch();
            let power = table.pow(&[exponent], scratch);
            let pair = &factor.lanes.leave(&power, scratch)[0];
            factor.modulus.add_multiple(&pair.a, &pair.b, factor.modulus.square_length())
        };
        let (p, q) = (&self.0.p, &self.0.q);
        let (x_p, x_q) = (side(&tables[0], p, a), side(&tables[1], q, b));
        // Garner: x = x_p + p^2 ((x_q - x_p) / p^2 mod q^2).
        let scratch = &mut q.lanes.scratch();
        let difference = q.modulus.sub_square(&x_q, &q.modulus.rem_square(&x_p));
        let mut step = q.lanes.enter(&[&difference], scratch);
        q.lanes.mul(&mut step, &self.0.p2_inverse, scratch);
        let pair = &q.lanes.leave(&step, scratch)[0];
        let step = q.modulus.add_multiple(&pair.a, &pair.b, q.modulus.square_length());
        let public = &self.0.public;
        Nonce { key: public.fingerprint(), limbs: p.modulus.add_multiple_of_square(&x_p, &step, 2 * public.limbs()) }
    }

    fn nonce_tables(&self) -> Result<&[FixedBase<Portable<ConstantTime>>; 2]> {
        if self.0.nonce_tables.get().is_none() {
            let base = self.0.public.nonce_base()?;
            let table = |factor: &Factor| -> Result<_> {
                let prime = WipedInteger(factor.modulus.modulus().to_integer());
                let square = WipedInteger(Integer::from(prime.0.square_ref()));
                let base = WipedInteger(Integer::from(&base % &square.0));
                let inverse = base.0.clone().invert(&square).map_err(|_| Error::Bug("the nonce base is not a unit"))?;
                let limbs = |value: &Integer| Limbs::from_integer(value, factor.modulus.square_length());
                let bits = 64 * factor.order.len() as u32;
                Ok(FixedBase::new(factor.lanes.clone(), &limbs(&base), &limbs(&WipedInteger(inverse)), bits))
            };
            // Two threads may both have made them; one pair is kept.
            let _ = self.0.nonce_tables.set([table(&self.0.p)?, table(&self.0.q)?]);
        }
        self.0.nonce_tables.get().ok_or(Error::Bug("the nonce tables vanished"))
    }

    /// Encrypts with a fresh nonce of [`nonce_method`](Self::nonce_method): a quarter of the public key's cost.
    ///
    /// # Errors
    /// As [`PublicKey::encrypt`].
    pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext> {
        let mut one = self.encrypt_batch(std::slice::from_ref(plaintext))?;
        one.pop().ok_or(Error::Bug("no ciphertext"))
    }

    /// Encrypts a list with fresh nonces, on all cores.
    ///
    /// # Errors
    /// As [`PublicKey::encrypt`].
    pub fn encrypt_batch(&self, plaintexts: &[Plaintext]) -> Result<Vec<Ciphertext>> {
        self.0.public.encrypt_batch_with(plaintexts, self.nonces(self.nonce_method(), plaintexts.len())?)
    }
}

/// For test vectors: nonces from chosen numbers.
#[cfg(feature = "hazmat")]
impl SecretKey {
    /// The number modulo n^2 that is h_n^a mod p^2 and h_n^b mod q^2. Whoever knows a and b can read the message.
    ///
    /// # Errors
    /// [`Error::Argument`] if a is not in 0..p - 1 or b not in 0..q - 1, or if the key does not permit
    /// [`NonceMethod::SecretBase`].
    pub fn nonce_from_exponents(&self, a: &Integer, b: &Integer) -> Result<Nonce> {
        let exponent = |value: &Integer, factor: &Factor| {
            let fits = *value >= 0 && *value < factor.order.to_integer() && self.0.public.short_nonces();
            let refused = || Error::Argument("an exponent is too long, or the key permits no short nonces".into());
            fits.then(|| Limbs::from_integer(value, factor.order.len())).ok_or_else(refused)
        };
        let (a, b) = (exponent(a, &self.0.p)?, exponent(b, &self.0.q)?);
        threads::run(|| Ok(self.secret_base_nonce(self.nonce_tables()?, &a, &b)))?
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(factors redacted, of {:?})", self.0.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::observe;

    #[test]
    fn primes_and_exponents_are_zero_when_they_are_freed() {
        let key = SecretKey::generate_insecure_for_tests(512).unwrap();
        let inner = &key.0;
        let secret: Vec<&[u64]> = vec![
            inner.p.modulus.modulus(),
            inner.q.modulus.modulus(),
            &inner.p.order,
            &inner.q.order,
            &inner.p.h,
            &inner.q.h,
            &inner.p_inverse,
        ];
        assert!(secret.iter().all(|limbs| limbs.iter().any(|&limb| limb != 0)));
        let addresses: Vec<_> = secret.iter().map(|limbs| limbs.as_ptr() as usize).collect();
        let freed = observe::freed_during(|| drop(key));
        for address in addresses {
            let (_, limbs) = freed.iter().find(|(freed, _)| *freed == address).expect("the buffer is freed");
            assert!(limbs.iter().all(|&limb| limb == 0));
        }
    }

    #[test]
    fn what_is_no_unit_does_not_decrypt() {
        let key = SecretKey::generate_insecure_for_tests(512).unwrap();
        let public = key.public_key();
        let (p, q) = key.primes();
        // Past the check of ciphertexts from outside, as a faulty machine might: all fail alike.
        for value in [Integer::new(), p.0.clone(), Integer::from(&q.0 * 5), public.modulus().clone()] {
            let forged = Ciphertext::from_integer(public, &value);
            assert_eq!(key.decrypt(&forged).unwrap_err(), Error::Decryption);
            assert_eq!(key.decrypt_batch(&[forged]).unwrap_err(), Error::Decryption);
        }
    }

    #[test]
    fn debug_shows_no_factor() {
        let key = SecretKey::generate_insecure_for_tests(256).unwrap();
        let (p, q) = key.primes();
        let shown = format!("{key:?} {key:#?}");
        for secret in [&p.0, &q.0, &Integer::from(&p.0 - 1), &Integer::from(&q.0 - 1)] {
            for radix in [10, 16] {
                assert!(!shown.contains(&secret.to_string_radix(radix)));
            }
        }
        assert!(shown.contains(&key.public_key().fingerprint().to_string()));
    }
}
