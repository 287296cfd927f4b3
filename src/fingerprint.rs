//! SHA-256 names of things: a public key, a public spec, the content of a message.

use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The SHA-256 digest (FIPS 180-4) that names a public key or a public spec.
///
/// It is shown and parsed as 64 hexadecimal digits.
///
/// ```
/// # use tacita::Fingerprint;
/// let name = Fingerprint::of(b"abc");
/// let text = name.to_string();
/// assert!(text.starts_with("ba7816bf"));
/// assert_eq!(text.parse::<Fingerprint>()?, name);
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || Error::malformed("fingerprint", "expected 64 hexadecimal digits");
        if text.len() != 2 * Self::LEN || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(malformed());
        }
        let mut bytes = [0; Self::LEN];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| malformed())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| malformed())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_64_hexadecimal_digits_is_refused() {
        let sixty_four_plus_signs = "+".repeat(64);
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &sixty_four_plus_signs] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text:?} was accepted");
        }
    }
}
