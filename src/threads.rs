//! The library's own threads, the only global state it has: a pool for what somebody waits for, and another one beside it
//! for what can wait.
//!
//! A process that was forked off has copies of both without their threads, so it starts its own.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// What a process has started.
struct Started {
    process: u32,
    pool: ThreadPool,
    /// Started when first wanted.
    background: OnceLock<ThreadPool>,
    /// Pieces of work that somebody waits for.
    foreground: AtomicUsize,
    /// What a child of this process has started.
    child: OnceLock<Box<Started>>,
}

static STARTED: OnceLock<Box<Started>> = OnceLock::new();
/// The size that was asked for, 0 for one thread a processor. Held while a pool is made.
static WANTED: Mutex<usize> = Mutex::new(0);

/// What the names of the library's threads begin with.
pub(crate) const NAME_PREFIX: &str = "tacita-";

thread_local! {
    /// Whether this is a thread of the background.
    static BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

/// Sets how many threads the library works with; 0 stands for one a processor, which is the default.
///
/// Call it before anything else: the pool starts with the first long operation and keeps its size. A process that was forked
/// off starts a pool of its own, of the size that was set last.
///
/// # Errors
/// [`Error::Threads`] if the pool has started with another size.
pub fn set_threads(threads: usize) -> Result<()> {
    let mut wanted = lock_wanted();
    match started() {
        Ok(Started { pool, .. }) if pool.current_num_threads() == threads || *wanted == threads => Ok(()),
        Ok(Started { pool, .. }) => Err(Error::Threads(format!(
            "the pool already runs with {} threads; set the number before the first operation",
            pool.current_num_threads()
        ))),
        Err(_) => {
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
    Ok(start()?.pool.current_num_threads())
}

/// Runs `work` in the pool, so that rayon's parallel iterators inside it use the pool's threads. What the background runs
/// stays there.
pub(crate) fn run<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R> {
    if BACKGROUND.get() {
        return Ok(work());
    }
    let started = start()?;
    let _waited_for = foreground();
    Ok(started.pool.install(work))
}

/// Runs `work` on `count` things in the pool, or here where there is but one and the way to the pool would take longer. A
/// [`Ring`](crate::arith::Ring)'s jobs stay off rayon then.
pub(crate) fn run_on<R: Send>(count: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    if count > 1 {
        return run(work);
    }
    let _waited_for = foreground();
    Ok(work())
}

/// Somebody waits for a piece of work, as long as this lives: the background takes up nothing new.
#[must_use]
pub(crate) struct Foreground(Option<&'static AtomicUsize>);

/// The caller waits for a piece of work, also between those parts of it that [`run`] runs.
pub(crate) fn foreground() -> Foreground {
    // Before the pools have started there is no background.
    let count = started().ok().filter(|_| !BACKGROUND.get()).map(|started| &started.foreground);
    if let Some(count) = count {
        count.fetch_add(1, Ordering::Relaxed);
    }
    Foreground(count)
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Whether nobody waits for a piece of work, as far as this process knows.
pub(crate) fn is_idle() -> bool {
    started().map_or(true, |started| started.foreground.load(Ordering::Relaxed) == 0)
}

/// Runs `work` on other threads than the pool's, as many of them. It should be short: if somebody comes to wait for other
/// work meanwhile, the two share the processors until it is done.
pub(crate) fn run_in_background<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R> {
    let started = start()?;
    if started.background.get().is_none() {
        let _guard = lock_wanted();
        if started.background.get().is_none() {
            let builder = ThreadPoolBuilder::new().start_handler(|_| BACKGROUND.set(true));
            let _ = started.background.set(build(builder, "background-", started.pool.current_num_threads())?);
        }
    }
    let background = started.background.get().ok_or(Error::Bug("the background's threads vanished"))?;
    Ok(background.install(work))
}

/// What this process has started, or else the place for it.
fn started() -> Result<&'static Started, &'static OnceLock<Box<Started>>> {
    let process = std::process::id();
    let mut place = &STARTED;
    while let Some(started) = place.get() {
        if started.process == process {
            return Ok(started);
        }
        place = &started.child;
    }
    Err(place)
}

fn start() -> Result<&'static Started> {
    if let Ok(started) = started() {
        return Ok(started);
    }
    let wanted = lock_wanted();
    if let Err(place) = started() {
        let (process, pool) = (std::process::id(), build(ThreadPoolBuilder::new(), "", *wanted)?);
        let (background, foreground, child) = (OnceLock::new(), AtomicUsize::new(0), OnceLock::new());
        let _ = place.set(Box::new(Started { process, pool, background, foreground, child }));
    }
    started().map_err(|_| Error::Bug("the thread pool vanished"))
}

fn build(builder: ThreadPoolBuilder, kind: &'static str, threads: usize) -> Result<ThreadPool> {
    builder
        .num_threads(threads)
        .thread_name(move |i| format!("{NAME_PREFIX}{kind}{i}"))
        .build()
        .map_err(|error| Error::Threads(error.to_string()))
}

fn lock_wanted() -> MutexGuard<'static, usize> {
    WANTED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
