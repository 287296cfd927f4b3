//! Evaluators: requests to responses.

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::model::tacita_model;
use super::pointers::room;
use super::public_key::tacita_public_key;
use super::request::tacita_request;
use super::response::tacita_response;
use super::status::tacita_status;
use crate::encoding::Layout;
use crate::inference::Evaluator;

/// Evaluates one private model on encrypted records.
pub struct tacita_evaluator {
    _opaque: [u8; 0],
}

impl Handle for tacita_evaluator {
    const ROLE: Role = Role::Evaluator;
    type Value = Evaluator;
}

/// Makes an evaluator that is ready for requests in the records layout. That takes seconds if the model's file does not
/// carry the plan of that layout. For other layouts see `tacita_evaluator_prepare`.
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

/// Makes an evaluator ready for requests with `together` features in a ciphertext; 1 is the records layout.
///
/// Without it the first such request takes longer, by seconds if the model's file does not carry the plan of that
/// layout, which `tacita compile --plan` stores.
/// Threads: any number may share `evaluator`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_prepare(evaluator: *const tacita_evaluator, together: u32) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let evaluator = unsafe { borrow("evaluator", evaluator)? };
        Ok(evaluator.prepare(Layout::from_together(together))?)
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
