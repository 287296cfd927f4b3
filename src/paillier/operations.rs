//! Encryption under a public key, and what can be done with ciphertexts without the secret one.

use rayon::prelude::*;
use rug::Integer;

use super::{Ciphertext, Nonce, NonceMethod, Plaintext, PublicKey};
use crate::arith::lanes::Lanes;
use crate::arith::power::pow_public;
use crate::error::{Error, Result};
use crate::secret::Limbs;
use crate::threads;

impl PublicKey {
    /// Encrypts with a fresh nonce of [`nonce_method`](Self::nonce_method).
    ///
    /// # Errors
    /// [`Error::Argument`] if the plaintext was made for a key of another length; [`Error::Randomness`].
    pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext> {
        let nonce = self.nonces(self.nonce_method(), 1)?;
        nonce.into_iter().next().ok_or(Error::Bug("no nonce")).and_then(|nonce| self.encrypt_with(plaintext, nonce))
    }

    /// Encrypts a list with fresh nonces of [`nonce_method`](Self::nonce_method), on all cores.
    ///
    /// # Errors
    /// As [`encrypt`](Self::encrypt).
    pub fn encrypt_batch(&self, plaintexts: &[Plaintext]) -> Result<Vec<Ciphertext>> {
        self.encrypt_batch_with(plaintexts, self.nonces(self.nonce_method(), plaintexts.len())?)
    }

    /// Encrypts with a nonce drawn beforehand: (1 + m n) rho mod n^2.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the nonce belongs to another key; [`Error::Argument`] as [`encrypt`](Self::encrypt).
    pub fn encrypt_with(&self, plaintext: &Plaintext, nonce: Nonce) -> Result<Ciphertext> {
        self.expect(nonce.key)?;
        let factor = self.limbs_of(plaintext)?;
        Ok(self.mul_one_plus(&nonce.limbs, factor, &mut self.constant_time().scratch()))
    }

    /// Encrypts a list with as many nonces, on all cores.
    ///
    /// # Errors
    /// [`Error::Count`] if there are not as many nonces as plaintexts; otherwise as
    /// [`encrypt_with`](Self::encrypt_with).
    pub fn encrypt_batch_with(&self, plaintexts: &[Plaintext], nonces: Vec<Nonce>) -> Result<Vec<Ciphertext>> {
        same_length("nonces", plaintexts.len(), nonces.len())?;
        nonces.iter().try_for_each(|nonce| self.expect(nonce.key))?;
        threads::run(|| {
            let init = || self.constant_time().scratch();
            let encrypt = |scratch: &mut _, (plaintext, nonce): (&Plaintext, Nonce)| {
                Ok(self.mul_one_plus(&nonce.limbs, self.limbs_of(plaintext)?, scratch))
            };
            plaintexts.par_iter().zip(nonces).map_init(init, encrypt).collect()
        })?
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
        self.expect(x.key())?;
        Ok(self.mul_one_plus(x.limbs(), self.limbs_of(y)?, &mut self.constant_time().scratch()))
    }

    /// Ciphertexts of the sums with known numbers, place by place.
    ///
    /// # Errors
    /// [`Error::Count`] if the lists differ in length; otherwise as [`add_plain`](Self::add_plain).
    pub fn add_plain_batch(&self, x: &[Ciphertext], y: &[Plaintext]) -> Result<Vec<Ciphertext>> {
        same_length("plaintexts", x.len(), y.len())?;
        threads::run(|| x.par_iter().zip(y).map(|(x, y)| self.add_plain(x, y)).collect())?
    }

    /// A ciphertext of the product with a known number, which may be negative or zero. The time depends on the number, and
    /// the nonce becomes its power: [re-randomise](Self::rerandomise) what shall not show the number.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the ciphertext belongs to another key.
    pub fn mul_plain(&self, x: &Ciphertext, factor: &Integer) -> Result<Ciphertext> {
        self.expect(x.key())?;
        let not_a_unit = |_| Error::Bug("a checked ciphertext is not invertible");
        let base = if *factor < 0 {
            let inverse = x.to_integer().invert(self.modulus_squared()).map_err(not_a_unit)?;
            Limbs::from_integer(&inverse, 2 * self.limbs())
        } else {
            Limbs::copy_of(x.limbs())
        };
        let exponent = factor.as_abs().to_digits::<u64>(rug::integer::Order::Lsf);
        let lanes = self.variable_time();
        let scratch = &mut lanes.scratch();
        let base = lanes.enter(&[&base], scratch);
        let power = pow_public(lanes, &base, &exponent, scratch);
        let number = self.number(&lanes.leave(&power, scratch)[0]);
        Ok(Ciphertext::from_limbs(self.fingerprint(), &number))
    }

    /// Ciphertexts of the products with known numbers, place by place.
    ///
    /// # Errors
    /// [`Error::Count`] if the lists differ in length; otherwise as [`mul_plain`](Self::mul_plain).
    pub fn mul_plain_batch(&self, x: &[Ciphertext], factors: &[Integer]) -> Result<Vec<Ciphertext>> {
        same_length("factors", x.len(), factors.len())?;
        threads::run(|| x.par_iter().zip(factors).map(|(x, factor)| self.mul_plain(x, factor)).collect())?
    }

    /// Another ciphertext of the same number, which nobody can link to the first: times a fresh r^n
    /// ([`NonceMethod::Power`]).
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the ciphertext belongs to another key; [`Error::Randomness`].
    pub fn rerandomise(&self, x: &Ciphertext) -> Result<Ciphertext> {
        let mut one = self.rerandomise_batch(std::slice::from_ref(x))?;
        one.pop().ok_or(Error::Bug("no ciphertext"))
    }

    /// Other ciphertexts of the same numbers.
    ///
    /// # Errors
    /// As [`rerandomise`](Self::rerandomise).
    pub fn rerandomise_batch(&self, x: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        x.iter().try_for_each(|x| self.expect(x.key()))?;
        let nonces = self.nonces(NonceMethod::Power, x.len())?;
        threads::run(|| {
            let lanes = self.constant_time();
            let multiply = |scratch: &mut _, (x, nonce): (&Ciphertext, Nonce)| {
                let mut product = lanes.enter(&[x.limbs()], scratch);
                let nonce = lanes.enter(&[&nonce.limbs], scratch);
                lanes.mul(&mut product, &nonce, scratch);
                Ciphertext::from_limbs(self.fingerprint(), &self.number(&lanes.leave(&product, scratch)[0]))
            };
            x.par_iter().zip(nonces).map_init(|| lanes.scratch(), multiply).collect()
        })
    }

    /// x (1 + k n) mod n^2 in constant time.
    fn mul_one_plus(&self, x: &[u64], k: &[u64], scratch: &mut crate::arith::portable::Scratch) -> Ciphertext {
        let lanes = self.constant_time();
        let mut product = lanes.enter(&[x], scratch);
        lanes.mul_one_plus(&mut product, &lanes.scalars(&[k]), scratch);
        Ciphertext::from_limbs(self.fingerprint(), &self.number(&lanes.leave(&product, scratch)[0]))
    }

    fn limbs_of<'a>(&self, plaintext: &'a Plaintext) -> Result<&'a [u64]> {
        let limbs = plaintext.limbs();
        if limbs.len() == self.limbs() {
            return Ok(limbs);
        }
        let bits = 64 * limbs.len();
        Err(Error::Argument(format!("a plaintext for a key of {bits} bits came to one of {}", self.bits())))
    }
}

fn same_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Count { what, expected, found }) }
}
