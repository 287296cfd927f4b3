//! The hospital's way out: records to a request.

use zeroize::Zeroizing;

use super::{Evaluator, Header, Records, Request};
use crate::encoding::{Batch, Grid, Layout, OutOfRange, Packing};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::model::PublicSpec;
use crate::paillier::{EncryptionKey, NonceMethod, NoncePool, Plaintext, PublicKey, SecretKey};
use crate::progress::{OnProgress, Progress, go_on};
use crate::secret::Limbs;
use crate::threads;

/// Encrypts records for one model under one key, in the records layout unless [`layout`](Self::layout) says otherwise.
#[derive(Debug, Clone)]
pub struct Encryptor {
    spec: PublicSpec,
    packing: Packing,
    key: EncryptionKey,
    out_of_range: OutOfRange,
    /// What was asked for, if anything was.
    nonce_method: Option<NonceMethod>,
    pool: Option<NoncePool>,
}

impl Encryptor {
    /// An encryptor with the public key. `pin` is the spec's fingerprint, obtained apart from the service: whoever could
    /// change the grids could learn about a record from "out of range, not sent".
    ///
    /// # Errors
    /// [`Error::SpecMismatch`] if the spec is not the pinned one; [`Error::Model`] or [`Error::Argument`] if the model's
    /// slots do not fit the key.
    pub fn with_public_key(spec: PublicSpec, pin: Fingerprint, key: PublicKey) -> Result<Self> {
        Self::new(spec, pin, EncryptionKey::Public(key))
    }

    /// An encryptor with the secret key, which encrypts in six to nine tenths of the time.
    ///
    /// # Errors
    /// As [`with_public_key`](Self::with_public_key).
    pub fn with_secret_key(spec: PublicSpec, pin: Fingerprint, key: SecretKey) -> Result<Self> {
        let encryptor = Self::new(spec, pin, EncryptionKey::Secret(key.clone()))?;
        // It travels with a request.
        key.proof()?;
        Ok(encryptor)
    }

    fn new(spec: PublicSpec, pin: Fingerprint, key: EncryptionKey) -> Result<Self> {
        spec.expect(pin)?;
        let packing = spec.packing(Layout::Records, key.public().bits())?;
        Ok(Self { spec, packing, key, out_of_range: OutOfRange::Refuse, nonce_method: None, pool: None })
    }

    /// What to do with values outside the range of their feature; they are refused unless this says otherwise.
    pub fn out_of_range(mut self, what: OutOfRange) -> Self {
        self.out_of_range = what;
        self
    }

    /// Chooses how values share ciphertexts, which changes the work and the bytes on both sides, and no answer.
    ///
    /// ```
    /// # use tacita::encoding::{Feature, Features, Grid};
    /// # use tacita::inference::Encryptor;
    /// # use tacita::model::{PrivateModel, QuantiseOptions};
    /// # use tacita::network::{Activation, Affine};
    /// # use tacita::paillier::{KeySize, SecretKey};
    /// use tacita::encoding::Layout;
    /// # let affine = Affine::new(64, vec![0.5; 64], vec![0.0])?;
    /// # let features = Features::new([Feature::run("pixel", 64, Grid::new(0.0, 1.0, 0, 255)?)])?;
    /// # let options = QuantiseOptions::default();
    /// # let (model, _) = PrivateModel::compile(&affine, features, &["y"], Activation::Sigmoid, "patch", options)?;
    /// # let spec = model.spec().clone();
    /// # let pin = spec.fingerprint();
    /// # let key = SecretKey::generate(KeySize::Bits2048)?;
    /// // One record of 64 features, four together.
    /// let encryptor =
    ///     Encryptor::with_secret_key(spec, pin, key)?.layout(Layout::Features { together: 4 })?;
    /// let request = encryptor.encrypt(&[[7.0; 64]])?;
    /// assert_eq!(request.ciphertext_bytes(), 16 * 512); // and not 64
    /// # Ok::<(), tacita::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] if the spec does not list the layout, or not even one record fits the key.
    pub fn layout(mut self, layout: Layout) -> Result<Self> {
        self.packing = self.spec.packing(layout, self.key.public().bits())?;
        Ok(self)
    }

