//! Decryptors: responses to predictions.

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, room};
use super::predictions::{Predictions, tacita_predictions};
use super::request::tacita_request;
use super::response::tacita_response;
use super::secret_key::tacita_secret_key;
use super::spec::tacita_spec;
use super::status::tacita_status;
use crate::inference::Decryptor;

/// Decrypts the responses of one model under one key.
pub struct tacita_decryptor {
    _opaque: [u8; 0],
}

impl Handle for tacita_decryptor {
    const ROLE: Role = Role::Decryptor;
    type Value = Decryptor;
}

/// Makes a decryptor.
///
/// `spec_fingerprint` as in `tacita_encryptor_new_with_public_key`.
/// Threads: any number may share `spec` and `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH.
/// cbindgen:ptrs-as-arrays=[[spec_fingerprint; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_decryptor_new(
    spec: *const tacita_spec,
    spec_fingerprint: *const u8,
    key: *const tacita_secret_key,
    decryptor_out: *mut *mut tacita_decryptor,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, pin, key, out) = unsafe {
            (
                borrow("spec", spec)?,
                pointers::fingerprint("spec_fingerprint", spec_fingerprint)?,
                borrow("key", key)?,
                room("decryptor_out", decryptor_out, 1)?,
            )
        };
        out.give(Decryptor::new(spec.clone(), pin, key.clone())?)
    })
}

/// Decrypts the response to `request`: one prediction a record, in the request's order. That the service computed what
/// it should is not proved.
///
/// Threads: any number may share `decryptor`, `response` and `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_MISMATCH, REQUEST_MISMATCH, MALFORMED, CIPHERTEXT, THREADS,
/// and, once anything was decrypted, with DECRYPTION alone: do not send that on, and do not retry automatically.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_decryptor_decrypt(
    decryptor: *const tacita_decryptor,
    response: *const tacita_response,
    request: *const tacita_request,
    predictions_out: *mut *mut tacita_predictions,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (decryptor, response, request, out) = unsafe {
            (
                borrow("decryptor", decryptor)?,
                borrow("response", response)?,
                borrow("request", request)?,
                room("predictions_out", predictions_out, 1)?,
            )
        };
        let predictions = decryptor.decrypt(response, request.header())?;
        out.give(Predictions::new(predictions, decryptor.spec()))
    })
}

/// Frees a decryptor; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `decryptor`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_decryptor_free(decryptor: *mut tacita_decryptor) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(decryptor) }
    })
}
