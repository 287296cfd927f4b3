//! Public specs: what a hospital needs to know of a model.

use std::ffi::c_char;

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{check_index, room, slice};
use super::status::{Failure, tacita_status};
use crate::Fingerprint;
use crate::encoding::Features;
use crate::error::Error;
use crate::model::PublicSpec;

/// Room that is enough for the name of any feature and of any label, with its NUL.
pub const TACITA_NAME_CAPACITY: usize = 272;

// The longest name belongs to the last feature of a run: prefix, an underscore, the digits of a number below a million.
const _: () = assert!(TACITA_NAME_CAPACITY > Features::MAX_NAME + 1 + 6 && Features::MAX <= 1_000_000);

/// The public spec of a model: its input features with their ranges, the labels of its outputs, and how to read them.
pub struct tacita_spec {
    _opaque: [u8; 0],
}

impl Handle for tacita_spec {
    const ROLE: Role = Role::Spec;
    type Value = PublicSpec;
}

/// Reads a spec from its JSON text.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, DAMAGED, MALFORMED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_from_json(
    json: *const u8,
    json_len: usize,
    spec_out: *mut *mut tacita_spec,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (json, out) = unsafe { (slice("json", json, json_len)?, room("spec_out", spec_out, 1)?) };
        out.give(PublicSpec::from_json(json)?)
    })
}

/// Writes a spec as its JSON text, just as it was read or made.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_to_json(
    spec: *const tacita_spec,
    json_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("json_out", json_out, 1)?) };
        out.give(Zeroizing::new(spec.as_json().as_bytes().to_vec()))
    })
}

/// Tells the fingerprint, which names the spec to the last byte of its text.
///
/// An encryptor or decryptor must not get its pin from here: what pins the spec has to come from elsewhere.
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
/// cbindgen:ptrs-as-arrays=[[fingerprint_out; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_fingerprint(spec: *const tacita_spec, fingerprint_out: *mut u8) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) =
            unsafe { (borrow("spec", spec)?, room("fingerprint_out", fingerprint_out, Fingerprint::LEN)?) };
        out.write_all(spec.fingerprint().as_bytes())
    })
}

/// Tells the number of input features: the length of a record, at least 1.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_feature_count(spec: *const tacita_spec, count_out: *mut usize) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("count_out", count_out, 1)?) };
        out.write(spec.features().len())
    })
}

/// Writes the name of feature `index`, with its NUL, into room for `capacity` bytes; TACITA_NAME_CAPACITY is enough.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_feature_name(
    spec: *const tacita_spec,
    index: usize,
    name_out: *mut c_char,
    capacity: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("name_out", name_out, capacity)?) };
        check_index("feature", index, spec.features().len())?;
        out.write_text(&spec.features().name(index))
    })
}

/// Tells the least and the greatest value that feature `index` may have. Between them values are rounded to a grid with
/// neighbours `step_out` apart.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_feature_range(
    spec: *const tacita_spec,
    index: usize,
    least_out: *mut f64,
    greatest_out: *mut f64,
    step_out: *mut f64,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, least, greatest, step) = unsafe {
            (
                borrow("spec", spec)?,
                room("least_out", least_out, 1)?,
                room("greatest_out", greatest_out, 1)?,
                room("step_out", step_out, 1)?,
            )
        };
        check_index("feature", index, spec.features().len())?;
        let grid = spec.features().grid(index);
        least.write(grid.decode(grid.least()))?;
        greatest.write(grid.decode(grid.greatest()))?;
        step.write(grid.step())
    })
}

/// Tells the number of labels, which is the number of logits and probabilities of a record, at least 1.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_label_count(spec: *const tacita_spec, count_out: *mut usize) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("count_out", count_out, 1)?) };
        out.write(spec.labels().len())
    })
}

/// Writes label `index`, with its NUL, into room for `capacity` bytes; TACITA_NAME_CAPACITY is enough.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_label(
    spec: *const tacita_spec,
    index: usize,
    label_out: *mut c_char,
    capacity: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("label_out", label_out, capacity)?) };
        check_index("label", index, spec.labels().len())?;
        let label = spec.labels().nth(index).ok_or(Failure::from(Error::Bug("a label is missing")))?;
        out.write_text(label)
    })
}

/// Tells how many bits an answer takes in a ciphertext, at most 62.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_slot_bits(spec: *const tacita_spec, bits_out: *mut u32) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("bits_out", bits_out, 1)?) };
        out.write(spec.slot_bits())
    })
}

/// Frees a spec; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `spec`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_free(spec: *mut tacita_spec) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(spec) }
    })
}
