//! The hospital's way out: records to a request.

use zeroize::Zeroizing;

use super::{Header, OnProgress, Progress, Request, go_on};
use crate::encoding::{OutOfRange, RecordsLayout};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::model::PublicSpec;
use crate::paillier::{Nonce, Plaintext, PublicKey, SecretKey};
use crate::secret::Limbs;

/// Encrypts records for one model under one key.
#[derive(Debug)]
pub struct Encryptor {
    spec: PublicSpec,
    layout: RecordsLayout,
    key: Key,
    out_of_range: OutOfRange,
}

/// Whoever has the secret key draws nonces at a quarter of the cost.
#[derive(Debug)]
enum Key {
    Public(PublicKey),
    Secret(SecretKey),
}

impl Key {
    fn public(&self) -> &PublicKey {
        match self {
            Self::Public(key) => key,
            Self::Secret(key) => key.public_key(),
        }
    }

    fn nonces(&self, count: usize, entropy: &mut (dyn Entropy + Send)) -> Result<Vec<Nonce>> {
        match self {
            Self::Public(key) => key.nonces_from(key.nonce_method(), count, entropy),
            Self::Secret(key) => key.nonces_from(key.nonce_method(), count, entropy),
        }
    }
}

impl Encryptor {
    /// An encryptor with the public key. `pin` is the spec's fingerprint, obtained apart from the service: whoever could
    /// change the grids could learn about a record from "out of range, not sent".
    ///
    /// # Errors
    /// [`Error::SpecMismatch`] if the spec is not the pinned one; [`Error::Model`] or [`Error::Argument`] if the model's
    /// slots do not fit the key.
    pub fn with_public_key(spec: PublicSpec, pin: Fingerprint, key: PublicKey) -> Result<Self> {
        Self::new(spec, pin, Key::Public(key))
    }

    /// An encryptor with the secret key, which draws nonces at a quarter of the cost or less.
    ///
    /// # Errors
    /// As [`with_public_key`](Self::with_public_key).
    pub fn with_secret_key(spec: PublicSpec, pin: Fingerprint, key: SecretKey) -> Result<Self> {
        let encryptor = Self::new(spec, pin, Key::Secret(key.clone()))?;
        // It travels with a request.
        key.proof()?;
        Ok(encryptor)
    }

    fn new(spec: PublicSpec, pin: Fingerprint, key: Key) -> Result<Self> {
        spec.expect(pin)?;
        let layout = spec.layout(key.public().bits())?;
        Ok(Self { spec, layout, key, out_of_range: OutOfRange::Refuse })
    }

    /// What to do with values outside the range of their feature; they are refused unless this says otherwise.
    pub fn out_of_range(mut self, what: OutOfRange) -> Self {
        self.out_of_range = what;
        self
    }

    /// The model's public spec.
    pub fn spec(&self) -> &PublicSpec {
        &self.spec
    }

    /// Records that one set of ciphertexts has room for, at the price of one.
    pub fn capacity(&self) -> usize {
        self.layout.capacity()
    }

    /// Encrypts records, each of as many real values as the spec has features.
    ///
    /// # Errors
    /// [`Error::Count`] for a record of another length; [`Error::Range`] for a value outside its feature's range, which is
    /// not shown; nothing is sent then, and the service must not be told. [`Error::Randomness`].
    pub fn encrypt<R: AsRef<[f64]>>(&self, records: &[R]) -> Result<Request> {
        self.encrypt_with_progress(records, &mut go_on)
    }

    /// [`encrypt`](Self::encrypt) that tells how far it is.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`encrypt`](Self::encrypt).
    pub fn encrypt_with_progress<R: AsRef<[f64]>>(&self, records: &[R], progress: OnProgress) -> Result<Request> {
        self.encrypt_from(records, progress, &mut SystemEntropy)
    }

    fn encrypt_from<R: AsRef<[f64]>>(
        &self,
        records: &[R],
        progress: OnProgress,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Request> {
        let key = self.key.public();
        let features = self.spec.features();
        let header = Header::new(key.fingerprint(), self.spec.fingerprint(), records.len(), entropy)?;
        // Everything is encoded before anything is encrypted, so that a bad record costs no work.
        let mut integers = Zeroizing::new(vec![0; records.len() * features.len()]);
        for (record, integers) in records.iter().zip(integers.chunks_exact_mut(features.len())) {
            features.encode(record.as_ref(), self.out_of_range, integers)?;
        }
        let batches = self.layout.batches(records.len());
        let total = batches.len();
        let mut ciphertexts = Vec::with_capacity(total * features.len() * key.ciphertext_bytes());
        for (done, batch) in (1..).zip(batches) {
            let plaintexts = self.plaintexts(&integers[batch.records().start * features.len()..], batch.len())?;
            let nonces = self.key.nonces(plaintexts.len(), entropy)?;
            for ciphertext in key.encrypt_batch_with(&plaintexts, nonces)? {
                ciphertexts.extend_from_slice(&ciphertext.to_bytes());
            }
            if progress(Progress { done, total }).is_break() {
                return Err(Error::Cancelled);
            }
        }
        Ok(Request { header, public_key: Some(key.into()), ciphertexts })
    }

    /// One plaintext a feature, from the first `records` rows of integers.
    fn plaintexts(&self, integers: &[i64], records: usize) -> Result<Vec<Plaintext>> {
        let features = self.spec.features();
        let mut slots = Zeroizing::new(vec![0; records]);
        let plaintext = |(i, grid): (usize, &crate::encoding::Grid)| {
            for (slot, record) in slots.iter_mut().zip(integers.chunks_exact(features.len())) {
                // Encoding has put every integer into its range, which starts at `least`.
                *slot = record[i].wrapping_sub(grid.least()) as u64;
            }
            let mut limbs = Limbs::zero(self.layout.limbs());
            self.layout.pack(&slots, &mut limbs)?;
            Ok(Plaintext::from_limbs(limbs))
        };
        features.grids().enumerate().map(plaintext).collect()
    }
}

/// For test vectors.
#[cfg(feature = "hazmat")]
impl Encryptor {
    /// [`encrypt`](Self::encrypt) with all randomness from SHAKE256 of a seed. Whoever knows the seed can read the records.
    ///
    /// # Errors
    /// As [`encrypt`](Self::encrypt).
    pub fn encrypt_from_seed<R: AsRef<[f64]>>(&self, records: &[R], seed: &[u8]) -> Result<Request> {
        self.encrypt_from(records, &mut go_on, &mut crate::entropy::SeededEntropy::new(seed))
    }
}
