//! Evaluators: requests to responses.

use std::ffi::c_void;

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free, into_handle};
use super::model::tacita_model;
use super::nonce_pool::tacita_nonce_pool;
use super::pointers::{self, room, slice};
use super::progress::{Listener, tacita_progress};
use super::public_key::tacita_public_key;
use super::request::tacita_request;
use super::response::tacita_response;
use super::status::{Failure, tacita_status};
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

/// Makes an evaluator that is ready for requests in the records layout. That takes seconds, or half a minute for a thousand
/// outputs, if the model's file does not carry the plan of that layout: `tacita_model_new_with_plan` tells of its progress. For
/// other layouts see `tacita_evaluator_prepare`.
///
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_new(
    model: *const tacita_model,
    evaluator_out: *mut *mut tacita_evaluator,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, out) = unsafe { (borrow("model", model)?, room("evaluator_out", evaluator_out, 1)?) };
        out.give(ready(Evaluator::new(model.clone()))?)
    })
}

/// An evaluator that could be prepared.
fn ready(evaluator: Evaluator) -> Result<Evaluator, Failure> {
    evaluator.prepare(Layout::Records)?;
    Ok(evaluator)
}

/// Makes an evaluator that takes requests of at most so many records, where others take 100,000; otherwise as with
/// `tacita_evaluator_new`.
///
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_new_with_max_records(
    model: *const tacita_model,
    max_records: usize,
    evaluator_out: *mut *mut tacita_evaluator,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, out) = unsafe { (borrow("model", model)?, room("evaluator_out", evaluator_out, 1)?) };
        out.give(ready(Evaluator::new(model.clone()).max_records(max_records))?)
    })
}

/// Makes an evaluator ready for requests with `together` features in a ciphertext; 1 is the records layout.
///
/// Without it the first such request takes longer, by seconds, or half a minute for a thousand outputs, if the model's file does
/// not carry the plan of that layout, which `tacita_model_new_with_plan` and the command `tacita compile --plan` store.
/// `progress` is told the steps of the search, of which more come to light as it goes on, and may be NULL. `user_data` is handed
/// to it, and may be NULL.
/// Threads: any number may share `evaluator`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout, CANCELLED, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_prepare(
    evaluator: *const tacita_evaluator,
    together: u32,
    progress: tacita_progress,
    user_data: *mut c_void,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, listener) = unsafe { (borrow("evaluator", evaluator)?, Listener::new(progress, user_data)) };
        let layout = Layout::from_together(together);
        Ok(listener.relay_plan(|progress| evaluator.prepare_with_progress(layout, progress))?)
    })
}

/// Tells how many multiplications of ciphertexts a set of records takes in the layout with `together` features in a ciphertext.
/// Searches for their plan, for seconds or, for a thousand outputs, half a minute, if it is not there yet.
///
/// Threads: any number may share `evaluator`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_multiplications(
    evaluator: *const tacita_evaluator,
    together: u32,
    multiplications_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, out) =
            unsafe { (borrow("evaluator", evaluator)?, room("multiplications_out", multiplications_out, 1)?) };
        out.write(evaluator.multiplications(Layout::from_together(together))?)
    })
}

/// Takes the nonces of responses under the pool's key from it from now on, as far as they are there: one a ciphertext down,
/// as `tacita_spec_ciphertexts` tells. In some layouts those of a set of records are taken all or not at all, so that a pool
/// must hold as many. An evaluator has at most 64 pools; another one for the same key takes its place.
///
/// This changes `evaluator`, and no answer.
/// Threads: any number may share `evaluator` and `pool`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT for a pool of another method than POWER and RANDOM_BASES, TOO_LARGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_set_pool(
    evaluator: *const tacita_evaluator,
    pool: *const tacita_nonce_pool,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, pool) = unsafe { (borrow("evaluator", evaluator)?, borrow("pool", pool)?) };
        Ok(evaluator.set_pool(pool.clone())?)
    })
}

/// Takes the pool of a key away, if it has one.
///
/// Threads: any number may share `evaluator`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[key_fingerprint; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_remove_pool(
    evaluator: *const tacita_evaluator,
    key_fingerprint: *const u8,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, key) =
            unsafe { (borrow("evaluator", evaluator)?, pointers::fingerprint("key_fingerprint", key_fingerprint)?) };
        evaluator.remove_pool(key);
        Ok(())
    })
}

/// Evaluates a request without learning anything of its records.
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

/// Evaluates like `tacita_evaluator_evaluate` and tells how far it is.
///
/// `progress` is told how many sets of ciphertexts are done, and may be NULL. `user_data` is handed to it, and may be NULL.
/// Threads: any number may share `evaluator`, `request` and `key`.
/// Fails with: as `tacita_evaluator_evaluate`: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_MISMATCH, TOO_LARGE, MALFORMED,
/// CIPHERTEXT, RANDOMNESS, THREADS; CANCELLED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_evaluate_with_progress(
    evaluator: *const tacita_evaluator,
    request: *const tacita_request,
    key: *const tacita_public_key,
    progress: tacita_progress,
    user_data: *mut c_void,
    response_out: *mut *mut tacita_response,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, request, key, listener, out) = unsafe {
            (
                borrow("evaluator", evaluator)?,
                borrow("request", request)?,
                borrow("key", key)?,
                Listener::new(progress, user_data),
                room("response_out", response_out, 1)?,
            )
        };
        out.give(evaluator.evaluate_with_progress(request, key, &mut listener.here())?)
    })
}

/// Evaluates `count` requests side by side, each under the key at its place: while small ones would leave threads idle one by
/// one, together they do not.
///
/// Each succeeds or fails by itself: its status comes at its place in `statuses_out`, and its response, or NULL, in
/// `responses_out`. `tacita_last_error_detail` tells of the last that failed.
/// `progress` is told how many requests are done, and may be NULL. `user_data` is handed to it, and may be NULL.
/// Threads: any number may share `evaluator`, the requests and the keys.
/// Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, CANCELLED, THREADS. One request fails with what
/// `tacita_evaluator_evaluate` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_evaluator_evaluate_many(
    evaluator: *const tacita_evaluator,
    requests: *const *const tacita_request,
    keys: *const *const tacita_public_key,
    count: usize,
    progress: tacita_progress,
    user_data: *mut c_void,
    responses_out: *mut *mut tacita_response,
    statuses_out: *mut tacita_status,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, requests, keys, listener, responses_out, statuses_out) = unsafe {
            (
                borrow("evaluator", evaluator)?,
                slice("requests", requests, count)?,
                slice("keys", keys, count)?,
                Listener::new(progress, user_data),
                room("responses_out", responses_out, count)?,
                room("statuses_out", statuses_out, count)?,
            )
        };
        let job = |(&request, &key): (&*const tacita_request, &*const tacita_public_key)| {
            // SAFETY: the conventions.
            unsafe { Ok((borrow("one of the requests", request)?, borrow("one of the keys", key)?)) }
        };
        let jobs = requests.iter().zip(keys).map(job).collect::<Result<Vec<_>, Failure>>()?;
        let evaluated = evaluator.evaluate_many(&jobs, &mut listener.here())?;
        let (mut responses, mut statuses) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for result in evaluated {
            let (response, status) = match result {
                Ok(response) => (into_handle(response), tacita_status::Success),
                Err(error) => (std::ptr::null_mut(), Failure::from(error).record()),
            };
            responses.push(response);
            statuses.push(status);
        }
        responses_out.write_all(&responses)?;
        statuses_out.write_all(&statuses)
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
