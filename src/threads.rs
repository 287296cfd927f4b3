//! The library's own thread pool, the only global state it has.

use std::sync::{Mutex, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

static POOL: OnceLock<ThreadPool> = OnceLock::new();
/// The size that was asked for, 0 for one thread a processor. Held while the pool is made.
static WANTED: Mutex<usize> = Mutex::new(0);

/// What the names of the library's threads begin with.
pub(crate) const NAME_PREFIX: &str = "tacita-";

/// Sets how many threads the library works with; 0 stands for one a processor, which is the default.
///
/// Call it before anything else: the pool starts with the first long operation and keeps its size.
///
/// # Errors
/// [`Error::Threads`] if the pool has started with another size.
pub fn set_threads(threads: usize) -> Result<()> {
    let mut wanted = WANTED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match POOL.get() {
        Some(pool) if pool.current_num_threads() == threads || *wanted == threads => Ok(()),
        Some(pool) => Err(Error::Threads(format!(
            "the pool already runs with {} threads; set the number before the first operation",
            pool.current_num_threads()
        ))),
        None => {
            *wanted = threads;
            Ok(())
        }
    }
}

/// Starts the pool if it does not run yet, and tells how many threads it has.
///
/// # Errors
/// [`Error::Threads`] if the operating system grants no threads.
pub fn threads() -> Result<usize> {
    Ok(pool()?.current_num_threads())
}

/// Runs `work` in the pool, so that rayon's parallel iterators inside it use the pool's threads.
pub(crate) fn run<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R> {
    Ok(pool()?.install(work))
}

/// Runs `work` on `count` things in the pool, or here where there is but one and the way to the pool would take longer. A
/// [`Ring`](crate::arith::Ring)'s jobs stay off rayon then.
pub(crate) fn run_on<R: Send>(count: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    if count > 1 { run(work) } else { Ok(work()) }
}

fn pool() -> Result<&'static ThreadPool> {
    if let Some(pool) = POOL.get() {
        return Ok(pool);
    }
    let wanted = WANTED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if POOL.get().is_none() {
        let pool = ThreadPoolBuilder::new()
            .num_threads(*wanted)
            .thread_name(|i| format!("{NAME_PREFIX}{i}"))
            .build()
            .map_err(|error| Error::Threads(error.to_string()))?;
        let _ = POOL.set(pool);
    }
    POOL.get().ok_or(Error::Bug("the thread pool vanished"))
}
