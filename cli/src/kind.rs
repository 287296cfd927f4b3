//! The kinds of files that are tacita's own, told by their first look.

use std::fmt;

use tacita::Fingerprint;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    PublicKey,
    SecretKey,
    Spec,
    Model,
    Network,
    Request,
    Response,
    VerifiedKeys,
    Predictions,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::PublicKey,
        Self::SecretKey,
        Self::Spec,
        Self::Model,
        Self::Network,
        Self::Request,
        Self::Response,
        Self::VerifiedKeys,
        Self::Predictions,
    ];

    /// What the bytes seem to be. Whether they are it, their reader decides. Takes no memory.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let begins = |at: usize, with: &str| bytes.get(at..).is_some_and(|rest| rest.starts_with(with.as_bytes()));
        let contains = |part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
        // Keys may come from elsewhere, with white space before them.
        let is_object = bytes.trim_ascii_start().starts_with(b"{");
        // A safetensors file begins with the length of its JSON header.
        let length = || bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
        if tacita::paillier::is_encrypted(bytes) {
            Some(Self::SecretKey)
        } else if begins(1, "\x6etacita.request") {
            Some(Self::Request)
        } else if begins(1, "\x6ftacita.response") {
            Some(Self::Response)
        } else if begins(8, r#"{"__metadata__":{"tacita.sha256":"#) {
            Some(Self::Model)
        } else if begins(0, "{\n  \"sha256\": \"") {
            Some(Self::Spec)
        } else if begins(0, r#"{"records":["#) {
            Some(Self::Predictions)
        } else if is_object && contains(r#""kty""#) {
            Some(if contains(r#""p""#) { Self::SecretKey } else { Self::PublicKey })
        } else if begins(0, "{") && contains(r#""tacita-spec/"#) {
            Some(Self::Spec)
        } else if begins(8, "{") && length().is_some_and(|length| length < 1 << 40) {
            Some(Self::Network)
        } else if bytes.len() >= 2 * Fingerprint::LEN && fingerprints(bytes).is_some() {
            Some(Self::VerifiedKeys)
        } else {
            None
        }
    }

    /// Whether only its owner may read it.
    pub(crate) fn is_private(self) -> bool {
        matches!(self, Self::SecretKey | Self::Model | Self::Predictions)
    }

    /// Whether it may be shown on a terminal.
    pub(crate) fn is_printable(self) -> bool {
        matches!(self, Self::PublicKey | Self::Spec | Self::VerifiedKeys | Self::Predictions)
    }

    /// All kinds in words.
    pub(crate) fn list() -> String {
        Self::ALL.map(|kind| kind.to_string()).join(", ")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PublicKey => "public key",
            Self::SecretKey => "secret key",
            Self::Spec => "public spec",
            Self::Model => "private model",
            Self::Network => "network",
            Self::Request => "request",
            Self::Response => "response",
            Self::VerifiedKeys => "list of verified keys",
            Self::Predictions => "predictions",
        })
    }
}

/// The fingerprints of a list with one a line.
pub(crate) fn fingerprints(bytes: &[u8]) -> Option<Vec<Fingerprint>> {
    std::str::from_utf8(bytes).ok()?.lines().map(|line| line.trim().parse().ok()).collect()
}
