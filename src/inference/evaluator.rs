//! The cloud: a request to a response, without learning anything of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{OnceLock, PoisonError, RwLock};

use rayon::prelude::*;

use super::addend::addend;
use super::{Header, Request, Response};
use crate::encoding::{Batch, Layout, Packing, ResponsePart};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::model::{PrivateModel, PublicSpec};
use crate::paillier::{Ciphertext, LinearLayer, Nonce, NoncePool, PublicKey};
use crate::progress::{OnProgress, OnSharedProgress, Progress, go_on};
use crate::secret::Limbs;
use crate::threads;

/// Evaluates one private model on encrypted records. Any number of threads may share it.
///
/// Each response is masked wherever no answer stands and re-randomised, always. Without the mask one request with oversized
/// plaintexts would return every weight; without fresh nonces the weights could be read from the nonce of a response.
#[derive(Debug)]
pub struct Evaluator {
    model: PrivateModel,
    /// What each of the spec's layouts makes of the weights.
    layers: Vec<(Layout, OnceLock<LinearLayer>)>,
    max_records: usize,
    pools: RwLock<BTreeMap<Fingerprint, NoncePool>>,
}

/// Where masks and nonces come from.
struct Randomness<'a> {
    /// Nonces of the key at hand.
    pool: Option<NoncePool>,
    /// All else.
    entropy: &'a mut (dyn Entropy + Send),
}

impl Evaluator {
    /// Most records in a request unless [`max_records`](Self::max_records) says otherwise.
    pub const DEFAULT_MAX_RECORDS: usize = 100_000;

    /// Most keys that have a pool.
    pub const MAX_POOLS: usize = 64;

    /// An evaluator. The records layout is [prepared](Self::prepare) here, which takes seconds, or half a minute for a
    /// thousand outputs, if the model does not carry its [plan](PrivateModel::plan).
    pub fn new(model: PrivateModel) -> Self {
        let layer = |layout| model.layer(layout).cloned().map_or_else(OnceLock::new, OnceLock::from);
        let layers = model.spec().layouts().map(|layout| (layout, layer(layout))).collect();
        let evaluator = Self { model, layers, max_records: Self::DEFAULT_MAX_RECORDS, pools: RwLock::default() };
        // A machine that grants no threads says so when something is evaluated.
        let _ = evaluator.prepare(Layout::Records);
        evaluator
    }

    /// Makes ready what the first evaluation in a layout otherwise would. Unless the layout [is
    /// planned](Self::is_planned), that is a search of seconds, or of half a minute for a thousand outputs.
    ///
    /// # Errors
    /// [`Error::Argument`] if the spec does not list the layout; [`Error::Threads`].
    pub fn prepare(&self, layout: Layout) -> Result<()> {
        self.prepare_with_progress(layout, &mut go_on)
    }

    /// [`prepare`](Self::prepare) that tells how far it is, in steps of the search: more of them come to light as it goes on.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`prepare`](Self::prepare).
    pub fn prepare_with_progress(&self, layout: Layout, progress: OnSharedProgress) -> Result<()> {
        self.layer_with_progress(layout, progress).map(LinearLayer::prepare)
    }

    /// Whether the plan of multiplications for a layout is there: from the [model](PrivateModel::plan), or because it was
    /// found since.
    pub fn is_planned(&self, layout: Layout) -> bool {
        self.layers.iter().any(|(found, layer)| *found == layout && layer.get().is_some())
    }

    fn layer(&self, layout: Layout) -> Result<&LinearLayer> {
        self.layer_with_progress(layout, &mut go_on)
    }

    fn layer_with_progress(&self, layout: Layout, progress: OnSharedProgress) -> Result<&LinearLayer> {
        self.spec().permit(layout)?;
        let layer = self.layers.iter().find(|(found, _)| *found == layout);
        let (_, layer) = layer.ok_or(Error::Bug("a layout of the spec has no place for its plan"))?;
        if let Some(layer) = layer.get() {
            return Ok(layer);
        }
        // Threads that come at the same time search side by side and find the same. Waiting for each other could last for
        // ever: a thread that waits for its own search may take up another evaluation meanwhile.
        let found = self.model.search(layout, progress)?;
        Ok(layer.get_or_init(|| found))
    }

