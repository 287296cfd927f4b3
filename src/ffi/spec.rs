//! Public specs: what a hospital needs to know of a model.

use std::ffi::c_char;

use zeroize::Zeroizing;

use super::bytes::tacita_bytes;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, check_index, name, read_file, room, slice};
use super::status::{Failure, tacita_status};
use crate::Fingerprint;
use crate::encoding::{Features, Layout};
use crate::error::{Error, RecordFault};
use crate::inference::fault;
use crate::model::PublicSpec;
use crate::network::Activation;
use crate::paillier::KeySize;

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

/// Refuses a number of records that no message has.
pub(super) fn check_records(records: usize) -> Result<(), Failure> {
    if u32::try_from(records).is_ok() {
        return Ok(());
    }
    let (found, limit) = (records as u64, u32::MAX.into());
    Err(Error::TooLarge { what: "number of records", found, limit }.into())
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

/// Reads a spec from a file.
///
/// Threads: any.
/// Fails with: NULL_POINTER, IO, TOO_LARGE, DAMAGED, MALFORMED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_load(path: *const c_char, spec_out: *mut *mut tacita_spec) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (path, out) = unsafe { (pointers::path("path", path)?, room("spec_out", spec_out, 1)?) };
        let bytes = read_file(path, PublicSpec::MAX_BYTES)?;
        out.give(PublicSpec::from_json(&bytes).map_err(|error| Failure::of_file(path, &error))?)
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

/// Tells the index of the feature with a name, as `tacita_spec_feature_name` writes it.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, FEATURE_UNKNOWN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_feature_index(
    spec: *const tacita_spec,
    feature: *const c_char,
    index_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, feature, out) =
            unsafe { (borrow("spec", spec)?, name("feature", feature)?, room("index_out", index_out, 1)?) };
        let unknown = || fault(feature, RecordFault::Unknown);
        out.write(spec.features().index(feature).ok_or_else(unknown)?)
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

/// Writes the name of the model, with its NUL, into room for `capacity` bytes; TACITA_NAME_CAPACITY is enough.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_model_name(
    spec: *const tacita_spec,
    name_out: *mut c_char,
    capacity: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("name_out", name_out, capacity)?) };
        out.write_text(spec.model())
    })
}

/// Tells what makes probabilities of logits: `softmax`, `sigmoid` or `identity`. The text never changes while the program
/// runs.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_activation(
    spec: *const tacita_spec,
    name_out: *mut *const c_char,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("name_out", name_out, 1)?) };
        let name = match spec.activation() {
            Activation::Softmax => c"softmax",
            Activation::Sigmoid => c"sigmoid",
            Activation::Identity => c"identity",
        };
        out.write(name.as_ptr())
    })
}

/// Tells how far a logit can be from that of the network before it was rounded to integers, proved for every record of values
/// on the grids.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_logit_error(spec: *const tacita_spec, error_out: *mut f64) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("error_out", error_out, 1)?) };
        out.write(spec.logit_error())
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

/// Tells the number of layouts that the spec permits, at least 1.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_layout_count(spec: *const tacita_spec, count_out: *mut usize) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("count_out", count_out, 1)?) };
        out.write(spec.layouts().count())
    })
}

/// Tells how many features of a record share a ciphertext in layout `index`: 1 in the first, the records layout, and then more
/// and more.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_layout_together(
    spec: *const tacita_spec,
    index: usize,
    together_out: *mut u32,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("together_out", together_out, 1)?) };
        check_index("layout", index, spec.layouts().count())?;
        let layout = spec.layouts().nth(index).ok_or(Failure::from(Error::Bug("a layout is missing")))?;
        out.write(layout.together())
    })
}

/// Tells the layout, as the number of features that share a ciphertext, in which `records` records are probably done the
/// soonest under a key of `key_bits` bits, by a rule of thumb; `tacita_plan_for_evaluator` knows better.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, KEY_SIZE, TOO_LARGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_best_layout(
    spec: *const tacita_spec,
    key_bits: u32,
    records: usize,
    together_out: *mut u32,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("together_out", together_out, 1)?) };
        check_records(records)?;
        out.write(spec.best_layout(KeySize::try_from(key_bits)?.bits(), records)?.together())
    })
}

/// Tells in how many ciphertexts, of a quarter of `key_bits` bytes each, `records` records go up and their answers come down in
/// the layout with `together` features of a record in each.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, KEY_SIZE, TOO_LARGE, ARGUMENT if the spec does not permit the layout or not one
/// record fits such a key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_spec_ciphertexts(
    spec: *const tacita_spec,
    together: u32,
    key_bits: u32,
    records: usize,
    up_out: *mut u64,
    down_out: *mut u64,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, up, down) =
            unsafe { (borrow("spec", spec)?, room("up_out", up_out, 1)?, room("down_out", down_out, 1)?) };
        check_records(records)?;
        let packing = spec.packing(Layout::from_together(together), KeySize::try_from(key_bits)?.bits())?;
        up.write(packing.request_ciphertexts(records, spec.features().len()))?;
        down.write(packing.response_ciphertexts(records, spec.labels().len()))
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
