//! Requests: what goes from the hospital to the cloud.

use std::ffi::c_int;

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{room, slice};
use super::status::tacita_status;
use crate::Fingerprint;
use crate::error::Error;
use crate::inference::{Request, RequestReader};

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

/// Reads the first request of a sequence of them, one message after another as the command `tacita` writes them, and tells how
/// many of the bytes it took: the rest, if there is any, begins with the next one.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED, KEY_SIZE, KEY_PROOF_WRONG, KEY_MISMATCH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_read_next(
    bytes: *const u8,
    bytes_len: usize,
    used_out: *mut usize,
    request_out: *mut *mut tacita_request,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, used, out) = unsafe {
            (slice("bytes", bytes, bytes_len)?, room("used_out", used_out, 1)?, room("request_out", request_out, 1)?)
        };
        let mut reader = RequestReader::new(bytes, u64::MAX);
        // The bytes are there: no length can take memory. Without any message the reader says what is wrong.
        let message = reader.next().ok_or(Error::Bug("a reader ended before it began"))??;
        used.write(reader.position() as usize)?;
        out.give(message)
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

/// Tells whether a request carries its public key: 1 if it does, else 0.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_has_key(
    request: *const tacita_request,
    has_key_out: *mut c_int,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) = unsafe { (borrow("request", request)?, room("has_key_out", has_key_out, 1)?) };
        out.write(request.public_key().is_some().into())
    })
}

/// Makes a request like another one, without its public key, for a service that has it: some kilobytes less.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_new_without_key(
    request: *const tacita_request,
    request_out: *mut *mut tacita_request,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) = unsafe { (borrow("request", request)?, room("request_out", request_out, 1)?) };
        out.give(request.clone().without_key())
    })
}

/// Tells the bytes of all ciphertexts together: the message is longer by its header and its key.
///
/// Threads: any number may share `request`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_request_ciphertext_bytes(
    request: *const tacita_request,
    bytes_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (request, out) = unsafe { (borrow("request", request)?, room("bytes_out", bytes_out, 1)?) };
        out.write(request.ciphertext_bytes())
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
