//! Nonces drawn ahead of time, while nobody waits for anything.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{EncryptionKey, Nonce, NonceMethod, PublicKey, SecretKey};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::progress::{OnProgress, Progress, go_on};
use crate::threads;

/// How often the filler looks whether others are still waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Nonces from a table that a thread draws in one go: enough to share its reading.
const TABLE_BATCH: usize = 32;

/// Batches of the background that are filled in at once where somebody waits for it.
const FILL_BATCHES: usize = 4;

/// Nonces of one key, drawn in the background while the library has nothing else to do, and handed out by move, each once.
///
/// An encryption or a response costs little more than its nonce, so whoever finds the pool filled is done in a fraction of
/// the time. The pool fills itself again, with as many threads as [`set_threads`](crate::set_threads) grants, in batches of
/// some hundredths of a second between which it looks whether a call of this library is waited for; then it pauses.
///
/// Nonces stay in memory, which is wiped, and go nowhere else. Clones share one pool; when the last one goes, so do the
/// nonces and the thread that fills. Any number of threads may take. A process that is forked off finds its copy of the pool
/// empty and draws every nonce freshly, so that parent and child never take the same; let it make a pool of its own. What was
/// taken before the fork is in both: only one of them may use it. (The pool knows its process by the id; do not fork while
/// another thread makes its first call to this library.)
///
/// ```
/// use tacita::paillier::{NoncePool, Plaintext, SecretKey};
///
/// let secret = SecretKey::generate_insecure_for_tests(512)?;
/// let public = secret.public_key();
/// let pool = NoncePool::with_secret_key(&secret, secret.nonce_method(), 100)?;
/// pool.fill()?; // or let the background do it
/// let plaintexts = [Plaintext::new(3, public)?, Plaintext::new(4, public)?];
/// let ciphertexts = public.encrypt_batch_with(&plaintexts, pool.take(2)?)?;
/// assert_eq!(secret.decrypt(&ciphertexts[1])?.to_signed(public), 4);
/// assert_eq!((pool.statistics().hits, pool.statistics().misses), (2, 0));
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Clone)]
pub struct NoncePool(Arc<Owner>);

/// How a [`NoncePool`] is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Most nonces that it holds.
    pub capacity: usize,
    /// Nonces that it holds now.
    pub filled: usize,
    /// Nonces that were put into it so far, by the background or by [`NoncePool::fill`].
    pub precomputed: u64,
    /// Nonces that were taken out of it.
    pub hits: u64,
    /// Nonces that were made while somebody waited, because the pool had too few.
    pub misses: u64,
}

/// What all clones own together.
struct Owner {
    shared: Arc<Shared>,
    filler: Option<JoinHandle<()>>,
}

/// What clones and filler share.
struct Shared {
    key: EncryptionKey,
    method: NonceMethod,
    capacity: usize,
    /// The process that made the pool.
    process: u32,
    entropy: fn() -> Box<dyn Entropy + Send>,
    /// In a child process this may be locked by a thread that is not there.
    state: Mutex<State>,
    /// Nonces were taken, or the pool is going.
    changed: Condvar,
    precomputed: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Default)]
struct State {
    nonces: Vec<Nonce>,
    /// Why the filler has stopped, until somebody was told.
    failure: Option<Error>,
    going: bool,
}

impl NoncePool {
    /// Most nonces of a pool; as many of 4096 bits take a gigabyte.
    pub const MAX_CAPACITY: usize = 1 << 20;

    /// A pool of up to `capacity` nonces, drawn with the public key. The tables that the method wants are made first.
    ///
    /// # Errors
    /// [`Error::Argument`] for a method that this key does not permit, or a capacity of 0; [`Error::TooLarge`] above
    /// [`MAX_CAPACITY`](Self::MAX_CAPACITY); [`Error::Randomness`]; [`Error::Threads`].
    pub fn with_public_key(key: &PublicKey, method: NonceMethod, capacity: usize) -> Result<Self> {
        Self::new(EncryptionKey::Public(key.clone()), method, capacity, || Box::new(SystemEntropy))
    }

