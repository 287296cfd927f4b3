//! Public keys.

use std::ffi::c_char;

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::library::static_name;
use super::pointers::{self, name, room, text};
use super::status::tacita_status;
use crate::error::{Error, KeyFault};
use crate::paillier::{KEY_FILE_LIMIT, PublicKey, UnverifiedPublicKey};
use crate::{Backend, Fingerprint};

/// A public key that may be used: its proof was verified, it was verified before, or its secret key is at hand.
pub struct tacita_public_key {
    _opaque: [u8; 0],
}

impl Handle for tacita_public_key {
    const ROLE: Role = Role::PublicKey;
    type Value = PublicKey;
}

/// Reads a public key from the JSON text of a key file and verifies its key proof: some tenth of a second of work. It
/// shows that responses under the key hide what they should, not whose key it is: compare its fingerprint for that.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, KEY_SIZE, KEY_EVEN, KEY_SMALL_FACTOR, KEY_PRIME,
/// KEY_PROOF_MISSING, KEY_PROOF_WRONG, KEY_HASH, BACKEND, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_from_json(
    json: *const u8,
    json_len: usize,
    key_out: *mut *mut tacita_public_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (json, out) =
            unsafe { (text("public key", json, json_len, KEY_FILE_LIMIT)?, room("key_out", key_out, 1)?) };
        out.give(UnverifiedPublicKey::from_json(json)?.verify()?)
    })
}

/// Reads a public key whose proof was verified before, which is not done again. That it is the same key is shown by
/// `verified_fingerprint`, 32 bytes: the fingerprint that `tacita_public_key_fingerprint` gave then. The proof that stands in the
/// text this time goes along with the key unseen.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, KEY_MISMATCH, KEY_SIZE, KEY_EVEN, KEY_SMALL_FACTOR, KEY_PRIME,
/// KEY_PROOF_WRONG, BACKEND.
/// cbindgen:ptrs-as-arrays=[[verified_fingerprint; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_from_json_verified_before(
    json: *const u8,
    json_len: usize,
    verified_fingerprint: *const u8,
    key_out: *mut *mut tacita_public_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (json, expected, out) = unsafe {
            (
                text("public key", json, json_len, KEY_FILE_LIMIT)?,
                pointers::fingerprint("verified_fingerprint", verified_fingerprint)?,
                room("key_out", key_out, 1)?,
            )
        };
        let key = UnverifiedPublicKey::from_json(json)?;
        let found = key.fingerprint();
        if found != expected {
            return Err(Error::KeyMismatch { expected, found }.into());
        }
        out.give(key.assume_verified()?)
    })
}

/// Writes a public key as JSON text, with its proof where it has one.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_to_json(
    key: *const tacita_public_key,
    json_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("json_out", json_out, 1)?) };
        out.give(Zeroizing::new(key.to_json().into_bytes()))
    })
}

/// Tells the fingerprint, which names the key.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[fingerprint_out; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_fingerprint(
    key: *const tacita_public_key,
    fingerprint_out: *mut u8,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("fingerprint_out", fingerprint_out, Fingerprint::LEN)?) };
        out.write_all(key.fingerprint().as_bytes())
    })
}

/// Tells the length of the modulus in bits: 2048, 3072 or 4096.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_bits(key: *const tacita_public_key, bits_out: *mut u32) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("bits_out", bits_out, 1)?) };
        out.write(key.bits())
    })
}

/// Gives the key proof: 11 numbers of the key's length, as `docs/formats.md` describes it.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, KEY_PROOF_MISSING if the key came without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_proof(
    key: *const tacita_public_key,
    proof_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("proof_out", proof_out, 1)?) };
        let proof = key.proof().ok_or(Error::from(KeyFault::MissingProof))?;
        out.give(Zeroizing::new(proof.as_bytes().to_vec()))
    })
}

/// Tells the name of the engine that a key computes with. The text never changes while the program runs.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_backend(
    key: *const tacita_public_key,
    name_out: *mut *const c_char,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("name_out", name_out, 1)?) };
        out.write(static_name(key.backend()))
    })
}

/// Makes a key like another one, which computes with the engine of a name: `portable`, or `ifma` where the machine has it.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, BACKEND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_new_on(
    key: *const tacita_public_key,
    backend: *const c_char,
    key_out: *mut *mut tacita_public_key,
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
pub unsafe extern "C" fn tacita_public_key_new_with_table_memory(
    key: *const tacita_public_key,
    table_bytes: usize,
    key_out: *mut *mut tacita_public_key,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("key_out", key_out, 1)?) };
        out.give(key.with_table_memory(table_bytes))
    })
}

/// Frees a public key; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `key`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_public_key_free(key: *mut tacita_public_key) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(key) }
    })
}