    /// The layer for a request of the right length. Requests that will be refused are no reason to search for a plan, so where
    /// there is none the first batch is looked at before.
    fn layer_for(&self, request: &Request, packing: &Packing, key: &PublicKey) -> Result<&LinearLayer> {
        let layout = request.header.layout();
        if !self.is_planned(layout) {
            let batch = packing.columns(self.model.columns()) * key.ciphertext_bytes();
            let first = request.ciphertexts.get(..batch).unwrap_or_default();
            threads::run(|| key.ciphertexts_from_bytes(first))??;
        }
        self.layer(layout)
    }

    /// Refuses requests of more records.
    pub fn max_records(mut self, records: usize) -> Self {
        self.max_records = records;
        self
    }

    /// Takes the nonces of responses under the pool's key from that pool from now on, in place of a pool that the key had.
    ///
    /// For keys with many requests. A response under any other key costs an n-th power while its client waits; no request
    /// makes a pool, so clients cannot make the service spend memory. Nonces by
    /// [`RandomBases`](crate::paillier::NonceMethod::RandomBases) are the quickest to draw, and what is there hides as well as
    /// [`Power`](crate::paillier::NonceMethod::Power).
    ///
    /// ```
    /// # use tacita::encoding::{Feature, Features, Grid};
    /// # use tacita::inference::{Encryptor, Evaluator};
    /// # use tacita::model::{PrivateModel, QuantiseOptions};
    /// # use tacita::network::{Activation, Affine};
    /// use tacita::paillier::{NonceMethod, NoncePool, SecretKey};
    ///
    /// # let affine = Affine::new(1, vec![0.04], vec![-1.5])?;
    /// # let features = Features::new([Feature::new("age", Grid::new(0.0, 1.0, 0, 120)?)])?;
    /// # let (activation, options) = (Activation::Sigmoid, QuantiseOptions::default());
    /// # let model = PrivateModel::compile(&affine, features, &["y"], activation, "m", options)?.0;
    /// # let public_key = SecretKey::generate_insecure_for_tests(512)?.public_key().clone();
    /// # let spec = model.spec().clone();
    /// # let pin = spec.fingerprint();
    /// # let request = Encryptor::with_public_key(spec, pin, public_key.clone())?.encrypt(&[[71.0]])?;
    /// let evaluator = Evaluator::new(model);
    /// let pool = NoncePool::with_public_key(&public_key, NonceMethod::RandomBases, 32)?;
    /// evaluator.set_pool(pool)?;
    /// evaluator.evaluate(&request, &public_key)?;
    /// let statistics = evaluator.pool(public_key.fingerprint()).expect("it was set").statistics();
    /// assert_eq!(statistics.hits + statistics.misses, 1);
    /// # Ok::<(), tacita::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] for a pool of another method than the two; [`Error::TooLarge`] if
    /// [`MAX_POOLS`](Self::MAX_POOLS) keys have one.
    pub fn set_pool(&self, pool: NoncePool) -> Result<()> {
        if !pool.method().hides_from_key_holder() {
            return Err(Error::Argument("responses take nonces by the method `Power` or `RandomBases` only".into()));
        }
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if pools.len() >= Self::MAX_POOLS && !pools.contains_key(&pool.key()) {
            let (found, limit) = (pools.len() as u64 + 1, Self::MAX_POOLS as u64);
            return Err(Error::TooLarge { what: "number of nonce pools", found, limit });
        }
        let former = pools.insert(pool.key(), pool);
        // Its thread may take a moment to end.
        drop(pools);
        drop(former);
        Ok(())
    }

    /// The pool of a key.
    pub fn pool(&self, key: Fingerprint) -> Option<NoncePool> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    /// Takes a key's pool away.
    pub fn remove_pool(&self, key: Fingerprint) -> Option<NoncePool> {
        self.pools.write().unwrap_or_else(PoisonError::into_inner).remove(&key)
    }