    /// A pool of up to `capacity` nonces, drawn with the secret key, in six to nine tenths of the time.
    ///
    /// # Errors
    /// As [`with_public_key`](Self::with_public_key).
    pub fn with_secret_key(key: &SecretKey, method: NonceMethod, capacity: usize) -> Result<Self> {
        Self::new(EncryptionKey::Secret(key.clone()), method, capacity, || Box::new(SystemEntropy))
    }

    fn new(
        key: EncryptionKey,
        method: NonceMethod,
        capacity: usize,
        entropy: fn() -> Box<dyn Entropy + Send>,
    ) -> Result<Self> {
        if capacity == 0 {
            return Err(Error::Argument("a pool holds at least one nonce".into()));
        }
        if capacity > Self::MAX_CAPACITY {
            let (found, limit) = (capacity as u64, Self::MAX_CAPACITY as u64);
            return Err(Error::TooLarge { what: "capacity of a nonce pool", found, limit });
        }
        key.prepare(method)?;
        let shared = Arc::new(Shared {
            key,
            method,
            capacity,
            process: std::process::id(),
            entropy,
            state: Mutex::default(),
            changed: Condvar::new(),
            precomputed: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        });
        let batch = shared.batch()?;
        let for_filler = shared.clone();
        let filler = std::thread::Builder::new()
            .name(format!("{}filler", threads::NAME_PREFIX))
            .spawn(move || for_filler.fill_while_idle(batch))
            .map_err(|error| Error::Threads(error.to_string()))?;
        Ok(Self(Arc::new(Owner { shared, filler: Some(filler) })))
    }

    /// Fingerprint of the key.
    pub fn key(&self) -> Fingerprint {
        self.0.shared.key.public().fingerprint()
    }

    /// How its nonces are drawn.
    pub fn method(&self) -> NonceMethod {
        self.0.shared.method
    }

    /// `count` nonces: those that are there, and the rest drawn now, on all cores.
    ///
    /// # Errors
    /// [`Error::Randomness`] if the operating system's source fails now, or failed in the background since the last call;
    /// the background goes on once somebody was told. [`Error::Threads`].
    pub fn take(&self, count: usize) -> Result<Vec<Nonce>> {
        let shared = &self.0.shared;
        let mut nonces = shared.take(|ready| ready.min(count))?;
        let missing = count - nonces.len();
        if missing > 0 {
            shared.misses.fetch_add(missing as u64, Ordering::Relaxed);
            nonces.extend(shared.draw(missing)?);
        }
        Ok(nonces)
    }

    /// `count` nonces if so many are there: for those who have another way, quicker than to draw some.
    pub(crate) fn take_ready(&self, count: usize) -> Result<Option<Vec<Nonce>>> {
        let shared = &self.0.shared;
        let nonces = shared.take(|ready| if ready < count { 0 } else { count })?;
        let ready = nonces.len() == count;
        if !ready {
            shared.misses.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(ready.then_some(nonces))
    }

    /// Fills the pool now, on all cores. In a process that was forked off from the pool's own it stays empty.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn fill(&self) -> Result<()> {
        self.fill_with_progress(&mut go_on)
    }

    /// [`fill`](Self::fill) that tells how many nonces there are, of the pool's capacity.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks, which keeps the nonces that are there; otherwise as [`fill`](Self::fill).
    pub fn fill_with_progress(&self, progress: OnProgress) -> Result<()> {
        let shared = &self.0.shared;
        let (_waited_for, batch) = (threads::foreground(), FILL_BATCHES * shared.batch()?);
        let Some(mut state) = shared.state() else { return Ok(()) };
        shared.changed.notify_one();
        state.tell()?;
        let mut missing = shared.capacity - state.nonces.len();
        drop(state);
        while missing > 0 {
            let count = missing.min(batch);
            shared.put(shared.draw(count)?);
            missing -= count;
            if progress(Progress { done: shared.capacity - missing, total: shared.capacity }).is_break() {
                return Err(Error::Cancelled);
            }
        }
        Ok(())
    }

