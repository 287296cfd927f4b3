//! Encryptors: records to requests.

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, room, slice};
use super::public_key::tacita_public_key;
use super::request::tacita_request;
use super::secret_key::tacita_secret_key;
use super::spec::tacita_spec;
use super::status::{Failure, tacita_status};
use crate::encoding::Layout;
use crate::error::Error;
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

/// Makes an encryptor that knows the secret key, and encrypts in about half to two thirds of the time.
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

/// Encrypts `records` records, at least 1.
///
/// `values` are real numbers, record after record, in each one number a feature in the order of the spec;
/// `values_len` is records times features. A value half a step outside its range is still taken as the end of the range.
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
        let features = encryptor.spec().features().len();
        if records.checked_mul(features) != Some(values_len) {
            let detail = format!("{records} records of {features} features do not have {values_len} values");
            return Err(Failure::new(tacita_status::Length, detail));
        }
        if u32::try_from(records).is_err() {
            let (found, limit) = (records as u64, u32::MAX.into());
            return Err(Error::TooLarge { what: "number of records", found, limit }.into());
        }
        let records: Vec<_> = values.chunks_exact(features).collect();
        out.give(encryptor.encrypt(&records)?)
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
