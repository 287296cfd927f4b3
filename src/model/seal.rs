//! The SHA-256 that a file of ours carries of itself.
//!
//! At a fixed place of the file stand 64 lower-case hexadecimal digits: the SHA-256 of the file without these digits.
//! So every byte is covered, and the check needs no parser. It is against accidents; a forger can compute it too.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;

/// Length of the digest in digits.
pub(super) const DIGITS: usize = 2 * Fingerprint::LEN;

/// The digest of what stands before and after its digits.
pub(super) fn digest(before: &[u8], after: &[u8]) -> Fingerprint {
    let digest: [u8; Fingerprint::LEN] = Sha256::new().chain_update(before).chain_update(after).finalize().into();
    digest.into()
}

/// Checks the digest whose digits begin at byte `at`, and returns it.
pub(super) fn check(what: &'static str, bytes: &[u8], at: usize) -> Result<Fingerprint> {
    let cut = || Error::malformed(what, "it ends before its SHA-256 does");
    let (before, rest) = bytes.split_at_checked(at).ok_or_else(cut)?;
    let (digits, after) = rest.split_at_checked(DIGITS).ok_or_else(cut)?;
    let found = digest(before, after);
    if digits == found.to_string().as_bytes() { Ok(found) } else { Err(Error::Damaged { what }) }
}
