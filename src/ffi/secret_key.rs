//! Secret keys.

use std::ffi::{c_char, c_int, c_void};

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, name, room, slice, text};
use super::progress::{Listener, tacita_progress};
use super::public_key::tacita_public_key;
use super::status::{Failure, tacita_status};
use crate::Backend;
use crate::paillier::{KEY_FILE_LIMIT, KeySize, KeygenProgress, SecretKey, is_encrypted};

/// A secret key, which decrypts. Freeing it overwrites its numbers, as soon as nothing made from it uses them any more.
pub struct tacita_secret_key {
    _opaque: [u8; 0],
}

impl Handle for tacita_secret_key {
    const ROLE: Role = Role::SecretKey;
    type Value = SecretKey;
}

/// Makes a new key of 2048, 3072 (the recommended size) or 4096 `bits`: tenths of a second or a few seconds of work, on all threads.
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
        let (listener, out) = unsafe { (Listener::new(progress, user_data), room("key_out", key_out, 1)?) };
        let size = KeySize::try_from(bits)?;
        let key = listener.relay("keygen", |report| {
            let report = |progress: KeygenProgress| report(progress.candidates, progress.expected_candidates);
            SecretKey::generate_with_progress(size, &report)
        })?;
        // The proof goes out with the public part; made here, it does not surprise anybody later.
        key.proof()?;
        out.give(key)
    })
}

/// Reads a secret key from the JSON text of a key file. The text stays the caller's to overwrite. What is encrypted under
/// a passphrase is no such text, and MALFORMED: see `tacita_secret_key_from_encrypted`.
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

/// Reads a secret key from a file. A file that is encrypted under a passphrase is refused with ARGUMENT: see
/// `tacita_secret_key_load_encrypted`.
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
        out.give(SecretKey::load(path).map_err(|error| Failure::of_file(path, &error))?)
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

/// Tells whether the bytes of a key file are encrypted under a passphrase: 1 if they are, else 0.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_is_encrypted(
    bytes: *const u8,
    bytes_len: usize,
    encrypted_out: *mut c_int,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, out) = unsafe { (slice("bytes", bytes, bytes_len)?, room("encrypted_out", encrypted_out, 1)?) };
        out.write(is_encrypted(bytes).into())
    })
}

/// Writes a secret key as bytes in the age format (<https://age-encryption.org/v1>), encrypted under a passphrase: UTF-8, not
/// empty, at most 1024 bytes. Half a second of work and 256 MB of memory, as much as each guess of the passphrase takes.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, MALFORMED if the passphrase is not UTF-8, ARGUMENT if it is
/// empty, KEY_FACTORS, THREADS, NOT_BUILT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_to_encrypted(
    key: *const tacita_secret_key,
    passphrase: *const u8,
    passphrase_len: usize,
    bytes_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, passphrase, out) = unsafe {
            (
                borrow("key", key)?,
                text("passphrase", passphrase, passphrase_len, PASSPHRASE_LIMIT)?,
                room("bytes_out", bytes_out, 1)?,
            )
        };
        out.give(Zeroizing::new(sealed::to_encrypted(key, passphrase)?))
    })
}

/// Reads a secret key from bytes that `tacita_secret_key_to_encrypted`, the command `tacita keygen --passphrase` or `age`
/// encrypted under a passphrase, in half a second.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, PASSPHRASE, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG,
/// BACKEND, NOT_BUILT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_from_encrypted(
    bytes: *const u8,
    bytes_len: usize,
    passphrase: *const u8,
    passphrase_len: usize,
    key_out: *mut *mut tacita_secret_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, passphrase, out) = unsafe {
            (
                slice("bytes", bytes, bytes_len)?,
                text("passphrase", passphrase, passphrase_len, PASSPHRASE_LIMIT)?,
                room("key_out", key_out, 1)?,
            )
        };
        out.give(sealed::from_encrypted(bytes, passphrase)?)
    })
}

