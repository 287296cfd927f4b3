//! Interleaved timing.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::Work;

/// What counts as time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// What a user waits for.
    Wall,
    /// What the process got of the processor, in all its threads; for a look on a busy machine.
    Processor,
}

impl Clock {
    pub(crate) fn now(self) -> Duration {
        let id = match self {
            Self::Wall => ClockId::Monotonic,
            Self::Processor => ClockId::ProcessCPUTime,
        };
        clock_gettime(id).try_into().expect("clocks do not run below zero")
    }
}

/// How much time to spend.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Rounds at least.
    pub rounds: usize,
    /// Further rounds begin before this much time has gone.
    pub budget: Duration,
    /// What one takes of a round: calls until this much time has gone, one at least.
    pub turn: Duration,
}

impl Pace {
    /// For figures to publish.
    pub const FULL: Self = Self { rounds: 3, budget: Duration::from_secs(10), turn: Duration::from_millis(100) };
    /// For a look.
    pub const QUICK: Self = Self { rounds: 1, budget: Duration::from_secs(1), turn: Duration::from_millis(20) };
}

/// Nanoseconds of a unit.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Time {
    /// The median.
    pub ns: f64,
    /// The tenth of the samples that was quickest took at most this.
    pub ns_low: f64,
    /// The tenth that was slowest took at least this.
    pub ns_high: f64,
    /// Calls that were timed.
    pub samples: usize,
}

/// Times one after the other, round after round, so that a machine that changes its pace does so to all alike.
pub fn measure(works: &mut [Work], pace: Pace, clock: Clock) -> Vec<Time> {
    let mut samples = vec![Vec::new(); works.len()];
    let start = Instant::now();
    let mut round = 0;
    while round < pace.rounds || start.elapsed() < pace.budget {
        for (work, samples) in works.iter_mut().zip(&mut samples) {
            let turn = Instant::now();
            loop {
                samples.push(work.call(clock));
                if turn.elapsed() >= pace.turn {
                    break;
                }
            }
        }
        round += 1;
    }
    samples.iter_mut().map(|samples| summary(samples)).collect()
}

fn summary(samples: &mut [f64]) -> Time {
    samples.sort_by(f64::total_cmp);
    let last = samples.len() - 1;
    let at = |share: f64| samples[(last as f64 * share).round() as usize];
    Time { ns: at(0.5), ns_low: at(0.1), ns_high: at(0.9), samples: samples.len() }
}

/// Seconds of a turn too short for a clock around it, as tacita takes those of its own kernels: the shortest of many runs.
pub(crate) fn shortest(mut turn: impl FnMut()) -> f64 {
    const RUN: Duration = Duration::from_micros(200);
    const RUNS: usize = 60;
    let mut time = |turns: usize| {
        let start = Instant::now();
        (0..turns).for_each(|_| turn());
        start.elapsed()
    };
    let mut turns = 1;
    while time(turns) < RUN {
        turns *= 2;
    }
    (0..RUNS).map(|_| time(turns)).min().unwrap_or_default().as_secs_f64() / turns as f64
}
