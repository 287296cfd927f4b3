//! Encryption under a public key, and what can be done with ciphertexts without the secret one.

use rayon::prelude::*;
use rug::Integer;
use rug::integer::Order;

use super::nonce::{Messages, limbs_of};
use super::{Ciphertext, Nonce, NonceMethod, Plaintext, PublicKey};
use crate::arith::Concealment;
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::secret::{Limbs, slices};
use crate::threads;

impl PublicKey {
    /// Encrypts with a fresh nonce of [`nonce_method`](Self::nonce_method).
    ///
    /// # Errors
    /// [`Error::Argument`] if the plaintext was made for a key of another length; [`Error::Randomness`].
    pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext> {
        only(self.encrypt_batch(std::slice::from_ref(plaintext))?)
    }

    /// Encrypts a list with fresh nonces of [`nonce_method`](Self::nonce_method), on all cores.
    ///
    /// # Errors
    /// As [`encrypt`](Self::encrypt).
    pub fn encrypt_batch(&self, plaintexts: &[Plaintext]) -> Result<Vec<Ciphertext>> {
        self.encrypt_batch_from(self.nonce_method(), plaintexts, &mut SystemEntropy)
    }

    /// Encrypts a list with fresh nonces of a method.
    pub(crate) fn encrypt_batch_from(
        &self,
        method: NonceMethod,
        plaintexts: &[Plaintext],
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Ciphertext>> {
        let messages = self.messages(plaintexts)?;
        Ok(self.as_ciphertexts(self.encryptions(method, Messages::Numbers(&messages), entropy)?))
    }

    /// Encrypts with a nonce drawn beforehand: (1 + m n) rho mod n^2.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the nonce belongs to another key; [`Error::Argument`] as [`encrypt`](Self::encrypt).
    pub fn encrypt_with(&self, plaintext: &Plaintext, nonce: Nonce) -> Result<Ciphertext> {
        only(self.encrypt_batch_with(std::slice::from_ref(plaintext), vec![nonce])?)
    }

    /// Encrypts a list with as many nonces, on all cores.
    ///
    /// # Errors
    /// [`Error::Count`] if there are not as many nonces as plaintexts; otherwise as
    /// [`encrypt_with`](Self::encrypt_with).
    pub fn encrypt_batch_with(&self, plaintexts: &[Plaintext], nonces: Vec<Nonce>) -> Result<Vec<Ciphertext>> {
        same_length("nonces", plaintexts.len(), nonces.len())?;
        nonces.iter().try_for_each(|nonce| self.expect(nonce.key))?;
        let messages = self.messages(plaintexts)?;
        let work = || self.as_ciphertexts(self.constant_time().times_one_plus(&limbs_of(&nonces), &messages));
        threads::run_on(nonces.len(), work)
    }

    /// A ciphertext of the sum.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if a ciphertext belongs to another key.
    pub fn add(&self, x: &Ciphertext, y: &Ciphertext) -> Result<Ciphertext> {
        self.expect(x.key())?;
        self.expect(y.key())?;
        Ok(Ciphertext::from_integer(self, &(x.to_integer() * y.to_integer() % self.modulus_squared())))
    }

    /// Ciphertexts of the sums of two lists, place by place.
    ///
    /// # Errors
    /// [`Error::Count`] if the lists differ in length; otherwise as [`add`](Self::add).
    pub fn add_batch(&self, x: &[Ciphertext], y: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        same_length("ciphertexts", x.len(), y.len())?;
        threads::run(|| x.par_iter().zip(y).map(|(x, y)| self.add(x, y)).collect())?
    }

    /// A ciphertext of the sum with a known number, in constant time. The nonce stays the same.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the ciphertext belongs to another key; [`Error::Argument`] as [`encrypt`](Self::encrypt).
    pub fn add_plain(&self, x: &Ciphertext, y: &Plaintext) -> Result<Ciphertext> {
        only(self.add_plain_batch(std::slice::from_ref(x), std::slice::from_ref(y))?)
    }

    /// Ciphertexts of the sums with known numbers, place by place.
    ///
    /// # Errors
    /// [`Error::Count`] if the lists differ in length; otherwise as [`add_plain`](Self::add_plain).
    pub fn add_plain_batch(&self, x: &[Ciphertext], y: &[Plaintext]) -> Result<Vec<Ciphertext>> {
        same_length("plaintexts", x.len(), y.len())?;
        let (x, messages) = (self.numbers(x)?, self.messages(y)?);
        threads::run_on(x.len(), || self.as_ciphertexts(self.constant_time().times_one_plus(&x, &messages)))
    }

    /// A ciphertext of the product with a known number, which may be negative or zero. The time depends on the number, and
    /// the nonce becomes its power: [re-randomise](Self::rerandomise) what shall not show the number.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the ciphertext belongs to another key.
    pub fn mul_plain(&self, x: &Ciphertext, factor: &Integer) -> Result<Ciphertext> {
        self.expect(x.key())?;
        let (base, exponent) = self.power_of(x, factor)?;
        only(self.as_ciphertexts(self.variable_time().powers(&[&base], &[&exponent])))
    }

    /// Ciphertexts of the products with known numbers, place by place.
    ///
    /// # Errors
    /// [`Error::Count`] if the lists differ in length; otherwise as [`mul_plain`](Self::mul_plain).
    pub fn mul_plain_batch(&self, x: &[Ciphertext], factors: &[Integer]) -> Result<Vec<Ciphertext>> {
        same_length("factors", x.len(), factors.len())?;
        x.iter().try_for_each(|x| self.expect(x.key()))?;
        threads::run(|| {
            let powers = x.par_iter().zip(factors).map(|(x, factor)| self.power_of(x, factor));
            let powers: Vec<_> = powers.collect::<Result<_>>()?;
            let (bases, exponents): (Vec<_>, Vec<_>) =
                powers.iter().map(|(x, exponent)| (&x[..], &exponent[..])).unzip();
            Ok(self.as_ciphertexts(self.variable_time().powers(&bases, &exponents)))
        })?
    }

    /// x^factor as the power of x or its inverse by a nonnegative exponent.
    fn power_of(&self, x: &Ciphertext, factor: &Integer) -> Result<(Limbs, Vec<u64>)> {
        let base = if *factor < 0 {
            let inverse = x.to_integer().invert(self.modulus_squared());
            let inverse = inverse.map_err(|_| Error::Bug("a checked ciphertext is not invertible"))?;
            Limbs::from_integer(&inverse, 2 * self.limbs())
        } else {
            Limbs::copy_of(x.limbs())
        };
        Ok((base, factor.as_abs().to_digits(Order::Lsf)))
    }

    /// Another ciphertext of the same number, which nobody can link to the first: times a fresh r^n
    /// ([`NonceMethod::Power`]).
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the ciphertext belongs to another key; [`Error::Randomness`].
    pub fn rerandomise(&self, x: &Ciphertext) -> Result<Ciphertext> {
        only(self.rerandomise_batch(std::slice::from_ref(x))?)
    }

    /// Other ciphertexts of the same numbers.
    ///
    /// # Errors
    /// As [`rerandomise`](Self::rerandomise).
    pub fn rerandomise_batch(&self, x: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        let x = self.numbers(x)?;
        let nonces = self.nonces(NonceMethod::Power, x.len())?;
        threads::run_on(x.len(), || self.as_ciphertexts(self.constant_time().products(&x, &limbs_of(&nonces))))
    }

    /// For each part the product over its rows j of row^(2^(shift j)): several rows in one number. The time depends on the
    /// rows.
    pub(crate) fn pack(&self, parts: &[&[Limbs]], shift: u32) -> Result<Vec<Limbs>> {
        threads::run(|| self.variable_time().pack(parts, shift))
    }

    /// Adds a number below n to each and re-randomises, in constant time.
    pub(crate) fn conceal(&self, numbers: &[Limbs], addends: &[Limbs], nonces: Vec<Nonce>) -> Result<Vec<Ciphertext>> {
        same_length("addends", numbers.len(), addends.len())?;
        same_length("nonces", numbers.len(), nonces.len())?;
        nonces.iter().try_for_each(|nonce| self.expect(nonce.key))?;
        threads::run(|| {
            let ring = self.constant_time();
            self.as_ciphertexts(ring.conceal(&slices(numbers), &slices(addends), &limbs_of(&nonces)))
        })
    }

    /// [`pack`](Self::pack), then [`conceal`](Self::conceal) with the nonces r^n of [`roots`](Self::roots), which take the same
    /// squarings as the packed rows. Constant-time but for the number of rows.
    pub(crate) fn pack_and_conceal(
        &self,
        parts: &[&[Limbs]],
        shift: u32,
        addends: &[Limbs],
        roots: &[Limbs],
    ) -> Result<Vec<Ciphertext>> {
        same_length("addends", parts.len(), addends.len())?;
        same_length("roots", parts.len(), roots.len())?;
        threads::run(|| {
            let n = Limbs::from_integer(self.modulus(), self.limbs());
            let concealment = Concealment { k: &slices(addends), roots: &slices(roots), exponent: &n };
            self.as_ciphertexts(self.constant_time().pack_and_conceal(parts, shift, &concealment))
        })
    }

    pub(super) fn as_ciphertexts(&self, numbers: Vec<Limbs>) -> Vec<Ciphertext> {
        numbers.iter().map(|number| Ciphertext::from_limbs(self.fingerprint(), number)).collect()
    }

    /// The numbers of this key's ciphertexts.
    pub(super) fn numbers<'a>(&self, ciphertexts: &'a [Ciphertext]) -> Result<Vec<&'a [u64]>> {
        ciphertexts.iter().map(|x| self.expect(x.key()).map(|()| x.limbs())).collect()
    }

    /// The numbers of plaintexts of this key's length.
    pub(super) fn messages<'a>(&self, plaintexts: &'a [Plaintext]) -> Result<Vec<&'a [u64]>> {
        let message = |plaintext: &'a Plaintext| {
            let limbs = plaintext.limbs();
            let (found, bits) = (64 * limbs.len(), self.bits());
            let refused = || Error::Argument(format!("a plaintext for a key of {found} bits came to one of {bits}"));
            if limbs.len() == self.limbs() { Ok(limbs) } else { Err(refused()) }
        };
        plaintexts.iter().map(message).collect()
    }
}

/// The one element of a list of one.
pub(super) fn only<T>(list: Vec<T>) -> Result<T> {
    list.into_iter().next().ok_or(Error::Bug("a list of one came back empty"))
}

fn same_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Count { what, expected, found }) }
}
