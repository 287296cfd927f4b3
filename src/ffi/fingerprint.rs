//! Fingerprints: the 32 bytes that name a public key or a spec.

use std::ffi::c_char;

use super::guard::guard;
use super::pointers::{self, c_str, room};
use super::status::tacita_status;
use crate::Fingerprint;
use crate::error::Error;

/// Bytes of a fingerprint, a SHA-256 digest.
pub const TACITA_FINGERPRINT_LEN: usize = 32;
/// Bytes of a fingerprint as text: 64 hexadecimal digits and a NUL.
pub const TACITA_FINGERPRINT_HEX_LEN: usize = 65;

const _: () = assert!(TACITA_FINGERPRINT_LEN == Fingerprint::LEN);
const _: () = assert!(TACITA_FINGERPRINT_HEX_LEN == 2 * Fingerprint::LEN + 1);

/// Writes a fingerprint as 64 hexadecimal digits and a NUL.
///
/// Threads: any.
/// Fails with: NULL_POINTER.
/// cbindgen:ptrs-as-arrays=[[fingerprint; TACITA_FINGERPRINT_LEN], [hex_out; TACITA_FINGERPRINT_HEX_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_fingerprint_to_hex(fingerprint: *const u8, hex_out: *mut c_char) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (fingerprint, out) = unsafe {
            (pointers::fingerprint("fingerprint", fingerprint)?, room("hex_out", hex_out, TACITA_FINGERPRINT_HEX_LEN)?)
        };
        out.write_text(&fingerprint.to_string())
    })
}

/// Reads a fingerprint of 64 hexadecimal digits.
///
/// Threads: any.
/// Fails with: NULL_POINTER, MALFORMED.
/// cbindgen:ptrs-as-arrays=[[fingerprint_out; TACITA_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_fingerprint_from_hex(hex: *const c_char, fingerprint_out: *mut u8) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (hex, out) = unsafe { (c_str("hex", hex)?, room("fingerprint_out", fingerprint_out, Fingerprint::LEN)?) };
        let hex = hex.to_str().map_err(|_| Error::malformed("fingerprint", "it is not UTF-8"))?;
        out.write_all(hex.parse::<Fingerprint>()?.as_bytes())
    })
}
