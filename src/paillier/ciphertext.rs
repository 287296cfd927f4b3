//! Ciphertexts, and the checks on those that come from outside.

use std::fmt;

use rayon::prelude::*;
use rug::Integer;
use rug::integer::Order;

use super::PublicKey;
use crate::error::{CiphertextFault, Error, Result};
use crate::fingerprint::Fingerprint;
use crate::secret::{integer, less};
use crate::threads;

/// A unit modulo n^2 that belongs to one public key.
#[derive(Clone, PartialEq, Eq)]
pub struct Ciphertext {
    key: Fingerprint,
    /// Twice the limbs of n, least significant first.
    limbs: Box<[u64]>,
}

impl Ciphertext {
    pub(crate) fn from_limbs(key: Fingerprint, limbs: &[u64]) -> Self {
        Self { key, limbs: limbs.into() }
    }

    pub(crate) fn from_integer(key: &PublicKey, value: &Integer) -> Self {
        let mut limbs = vec![0; 2 * key.limbs()];
        value.write_digits(&mut limbs, Order::Lsf);
        Self { key: key.fingerprint(), limbs: limbs.into() }
    }

    pub(crate) fn limbs(&self) -> &[u64] {
        &self.limbs
    }

    /// The number in 1..n^2.
    pub fn to_integer(&self) -> Integer {
        integer(&self.limbs)
    }

    /// Fingerprint of the public key it belongs to.
    pub fn key(&self) -> Fingerprint {
        self.key
    }

    /// Big-endian, [`PublicKey::ciphertext_bytes`] bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 8 * self.limbs.len()];
        for (bytes, limb) in bytes.as_chunks_mut().0.iter_mut().zip(self.limbs.iter().rev()) {
            *bytes = limb.to_be_bytes();
        }
        bytes
    }
}

impl fmt::Debug for Ciphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ciphertext({} bytes under {})", 8 * self.limbs.len(), self.key)
    }
}

impl PublicKey {
    /// Length of a ciphertext in bytes: twice the length of n.
    pub fn ciphertext_bytes(&self) -> usize {
        16 * self.limbs()
    }

    /// Reads ciphertexts of [`ciphertext_bytes`](Self::ciphertext_bytes) each, big-endian, one behind the other.
    ///
    /// All are checked with one product, on all cores, and one greatest common divisor.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the length is not a multiple of a ciphertext's; [`Error::Ciphertext`] if one is 0, not below
    /// n^2, or shares a factor with n; [`Error::Threads`].
    pub fn ciphertexts_from_bytes(&self, bytes: &[u8]) -> Result<Vec<Ciphertext>> {
        let length = self.ciphertext_bytes();
        if !bytes.len().is_multiple_of(length) {
            let why = format!("{} bytes are not a whole number of ciphertexts of {length} bytes", bytes.len());
            return Err(Error::malformed("ciphertexts", why));
        }
        let key = self.fingerprint();
        let read = |bytes: &[u8]| {
            let limb = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("chunks of eight"));
            Ciphertext { key, limbs: bytes.rchunks_exact(8).map(limb).collect() }
        };
        let ciphertexts: Vec<_> = match bytes.len() / length {
            // Not worth the way to the pool.
            0 | 1 => bytes.chunks_exact(length).map(read).collect(),
            _ => threads::run(|| bytes.par_chunks_exact(length).map(read).collect())?,
        };
        self.check(&ciphertexts)?;
        Ok(ciphertexts)
    }

    /// The ciphertext of a number in 1..n^2 that is coprime to n.
    ///
    /// # Errors
    /// [`Error::Ciphertext`] if it is not; [`Error::Argument`] if it is negative.
    pub fn ciphertext(&self, value: &Integer) -> Result<Ciphertext> {
        if *value < 0 {
            return Err(Error::Argument("a ciphertext is not negative".into()));
        }
        if value >= self.modulus_squared() {
            return Err(Error::Ciphertext { index: 0, why: CiphertextFault::TooLarge });
        }
        let ciphertext = Ciphertext::from_integer(self, value);
        self.check(std::slice::from_ref(&ciphertext))?;
        Ok(ciphertext)
    }

    fn check(&self, ciphertexts: &[Ciphertext]) -> Result<()> {
        let square = self.square_limbs();
        for (index, ciphertext) in ciphertexts.iter().enumerate() {
            if ciphertext.limbs.iter().all(|&limb| limb == 0) {
                return Err(Error::Ciphertext { index, why: CiphertextFault::Zero });
            }
            if !less(&ciphertext.limbs, square) {
                return Err(Error::Ciphertext { index, why: CiphertextFault::TooLarge });
            }
        }
        let numbers: Vec<_> = ciphertexts.iter().map(Ciphertext::limbs).collect();
        let work = || self.variable_time().product_up_to_units(&numbers);
        let n = self.modulus();
        if threads::run_on(numbers.len(), work)?.to_integer().gcd(n) == 1 {
            return Ok(());
        }
        // The product tells that one is to be refused, but not which.
        match ciphertexts.iter().position(|c| (c.to_integer() % n).gcd(n) != 1) {
            Some(index) => Err(Error::Ciphertext { index, why: CiphertextFault::SharedFactor }),
            None => Err(Error::Bug("a product of units is not a unit")),
        }
    }

    /// Refuses a ciphertext of another key.
    pub(crate) fn expect(&self, found: Fingerprint) -> Result<()> {
        let expected = self.fingerprint();
        if found == expected { Ok(()) } else { Err(Error::KeyMismatch { expected, found }) }
    }
}
