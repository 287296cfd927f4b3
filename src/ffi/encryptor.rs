//! Encryptors: records to requests.

use std::ffi::c_void;

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::nonce_pool::{method, tacita_nonce_pool};
use super::pointers::{self, room, slice};
use super::progress::{Listener, tacita_progress};
use super::public_key::tacita_public_key;
use super::records::{locked, tacita_records};
use super::request::tacita_request;
use super::secret_key::tacita_secret_key;
use super::spec::{check_records, tacita_spec};
use super::status::{Failure, tacita_status};
use crate::encoding::{Layout, OutOfRange};
use crate::inference::Encryptor;

/// Encrypts records for one model under one key.
pub struct tacita_encryptor {
    _opaque: [u8; 0],
}

impl Handle for tacita_encryptor {
    const ROLE: Role = Role::Encryptor;
    type Value = Encryptor;
}

/// Makes an encryptor that knows the public key only.
///
/// `spec_fingerprint` is that of the spec as it was agreed on, apart from the service: a service that could change the
/// ranges could learn about a record from seeing that it was not sent.
/// Threads: any number may share `spec` and `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH.
/// cbindgen:ptrs-as-arrays=[[spec_fingerprint; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_new_with_public_key(
    spec: *const tacita_spec,
    spec_fingerprint: *const u8,
    key: *const tacita_public_key,
    encryptor_out: *mut *mut tacita_encryptor,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, pin, key, out) = unsafe {
            (
                borrow("spec", spec)?,
                pointers::fingerprint("spec_fingerprint", spec_fingerprint)?,
                borrow("key", key)?,
                room("encryptor_out", encryptor_out, 1)?,
            )
        };
        out.give(Encryptor::with_public_key(spec.clone(), pin, key.clone())?)
    })
}

/// Makes an encryptor that knows the secret key, and encrypts in six to nine tenths of the time.
///
/// `spec_fingerprint` as in `tacita_encryptor_new_with_public_key`.
/// Threads: any number may share `spec` and `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_FACTORS, THREADS.
/// cbindgen:ptrs-as-arrays=[[spec_fingerprint; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_new_with_secret_key(
    spec: *const tacita_spec,
    spec_fingerprint: *const u8,
    key: *const tacita_secret_key,
    encryptor_out: *mut *mut tacita_encryptor,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, pin, key, out) = unsafe {
            (
                borrow("spec", spec)?,
                pointers::fingerprint("spec_fingerprint", spec_fingerprint)?,
                borrow("key", key)?,
                room("encryptor_out", encryptor_out, 1)?,
            )
        };
        out.give(Encryptor::with_secret_key(spec.clone(), pin, key.clone())?)
    })
}

/// Makes an encryptor like another one, which puts `together` features of a record into each ciphertext; 1 is the records layout,
/// with which new encryptors begin.
///
/// With more features together fewer ciphertexts go up and, if they are many, more come down; answers are the same. The spec
/// says what is permitted: `tacita_spec_layout_together`, `tacita_spec_ciphertexts`.
/// Threads: any number may share `encryptor`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit it or not one record fits the key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_new_with_layout(
    encryptor: *const tacita_encryptor,
    together: u32,
    encryptor_out: *mut *mut tacita_encryptor,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, out) = unsafe { (borrow("encryptor", encryptor)?, room("encryptor_out", encryptor_out, 1)?) };
        out.give(encryptor.clone().layout(Layout::from_together(together))?)
    })
}

/// Makes an encryptor like another one, which takes the end of the range for a value outside it, instead of refusing the
/// record. What is not a finite number is refused all the same.
///
/// Threads: any number may share `encryptor`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_new_with_clamping(
    encryptor: *const tacita_encryptor,
    encryptor_out: *mut *mut tacita_encryptor,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, out) = unsafe { (borrow("encryptor", encryptor)?, room("encryptor_out", encryptor_out, 1)?) };
        out.give(encryptor.clone().out_of_range(OutOfRange::Clamp))
    })
}

/// Makes an encryptor like another one, which draws nonces by `method`, one of TACITA_NONCES_....
///
/// Threads: any number may share `encryptor`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the key does not permit the method, or if it is not that of the
/// encryptor's pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_new_with_nonces(
    encryptor: *const tacita_encryptor,
    method: u32,
    encryptor_out: *mut *mut tacita_encryptor,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, out) = unsafe { (borrow("encryptor", encryptor)?, room("encryptor_out", encryptor_out, 1)?) };
        let method = self::method(method, encryptor.quickest_nonces())?;
        out.give(encryptor.clone().nonce_method(method)?)
    })
}

