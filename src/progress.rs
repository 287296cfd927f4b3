//! How far long work is, and whether it is still wanted.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// How far a long piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are done: ciphertexts, batches of records, requests, nonces or parts of a search, as the function says.
    pub done: usize,
    /// All steps.
    pub total: usize,
}

/// Called after every step, on the thread that asked for the work; breaking cancels it.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Called now and then during work on many threads, by any of them, one at a time; breaking cancels it. A step that ends while
/// another is being told of goes untold, the last one too.
pub type OnSharedProgress<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// Goes on whatever the progress is.
pub(crate) fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Counts the steps of work on many threads.
pub(crate) struct Steps<'a> {
    done: AtomicUsize,
    total: AtomicUsize,
    cancelled: AtomicBool,
    on_progress: Mutex<OnSharedProgress<'a>>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(on_progress: OnSharedProgress<'a>) -> Self {
        Self {
            done: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            on_progress: Mutex::new(on_progress),
        }
    }

    /// Says that there are so many steps more than was known.
    pub(crate) fn expect(&self, steps: usize) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    /// A step is done.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if somebody has cancelled the work.
    pub(crate) fn step(&self) -> Result<()> {
        self.done.fetch_add(1, Ordering::Relaxed);
        // Whoever finds another thread reporting leaves it to that one or the next: nobody waits to report.
        if let Ok(mut on_progress) = self.on_progress.try_lock() {
            self.go_on()?;
            let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
            if on_progress(Progress { done: done.min(total), total }).is_break() {
                self.cancelled.store(true, Ordering::Relaxed);
            }
        }
        self.go_on()
    }

    /// Whether the work is still wanted.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it is not.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_cancels_whatever_is_left_on_any_thread() {
        let mut seen = Vec::new();
        let mut on_progress = |progress: Progress| {
            seen.push(progress);
            if progress.done == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let steps = Steps::new(&mut on_progress);
        steps.expect(3);
        assert_eq!(steps.step(), Ok(()));
        assert_eq!(steps.step(), Err(Error::Cancelled));
        std::thread::scope(|scope| {
            assert_eq!(scope.spawn(|| steps.step()).join().unwrap(), Err(Error::Cancelled));
        });
        assert_eq!(seen, [1, 2].map(|done| Progress { done, total: 3 }));
    }
}
