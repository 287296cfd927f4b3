//! Runs a schedule on lanes, on all threads of the pool at once.
//!
//! Bundles are claimed in order, each by the thread that comes first. A bundle waits only for bundles claimed before it,
//! whose threads are at work, so there is always one that goes on. The schedule keeps a step and its users apart, so waits
//! are short and rare, and there is no barrier but where dead values are freed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rug::Integer;

use super::schedule::{BUNDLE, Schedule, Step, Stretch};
use crate::arith::lanes::Lanes;
use crate::error::{Error, Result};
use crate::secret::integer;

/// Looks at a value that is not there yet before the processor is offered to others.
const SPINS: usize = 200;

/// Most values that are kept: 16 MB for residues modulo the square of a 3072-bit number.
const MOST_SPARE: usize = 1 << 14;

/// Values that a thread takes from the spare ones at once.
const HANDFUL: usize = 64;

/// Values of earlier runs, whose memory serves again: to ask for as much anew takes a twelfth of a run.
pub(crate) struct Spare<S>(Mutex<Vec<S>>);

impl<S> Default for Spare<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S> Spare<S> {
    pub(super) fn take(&self, count: usize) -> Vec<S> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = spare.len().saturating_sub(count);
        spare.split_off(rest)
    }

    fn give(&self, values: impl Iterator<Item = S>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_SPARE.saturating_sub(spare.len());
        spare.extend(values.take(room));
    }
}

/// The first residues of a bundle, in the memory of the spare ones if they are as many.
pub(super) fn scatter<L: Lanes>(
    lanes: &L,
    bundle: &L::Residues,
    count: usize,
    mut spare: Vec<L::Single>,
) -> Vec<L::Single> {
    if spare.len() < count {
        spare = lanes.scatter(bundle);
        spare.truncate(count);
    } else {
        lanes.scatter_to(&mut spare, bundle);
    }
    spare
}

/// Runs the schedule on its inputs and gives out some of its values.
pub(super) fn run<L: Lanes>(
    lanes: &L,
    modulus: &Integer,
    schedule: &Schedule,
    inputs: Vec<L::Single>,
    outputs: &[u32],
    spare: &Spare<L::Single>,
) -> Result<Vec<L::Single>> {
    let mut values: Vec<_> = inputs.into_iter().map(OnceLock::from).collect();
    values.resize_with(schedule.values, OnceLock::new);
    for stretch in &schedule.stretches {
        Run {
            lanes,
            modulus,
            schedule,
            values: &values,
            spare,
            failed: AtomicBool::new(false),
            error: Mutex::new(None),
        }
        .on_all_threads(stretch)?;
        spare.give(stretch.dead.iter().filter_map(|&dead| values[dead as usize].take()));
    }
    let results =
        outputs.iter().map(|&output| values[output as usize].get().expect("an output is never dead").clone()).collect();
    spare.give(values.into_iter().filter_map(OnceLock::into_inner));
    Ok(results)
}

struct Run<'a, L: Lanes> {
    lanes: &'a L,
    modulus: &'a Integer,
    schedule: &'a Schedule,
    values: &'a [OnceLock<L::Single>],
    spare: &'a Spare<L::Single>,
    /// Nobody waits any more for values that will not come.
    failed: AtomicBool,
    error: Mutex<Option<Error>>,
}

impl<L: Lanes> Run<'_, L> {
    fn on_all_threads(self, stretch: &Stretch) -> Result<()> {
        let next = AtomicUsize::new(stretch.bundles.start);
        let threads = rayon::current_num_threads().min(stretch.bundles.len());
        rayon::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|_| self.work(&next, stretch.bundles.end, threads));
            }
        });
        self.error.into_inner().expect("a panic would have come out of the scope").map_or(Ok(()), Err)
    }

    fn work(&self, next: &AtomicUsize, end: usize, threads: usize) {
        // If this thread panics, the others must not wait for it.
        struct Alarm<'a>(&'a AtomicBool);
        impl Drop for Alarm<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.store(true, Ordering::Relaxed);
                }
            }
        }
        let _alarm = Alarm(&self.failed);
        let mut scratch = self.lanes.scratch();
        let mut bundles = [self.lanes.one(), self.lanes.one()];
        let mut spare = Vec::new();
        loop {
            let bundle = next.fetch_add(1, Ordering::Relaxed);
            if bundle >= end || self.failed.load(Ordering::Relaxed) {
                return self.spare.give(spare.into_iter());
            }
            self.fetch(bundle + threads, end);
            for steps in self.schedule.bundle(bundle).chunks(L::WIDTH.min(BUNDLE)) {
                if self.multiply(steps, &mut bundles, &mut spare, &mut scratch).is_none() {
                    return;
                }
            }
        }
    }

    /// Brings the factors of a later bundle nearer, as far as they are there.
    fn fetch(&self, bundle: usize, end: usize) {
        if bundle < end {
            let factors = self.schedule.bundle(bundle).iter().flat_map(|step| [step.left, step.right]);
            factors.filter_map(|value| self.values[value as usize].get()).for_each(|value| self.lanes.fetch(value));
        }
    }

    /// Some steps that do not depend on one another; `None` if the run has failed.
    fn multiply(
        &self,
        steps: &[Step],
        bundles: &mut [L::Residues; 2],
        spare: &mut Vec<L::Single>,
        scratch: &mut L::Scratch,
    ) -> Option<()> {
        let mut factors = Vec::with_capacity(BUNDLE);
        for step in steps {
            factors.push(self.wait(step.left)?);
        }
        if steps[0].is_inverse() {
            let inverse = self.invert(factors[0], scratch)?;
            self.values[steps[0].out as usize].set(inverse).ok().expect("a value is computed once");
            return Some(());
        }
        let [product, factor] = bundles;
        self.lanes.gather(product, &factors);
        if steps.iter().all(|step| step.is_square()) {
            self.lanes.sqr(product, scratch);
        } else {
            factors.clear();
            for step in steps {
                factors.push(self.wait(step.right)?);
            }
            self.lanes.gather(factor, &factors);
            self.lanes.mul(product, factor, scratch);
        }
        if spare.len() < steps.len() {
            spare.extend(self.spare.take(HANDFUL));
        }
        let rest = spare.len().saturating_sub(steps.len());
        let values = scatter(self.lanes, product, steps.len(), spare.split_off(rest));
        for (step, value) in steps.iter().zip(values) {
            self.values[step.out as usize].set(value).ok().expect("a value is computed once");
        }
        Some(())
    }

    fn wait(&self, value: u32) -> Option<&L::Single> {
        let value = &self.values[value as usize];
        loop {
            for _ in 0..SPINS {
                if let Some(value) = value.get() {
                    return Some(value);
                }
                std::hint::spin_loop();
            }
            if self.failed.load(Ordering::Relaxed) {
                return None;
            }
            std::thread::yield_now();
        }
    }

    /// x^-1 modulo m^2.
    fn invert(&self, x: &L::Single, scratch: &mut L::Scratch) -> Option<L::Single> {
        let pair = &self.lanes.leave(&self.lanes.gathered(&[x]), scratch)[0];
        let square = self.modulus.clone().square();
        match (integer(&pair.b) * self.modulus + integer(&pair.a)).invert(&square) {
            Ok(inverse) => {
                let digits = inverse.to_digits::<u64>(rug::integer::Order::Lsf);
                self.lanes.scatter(&self.lanes.enter(&[&digits], scratch)).into_iter().next()
            }
            Err(_) => {
                *self.error.lock().expect("nobody panics with the lock") =
                    Some(Error::Bug("a checked ciphertext is not invertible"));
                self.failed.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}
