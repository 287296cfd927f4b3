//! Secret keys.

use std::ffi::{c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, room, text};
use super::public_key::tacita_public_key;
use super::status::tacita_status;
use crate::error::{Error, Result};
use crate::paillier::{KEY_FILE_LIMIT, KeySize, SecretKey};
use crate::threads;

/// A secret key, which decrypts. Freeing it overwrites its numbers, as soon as nothing made from it uses them any more.
pub struct tacita_secret_key {
    _opaque: [u8; 0],
}

impl Handle for tacita_secret_key {
    const ROLE: Role = Role::SecretKey;
    type Value = SecretKey;
}

/// Called now and then during long work, on the thread that asked for the work: `done` steps out of about `expected`,
/// which may be exceeded, are done. `user_data` is what the caller of the function gave. Returning anything but 0 cancels
/// the work. It must return: no exception and no longjmp may leave it. It may call functions of this library.
pub type tacita_progress = Option<unsafe extern "C" fn(user_data: *mut c_void, done: u64, expected: u64) -> c_int>;

/// Makes a new key of 2048, 3072 (the recommended size) or 4096 `bits`: seconds of work, on all threads.
///
/// `progress` is told how many candidates for the two primes were tested, and may be NULL. `user_data` is handed to it,
/// and may be NULL.
/// Threads: any.
/// Fails with: NULL_POINTER, KEY_SIZE, CANCELLED, RANDOMNESS, BACKEND, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_generate(
    bits: u32,
    progress: tacita_progress,
    user_data: *mut c_void,
    key_out: *mut *mut tacita_secret_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let out = unsafe { room("key_out", key_out, 1) }?;
        let size = KeySize::try_from(bits)?;
        let key = match progress {
            None => SecretKey::generate(size)?,
            Some(progress) => generate(size, |done, expected| {
                // SAFETY: the caller promises a function that takes these and returns.
                unsafe { progress(user_data, done, expected) }
            })?,
        };
        // The proof goes out with the public part; made here, it does not surprise anybody later.
        key.proof()?;
        out.give(key)
    })
}

/// Makes a key in another thread, so that `progress` is called in this one, by one thread only.
fn generate(size: KeySize, progress: impl Fn(u64, u64) -> c_int) -> Result<SecretKey> {
    let cancelled = AtomicBool::new(false);
    // If nobody listens right now, a report is dropped: the next is as good.
    let (reporter, reports) = sync_channel(1);
    thread::scope(|scope| {
        let cancelled = &cancelled;
        let work = move || {
            SecretKey::generate_with_progress(size, &|progress| {
                let _ = reporter.try_send(progress);
                if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        };
        let name = format!("{}keygen", threads::NAME_PREFIX);
        let worker = thread::Builder::new().name(name).spawn_scoped(scope, work);
        let worker = worker.map_err(|error| Error::Threads(error.to_string()))?;
        for report in reports {
            if progress(report.candidates, report.expected_candidates) != 0 {
                cancelled.store(true, Ordering::Relaxed);
                break;
            }
        }
        let key = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        // Somebody who cancelled wants no key, not even one that was just finished.
        if cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { key }
    })
}

/// Reads a secret key from the JSON text of a key file. The text stays the caller's to overwrite. What is encrypted under
/// a passphrase is no such text, and MALFORMED.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG, BACKEND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_from_json(
    json: *const u8,
    json_len: usize,
    key_out: *mut *mut tacita_secret_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (json, out) =
            unsafe { (text("secret key", json, json_len, KEY_FILE_LIMIT)?, room("key_out", key_out, 1)?) };
        out.give(SecretKey::from_json(json)?)
    })
}

/// Reads a secret key from a file. A file that is encrypted under a passphrase is refused with ARGUMENT.
///
/// Threads: any.
/// Fails with: NULL_POINTER, ARGUMENT, IO, TOO_LARGE, MALFORMED, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG,
/// BACKEND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_load(
    path: *const c_char,
    key_out: *mut *mut tacita_secret_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (path, out) = unsafe { (pointers::path("path", path)?, room("key_out", key_out, 1)?) };
        out.give(SecretKey::load(path)?)
    })
}

/// Writes a secret key as JSON text: whoever sees it can decrypt.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, KEY_FACTORS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_to_json(
    key: *const tacita_secret_key,
    json_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("json_out", json_out, 1)?) };
        let mut json = key.to_json()?;
        out.give(Zeroizing::new(std::mem::take(&mut *json).into_bytes()))
    })
}

/// Writes a secret key to a new file that only its owner may read (mode 0600, where there are modes). It never
/// overwrites a file.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, IO, KEY_FACTORS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_save(key: *const tacita_secret_key, path: *const c_char) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, path) = unsafe { (borrow("key", key)?, pointers::path("path", path)?) };
        Ok(key.save(path)?)
    })
}

/// Gives the public part, with its key proof.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, KEY_FACTORS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_public_key(
    key: *const tacita_secret_key,
    public_key_out: *mut *mut tacita_public_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("public_key_out", public_key_out, 1)?) };
        key.proof()?;
        out.give(key.public_key().clone())
    })
}

/// Frees a secret key; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `key`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_free(key: *mut tacita_secret_key) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(key) }
    })
}
