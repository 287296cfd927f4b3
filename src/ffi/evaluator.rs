//! Evaluators: requests to responses.

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::model::tacita_model;
use super::pointers::room;
use super::public_key::tacita_public_key;
use super::request::tacita_request;
use super::response::tacita_response;
use super::status::tacita_status;
use crate::inference::Evaluator;

/// Evaluates one private model on encrypted records.
pub struct tacita_evaluator {
    _opaque: [u8; 0],
}

impl Handle for tacita_evaluator {
    const ROLE: Role = Role::Evaluator;
    type Value = Evaluator;
}

/// Makes an evaluator. What can be prepared is prepared here, once.
///
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_new(
    model: *const tacita_model,
    evaluator_out: *mut *mut tacita_evaluator,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, out) = unsafe { (borrow("model", model)?, room("evaluator_out", evaluator_out, 1)?) };
        out.give(Evaluator::new(model.clone()))
    })
}

/// Evaluates a request of at most 100,000 records, without learning anything of them.
///
/// `key` is the public key that the request names: from `tacita_verified_keys_admit`, or one that is there already.
/// Threads: any number may share `evaluator`, `request` and `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_MISMATCH, TOO_LARGE, MALFORMED, CIPHERTEXT, RANDOMNESS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_evaluate(
    evaluator: *const tacita_evaluator,
    request: *const tacita_request,
    key: *const tacita_public_key,
    response_out: *mut *mut tacita_response,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, request, key, out) = unsafe {
            (
                borrow("evaluator", evaluator)?,
                borrow("request", request)?,
                borrow("key", key)?,
                room("response_out", response_out, 1)?,
            )
        };
        out.give(evaluator.evaluate(request, key)?)
    })
}

/// Frees an evaluator; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `evaluator`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_free(evaluator: *mut tacita_evaluator) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(evaluator) }
    })
}