    /// Draws nonces another way than the key's quickest, which is [`NonceMethod::SecretBase`] with a secret key,
    /// [`NonceMethod::PublicBase`] with a public one, and [`NonceMethod::Power`] where its primes do not permit these.
    /// `Power` and [`NonceMethod::RandomBases`] do without the assumption that short exponents are as good as long ones.
    ///
    /// ```
    /// # use tacita::encoding::{Feature, Features, Grid};
    /// # use tacita::model::{PrivateModel, QuantiseOptions};
    /// # use tacita::network::{Activation, Affine};
    /// use tacita::inference::Encryptor;
    /// use tacita::paillier::{NonceMethod, SecretKey};
    ///
    /// # let affine = Affine::new(1, vec![0.04], vec![-1.5])?;
    /// # let features = Features::new([Feature::new("age", Grid::new(0.0, 1.0, 0, 120)?)])?;
    /// # let (activation, options) = (Activation::Sigmoid, QuantiseOptions::default());
    /// # let spec = PrivateModel::compile(&affine, features, &["y"], activation, "m", options)?.0.spec().clone();
    /// # let pin = spec.fingerprint();
    /// # let public_key = SecretKey::generate_insecure_for_tests(512)?.public_key().clone();
    /// let encryptor = Encryptor::with_public_key(spec, pin, public_key)?.nonce_method(NonceMethod::Power)?;
    /// let request = encryptor.encrypt(&[[71.0]])?;
    /// # Ok::<(), tacita::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] for a method that the key does not permit, or that is not the pool's if there is one.
    pub fn nonce_method(self, method: NonceMethod) -> Result<Self> {
        self.key.permit(method)?;
        Self { nonce_method: Some(method), ..self }.with_one_method()
    }

    /// The key's quickest method.
    pub(crate) fn quickest_nonces(&self) -> NonceMethod {
        self.key.nonce_method()
    }

    /// Takes nonces from a pool of the same key, drawn by the pool's method: what is then left to do while somebody waits is
    /// one product for each ciphertext.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the pool belongs to another key; [`Error::Argument`] if its method is not the one that was
    /// asked for, or short nonces that this key's owner does not declare.
    pub fn with_pool(self, pool: NoncePool) -> Result<Self> {
        let (expected, found) = (self.key.public().fingerprint(), pool.key());
        if expected != found {
            return Err(Error::KeyMismatch { expected, found });
        }
        // The fingerprint does not cover the declaration, so the pool's copy of the key may have another.
        if pool.method() == NonceMethod::PublicBase {
            self.key.permit(NonceMethod::PublicBase)?;
        }
        Self { pool: Some(pool), ..self }.with_one_method()
    }

    /// Refuses a pool that would draw nonces in another way than was asked for.
    fn with_one_method(self) -> Result<Self> {
        match (self.nonce_method, &self.pool) {
            (Some(asked), Some(pool)) if asked != pool.method() => {
                let drawn = pool.method();
                let why =
                    format!("nonces are to be drawn by {asked:?}, and the pool draws them by {drawn:?}: make another");
                Err(Error::Argument(why))
            }
            _ => Ok(self),
        }
    }

    /// The model's public spec.
    pub fn spec(&self) -> &PublicSpec {
        &self.spec
    }

    /// Records that one set of ciphertexts has room for, at the price of one.
    pub fn capacity(&self) -> usize {
        self.packing.capacity()
    }

    /// How many records to put into each request of a sequence, where there are more than one request should hold: whole
    /// batches, at most 16 MiB of ciphertexts or [`Evaluator::DEFAULT_MAX_RECORDS`], but one batch in any case.
    pub fn records_per_request(&self) -> usize {
        const BYTES: u64 = 16 << 20;
        let batch = self.packing.request_ciphertexts(1, self.spec.features().len());
        let bytes = batch.saturating_mul(self.key.public().ciphertext_bytes() as u64);
        let batches = (BYTES / bytes).min((Evaluator::DEFAULT_MAX_RECORDS / self.capacity()) as u64);
        batches.max(1) as usize * self.capacity()
    }

    /// Encrypts records, each of as many real values as the spec has features.
    ///
    /// # Errors
    /// [`Error::Count`] for a record of another length; [`Error::Range`] for a value outside its feature's range, which is
    /// not shown; nothing is sent then, and the service must not be told. [`Error::Randomness`].
    pub fn encrypt<R: AsRef<[f64]>>(&self, records: &[R]) -> Result<Request> {
        self.encrypt_with_progress(records, &mut go_on)
    }

    /// [`encrypt`](Self::encrypt) that tells how many ciphertexts there are, of those that the request will have.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`encrypt`](Self::encrypt).
    pub fn encrypt_with_progress<R: AsRef<[f64]>>(&self, records: &[R], progress: OnProgress) -> Result<Request> {
        let _waited_for = threads::foreground();
        self.encrypt_from(records, progress, self.pool.as_ref(), &mut SystemEntropy)
    }

    /// Encrypts records that were filled in by the names of their features.
    ///
    /// # Errors
    /// [`Error::SpecMismatch`] if they are for another spec; [`Error::Record`] or [`Error::Argument`] if the last one was not
    /// ended; otherwise as [`encrypt`](Self::encrypt).
    pub fn encrypt_records(&self, records: &Records) -> Result<Request> {
        self.encrypt_records_with_progress(records, &mut go_on)
    }

