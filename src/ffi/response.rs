//! Responses: what comes back from the cloud.

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{room, slice};
use super::request::TACITA_REQUEST_ID_LEN;
use super::status::tacita_status;
use crate::error::Error;
use crate::inference::{Response, ResponseReader};

/// Encrypted answers to one request.
pub struct tacita_response {
    _opaque: [u8; 0],
}

impl Handle for tacita_response {
    const ROLE: Role = Role::Response;
    type Value = Response;
}

/// Reads a response, one message and no more: a sequence of several, as `tacita evaluate` answers one of requests, is
/// refused with CUT_OR_PADDED. Its ciphertexts are checked when it is decrypted.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_response_from_bytes(
    bytes: *const u8,
    bytes_len: usize,
    response_out: *mut *mut tacita_response,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, out) = unsafe { (slice("bytes", bytes, bytes_len)?, room("response_out", response_out, 1)?) };
        out.give(Response::from_bytes(bytes)?)
    })
}

/// Reads the first response of a sequence of them, one message after another as the command `tacita` writes them, and tells how
/// many of the bytes it took: the rest, if there is any, begins with the next one.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_response_read_next(
    bytes: *const u8,
    bytes_len: usize,
    used_out: *mut usize,
    response_out: *mut *mut tacita_response,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, used, out) = unsafe {
            (slice("bytes", bytes, bytes_len)?, room("used_out", used_out, 1)?, room("response_out", response_out, 1)?)
        };
        let mut reader = ResponseReader::new(bytes, u64::MAX);
        // The bytes are there: no length can take memory. Without any message the reader says what is wrong.
        let message = reader.next().ok_or(Error::Bug("a reader ended before it began"))??;
        used.write(reader.position() as usize)?;
        out.give(message)
    })
}

/// Writes a response.
///
/// Threads: any number may share `response`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_response_to_bytes(
    response: *const tacita_response,
    bytes_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (response, out) = unsafe { (borrow("response", response)?, room("bytes_out", bytes_out, 1)?) };
        out.give(Zeroizing::new(response.to_bytes()))
    })
}

/// Tells the random name of the request that this answers.
///
/// Threads: any number may share `response`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[id_out; TACITA_REQUEST_ID_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_response_id(response: *const tacita_response, id_out: *mut u8) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (response, out) =
            unsafe { (borrow("response", response)?, room("id_out", id_out, TACITA_REQUEST_ID_LEN)?) };
        out.write_all(response.header().id())
    })
}

/// Tells the number of records that a response answers, at least 1.
///
/// Threads: any number may share `response`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_response_records(
    response: *const tacita_response,
    records_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (response, out) = unsafe { (borrow("response", response)?, room("records_out", records_out, 1)?) };
        out.write(response.header().records())
    })
}

/// Tells the bytes of all ciphertexts together: the message is longer by its header.
///
/// Threads: any number may share `response`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_response_ciphertext_bytes(
    response: *const tacita_response,
    bytes_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (response, out) = unsafe { (borrow("response", response)?, room("bytes_out", bytes_out, 1)?) };
        out.write(response.ciphertext_bytes())
    })
}

/// Frees a response; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `response`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_response_free(response: *mut tacita_response) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(response) }
    })
}