/// Makes an encryptor like another one, which takes its nonces from a pool, one a ciphertext. Those that are not there are drawn
/// by the pool's method too.
///
/// Threads: any number may share `encryptor` and `pool`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, KEY_MISMATCH if the pool is for another key, ARGUMENT if its method is not the
/// one that the encryptor was asked for, or not one that its key permits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_new_with_pool(
    encryptor: *const tacita_encryptor,
    pool: *const tacita_nonce_pool,
    encryptor_out: *mut *mut tacita_encryptor,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, pool, out) = unsafe {
            (borrow("encryptor", encryptor)?, borrow("pool", pool)?, room("encryptor_out", encryptor_out, 1)?)
        };
        out.give(encryptor.clone().with_pool(pool.clone())?)
    })
}

/// Tells how many records one set of ciphertexts has room for, at the price of one.
///
/// Threads: any number may share `encryptor`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_capacity(
    encryptor: *const tacita_encryptor,
    records_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, out) = unsafe { (borrow("encryptor", encryptor)?, room("records_out", records_out, 1)?) };
        out.write(encryptor.capacity())
    })
}

/// Tells how many records to put into each request, where there are more than one request should hold: whole sets of
/// ciphertexts, at most 16 MiB of them or 100,000 records, but one set in any case.
///
/// Threads: any number may share `encryptor`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_records_per_request(
    encryptor: *const tacita_encryptor,
    records_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, out) = unsafe { (borrow("encryptor", encryptor)?, room("records_out", records_out, 1)?) };
        out.write(encryptor.records_per_request())
    })
}

/// Encrypts `records` records, at least 1.
///
/// `values` are real numbers, record after record, in each one number a feature in the order of the spec;
/// `values_len` is records times features. A value is rounded to the nearest of its grid, and refused if that is outside its
/// range; what lies halfway is rounded to the even multiple of the step.
/// Threads: any number may share `encryptor`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, ARGUMENT if there is no record, OUT_OF_RANGE, KEY_HASH,
/// RANDOMNESS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_encrypt(
    encryptor: *const tacita_encryptor,
    values: *const f64,
    values_len: usize,
    records: usize,
    request_out: *mut *mut tacita_request,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, values, out) = unsafe {
            (
                borrow("encryptor", encryptor)?,
                slice("values", values, values_len)?,
                room("request_out", request_out, 1)?,
            )
        };
        out.give(encryptor.encrypt(&rows(encryptor, values, records)?)?)
    })
}

/// The values, record by record.
fn rows<'a>(encryptor: &Encryptor, values: &'a [f64], records: usize) -> Result<Vec<&'a [f64]>, Failure> {
    let features = encryptor.spec().features().len();
    if records.checked_mul(features) != Some(values.len()) {
        let detail = format!("{records} records of {features} features do not have {} values", values.len());
        return Err(Failure::new(tacita_status::Length, detail));
    }
    check_records(records)?;
    Ok(values.chunks_exact(features).collect())
}

/// Encrypts like `tacita_encryptor_encrypt` and tells how far it is.
///
/// `progress` is told how many ciphertexts are done, and may be NULL. `user_data` is handed to it, and may be NULL.
/// Threads: any number may share `encryptor`.
/// Fails with: as `tacita_encryptor_encrypt`: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, ARGUMENT, OUT_OF_RANGE, KEY_HASH,
/// RANDOMNESS, THREADS; CANCELLED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_encrypt_with_progress(
    encryptor: *const tacita_encryptor,
    values: *const f64,
    values_len: usize,
    records: usize,
    progress: tacita_progress,
    user_data: *mut c_void,
    request_out: *mut *mut tacita_request,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, values, listener, out) = unsafe {
            (
                borrow("encryptor", encryptor)?,
                slice("values", values, values_len)?,
                Listener::new(progress, user_data),
                room("request_out", request_out, 1)?,
            )
        };
        out.give(encryptor.encrypt_with_progress(&rows(encryptor, values, records)?, &mut listener.here())?)
    })
}

/// Encrypts records that were filled in by the names of their features. They stay: `tacita_records_clear` before the next
/// request's, and also after a record was refused.
///
/// `progress` is told how many ciphertexts are done, and may be NULL. `user_data` is handed to it, and may be NULL.
/// Threads: any number may share `encryptor` and `records`; changes that come meanwhile are for the next call.
/// Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH if the records are for another spec, ARGUMENT if there is none or the
/// last one was not ended, FEATURE_MISSING, OUT_OF_RANGE, TOO_LARGE, CANCELLED, KEY_HASH, RANDOMNESS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_encrypt_records(
    encryptor: *const tacita_encryptor,
    records: *const tacita_records,
    progress: tacita_progress,
    user_data: *mut c_void,
    request_out: *mut *mut tacita_request,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (encryptor, records, listener, out) = unsafe {
            (
                borrow("encryptor", encryptor)?,
                // A copy, so that `progress` finds the records free.
                locked(records)?.clone(),
                Listener::new(progress, user_data),
                room("request_out", request_out, 1)?,
            )
        };
        out.give(encryptor.encrypt_records_with_progress(&records, &mut listener.here())?)
    })
}

/// Frees an encryptor; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `encryptor`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_encryptor_free(encryptor: *mut tacita_encryptor) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(encryptor) }
    })
}
