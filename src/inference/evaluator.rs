//! The cloud: a request to a response, without learning anything of it.

use std::iter::repeat_n;

use rug::Integer;
use rug::integer::Order;

use super::{Header, OnProgress, Progress, Request, Response, go_on};
use crate::encoding::{Batch, RecordsLayout, ResponsePart};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::model::{PrivateModel, PublicSpec};
use crate::paillier::{Ciphertext, LinearLayer, NonceMethod, PublicKey};
use crate::secret::Limbs;
use crate::threads;

/// Evaluates one private model on encrypted records. Any number of threads may share it.
///
/// Each response is masked above its answers and re-randomised, always. Without the mask one request with oversized
/// plaintexts would return every weight; without fresh nonces the weights could be read from the nonce of a response.
#[derive(Debug)]
pub struct Evaluator {
    model: PrivateModel,
    layer: LinearLayer,
    max_records: usize,
}

impl Evaluator {
    /// Most records in a request unless [`max_records`](Self::max_records) says otherwise.
    pub const DEFAULT_MAX_RECORDS: usize = 100_000;

    /// An evaluator. A model that does not carry a plan of its multiplications is [planned](PrivateModel::planned) here.
    pub fn new(model: PrivateModel) -> Self {
        let model = if model.layer().is_some() { model } else { model.planned() };
        let layer = model.layer().expect("it is planned").clone();
        layer.prepare();
        Self { model, layer, max_records: Self::DEFAULT_MAX_RECORDS }
    }

    /// Refuses requests of more records.
    pub fn max_records(mut self, records: usize) -> Self {
        self.max_records = records;
        self
    }

    /// The model's public spec.
    pub fn spec(&self) -> &PublicSpec {
        self.model.spec()
    }

    /// Multiplications of ciphertexts that a batch of records takes.
    pub fn multiplications(&self) -> usize {
        self.layer.multiplications()
    }

    /// Evaluates a request under a public key that was [verified](crate::paillier::UnverifiedPublicKey::verify).
    ///
    /// # Errors
    /// [`Error::SpecMismatch`], [`Error::KeyMismatch`] if the request is for another model or key; [`Error::TooLarge`] if it
    /// has too many records; [`Error::Malformed`] if it does not have as many ciphertexts as it should;
    /// [`Error::Ciphertext`] if one is invalid; [`Error::Randomness`].
    pub fn evaluate(&self, request: &Request, key: &PublicKey) -> Result<Response> {
        self.evaluate_with_progress(request, key, &mut go_on)
    }

    /// [`evaluate`](Self::evaluate) that tells how far it is.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`evaluate`](Self::evaluate).
    pub fn evaluate_with_progress(&self, request: &Request, key: &PublicKey, progress: OnProgress) -> Result<Response> {
        self.evaluate_from(request, key, progress, &mut SystemEntropy)
    }

