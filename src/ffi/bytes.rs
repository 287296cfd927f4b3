//! Bytes that the library gives out.

use serde::Serialize;
use zeroize::Zeroizing;

use super::guard::guard_or;
use super::handle::{Handle, Role, borrow, free};
use crate::error::Result;
use crate::json;

/// Bytes that a function gave out, in memory of the library's. Freeing them overwrites them first.
pub struct tacita_bytes {
    _opaque: [u8; 0],
}

impl Handle for tacita_bytes {
    const ROLE: Role = Role::Bytes;
    type Value = Zeroizing<Vec<u8>>;
}

/// A value as JSON text.
pub(super) fn json(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(json::text(value)?.into_bytes()))
}

/// The bytes themselves. They are there until `bytes` is freed; NULL, if that is not a handle of bytes.
///
/// Threads: any number may share `bytes`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_bytes_data(bytes: *const tacita_bytes) -> *const u8 {
    guard_or(std::ptr::null(), || {
        // SAFETY: the conventions.
        Ok(unsafe { borrow("bytes", bytes) }?.as_ptr())
    })
}

/// How many bytes there are; 0, if `bytes` is not a handle of bytes.
///
/// Threads: any number may share `bytes`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_bytes_len(bytes: *const tacita_bytes) -> usize {
    guard_or(0, || {
        // SAFETY: the conventions.
        Ok(unsafe { borrow("bytes", bytes) }?.len())
    })
}

/// Overwrites and frees bytes; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `bytes`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_bytes_free(bytes: *mut tacita_bytes) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(bytes) }
    })
}
