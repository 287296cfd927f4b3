//! An allocator that tells how much memory a call holds at once, and the bound that every reader keeps.
//!
//! Counted is what Rust code takes on the calling thread; readers work on no other. A growing list counts twice while it
//! moves. GMP has an allocator of its own that is not seen here: readers hand it integers only after their length was
//! found to be a key's, so it takes a few kilobytes, whatever the input is.

#![allow(dead_code, unreachable_pub, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting.
pub struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes taken and not given back; less than 0 where another thread took them.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

impl Counting {
    fn took(bytes: usize) {
        LIVE.set(LIVE.get() + bytes as isize);
        PEAK.set(PEAK.get().max(LIVE.get()));
    }

    fn gave_back(bytes: usize) {
        LIVE.set(LIVE.get() - bytes as isize);
    }
}

// SAFETY: every call goes to the system's allocator as it came; the counters are plain numbers of this thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::took(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::took(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::took(size);
        Self::gave_back(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::gave_back(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What a call gives, and the most bytes it held at once, its result included.
pub fn peak<R>(call: impl FnOnce() -> R) -> (R, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = call();
    (result, (PEAK.get() - before) as usize)
}

/// The most that a reader may hold at once: 16 times its input and 64 kB, so that a few bytes cannot ask for much.
pub fn limit(input: usize) -> usize {
    16 * input + 64_000
}

/// What `read` gives for an input of that many bytes.
///
/// # Panics
/// If it held more than the [`limit`].
pub fn bounded<R>(input: usize, read: impl FnOnce() -> R) -> R {
    let (result, peak) = peak(read);
    assert!(peak <= limit(input), "a reader held {peak} bytes for an input of {input}, at most {}", limit(input));
    result
}
