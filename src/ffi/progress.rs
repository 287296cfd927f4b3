//! Progress of long work, told to C.

use std::ffi::{c_int, c_void};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::error::{Error, Result};
use crate::progress::{OnSharedProgress, Progress};
use crate::threads;

/// Called now and then during long work, on the thread that asked for the work: `done` steps out of about `expected` are
/// done. `user_data` is what the caller of the function gave. Returning anything but 0 cancels the work, which then gives
/// nothing out. It must return: no exception and no longjmp may leave it. It may call functions of this library.
pub type tacita_progress = Option<unsafe extern "C" fn(user_data: *mut c_void, done: u64, expected: u64) -> c_int>;

/// A caller's wish to hear of progress.
#[derive(Clone, Copy)]
pub(super) struct Listener {
    progress: tacita_progress,
    user_data: *mut c_void,
}

impl Listener {
    /// # Safety
    /// `progress` is NULL or a function that takes `user_data` and two numbers, and returns.
    pub(super) unsafe fn new(progress: tacita_progress, user_data: *mut c_void) -> Self {
        Self { progress, user_data }
    }

    fn tell(self, done: u64, expected: u64) -> ControlFlow<()> {
        let Some(progress) = self.progress else { return ControlFlow::Continue(()) };
        // SAFETY: `new` was promised a function that takes these and returns.
        if unsafe { progress(self.user_data, done, expected) } == 0 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    /// For work that reports on this thread.
    pub(super) fn here(self) -> impl FnMut(Progress) -> ControlFlow<()> {
        move |Progress { done, total }| self.tell(done as u64, total as u64)
    }

    /// [`relay`](Self::relay) for the search of a plan.
    pub(super) fn relay_plan<T: Send>(self, work: impl FnOnce(OnSharedProgress) -> Result<T> + Send) -> Result<T> {
        self.relay("plan", |report| work(&mut |Progress { done, total }| report(done as u64, total as u64)))
    }

    /// Runs work that reports from any thread on another one, so that the caller is called on this one.
    pub(super) fn relay<T: Send>(
        self,
        name: &str,
        work: impl FnOnce(&(dyn Fn(u64, u64) -> ControlFlow<()> + Sync)) -> Result<T> + Send,
    ) -> Result<T> {
        if self.progress.is_none() {
            return work(&|_, _| ControlFlow::Continue(()));
        }
        let cancelled = AtomicBool::new(false);
        // If nobody listens right now, a report is dropped: the next is as good.
        let (reporter, reports) = sync_channel(1);
        thread::scope(|scope| {
            let cancelled = &cancelled;
            let work = move || {
                work(&|done, expected| {
                    let _ = reporter.try_send((done, expected));
                    if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
            };
            let name = format!("{}{name}", threads::NAME_PREFIX);
            let worker = thread::Builder::new().name(name).spawn_scoped(scope, work);
            let worker = worker.map_err(|error| Error::Threads(error.to_string()))?;
            for (done, expected) in reports {
                if self.tell(done, expected).is_break() {
                    cancelled.store(true, Ordering::Relaxed);
                    break;
                }
            }
            let result = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            // Somebody who cancelled wants no result, not even one that was just finished.
            if cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { result }
        })
    }
}
