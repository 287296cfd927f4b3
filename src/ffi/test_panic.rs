//! A function that panics, to see from C that panics do not come out. In no build that ships.

use super::guard::guard;
use super::status::tacita_status;
use crate::threads;

/// Panics with the value in its message: on this thread, or on one of the library's threads.
#[unsafe(no_mangle)]
pub extern "C" fn tacita_test_panic(value: u64, on_library_thread: bool) -> tacita_status {
    guard(|| {
        let panic = || -> () { panic!("the value is {value}") };
        if on_library_thread {
            threads::run(panic)?;
        } else {
            panic();
        }
        Ok(())
    })
}
