//! Verified keys: an evaluator's memory of the public keys whose proof it has checked.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, room, text};
use super::public_key::tacita_public_key;
use super::request::tacita_request;
use super::status::{Failure, tacita_status};
use crate::inference::{VerifiedKeys, carried};
use crate::paillier::{KEY_FILE_LIMIT, UnverifiedPublicKey};

/// Remembers the fingerprints of keys whose proof was verified, in a file if wanted, so that it is done once a key.
pub struct tacita_verified_keys {
    _opaque: [u8; 0],
}

impl Handle for tacita_verified_keys {
    const ROLE: Role = Role::VerifiedKeys;
    type Value = Mutex<VerifiedKeys>;
}

/// The keys of a handle. A panic inside leaves at worst a key out that was verified.
///
/// # Safety
/// As [`borrow`].
unsafe fn locked<'a>(keys: *mut tacita_verified_keys) -> Result<MutexGuard<'a, VerifiedKeys>, Failure> {
    // SAFETY: passed on to the caller.
    let keys = unsafe { borrow("keys", keys.cast_const()) }?;
    Ok(keys.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Starts without any key, in memory only.
///
/// Threads: any.
/// Fails with: NULL_POINTER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_verified_keys_new(keys_out: *mut *mut tacita_verified_keys) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let out = unsafe { room("keys_out", keys_out, 1) }?;
        out.give(Mutex::new(VerifiedKeys::new()))
    })
}

/// Starts with the keys in a file, and adds to it those that are verified; it is made when the first one is, in a
/// folder that is there. Whoever can write the file can have a bad key accepted.
///
/// Threads: any.
/// Fails with: NULL_POINTER, IO, TOO_LARGE, MALFORMED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_verified_keys_open(
    path: *const c_char,
    keys_out: *mut *mut tacita_verified_keys,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (path, out) = unsafe { (pointers::path("path", path)?, room("keys_out", keys_out, 1)?) };
        let keys = VerifiedKeys::open(path).map_err(|error| Failure::of_file(path, &error))?;
        out.give(Mutex::new(keys))
    })
}

/// Gives the public key of a request, verified now or before.
///
/// This changes `keys`. Any number of threads may share it all the same; nobody waits while a proof is checked.
/// Threads: any number may share `keys` and `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the request does not carry its key, KEY_MISMATCH if another one is
/// pinned, KEY_EVEN, KEY_SMALL_FACTOR,
/// KEY_PRIME, KEY_PROOF_MISSING, KEY_PROOF_WRONG, KEY_HASH, BACKEND, THREADS, IO if the file cannot be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_verified_keys_admit(
    keys: *mut tacita_verified_keys,
    request: *const tacita_request,
    key_out: *mut *mut tacita_public_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (keys, request, out) =
            unsafe { (borrow("keys", keys.cast_const())?, borrow("request", request)?, room("key_out", key_out, 1)?) };
        out.give(VerifiedKeys::admit_shared(keys, request, carried(request)?)?)
    })
}

/// Gives the public key of a request that does not carry it, from the JSON text of its key file, verified now or before.
///
/// Threads: any number may share `keys` and `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, MALFORMED, KEY_MISMATCH if it is another key than the request's
/// or the pinned one, KEY_SIZE, KEY_EVEN, KEY_SMALL_FACTOR, KEY_PRIME, KEY_PROOF_MISSING, KEY_PROOF_WRONG, KEY_HASH, BACKEND,
/// THREADS, IO if the file cannot be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_verified_keys_admit_with(
    keys: *mut tacita_verified_keys,
    request: *const tacita_request,
    json: *const u8,
    json_len: usize,
    key_out: *mut *mut tacita_public_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (keys, request, json, out) = unsafe {
            (
                borrow("keys", keys.cast_const())?,
                borrow("request", request)?,
                text("public key", json, json_len, KEY_FILE_LIMIT)?,
                room("key_out", key_out, 1)?,
            )
        };
        out.give(VerifiedKeys::admit_shared(keys, request, UnverifiedPublicKey::from_json(json)?)?)
    })
}

/// Accepts requests under one key only from now on: the one with this fingerprint.
///
/// Threads: any number may share `keys`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[fingerprint; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_verified_keys_pin(
    keys: *mut tacita_verified_keys,
    fingerprint: *const u8,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (mut keys, pin) = unsafe { (locked(keys)?, pointers::fingerprint("fingerprint", fingerprint)?) };
        *keys = std::mem::take(&mut *keys).pin(pin);
        Ok(())
    })
}

/// Tells how many keys were verified.
///
/// Threads: any number may share `keys`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_verified_keys_count(
    keys: *const tacita_verified_keys,
    count_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (keys, out) = unsafe { (locked(keys.cast_mut())?, room("count_out", count_out, 1)?) };
        out.write(keys.count())
    })
}

/// Frees verified keys, not their file; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `keys`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_verified_keys_free(keys: *mut tacita_verified_keys) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(keys) }
    })
}