    /// [`encrypt_records`](Self::encrypt_records) that tells how many ciphertexts there are.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`encrypt_records`](Self::encrypt_records).
    pub fn encrypt_records_with_progress(&self, records: &Records, progress: OnProgress) -> Result<Request> {
        self.encrypt_with_progress(records.for_spec(&self.spec)?, progress)
    }

    fn encrypt_from<R: AsRef<[f64]>>(
        &self,
        records: &[R],
        progress: OnProgress,
        pool: Option<&NoncePool>,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Request> {
        let key = self.key.public();
        let features = self.spec.features();
        let layout = self.packing.layout();
        let header = Header::new(key.fingerprint(), self.spec.fingerprint(), records.len(), layout, entropy)?;
        // Everything is encoded before anything is encrypted, so that a bad record costs no work.
        let mut integers = Zeroizing::new(vec![0; records.len() * features.len()]);
        for (index, (record, integers)) in records.iter().zip(integers.chunks_exact_mut(features.len())).enumerate() {
            let encoded = features.encode(record.as_ref(), self.out_of_range, integers);
            encoded.map_err(|error| if records.len() > 1 { error.of_record(index) } else { error })?;
        }
        let own = self.nonce_method.unwrap_or_else(|| self.quickest_nonces());
        let method = pool.map_or(own, NoncePool::method);
        let (mut done, total) = (0, self.packing.request_ciphertexts(records.len(), features.len()) as usize);
        let mut ciphertexts = Vec::with_capacity(total * key.ciphertext_bytes());
        for batch in self.packing.batches(records.len()) {
            let plaintexts = self.plaintexts(&integers, &batch)?;
            let step = step(method, plaintexts.len());
            for plaintexts in plaintexts.chunks(step) {
                let encrypted = match pool {
                    Some(pool) => key.encrypt_batch_with(plaintexts, pool.take(plaintexts.len())?)?,
                    None => self.key.encrypt_batch_from(method, plaintexts, entropy)?,
                };
                encrypted.iter().for_each(|ciphertext| ciphertexts.extend_from_slice(&ciphertext.to_bytes()));
                done += encrypted.len();
                if progress(Progress { done, total }).is_break() {
                    return Err(Error::Cancelled);
                }
            }
        }
        Ok(Request { header, public_key: Some(key.into()), ciphertexts })
    }

    /// The plaintexts of one batch, from the integers of all records.
    fn plaintexts(&self, integers: &[i64], batch: &Batch) -> Result<Vec<Plaintext>> {
        let features = self.spec.features();
        let (count, records) = (features.len(), batch.len());
        let integers = &integers[batch.records().start * count..batch.records().end * count];
        let grids: Vec<&Grid> = features.grids().collect();
        let mut slots = Zeroizing::new(vec![0; self.packing.together() * records]);
        let mut first = 0;
        let plaintext = |grids: &[&Grid]| {
            for (i, grid) in grids.iter().enumerate() {
                let values = integers.chunks_exact(count).map(|record| record[first + i]);
                for (slot, value) in slots[i * records..].iter_mut().zip(values) {
                    // Encoding has put every integer into its range, which starts at `least`.
                    *slot = value.wrapping_sub(grid.least()) as u64;
                }
            }
            first += grids.len();
            let mut limbs = Limbs::zero(self.packing.limbs());
            self.packing.pack(&slots[..grids.len() * records], &mut limbs)?;
            Ok(Plaintext::from_limbs(limbs))
        };
        grids.chunks(self.packing.together()).map(plaintext).collect()
    }
}

/// How many of `count` ciphertexts of a batch to make between two looks at the progress: about a second of work for one thread
/// of `ifma`, in equal steps, and so many that what the steps have to themselves is nothing beside it.
fn step(method: NonceMethod, count: usize) -> usize {
    let most = if method == NonceMethod::Power { 256 } else { 4096 };
    count.div_ceil(count.div_ceil(most))
}

/// For test vectors.
#[cfg(feature = "hazmat")]
impl Encryptor {
    /// [`encrypt`](Self::encrypt) with all randomness from SHAKE256 of a seed. Whoever knows the seed can read the records.
    ///
    /// # Errors
    /// As [`encrypt`](Self::encrypt).
    pub fn encrypt_from_seed<R: AsRef<[f64]>>(&self, records: &[R], seed: &[u8]) -> Result<Request> {
        self.encrypt_from(records, &mut go_on, None, &mut crate::entropy::SeededEntropy::new(seed))
    }
}
