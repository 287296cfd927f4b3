//! What the parts of a job take on this machine.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::arith::Backend;
use crate::entropy::SystemEntropy;
use crate::error::Result;
use crate::fingerprint::Fingerprint;
use crate::paillier::{Ciphertext, LinearLayer, NonceMethod, Plaintext, SecretKey};
use crate::secret::Limbs;
use crate::threads;

/// Seconds of the parts of a job, for keys of one length, on one engine and a number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnitCosts {
    /// Length of the keys.
    pub bits: u32,
    #[serde(serialize_with = "name")]
    /// The engine.
    pub backend: Backend,
    /// Threads.
    pub threads: usize,
    /// Encryption with the secret key.
    pub encrypt_secret: Cost,
    /// Encryption with the public key.
    pub encrypt_public: Cost,
    /// Encryption with a nonce that is at hand.
    pub encrypt_ready: Cost,
    /// The n-th power of a nonce, for a response.
    pub nth_power: Cost,
    /// Decryption.
    pub decrypt: Cost,
    /// The check of a list of ciphertexts that was received, whatever its length.
    pub check: f64,
    /// And for each of them.
    pub check_each: f64,
    /// Putting a ciphertext into a message, which is hashed.
    pub wire: f64,
    /// A multiplication of a planned linear layer, on all threads.
    pub step: f64,
    /// A row's way out of a linear layer, on all threads.
    pub row: f64,
    /// The linear layer's inversion and what else it takes whatever its size.
    pub layer: f64,
    /// The first number of a response.
    pub pack: Cost,
    /// Each further number of a response.
    pub pack_next: Cost,
    /// A square between numbers of a response.
    pub square: Cost,
}

/// Seconds of equal jobs: of one alone, of a bundle as wide as the engine's lanes on one thread, and of each bundle after
/// that on the same thread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// One job.
    pub one: f64,
    /// The first bundle.
    pub bundle: f64,
    /// Each further bundle.
    pub next: f64,
}

impl Cost {
    /// Seconds of `count` jobs that are split into bundles and single ones on so many threads; `bundled` as
    /// [`Backend::bundled`] or [`Backend::bundled_powers`] has it.
    pub(super) fn of(self, count: usize, bundled: usize, lanes: usize, threads: usize) -> f64 {
        let (bundles, rest) = (bundled.div_ceil(lanes), count - bundled);
        let rounds = bundles.div_ceil(threads);
        let wide = if rounds == 0 { 0.0 } else { self.bundle + (rounds - 1) as f64 * self.next };
        let narrow = if bundles == 0 { rest.div_ceil(threads) } else { 0 } as f64 * self.one;
        wide.max(narrow).max(self.work(count, bundled, lanes) / threads as f64)
    }

    /// The same on one thread.
    pub(super) fn work(self, count: usize, bundled: usize, lanes: usize) -> f64 {
        let (bundles, rest) = (bundled.div_ceil(lanes), count - bundled);
        let wide = if bundles == 0 { 0.0 } else { self.bundle + (bundles - 1) as f64 * self.next };
        wide + rest as f64 * self.one
    }

    /// `with` of each part of both, and 0 where that is negative.
    fn combine(self, other: Self, with: impl Fn(f64, f64) -> f64) -> Self {
        let with = |x, y| with(x, y).max(0.0);
        Self {
            one: with(self.one, other.one),
            bundle: with(self.bundle, other.bundle),
            next: with(self.next, other.next),
        }
    }

    pub(super) fn plus(self, other: Self, times: f64) -> Self {
        self.combine(other, |x, y| x + times * y)
    }

    /// What makes `self` out of `less`, for each of so many.
    fn less(self, less: Self, times: f64) -> Self {
        self.combine(less, |x, y| (x - y) / times)
    }
}

/// How often everything is measured, all parts in turns: a machine that others use too is slow for a second now and then, and
/// each part shall have its quick moment.
const ROUNDS: usize = 3;

/// No further round starts after this: on a slow engine, or under valgrind, it would take long. Parts then have fewer moments.
const LONGEST: Duration = Duration::from_secs(5);

/// No further run of a round starts after this.
const LONG_ENOUGH: Duration = Duration::from_millis(15);

/// Measures the same parts in the same order again and again: a part is known by its place alone.
#[derive(Default)]
struct Stopwatch {
    /// Of each part, the least that a round told.
    least: RefCell<Vec<f64>>,
    /// The part that comes next.
    next: Cell<usize>,
}

