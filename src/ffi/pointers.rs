//! Pointers from C, checked as far as they can be before they are followed.

use std::ffi::{CStr, c_char};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::handle::{Handle, into_handle};
use super::status::{Failure, tacita_status};
use crate::Fingerprint;
use crate::error::Error;

fn check<T>(name: &str, pointer: *const T) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::new(tacita_status::NullPointer, format!("{name} is NULL")));
    }
    if !pointer.is_aligned() {
        return Err(Failure::new(tacita_status::Argument, format!("{name} is not aligned")));
    }
    Ok(())
}

/// A borrowed array.
///
/// # Safety
/// `pointer` is NULL or points to `length` values that nobody changes while the slice is used.
pub(super) unsafe fn slice<'a, T>(name: &str, pointer: *const T, length: usize) -> Result<&'a [T], Failure> {
    check(name, pointer)?;
    if length > isize::MAX as usize / size_of::<T>() {
        return Err(Failure::new(tacita_status::Length, format!("{name}: no array has {length} values")));
    }
    // SAFETY: neither NULL nor unaligned nor too long; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// Borrowed text of at most `limit` bytes; not a byte is read if there are more.
///
/// # Safety
/// As [`slice`].
pub(super) unsafe fn text<'a>(
    name: &'static str,
    pointer: *const u8,
    length: usize,
    limit: usize,
) -> Result<&'a str, Failure> {
    // SAFETY: passed on to the caller.
    let bytes = unsafe { slice(name, pointer, length) }?;
    if length > limit {
        return Err(Error::TooLarge { what: name, found: length as u64, limit: limit as u64 }.into());
    }
    std::str::from_utf8(bytes).map_err(|_| Error::malformed(name, "it is not UTF-8").into())
}

/// A borrowed string of C.
///
/// # Safety
/// `pointer` is NULL or points to a string with its NUL that nobody changes while the result is used.
pub(super) unsafe fn c_str<'a>(name: &str, pointer: *const c_char) -> Result<&'a CStr, Failure> {
    check(name, pointer)?;
    // SAFETY: not NULL; the rest is the caller's promise.
    Ok(unsafe { CStr::from_ptr(pointer) })
}

/// A borrowed string of C that is a name.
///
/// # Safety
/// As [`c_str`].
pub(super) unsafe fn name<'a>(what: &'static str, pointer: *const c_char) -> Result<&'a str, Failure> {
    // SAFETY: passed on to the caller.
    let text = unsafe { c_str(what, pointer) }?;
    text.to_str().map_err(|_| Error::malformed(what, "it is not UTF-8").into())
}

/// A borrowed path: any bytes where paths are bytes, UTF-8 elsewhere.
///
/// # Safety
/// As [`c_str`].
pub(super) unsafe fn path<'a>(name: &str, pointer: *const c_char) -> Result<&'a Path, Failure> {
    // SAFETY: passed on to the caller.
    let text = unsafe { c_str(name, pointer) }?;
    #[cfg(unix)]
    return Ok(Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(text.to_bytes())));
    #[cfg(not(unix))]
    text.to_str().map(Path::new).map_err(|_| Failure::new(tacita_status::Argument, format!("{name} is not UTF-8")))
}

/// A whole file, of at most a byte more than `limit`: that shows that a file is too long, however long it is.
pub(super) fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| Error::io(path, &error))?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| Error::io(path, &error))?;
    Ok(bytes)
}

/// A fingerprint.
///
/// # Safety
/// `pointer` is NULL or points to 32 bytes.
pub(super) unsafe fn fingerprint(name: &str, pointer: *const u8) -> Result<Fingerprint, Failure> {
    check(name, pointer)?;
    // SAFETY: not NULL; the rest is the caller's promise. An array of bytes needs no alignment.
    Ok(unsafe { pointer.cast::<[u8; Fingerprint::LEN]>().read() }.into())
}

/// Room for `length` results, checked before the work begins and written when it has succeeded.
///
/// It stays a raw pointer: a caller may pass the same room twice, which references would make undefined.
pub(super) struct Room<T> {
    pointer: *mut T,
    length: usize,
}

/// Room for results.
///
/// # Safety
/// `pointer` is NULL or points to room for `length` values, until they are written.
pub(super) unsafe fn room<T: Copy>(name: &str, pointer: *mut T, length: usize) -> Result<Room<T>, Failure> {
    check(name, pointer)?;
    Ok(Room { pointer, length })
}

impl<T: Copy> Room<T> {
    /// Writes one value to the first place.
    pub(super) fn write(self, value: T) -> Result<(), Failure> {
        self.write_all(&[value])
    }

    /// Writes values into room for just as many.
    pub(super) fn write_all(self, values: &[T]) -> Result<(), Failure> {
        if values.len() != self.length {
            let detail = format!("room for {} values, and there are {}", self.length, values.len());
            return Err(Failure::new(tacita_status::Length, detail));
        }
        // SAFETY: `room` was promised as much; what is inside our own values is not C's room.
        unsafe { self.pointer.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        Ok(())
    }
}

impl<H: Handle> Room<*mut H> {
    /// Gives a new handle out.
    pub(super) fn give(self, value: H::Value) -> Result<(), Failure> {
        self.write(into_handle(value))
    }
}

impl Room<c_char> {
    /// Writes a text and its NUL into room for at least as many bytes.
    pub(super) fn write_text(self, text: &str) -> Result<(), Failure> {
        let needed = text.len() + 1;
        if self.length < needed {
            let detail = format!("room for {} bytes, and the text with its NUL has {needed}", self.length);
            return Err(Failure::new(tacita_status::BufferTooSmall, detail));
        }
        // SAFETY: `room` was promised as much; what is inside our own text is not C's room.
        unsafe {
            self.pointer.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
            self.pointer.add(text.len()).write(0);
        }
        Ok(())
    }
}

/// Refuses an index that is not below `count`.
pub(super) fn check_index(name: &str, index: usize, count: usize) -> Result<(), Failure> {
    if index < count {
        return Ok(());
    }
    Err(Failure::new(tacita_status::Index, format!("{name} {index} is not below {count}")))
}
