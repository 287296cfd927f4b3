//! Requests: what goes from the hospital to the cloud.

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{room, slice};
use super::status::tacita_status;
use crate::Fingerprint;
use crate::inference::Request;

/// Bytes of the random name of a request.
pub const TACITA_REQUEST_ID_LEN: usize = 16;

/// Encrypted records, with the public key that they are encrypted under.
pub struct tacita_request {
    _opaque: [u8; 0],
}

impl Handle for tacita_request {
    const ROLE: Role = Role::Request;
    type Value = Request;
}

/// Reads a request, one message and no more: a sequence of several, as `tacita encrypt` writes for many records, is
/// refused with CUT_OR_PADDED. Its public key and ciphertexts are checked when they are used.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED, KEY_SIZE,
/// KEY_PROOF_WRONG, KEY_MISMATCH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_from_bytes(
    bytes: *const u8,
    bytes_len: usize,
    request_out: *mut *mut tacita_request,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, out) = unsafe { (slice("bytes", bytes, bytes_len)?, room("request_out", request_out, 1)?) };
        out.give(Request::from_bytes(bytes)?)
    })
}

/// Writes a request. Keep these bytes, or the handle: decrypting the response needs the request.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_to_bytes(
    request: *const tacita_request,
    bytes_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) = unsafe { (borrow("request", request)?, room("bytes_out", bytes_out, 1)?) };
        out.give(Zeroizing::new(request.to_bytes()))
    })
}

/// Tells the random name of a request, which its response repeats.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[id_out; TACITA_REQUEST_ID_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_id(request: *const tacita_request, id_out: *mut u8) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) = unsafe { (borrow("request", request)?, room("id_out", id_out, TACITA_REQUEST_ID_LEN)?) };
        out.write_all(request.header().id())
    })
}

/// Tells the number of records, at least 1.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_records(
    request: *const tacita_request,
    records_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) = unsafe { (borrow("request", request)?, room("records_out", records_out, 1)?) };
        out.write(request.header().records())
    })
}

/// Tells the fingerprint of the public key that the records are encrypted under.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[fingerprint_out; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_key_fingerprint(
    request: *const tacita_request,
    fingerprint_out: *mut u8,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) =
            unsafe { (borrow("request", request)?, room("fingerprint_out", fingerprint_out, Fingerprint::LEN)?) };
        out.write_all(request.header().key().as_bytes())
    })
}

/// Tells the fingerprint of the spec of the model that the records are for.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[fingerprint_out; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_spec_fingerprint(
    request: *const tacita_request,
    fingerprint_out: *mut u8,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) =
            unsafe { (borrow("request", request)?, room("fingerprint_out", fingerprint_out, Fingerprint::LEN)?) };
        out.write_all(request.header().spec().as_bytes())
    })
}

/// Tells how many features of a record share a ciphertext; 1 in the records layout.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_together(
    request: *const tacita_request,
    together_out: *mut u32,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) = unsafe { (borrow("request", request)?, room("together_out", together_out, 1)?) };
        out.write(request.header().layout().together())
    })
}

/// Frees a request; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `request`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_free(request: *mut tacita_request) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(request) }
    })
}