impl Stopwatch {
    /// Median seconds of a run in this round, or in one before if that was less; a long part runs once a round.
    fn seconds<T>(&self, mut run: impl FnMut() -> Result<T>) -> Result<f64> {
        let start = Instant::now();
        let mut times = Vec::new();
        while times.is_empty() || start.elapsed() < LONG_ENOUGH {
            let start = Instant::now();
            run()?;
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        Ok(self.keep(times[(times.len() - 1) / 2]))
    }

    fn keep(&self, seconds: f64) -> f64 {
        let (mut least, part) = (self.least.borrow_mut(), self.next.replace(self.next.get() + 1));
        if part == least.len() {
            least.push(seconds);
        }
        least[part] = least[part].min(seconds);
        least[part]
    }

    /// Seconds of a job for 1 and for more, `threads` of which find their own thread.
    fn cost<T>(&self, lanes: usize, threads: usize, run: impl Fn(usize) -> Result<T>) -> Result<Cost> {
        let one = self.seconds(|| run(1))?;
        let bundle = self.seconds(|| run(lanes * threads))?;
        let long = self.seconds(|| run(LONG * lanes * threads))?;
        Ok(Cost { one, bundle, next: ((long - bundle) / (LONG - 1) as f64).max(0.0) })
    }

    fn start_again(&self) {
        debug_assert_eq!(self.next.get(), self.least.borrow().len());
        self.next.set(0);
    }
}

/// Squares at once: so many that to wake a thread for them does not count.
const SQUARES: u32 = 512;

/// Bundles of a long list, which reads tables more than once.
const LONG: usize = 16;

/// How often a long message repeats a short one.
const REPEATS: usize = 8;

fn name<S: serde::Serializer>(backend: &Backend, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(backend.name())
}

impl UnitCosts {
    /// Measures on this machine, with the engine of the key and all threads of the library, in a second or a few where the
    /// engine is slow. The costs are those of any key of this length, and each is the least of up to three turns: what neighbours
    /// of the machine take comes on top.
    ///
    /// # Errors
    /// [`Error::Randomness`](crate::Error::Randomness), [`Error::Threads`](crate::Error::Threads).
    pub fn measure(key: &SecretKey) -> Result<Self> {
        let (samples, watch, start) = (Samples::new(key)?, Stopwatch::default(), Instant::now());
        let mut costs = samples.measure(&watch)?;
        for _ in 1..ROUNDS {
            if start.elapsed() < LONGEST {
                watch.start_again();
                costs = samples.measure(&watch)?;
            }
        }
        Ok(costs)
    }
}

/// What the parts are measured with.
struct Samples<'a> {
    key: &'a SecretKey,
    threads: usize,
    plaintexts: Vec<Plaintext>,
    ciphertexts: Vec<Ciphertext>,
    /// Of one weight that takes an inversion.
    least: LinearLayer,
    /// Of rows that take nothing but their way out.
    tall: LinearLayer,
    most: LinearLayer,
}

impl<'a> Samples<'a> {
    /// Columns and rows of a layer: the search for its plan takes a fraction of a second. What stands around the plan, an eighth
    /// of it here, is taken for the longer ways to memory in larger layers.
    const COLUMNS: usize = 64;
    const ROWS: usize = 16;
    const TALL: usize = 256;

    fn new(key: &'a SecretKey) -> Result<Self> {
        let (public, threads) = (key.public_key(), threads::threads()?);
        let count = (LONG * public.backend().lanes() * threads).max(Self::COLUMNS);
        let plaintexts = (0..count).map(|i| Plaintext::new(i, public)).collect::<Result<Vec<_>>>()?;
        let ciphertexts = key.encrypt_batch(&plaintexts)?;
        for method in [key.nonce_method(), public.nonce_method()] {
            key.nonces(method, 1)?; // its tables
        }
        let (least, tall) = (LinearLayer::new(1, &[-1])?, LinearLayer::new(1, &[1; Self::TALL])?);
        let most = LinearLayer::new(Self::COLUMNS, &stand_in(Self::COLUMNS * Self::ROWS))?;
        Ok(Self { key, threads, plaintexts, ciphertexts, least, tall, most })
    }

