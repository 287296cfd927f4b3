//! Private models: what the evaluating side holds.

use std::ffi::c_char;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, room, slice};
use super::spec::tacita_spec;
use super::status::tacita_status;
use crate::error::{Error, Result};
use crate::model::PrivateModel;

/// The integer weights of a model, with its public spec.
pub struct tacita_model {
    _opaque: [u8; 0],
}

impl Handle for tacita_model {
    const ROLE: Role = Role::Model;
    type Value = PrivateModel;
}

/// Reads a private model from the bytes of its file.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, DAMAGED, MALFORMED, MODEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_from_bytes(
    bytes: *const u8,
    bytes_len: usize,
    model_out: *mut *mut tacita_model,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, out) = unsafe { (slice("bytes", bytes, bytes_len)?, room("model_out", model_out, 1)?) };
        out.give(PrivateModel::from_bytes(bytes)?)
    })
}

/// Reads a private model from a file.
///
/// Threads: any.
/// Fails with: NULL_POINTER, IO, TOO_LARGE, DAMAGED, MALFORMED, MODEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_load(path: *const c_char, model_out: *mut *mut tacita_model) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (path, out) = unsafe { (pointers::path("path", path)?, room("model_out", model_out, 1)?) };
        out.give(load(path)?)
    })
}

fn load(path: &Path) -> Result<PrivateModel> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| Error::io(path, &error))?;
    // One byte above the limit shows that a file is too long, however long it is.
    let mut file = file.take(PrivateModel::MAX_BYTES as u64 + 1);
    file.read_to_end(&mut bytes).map_err(|error| Error::io(path, &error))?;
    PrivateModel::from_bytes(&bytes)
}

/// Gives the public spec of a model.
///
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_spec(
    model: *const tacita_model,
    spec_out: *mut *mut tacita_spec,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, out) = unsafe { (borrow("model", model)?, room("spec_out", spec_out, 1)?) };
        out.give(model.spec().clone())
    })
}

/// Frees a model; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `model`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_free(model: *mut tacita_model) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(model) }
    })
}