    /// How it is doing.
    pub fn statistics(&self) -> PoolStatistics {
        let shared = &self.0.shared;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Held, so that the numbers are of one moment.
        let state = shared.state();
        PoolStatistics {
            capacity: shared.capacity,
            filled: state.as_ref().map_or(0, |state| state.nonces.len()),
            precomputed: count(&shared.precomputed),
            hits: count(&shared.hits),
            misses: count(&shared.misses),
        }
    }
}

impl State {
    /// What befell the filler, to the first who asks.
    fn tell(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl Shared {
    /// The pool's content; nothing in a child process, where what was copied is given up.
    fn state(&self) -> Option<MutexGuard<'_, State>> {
        if self.process == std::process::id() {
            return Some(self.state.lock().unwrap_or_else(PoisonError::into_inner));
        }
        // If the parent was just using it, the copy stays locked for ever, and is as good as gone.
        if let Ok(mut state) = self.state.try_lock() {
            state.nonces = Vec::new();
        }
        None
    }

    /// As many nonces as `how_many` says of those that are there.
    fn take(&self, how_many: impl FnOnce(usize) -> usize) -> Result<Vec<Nonce>> {
        let Some(mut state) = self.state() else { return Ok(Vec::new()) };
        self.changed.notify_one();
        state.tell()?;
        let ready = state.nonces.len();
        let nonces = state.nonces.split_off(ready - how_many(ready));
        self.hits.fetch_add(nonces.len() as u64, Ordering::Relaxed);
        Ok(nonces)
    }

    fn draw(&self, count: usize) -> Result<Vec<Nonce>> {
        self.key.nonces_from(self.method, count, &mut *(self.entropy)())
    }

    /// Nonces to draw in one go: few, so that whoever comes waits for no more than that.
    fn batch(&self) -> Result<usize> {
        let width = self.key.public().nonces_side_by_side();
        let each = if self.method == NonceMethod::Power { width } else { width.max(TABLE_BATCH) };
        Ok(each * threads::threads()?)
    }

    /// Adds nonces as far as there is room.
    fn put(&self, mut nonces: Vec<Nonce>) {
        let Some(mut state) = self.state() else { return };
        nonces.truncate(self.capacity - state.nonces.len());
        self.precomputed.fetch_add(nonces.len() as u64, Ordering::Relaxed);
        state.nonces.append(&mut nonces);
    }

    /// The filler's life.
    fn fill_while_idle(&self, batch: usize) {
        while let Some(missing) = self.wait_for_room() {
            let draw = || self.draw(missing.min(batch));
            match threads::run_in_background(draw).and_then(|drawn| drawn) {
                Ok(nonces) => self.put(nonces),
                Err(error) => {
                    if let Some(mut state) = self.state() {
                        state.failure = Some(error);
                    }
                }
            }
        }
    }

    /// Waits until nobody waits for anything else and there is room for nonces, for how many; `None` when the pool goes.
    fn wait_for_room(&self) -> Option<usize> {
        let mut state = self.state()?;
        while !state.going {
            let missing = self.capacity - state.nonces.len();
            state = if missing == 0 || state.failure.is_some() {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else if threads::is_idle() {
                return Some(missing);
            } else {
                self.changed.wait_timeout(state, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner).0
            };
        }
        None
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let Some(filler) = self.filler.take() else { return };
        let Some(mut state) = self.shared.state() else {
            // A child process has the handle of a thread that it has not.
            return std::mem::forget(filler);
        };
        state.going = true;
        drop(state);
        self.shared.changed.notify_all();
        // A filler that panicked has nothing more to say.
        let _ = filler.join();
    }
}

impl fmt::Debug for NoncePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PoolStatistics { capacity, filled, .. } = self.statistics();
        write!(f, "NoncePool({filled} of {capacity} nonces for {})", self.key())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::secret::observe;

    fn key() -> SecretKey {
        SecretKey::generate_insecure_for_tests(256).unwrap()
    }

    fn until(done: impl Fn() -> bool) {
        while !done() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_source_that_fails_is_an_error_for_whoever_takes_and_no_other_takes_its_place() {
        static BROKEN: AtomicBool = AtomicBool::new(false);
        struct Breaking;
        impl Entropy for Breaking {
            fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
                if BROKEN.load(Ordering::SeqCst) { Err(Error::Randomness) } else { SystemEntropy.fill(bytes) }
            }
        }
        let methods = [NonceMethod::Power, NonceMethod::PublicBase, NonceMethod::SecretBase, NonceMethod::RandomBases];
        for method in methods {
            BROKEN.store(false, Ordering::SeqCst);
            let pool = NoncePool::new(EncryptionKey::Secret(key()), method, 40, || Box::new(Breaking)).unwrap();
            pool.fill().unwrap();
            BROKEN.store(true, Ordering::SeqCst);
            // What is there was drawn while the source worked; then the background fails.
            assert_eq!(pool.take(30).unwrap().len(), 30);
            let failed = || pool.0.shared.state().unwrap().failure.is_some();
            until(failed);
            // Though there may be some left, the first who comes is told, and nothing is drawn meanwhile.
            let filled = pool.statistics().filled;
            assert_eq!(pool.take(1).unwrap_err(), Error::Randomness);
            assert!(pool.statistics().filled <= filled);
            // Whoever wants more than there is is told at any rate.
            assert_eq!(pool.take(41).unwrap_err(), Error::Randomness);
            until(failed);
            assert_eq!(pool.fill().unwrap_err(), Error::Randomness);
            // Then it works again, and the background goes on as soon as somebody was told.
            BROKEN.store(false, Ordering::SeqCst);
            until(|| {
                let _ = pool.take(0);
                pool.statistics().filled == 40
            });
            assert_eq!(pool.take(40).unwrap().len(), 40);
        }
    }

    #[test]
    fn the_background_pauses_while_somebody_waits_for_something() {
        let pool = NoncePool::with_secret_key(&key(), NonceMethod::SecretBase, 100).unwrap();
        until(|| pool.statistics().filled == 100);
        let waited_for = threads::foreground();
        pool.take(100).unwrap();
        // Time enough for it to look again and again.
        std::thread::sleep(20 * LOOK_AGAIN);
        assert_eq!(pool.statistics().filled, 0);
        drop(waited_for);
        until(|| pool.statistics().filled == 100);
    }

    #[test]
    fn whoever_can_do_without_takes_all_or_nothing() {
        let pool = NoncePool::with_secret_key(&key(), NonceMethod::SecretBase, 5).unwrap();
        until(|| pool.statistics().filled == 5);
        let _waited_for = threads::foreground();
        assert!(pool.take_ready(6).unwrap().is_none());
        assert_eq!(pool.statistics().filled, 5);
        assert_eq!(pool.take_ready(4).unwrap().unwrap().len(), 4);
        assert_eq!(pool.take_ready(0).unwrap().unwrap().len(), 0);
        assert!(pool.take_ready(2).unwrap().is_none());
        let PoolStatistics { hits, misses, .. } = pool.statistics();
        assert_eq!((hits, misses), (4, 8));
    }

    #[test]
    fn nonces_are_zero_when_they_are_freed() {
        let pool = NoncePool::with_public_key(key().public_key(), NonceMethod::Power, 9).unwrap();
        pool.fill().unwrap();
        let addresses: Vec<_> = {
            let state = pool.0.shared.state().unwrap();
            assert!(state.nonces.iter().all(|nonce| nonce.limbs.iter().any(|&limb| limb != 0)));
            state.nonces.iter().map(|nonce| nonce.limbs.as_ptr() as usize).collect()
        };
        assert_eq!(addresses.len(), 9);
        let freed = observe::freed_during(|| drop(pool));
        for address in addresses {
            let (_, limbs) = freed.iter().find(|(freed, _)| *freed == address).expect("the buffer is freed");
            assert!(limbs.iter().all(|&limb| limb == 0));
        }
    }
}