    fn evaluate_from(
        &self,
        request: &Request,
        key: &PublicKey,
        progress: OnProgress,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Response> {
        let header = request.header;
        let layout = self.check(&header, request.ciphertexts.len(), key)?;
        let batches = layout.batches(header.records());
        let total = batches.len();
        let batch_bytes = self.model.columns() * key.ciphertext_bytes();
        let mut ciphertexts = Vec::new();
        for ((done, batch), bytes) in (1..).zip(batches).zip(request.ciphertexts.chunks_exact(batch_bytes)) {
            // Errors count ciphertexts from the start of the request.
            let offset = |error| match error {
                Error::Ciphertext { index, why } => {
                    Error::Ciphertext { index: index + (done - 1) * self.model.columns(), why }
                }
                other => other,
            };
            let columns = key.ciphertexts_from_bytes(bytes).map_err(offset)?;
            for ciphertext in self.batch(&layout, &batch, &columns, key, entropy)? {
                ciphertexts.extend_from_slice(&ciphertext.to_bytes());
            }
            if progress(Progress { done, total }).is_break() {
                return Err(Error::Cancelled);
            }
        }
        Ok(Response { header, ciphertexts })
    }

    /// Whether a request is for this model and key, and of the right length.
    fn check(&self, header: &Header, bytes: usize, key: &PublicKey) -> Result<RecordsLayout> {
        header.expect(key.fingerprint(), self.spec().fingerprint())?;
        if header.records() > self.max_records {
            let (found, limit) = (header.records() as u64, self.max_records as u64);
            return Err(Error::TooLarge { what: "number of records", found, limit });
        }
        let layout = self.spec().layout(key.bits())?;
        let ciphertexts = layout.batches(header.records()).len() as u64 * self.model.columns() as u64;
        if bytes as u64 != ciphertexts * key.ciphertext_bytes() as u64 {
            let why = format!("its records need {ciphertexts} ciphertexts; it holds {bytes} bytes of them");
            return Err(Error::malformed("request", why));
        }
        Ok(layout)
    }

    /// The response ciphertexts of one batch.
    fn batch(
        &self,
        layout: &RecordsLayout,
        batch: &Batch,
        columns: &[Ciphertext],
        key: &PublicKey,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Ciphertext>> {
        let parts: Vec<_> = batch.responses(self.model.rows()).collect();
        let addends = parts.iter().map(|part| self.addend(layout, batch, part, key, entropy));
        let addends: Vec<_> = addends.collect::<Result<_>>()?;
        // The nonces need no ciphertext, so both are made side by side.
        let (nonces, rows) = threads::run(|| {
            rayon::join(|| key.nonces_from(NonceMethod::Power, parts.len(), entropy), || self.layer.rows(key, columns))
        })?;
        let rows = rows?;
        let rows: Vec<_> = parts.iter().map(|part| &rows[part.rows.clone()]).collect();
        let packed = key.pack(&rows, batch.len() as u32 * layout.slot_bits())?;
        key.conceal(&packed, &addends, nonces?)
    }

    /// What is added to a response: bias and centre in each slot, so that every slot lies in 0..2^slot_bits, and above the
    /// slots in use a uniform multiple of 2^used below n. Constant-time.
    fn addend(
        &self,
        layout: &RecordsLayout,
        batch: &Batch,
        part: &ResponsePart,
        key: &PublicKey,
        entropy: &mut dyn Entropy,
    ) -> Result<Limbs> {
        let bias = &self.model.slot_bias()[part.rows.clone()];
        let slots: Vec<_> =
            bias.iter().flat_map(|bias| repeat_n((bias + layout.centre()) as u64, batch.len())).collect();
        let mut addend = Limbs::zero(layout.limbs());
        layout.pack(&slots, &mut addend)?;
        // Uniform below M = floor(n / 2^used): an honest sum stays below 2^used M <= n.
        let bound = Integer::from(key.modulus() >> part.used_bits).to_digits::<u64>(Order::Lsf);
        let mut mask = Limbs::zero(bound.len());
        entropy.below(&mut mask, &bound)?;
        let (start, shift) = ((part.used_bits / u64::BITS) as usize, part.used_bits % u64::BITS);
        for (i, limb) in (start..).zip(mask.iter()) {
            addend[i] |= limb << shift;
            // The top bits of the last limb are zero where no limb follows.
            if shift > 0 && i + 1 < addend.len() {
                addend[i + 1] |= limb >> (u64::BITS - shift);
            }
        }
        Ok(addend)
    }
}

/// For test vectors and for fuzzing.
#[cfg(feature = "hazmat")]
impl Evaluator {
    /// All that [`evaluate`](Self::evaluate) checks of a request, and nothing more.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn check_only(&self, request: &Request, key: &PublicKey) -> Result<()> {
        self.check(&request.header, request.ciphertexts.len(), key)?;
        key.ciphertexts_from_bytes(&request.ciphertexts).map(drop)
    }

    /// [`evaluate`](Self::evaluate) with all randomness from SHAKE256 of a seed. Whoever knows the seed can undo the mask.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_from_seed(&self, request: &Request, key: &PublicKey, seed: &[u8]) -> Result<Response> {
        self.evaluate_from(request, key, &mut go_on, &mut crate::entropy::SeededEntropy::new(seed))
    }
}
