//! No panic passes into C, and none says more than where it was.

use std::cell::Cell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use super::status::{Failure, tacita_status};
use crate::threads;

/// The body of an exported function that returns a status.
pub(super) fn guard(body: impl FnOnce() -> Result<(), Failure>) -> tacita_status {
    caught(body).map_or_else(Failure::record, |()| tacita_status::Success)
}

/// The body of an exported function that returns something else: `otherwise`, if it fails.
pub(super) fn guard_or<T>(otherwise: T, body: impl FnOnce() -> Result<T, Failure>) -> T {
    caught(body).unwrap_or_else(|failure| {
        failure.record();
        otherwise
    })
}

/// Nothing is seen half done after a panic: handles do not change, and results are written last.
fn caught<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    keep_panics_quiet();
    let _inside = Inside::enter();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(Failure::new(tacita_status::Bug, "bug in tacita: a panic; the standard error output tells where it was"))
    })
}

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// While one lives, its thread is in a call from C.
struct Inside;

impl Inside {
    fn enter() -> Self {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() - 1));
    }
}

/// A panic's message is made of values, which might be secret ones; its place in the sources is not. So calls from C, and
/// the threads that work for them, print the place alone. Panics of others are passed on to the hook that was there.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic: &PanicHookInfo| {
            let inside = DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false);
            let worker = std::thread::current().name().is_some_and(|name| name.starts_with(threads::NAME_PREFIX));
            if !inside && !worker {
                return others(panic);
            }
            // Writing can fail, and must not panic here.
            let mut stderr = std::io::stderr().lock();
            let _ = match panic.location() {
                Some(place) => writeln!(stderr, "tacita: bug at {place}"),
                None => writeln!(stderr, "tacita: bug at an unknown place"),
            };
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_panic_comes_out_as_a_status_or_as_the_other_value() {
        assert_eq!(guard(|| panic!("caught")), tacita_status::Bug);
        assert_eq!(guard(|| threads::run(|| panic!("caught")).map_err(Failure::from)), tacita_status::Bug);
        assert_eq!(guard_or(7, || panic!("caught")), 7);
        assert_eq!(guard(|| Ok(())), tacita_status::Success);
    }

    #[test]
    fn every_exported_function_is_guarded_from_its_first_line_to_its_last() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
        let mut exported = 0;
        for file in folder.read_dir().unwrap() {
            let path = file.unwrap().path();
            let source = std::fs::read_to_string(&path).unwrap();
            for function in source.split("#[unsafe(no_mangle)]\n").skip(1) {
                exported += 1;
                let end = function.find("\n}\n").expect("a function ends at the start of a line");
                let (signature, body) = function[..end].split_once(" {\n").unwrap();
                let name = signature.split_once("extern \"C\" fn ").unwrap().1.split('(').next().unwrap();
                assert!(name.starts_with("tacita_"), "{name} is not named as it should");
                let body = body.trim();
                let guarded = (body.starts_with("guard(|| ") || body.starts_with("guard_or(")) && body.ends_with(')');
                let whole =
                    body.lines().skip(1).all(|line| line.starts_with("     ") || line == "    })" || line == "    )");
                assert!(guarded && whole, "{name} in {path:?} is not guarded:\n{body}");
            }
        }
        assert!(exported > 40, "only {exported} functions were found");
    }
}