    fn measure(&self, watch: &Stopwatch) -> Result<UnitCosts> {
        let Self { key, threads, plaintexts, ciphertexts: x, .. } = self;
        let (public, threads) = (key.public_key(), *threads);
        let (backend, lanes) = (public.backend(), public.backend().lanes());
        // Both primes work at the same time.
        let halved = (threads / 2).max(1);
        let encrypt = |method, threads| {
            let run = |count| key.encrypt_batch_from(method, &plaintexts[..count], &mut SystemEntropy);
            watch.cost(lanes, threads, run)
        };
        let limbs: Vec<_> = x[..2].iter().map(|x| Limbs::copy_of(x.limbs())).collect();
        let pack = |length: usize, shift| {
            // Numbers of a part, the same for all.
            let part = &limbs[..length];
            watch.cost(lanes, threads, |count| public.pack(&vec![part; count], shift))
        };
        let (first, both, squared) = (pack(1, 0)?, pack(2, 0)?, pack(2, SQUARES)?);
        let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_bytes()).collect();
        let wire = || {
            let mut message = Vec::new();
            x.iter().for_each(|x| message.extend_from_slice(&x.to_bytes()));
            Ok(Fingerprint::of(&message))
        };
        let (check, longer) = (|| public.ciphertexts_from_bytes(&bytes), bytes.repeat(REPEATS));
        let (check, longer) = (watch.seconds(check)?, watch.seconds(|| public.ciphertexts_from_bytes(&longer))?);
        let check_each = ((longer - check) / ((REPEATS - 1) * x.len()) as f64).max(0.0);
        let nth_power = |count| watch.seconds(|| public.nonces(NonceMethod::Power, count));
        let nth = Cost { one: nth_power(1)?, bundle: nth_power(lanes * threads)?, next: 0.0 };
        let layer = watch.seconds(|| self.least.rows(public, &x[..1]))?;
        let row = watch.seconds(|| self.tall.rows(public, &x[..1]))? / Self::TALL as f64;
        let most = watch.seconds(|| self.most.rows(public, &x[..Self::COLUMNS]))?;
        Ok(UnitCosts {
            bits: public.bits(),
            backend,
            threads,
            encrypt_secret: encrypt(key.nonce_method(), halved)?,
            encrypt_public: encrypt(public.nonce_method(), threads)?,
            encrypt_ready: watch
                .cost(lanes, threads, |count| public.add_plain_batch(&x[..count], &plaintexts[..count]))?,
            nth_power: Cost { next: nth.bundle, ..nth },
            decrypt: watch.cost(lanes, halved, |count| key.decrypt_batch(&x[..count]))?,
            check: (check - x.len() as f64 * check_each).max(0.0),
            check_each,
            wire: watch.seconds(wire)? / x.len() as f64,
            step: (most - layer - Self::ROWS as f64 * row).max(0.0) / steps(Self::COLUMNS, self.most.multiplications()),
            row,
            layer,
            pack: first,
            pack_next: both.less(first, 1.0),
            square: squared.less(both, f64::from(SQUARES)),
        })
    }
}

/// What a layer takes beside its inversion and its rows, in multiplications: those of its plan, and half of one for each column,
/// which enters by two reductions where a product has five parts like them.
pub(super) fn steps(columns: usize, multiplications: usize) -> f64 {
    multiplications as f64 + 0.5 * columns as f64
}

/// Weights of 8 bits for a model that is not known: always the same, nearly normal, with a deviation of 32.
pub(super) fn stand_in(count: usize) -> Vec<i32> {
    let mut state = 1_u64;
    let mut byte = || {
        // Knuth's linear congruential generator; nothing rests on its quality.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as i32
    };
    (0..count).map(|_| (((0..12).map(|_| byte()).sum::<i32>() - 1530) / 8).clamp(-127, 127)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_and_single_jobs_share_the_threads() {
        let cost = Cost { one: 1.0, bundle: 5.5, next: 5.0 };
        let of = |count, bundled, threads| cost.of(count, bundled, 8, threads);
        assert_eq!([of(0, 0, 1), of(1, 0, 1), of(3, 0, 1), of(8, 8, 1), of(24, 24, 1)], [0.0, 1.0, 3.0, 5.5, 15.5]);
        assert_eq!(of(9, 8, 1), 6.5);
        // A second thread takes the rest, another bundle, or every other job.
        assert_eq!([of(9, 8, 2), of(16, 16, 2), of(5, 0, 2)], [5.5, 5.5, 3.0]);
    }

    #[test]
    fn stand_in_weights_fill_eight_bits_and_stay_the_same() {
        let weights = stand_in(10_000);
        assert_eq!(weights[..5], stand_in(5));
        let square = weights.iter().map(|&w| f64::from(w * w)).sum::<f64>() / 10_000.0;
        assert!((30.0..34.0).contains(&square.sqrt()), "{}", square.sqrt());
        assert!(weights.iter().all(|w| (-127..=127).contains(w)) && weights.iter().any(|w| w.abs() > 96));
    }

    #[test]
    fn costs_are_measured_on_every_engine() {
        let key = SecretKey::generate_insecure_for_tests(512).unwrap();
        for backend in Backend::available() {
            let costs = UnitCosts::measure(&key.on(backend).unwrap()).unwrap();
            assert_eq!((costs.bits, costs.backend), (512, backend));
            for cost in [costs.encrypt_secret, costs.encrypt_public, costs.nth_power, costs.decrypt, costs.pack] {
                assert!(cost.one > 0.0 && cost.bundle > 0.0);
            }
        }
    }
}
