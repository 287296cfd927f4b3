//! Handles: what C holds of our objects.

use super::status::{Failure, tacita_status};

/// What a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Bytes = 1,
    SecretKey,
    PublicKey,
    Spec,
    Encryptor,
    Request,
    Model,
    VerifiedKeys,
    Evaluator,
    Response,
    Decryptor,
    Predictions,
    Records,
    NoncePool,
    Costs,
}

impl Role {
    /// A number that other memory is unlikely to begin with.
    const fn tag(self) -> u64 {
        u64::from_be_bytes(*b"tacita\0\0") + self as u64
    }
}

/// An opaque type of the header: C's pointer to it points in truth to a [`Tagged`] value.
pub(super) trait Handle: Sized {
    const ROLE: Role;
    /// Shared by threads, as the conventions promise.
    type Value: Send + Sync + 'static;
}

/// In C's layout the tag is at the start, whatever the value is, so that it can be read before the type is known.
#[repr(C)]
struct Tagged<T> {
    tag: u64,
    value: T,
}

/// The value of a handle that is only borrowed.
///
/// # Safety
/// `handle` is NULL or a live handle of any role, and lives as long as the borrow is used.
pub(super) unsafe fn borrow<'a, H: Handle>(name: &str, handle: *const H) -> Result<&'a H::Value, Failure> {
    // SAFETY: passed on to the caller.
    unsafe { check(name, handle) }?;
    // SAFETY: a live handle of this role is a `Tagged<H::Value>`, and nobody has it mutably but `free`.
    Ok(unsafe { &(*handle.cast::<Tagged<H::Value>>()).value })
}

/// # Safety
/// `handle` is NULL or a live handle of any role.
unsafe fn check<H: Handle>(name: &str, handle: *const H) -> Result<(), Failure> {
    if handle.is_null() {
        return Err(Failure::new(tacita_status::NullPointer, format!("{name} is NULL")));
    }
    let tag = handle.cast::<u64>();
    // SAFETY: a live handle of any role is aligned like, and begins with, its tag.
    if !tag.is_aligned() || unsafe { tag.read() } != H::ROLE.tag() {
        let detail = format!("{name} is not a handle of role {:?}", H::ROLE);
        return Err(Failure::new(tacita_status::WrongHandle, detail));
    }
    Ok(())
}

/// A new handle, the caller's to free.
pub(super) fn into_handle<H: Handle>(value: H::Value) -> *mut H {
    Box::into_raw(Box::new(Tagged { tag: H::ROLE.tag(), value })).cast()
}

/// Frees a handle; one of another role is left alone.
///
/// # Safety
/// `handle` is NULL or a live handle of any role that nobody uses any more.
pub(super) unsafe fn free<H: Handle>(handle: *mut H) -> Result<(), Failure> {
    if handle.is_null() {
        return Ok(());
    }
    // SAFETY: passed on to the caller.
    unsafe { check("the handle to free", handle) }?;
    // SAFETY: a live handle of this role came from the box in `into_handle`.
    drop(unsafe { Box::from_raw(handle.cast::<Tagged<H::Value>>()) });
    Ok(())
}
