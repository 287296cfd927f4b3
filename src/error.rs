//! The one error type of the library.
//!
//! A variant stands for something a caller can act on. Variants carry numbers, names and fingerprints, never a value
//! of a record, a plaintext, a weight or a part of a secret key.

use std::path::PathBuf;

use crate::fingerprint::Fingerprint;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the families of the C API's status codes: bad call, bad data, failed machine, a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument makes no sense whatever the data are.
    #[error("{0}")]
    Argument(String),
    /// A value of a record lies outside the range that the spec permits. The value itself is never shown.
    #[error("feature `{feature}` is outside its range {least} to {greatest}{}", in_record(*record))]
    Range {
        /// The record among several, counted from 0.
        record: Option<usize>,
        /// Name of the feature in the spec.
        feature: String,
        /// Least permitted value, as the spec writes it.
        least: String,
        /// Greatest permitted value, as the spec writes it.
        greatest: String,
    },
    /// A record that is filled in by the names of its features is not as its spec wants it.
    #[error("feature `{feature}` {fault}")]
    Record {
        /// Name of the feature.
        feature: String,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// A list has the wrong length.
    #[error("{what}: expected {expected}, found {found}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Bytes from outside do not have the form they should.
    #[error("{what} cannot be read: {why}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The content does not have the SHA-256 it claims: it was changed on the way; a spec or a model perhaps cut or padded.
    #[error("{what} is damaged: its content does not match its SHA-256; fetch or send it again")]
    Damaged {
        /// What was being read.
        what: &'static str,
    },
    /// A message is shorter or longer than it says it is: it was cut or padded on the way.
    #[error("{what} is cut short or padded: it is not as long as it says; fetch or send it again")]
    CutOrPadded {
        /// What was being read.
        what: &'static str,
    },
    /// A length or a count is above a limit that is checked before memory is taken for it.
    #[error("{what} is too large: {found}, at most {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A key is not acceptable.
    #[error("key refused: {0}")]
    Key(#[from] KeyFault),
    /// The passphrase does not open the key file.
    #[error("the passphrase does not open the key file")]
    Passphrase,
    /// Things that belong to different keys were brought together.
    #[error("key mismatch: expected {expected}, found {found}")]
    KeyMismatch {
        /// Fingerprint of the key that was expected.
        expected: Fingerprint,
        /// Fingerprint of the key that came.
        found: Fingerprint,
    },
    /// Things that belong to different models were brought together.
    #[error("spec mismatch: expected {expected}, found {found}")]
    SpecMismatch {
        /// Fingerprint of the spec that was expected.
        expected: Fingerprint,
        /// Fingerprint of the spec that came.
        found: Fingerprint,
    },
    /// A response answers another request.
    #[error("request mismatch: this response does not answer the request at hand")]
    RequestMismatch,
    /// A ciphertext is not a unit modulo n^2.
    #[error("ciphertext {index} is invalid: {why}")]
    Ciphertext {
        /// Its position in the list at hand.
        index: usize,
        /// What is wrong with it.
        why: CiphertextFault,
    },
    /// A network or model cannot be compiled or used.
    #[error("model refused: {0}")]
    Model(String),
    /// A response could not be decrypted to an answer. Deliberately without detail: what fails after decryption must
    /// not be told apart, or the client becomes a decryption oracle. Do not send it on, do not retry automatically.
    #[error("the response does not decrypt to an answer")]
    Decryption,
    /// The operating system's random source failed. There is no fallback.
    #[error("the operating system's random source failed")]
    Randomness,
    /// A file could not be read or written.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        why: String,
    },
    /// The processor lacks what was asked for.
    #[error("backend refused: {0}")]
    Backend(String),
    /// The thread pool cannot be had, or not with that size.
    #[error("threads: {0}")]
    Threads(String),
    /// The [self test](crate::inference::self_test) came out wrong.
    #[error("self test of engine {engine}: {what} comes out wrong; do not use this installation")]
    SelfTest {
        /// The engine that computed.
        engine: &'static str,
        /// What was computed.
        what: &'static str,
    },
    /// The progress callback asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A condition that the library itself guarantees did not hold; please report it.
    #[error("bug in tacita: {0}")]
    Bug(&'static str),
}

fn in_record(record: Option<usize>) -> String {
    record.map_or_else(String::new, |record| format!(" in record {record}, counted from 0"))
}

impl Error {
    /// The same error of one record among several.
    pub(crate) fn of_record(self, index: usize) -> Self {
        match self {
            Self::Range { feature, least, greatest, .. } => {
                Self::Range { record: Some(index), feature, least, greatest }
            }
            other => other,
        }
    }

    pub(crate) fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { what, why: why.into() }
    }

    pub(crate) fn io(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        Self::Io { path: path.into(), why: error.to_string() }
    }
}

/// What is wrong with a feature of a record that is filled in by names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// The spec has no feature of that name.
    #[error("is not one of the spec's")]
    Unknown,
    /// It has no value.
    #[error("has no value in this record")]
    Missing,
    /// It has a value already.
    #[error("has a value in this record already")]
    Twice,
}

/// Why a ciphertext is not a unit modulo n^2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CiphertextFault {
    /// It is 0.
    #[error("it is 0")]
    Zero,
    /// It is n^2 or more.
    #[error("it is not below n^2")]
    TooLarge,
    /// It is not coprime to n.
    #[error("it shares a factor with n")]
    SharedFactor,
}

/// Why a key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// The modulus does not have one of the permitted lengths.
    #[error("the modulus has {bits} bits; 2048, 3072 or 4096 are permitted")]
    Size {
        /// Length of the modulus in bits.
        bits: u32,
    },
    /// The modulus is even.
    #[error("the modulus is even")]
    Even,
    /// The modulus has a small prime factor.
    #[error("the modulus has the small prime factor {factor}")]
    SmallFactor {
        /// The least prime factor.
        factor: u32,
    },
    /// The modulus is a prime, or passes for one.
    #[error("the modulus is prime")]
    Prime,
    /// The public key came without a key proof.
    #[error("the public key comes without a key proof")]
    MissingProof,
    /// The key proof does not belong to this modulus.
    #[error("the key proof does not hold for this modulus")]
    WrongProof,
    /// The two secret factors are not distinct primes of half the length of the modulus.
    #[error("the secret factors are not two distinct primes of half the length of their product")]
    Factors,
    /// A number that a hash of the modulus gives shares a factor with it.
    #[error("the modulus shares a factor with a number derived from it")]
    Hash,
    /// The public and the secret part do not belong together.
    #[error("the public part is not the product of the secret factors")]
    Parts,
}
