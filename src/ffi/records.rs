//! Records that are filled in by the names of their features.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{name, room, slice};
use super::spec::tacita_spec;
use super::status::{Failure, tacita_status};
use crate::inference::Records;

/// Records for one model, filled in feature by feature: whoever does not know the order of the features cannot get it wrong.
/// It is one of the two types of handles that calls change: they wait for each other, but a record takes several calls, so
/// threads that filled one handle together would mix their records. Give each its own. The records stay until
/// `tacita_records_clear`, also when they were encrypted or refused. Their values are overwritten then, or when the handle is
/// freed.
pub struct tacita_records {
    _opaque: [u8; 0],
}

impl Handle for tacita_records {
    const ROLE: Role = Role::Records;
    type Value = Mutex<Records>;
}

/// The records of a handle. A panic inside leaves at worst a record half filled in.
///
/// # Safety
/// As [`borrow`].
pub(super) unsafe fn locked<'a>(records: *const tacita_records) -> Result<MutexGuard<'a, Records>, Failure> {
    // SAFETY: passed on to the caller.
    let records = unsafe { borrow("records", records) }?;
    Ok(records.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Starts without any record.
///
/// Threads: any number may share `spec`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_records_new(
    spec: *const tacita_spec,
    records_out: *mut *mut tacita_records,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, out) = unsafe { (borrow("spec", spec)?, room("records_out", records_out, 1)?) };
        out.give(Mutex::new(Records::new(spec)))
    })
}

/// Sets the feature of the current record that has this name, as `tacita_spec_feature_name` writes it. The first value
/// begins the record. Whether it is in range is seen when the record is encrypted.
///
/// Threads: any number may share `records`; they wait for each other.
/// Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, FEATURE_UNKNOWN, FEATURE_TWICE, OUT_OF_RANGE
/// if the value is not a finite number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_records_set(
    records: *mut tacita_records,
    feature: *const c_char,
    value: f64,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (mut records, feature) = unsafe { (locked(records.cast_const())?, name("feature", feature)?) };
        Ok(records.set(feature, value)?)
    })
}

/// Sets all features of a run of the current record, those that are named `prefix_0`, `prefix_1` and so on.
///
/// Threads: any number may share `records`; they wait for each other.
/// Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the prefix is not UTF-8, FEATURE_UNKNOWN if the spec has no such run,
/// LENGTH if it has another length, FEATURE_TWICE, OUT_OF_RANGE if a value is not a finite number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_records_set_run(
    records: *mut tacita_records,
    prefix: *const c_char,
    values: *const f64,
    values_len: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (mut records, prefix, values) =
            unsafe { (locked(records.cast_const())?, name("prefix", prefix)?, slice("values", values, values_len)?) };
        Ok(records.set_run(prefix, values)?)
    })
}

/// Ends the current record; the next value begins another one.
///
/// Threads: any number may share `records`; they wait for each other.
/// Fails with: NULL_POINTER, WRONG_HANDLE, FEATURE_MISSING, after which what is missing can still be set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_records_end_record(records: *mut tacita_records) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let mut records = unsafe { locked(records.cast_const()) }?;
        Ok(records.end_record()?)
    })
}

/// Tells the number of records that were ended.
///
/// Threads: any number may share `records`; they wait for each other.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_records_count(records: *const tacita_records, count_out: *mut usize) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (records, out) = unsafe { (locked(records)?, room("count_out", count_out, 1)?) };
        out.write(records.count())
    })
}

/// Overwrites and forgets all records, the current one too. A call that is just encrypting them keeps its own until it ends.
///
/// Threads: any number may share `records`; they wait for each other.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_records_clear(records: *mut tacita_records) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let mut records = unsafe { locked(records.cast_const()) }?;
        records.clear();
        Ok(())
    })
}

/// Overwrites and frees records; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `records`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_records_free(records: *mut tacita_records) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(records) }
    })
}