/// Writes a secret key to a new file that only its owner may read, encrypted under a passphrase as
/// `tacita_secret_key_to_encrypted` does it. It never overwrites a file.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, MALFORMED if the passphrase is not UTF-8, ARGUMENT if it is
/// empty, IO, KEY_FACTORS, THREADS, NOT_BUILT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_save_encrypted(
    key: *const tacita_secret_key,
    passphrase: *const u8,
    passphrase_len: usize,
    path: *const c_char,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, passphrase, path) = unsafe {
            (
                borrow("key", key)?,
                text("passphrase", passphrase, passphrase_len, PASSPHRASE_LIMIT)?,
                pointers::path("path", path)?,
            )
        };
        sealed::save_encrypted(key, path, passphrase)
    })
}

/// Reads a secret key from a file that is encrypted under a passphrase.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, IO, PASSPHRASE, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG,
/// BACKEND, NOT_BUILT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_load_encrypted(
    path: *const c_char,
    passphrase: *const u8,
    passphrase_len: usize,
    key_out: *mut *mut tacita_secret_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (path, passphrase, out) = unsafe {
            (
                pointers::path("path", path)?,
                text("passphrase", passphrase, passphrase_len, PASSPHRASE_LIMIT)?,
                room("key_out", key_out, 1)?,
            )
        };
        out.give(sealed::load_encrypted(path, passphrase)?)
    })
}

/// Longest passphrase in bytes.
const PASSPHRASE_LIMIT: usize = 1024;

#[cfg(feature = "passphrase")]
mod sealed {
    use std::path::Path;

    use super::{Failure, SecretKey};

    pub(super) fn to_encrypted(key: &SecretKey, passphrase: &str) -> Result<Vec<u8>, Failure> {
        Ok(key.to_encrypted(passphrase)?)
    }

    pub(super) fn from_encrypted(bytes: &[u8], passphrase: &str) -> Result<SecretKey, Failure> {
        Ok(SecretKey::from_encrypted(bytes, passphrase)?)
    }

    pub(super) fn save_encrypted(key: &SecretKey, path: &Path, passphrase: &str) -> Result<(), Failure> {
        Ok(key.save_encrypted(path, passphrase)?)
    }

    pub(super) fn load_encrypted(path: &Path, passphrase: &str) -> Result<SecretKey, Failure> {
        SecretKey::load_encrypted(path, passphrase).map_err(|error| Failure::of_file(path, &error))
    }
}

/// Without the feature nothing of it is there.
#[cfg(not(feature = "passphrase"))]
mod sealed {
    use std::path::Path;

    use super::{Failure, SecretKey, tacita_status};

    fn not_built<T>() -> Result<T, Failure> {
        Err(Failure::new(tacita_status::NotBuilt, "this library was built without passphrases: enable `passphrase`"))
    }

    pub(super) fn to_encrypted(_: &SecretKey, _: &str) -> Result<Vec<u8>, Failure> {
        not_built()
    }

    pub(super) fn from_encrypted(_: &[u8], _: &str) -> Result<SecretKey, Failure> {
        not_built()
    }

    pub(super) fn save_encrypted(_: &SecretKey, _: &Path, _: &str) -> Result<(), Failure> {
        not_built()
    }

    pub(super) fn load_encrypted(_: &Path, _: &str) -> Result<SecretKey, Failure> {
        not_built()
    }
}

/// Makes a key like another one, which computes with the engine of a name: `portable`, or `ifma` where the machine has it.
/// So do its public part and everything made from it.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, BACKEND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_new_on(
    key: *const tacita_secret_key,
    backend: *const c_char,
    key_out: *mut *mut tacita_secret_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, backend, out) =
            unsafe { (borrow("key", key)?, name("backend", backend)?, room("key_out", key_out, 1)?) };
        out.give(key.on(Backend::named(backend)?)?)
    })
}

/// Makes a key like another one, whose tables for encryption take at most about so many bytes of memory; smaller ones make
/// it slower. New keys allow 67,108,864 for each table.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_secret_key_new_with_table_memory(
    key: *const tacita_secret_key,
    table_bytes: usize,
    key_out: *mut *mut tacita_secret_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("key_out", key_out, 1)?) };
        out.give(key.with_table_memory(table_bytes))
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