    /// The model's public spec.
    pub fn spec(&self) -> &PublicSpec {
        self.model.spec()
    }

    /// Multiplications of ciphertexts that a batch of records takes before its answers are packed into responses.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn multiplications(&self, layout: Layout) -> Result<usize> {
        Ok(self.layer(layout)?.multiplications())
    }

    /// Evaluates a request under a public key that was [verified](crate::paillier::UnverifiedPublicKey::verify).
    ///
    /// # Errors
    /// [`Error::SpecMismatch`], [`Error::KeyMismatch`] if the request is for another model or key; [`Error::TooLarge`] if it
    /// has too many records; [`Error::Malformed`] if the spec does not permit its layout, or it does not have as many
    /// ciphertexts as it should; [`Error::Ciphertext`] if one is invalid; [`Error::Randomness`].
    pub fn evaluate(&self, request: &Request, key: &PublicKey) -> Result<Response> {
        self.evaluate_with_progress(request, key, &mut go_on)
    }

    /// [`evaluate`](Self::evaluate) that tells how far it is.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`evaluate`](Self::evaluate).
    pub fn evaluate_with_progress(&self, request: &Request, key: &PublicKey, progress: OnProgress) -> Result<Response> {
        let _waited_for = threads::foreground();
        // A process that was forked off must not wait for a lock that some thread of its parent held.
        let pool = self.pools.try_read().ok().and_then(|pools| pools.get(&key.fingerprint()).cloned());
        self.evaluate_from(request, key, progress, Randomness { pool, entropy: &mut SystemEntropy })
    }

    /// Evaluates many requests side by side, each under its key, after it has [prepared](Self::prepare) their layouts: the response or the error of each, in their order. While
    /// small ones would leave threads idle one by one, together they do not. Progress is told request by request.
    ///
    /// ```
    /// # use tacita::encoding::{Feature, Features, Grid};
    /// # use tacita::inference::{Encryptor, Evaluator};
    /// # use tacita::model::{PrivateModel, QuantiseOptions};
    /// # use tacita::network::{Activation, Affine};
    /// # use tacita::paillier::SecretKey;
    /// use std::ops::ControlFlow;
    /// # let affine = Affine::new(1, vec![0.04], vec![-1.5])?;
    /// # let features = Features::new([Feature::new("age", Grid::new(0.0, 1.0, 0, 120)?)])?;
    /// # let (activation, options) = (Activation::Sigmoid, QuantiseOptions::default());
    /// # let model = PrivateModel::compile(&affine, features, &["y"], activation, "m", options)?.0;
    /// # let public_key = SecretKey::generate_insecure_for_tests(512)?.public_key().clone();
    /// # let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
    /// # let encryptor = Encryptor::with_public_key(spec, pin, public_key.clone())?;
    /// let requests = [encryptor.encrypt(&[[71.0]])?, encryptor.encrypt(&[[19.0]])?];
    /// let jobs: Vec<_> = requests.iter().map(|request| (request, &public_key)).collect();
    /// let responses = Evaluator::new(model).evaluate_many(&jobs, &mut |_| ControlFlow::Continue(()))?;
    /// assert!(responses.iter().all(Result::is_ok));
    /// # Ok::<(), tacita::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; [`Error::Threads`]. Each request fails by itself, as in
    /// [`evaluate`](Self::evaluate).
    pub fn evaluate_many(
        &self,
        jobs: &[(&Request, &PublicKey)],
        progress: OnProgress,
    ) -> Result<Vec<Result<Response>>> {
        // A search inside would share its threads with evaluations that want what it searches for.
        for (request, key) in jobs {
            let packing = self.check(&request.header, request.ciphertexts.len(), key);
            // What fails here fails again below.
            let _ = packing.and_then(|packing| self.layer_for(request, &packing, key).map(drop));
        }
        let (total, side_by_side) = (jobs.len(), 2 * threads::threads()?);
        let mut responses = Vec::with_capacity(total);
        for jobs in jobs.chunks(side_by_side) {
            let evaluate = |&(request, key): &(&Request, &PublicKey)| self.evaluate(request, key);
            responses.extend(threads::run(|| jobs.par_iter().map(evaluate).collect::<Vec<_>>())?);
            if progress(Progress { done: responses.len(), total }).is_break() {
                return Err(Error::Cancelled);
            }
        }
        Ok(responses)
    }

    fn evaluate_from(
        &self,
        request: &Request,
        key: &PublicKey,
        progress: OnProgress,
        mut randomness: Randomness,
    ) -> Result<Response> {
        let header = request.header;
        let packing = self.check(&header, request.ciphertexts.len(), key)?;
        let batch_columns = packing.columns(self.model.columns());
        let chunks = request.ciphertexts.chunks_exact(batch_columns * key.ciphertext_bytes());
        let batches: Vec<_> = packing.batches(header.records()).zip(chunks).collect();
        let layer = self.layer_for(request, &packing, key)?;
        let (total, threads) = (batches.len(), threads::threads()?);
        // Equally many each time, so that the last ones fill the lanes too.
        let ahead = total.div_ceil(total.div_ceil(batches_ahead(threads)).max(1)).max(1);
        let (mut done, mut ciphertexts) = (0, Vec::new());
        for ahead in batches.chunks(ahead) {
            let mut concealers = VecDeque::new();
            for side_by_side in ahead.chunks(threads) {
                let rows = || {
                    let columns = read(side_by_side, done, batch_columns, key)?;
                    columns.par_iter().map(|columns| layer.rows(key, columns)).collect::<Result<Vec<_>>>()
                };
                let rows = if concealers.is_empty() {
                    // Nonces need no ciphertext, so they are made beside the first rows.
                    let draw = || self.concealers(&packing, ahead.iter().map(|(batch, _)| batch), key, &mut randomness);
                    let (drawn, rows) = threads::run(|| rayon::join(draw, rows))?;
                    // A request with an invalid ciphertext is refused whatever came of the nonces.
                    let rows = rows?;
                    concealers.extend(drawn?);
                    rows
                } else {
                    threads::run(rows)??
                };
                let next: Vec<_> = concealers.drain(..side_by_side.len()).collect();
                let parts = next.into_par_iter().zip(rows).zip(side_by_side);
                let conceal = || parts.map(|((next, rows), (batch, _))| next.conceal(batch, &rows, key)).collect();
                for responses in threads::run::<Result<Vec<_>>>(conceal)?? {
                    responses.iter().for_each(|response| ciphertexts.extend_from_slice(&response.to_bytes()));
                    done += 1;
                    if progress(Progress { done, total }).is_break() {
                        return Err(Error::Cancelled);
                    }
                }
            }
        }
        Ok(Response { header, ciphertexts })
    }

    /// Whether a request is for this model and key, in a layout of the spec's, and of the right length.
    fn check(&self, header: &Header, bytes: usize, key: &PublicKey) -> Result<Packing> {
        header.expect(key.fingerprint(), self.spec().fingerprint())?;
        if header.records() > self.max_records {
            let (found, limit) = (header.records() as u64, self.max_records as u64);
            return Err(Error::TooLarge { what: "number of records", found, limit });
        }
        let packing = header.packing(self.spec(), key.bits())?;
        let ciphertexts = packing.request_ciphertexts(header.records(), self.model.columns());
        if bytes as u64 != ciphertexts * key.ciphertext_bytes() as u64 {
            let why = format!("its records need {ciphertexts} ciphertexts; it holds {bytes} bytes of them");
            return Err(Error::malformed("request", why));
        }
        Ok(packing)
    }

    /// What conceals the responses to some batches. Their nonces are drawn together: those of one batch seldom fill the lanes
    /// of all threads.
    fn concealers<'a>(
        &self,
        packing: &Packing,
        batches: impl Iterator<Item = &'a Batch>,
        key: &PublicKey,
        randomness: &mut Randomness,
    ) -> Result<Vec<Concealer>> {
        let Randomness { pool, entropy } = randomness;
        let bias = self.model.slot_bias();
        let mut concealers = Vec::new();
        let (mut wanted, mut roots) = (0, Vec::new());
        for batch in batches {
            let parts: Vec<_> = batch.responses(self.model.rows()).collect();
            let addends = parts.iter().map(|part| addend(packing, part, bias, key, *entropy)).collect::<Result<_>>()?;
            let length = parts.first().map_or(0, |part| part.coefficients().len());
            let packs = packs_with_nonces(batch.shift(), length, key.bits());
            let ready = match pool {
                Some(pool) if packs => pool.take_ready(parts.len())?,
                _ => None,
            };
            let nonces = match (ready, packs) {
                (Some(nonces), _) => Ready::Drawn(nonces),
                (None, true) => Ready::Roots(key.roots(parts.len(), *entropy)?),
                (None, false) => {
                    wanted += parts.len();
                    if pool.is_none() {
                        roots.extend(key.roots(parts.len(), *entropy)?);
                    }
                    Ready::Drawn(Vec::new())
                }
            };
            concealers.push(Concealer { parts, addends, nonces });
        }
        let mut drawn = pool.as_ref().map_or_else(|| Ok(key.powers_of(&roots)), |pool| pool.take(wanted))?;
        for Concealer { parts, nonces, .. } in &mut concealers {
            if let Ready::Drawn(nonces) = nonces
                && nonces.is_empty()
            {
                nonces.extend(drawn.drain(..parts.len()));
            }
        }
        Ok(concealers)
    }
}

