//! The library itself: its version, its threads, its engine.

use std::ffi::c_char;

use super::guard::{guard, guard_or};
use super::pointers::{check_index, room};
use super::status::{Failure, tacita_status};
use crate::Backend;
use crate::error::Error;

/// First number of the version that this header belongs to. As long as it is 0, header and library must have the same
/// second number too.
pub const TACITA_VERSION_MAJOR: u32 = 0;
/// Second number of the version.
pub const TACITA_VERSION_MINOR: u32 = 1;
/// Third number of the version.
pub const TACITA_VERSION_PATCH: u32 = 0;
/// All three as one that grows with the version: 1002003 is 1.2.3.
pub const TACITA_VERSION_NUMBER: u32 =
    TACITA_VERSION_MAJOR * 1_000_000 + TACITA_VERSION_MINOR * 1_000 + TACITA_VERSION_PATCH;

// cbindgen wants the numbers as literals.
const _: () = {
    const fn same(number: u32, text: &str) -> bool {
        matches!(u32::from_str_radix(text, 10), Ok(parsed) if parsed == number)
    }
    assert!(same(TACITA_VERSION_MAJOR, env!("CARGO_PKG_VERSION_MAJOR")));
    assert!(same(TACITA_VERSION_MINOR, env!("CARGO_PKG_VERSION_MINOR")));
    assert!(same(TACITA_VERSION_PATCH, env!("CARGO_PKG_VERSION_PATCH")));
};

/// The version of the library as a number, to be compared with TACITA_VERSION_NUMBER of the header.
///
/// Threads: any. Never fails.
#[unsafe(no_mangle)]
pub extern "C" fn tacita_version_number() -> u32 {
    guard_or(0, || Ok(TACITA_VERSION_NUMBER))
}

/// The version of the library as text, such as "1.2.3", that never changes while the program runs.
///
/// Threads: any. Never fails.
#[unsafe(no_mangle)]
pub extern "C" fn tacita_version() -> *const c_char {
    guard_or(c"".as_ptr(), || Ok(concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()))
}

/// Sets how many threads the library works with, in all calls together; 0 stands for one a processor, which is the
/// default. Call it before anything else: the threads start with the first long operation, and stay as many.
///
/// Threads: any. This is the library's only state that is not in a handle.
/// Fails with: THREADS if they run already and are not as many.
#[unsafe(no_mangle)]
pub extern "C" fn tacita_set_threads(threads: usize) -> tacita_status {
    guard(|| Ok(crate::set_threads(threads)?))
}

/// Tells how many threads the library works with. Starts them if they do not run yet.
///
/// Threads: any.
/// Fails with: NULL_POINTER, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_threads(threads_out: *mut usize) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let out = unsafe { room("threads_out", threads_out, 1) }?;
        out.write(crate::threads()?)
    })
}

/// Tells the name of engine `index` of those that this machine and this build have, the slowest first. The text never
/// changes while the program runs.
///
/// Threads: any.
/// Fails with: NULL_POINTER, INDEX if there are not so many, at least one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_backend_name(index: usize, name_out: *mut *const c_char) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let out = unsafe { room("name_out", name_out, 1) }?;
        check_index("engine", index, Backend::available().count())?;
        let backend = Backend::available().nth(index).ok_or(Failure::from(Error::Bug("an engine is missing")))?;
        out.write(static_name(backend))
    })
}

/// Tells the name of the engine that keys made from now on compute with: the one that the environment variable
/// TACITA_BACKEND asks for, `portable` or `ifma`, otherwise the best that the machine has. Any other value, the empty text
/// too, and an engine that the machine lacks fail with BACKEND. The text never changes while the program runs.
///
/// Threads: any, as long as none changes the environment.
/// Fails with: NULL_POINTER, BACKEND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_backend(name_out: *mut *const c_char) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let out = unsafe { room("name_out", name_out, 1) }?;
        out.write(static_name(Backend::selected()?))
    })
}

/// The name of an engine as C has it.
pub(super) fn static_name(backend: Backend) -> *const c_char {
    let name = match backend {
        Backend::Portable => c"portable",
        Backend::Ifma => c"ifma",
    };
    name.as_ptr()
}

/// Tests whether the library computes rightly on this machine, with every engine that it has and a published key: some
/// tenths of a second of work on all threads, for programs that show at their start that they work.
///
/// Threads: any.
/// Fails with: SELF_TEST, RANDOMNESS, THREADS, BACKEND if TACITA_BACKEND asks for an engine that is not there. After
/// SELF_TEST do not use this installation.
#[unsafe(no_mangle)]
pub extern "C" fn tacita_self_test() -> tacita_status {
    guard(|| Ok(crate::inference::self_test()?))
}
