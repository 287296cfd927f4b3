//! How often something is done before its time is believed.

use std::time::{Duration, Instant};

use crate::exit::Failure;

/// Runs a job until there are enough times of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Clock {
    least_runs: usize,
    most_runs: usize,
    /// No further run starts after this, if there were enough.
    long_enough: Duration,
    /// Batches are divided by this.
    pub(super) thrift: usize,
}

impl Clock {
    pub(in crate::commands) fn new(quick: bool) -> Self {
        if quick {
            Self { least_runs: 1, most_runs: 5, long_enough: Duration::from_millis(30), thrift: 8 }
        } else {
            Self { least_runs: 3, most_runs: 101, long_enough: Duration::from_millis(700), thrift: 1 }
        }
    }

    /// For many things one after another, again and again.
    pub(in crate::commands) fn short() -> Self {
        Self { least_runs: 1, long_enough: Duration::from_millis(100), ..Self::new(false) }
    }

    /// The median time of a run in seconds.
    pub(super) fn median(&self, run: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
        self.median_after(|| Ok(()), run)
    }

    /// The same, with something to be done before each run while the clock stands still.
    pub(super) fn median_after(
        &self,
        mut before: impl FnMut() -> Result<(), Failure>,
        mut run: impl FnMut() -> Result<(), Failure>,
    ) -> Result<f64, Failure> {
        let start = Instant::now();
        let mut times = Vec::new();
        while times.len() < self.least_runs || (times.len() < self.most_runs && start.elapsed() < self.long_enough) {
            before()?;
            let start = Instant::now();
            run()?;
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        // The quicker of two in the middle: neighbours make jobs slower, never quicker.
        Ok(times[(times.len() - 1) / 2])
    }
}