/// The ciphertexts of some batches of a request, which has so many batches of so many columns before them.
fn read(
    batches: &[(Batch, &[u8])],
    before: usize,
    batch_columns: usize,
    key: &PublicKey,
) -> Result<Vec<Vec<Ciphertext>>> {
    let read = |(place, (_, bytes)): (usize, &(Batch, &[u8]))| {
        // Errors count ciphertexts from the start of the request.
        key.ciphertexts_from_bytes(bytes).map_err(|error| match error {
            Error::Ciphertext { index, why } => {
                Error::Ciphertext { index: index + (before + place) * batch_columns, why }
            }
            other => other,
        })
    };
    // All are read, so that the first invalid one is the one that is named.
    let batches: Vec<_> = batches.par_iter().enumerate().map(read).collect();
    batches.into_iter().collect()
}

/// What conceals the responses to a batch.
struct Concealer {
    parts: Vec<ResponsePart>,
    addends: Vec<Limbs>,
    nonces: Ready,
}

/// One a response.
enum Ready {
    Drawn(Vec<Nonce>),
    /// r for r^n, which is computed when the response is packed.
    Roots(Vec<Limbs>),
}

impl Concealer {
    /// The response ciphertexts.
    fn conceal(self, batch: &Batch, rows: &[Limbs], key: &PublicKey) -> Result<Vec<Ciphertext>> {
        let rows: Vec<_> = self.parts.iter().map(|part| &rows[part.coefficients()]).collect();
        match self.nonces {
            Ready::Drawn(nonces) => key.conceal(&key.pack(&rows, batch.shift())?, &self.addends, nonces),
            Ready::Roots(roots) => key.pack_and_conceal(&rows, batch.shift(), &self.addends, &roots),
        }
    }
}

/// Batches whose nonces are drawn at once: so many of them fill every thread's lanes, however many parts a batch has.
pub(super) fn batches_ahead(threads: usize) -> usize {
    8 * threads
}

/// Whether packing that many rows takes so many squarings that a nonce r^n costs little more along with it.
pub(super) fn packs_with_nonces(shift: u32, rows: usize, key_bits: u32) -> bool {
    shift as usize * rows.saturating_sub(1) > key_bits as usize / 2
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
        let entropy = &mut crate::entropy::SeededEntropy::new(seed);
        self.evaluate_from(request, key, &mut go_on, Randomness { pool: None, entropy })
    }
}
