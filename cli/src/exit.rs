//! Exit codes: one table for the command, its help and `docs/cli.md`.

use std::fmt::Write;

use tacita::{CiphertextFault, Error, KeyFault};

macro_rules! exits {
    ($($variant:ident = $code:literal, $name:literal, $meaning:literal;)*) => {
        /// Why the command failed. The tens tell the family, see [`FAMILIES`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Exit {
            $(#[doc = $meaning] $variant = $code,)*
        }

        impl Exit {
            /// All of them, by code.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in JSON.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it says.
            pub(crate) fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                }
            }
        }
    };
}

exits! {
    Usage = 2, "usage", "the command line cannot be understood";
    Argument = 10, "argument", "an argument makes no sense, or not together with another";
    WouldOverwrite = 11, "would-overwrite", "a secret key stands where the output would go";
    NoKey = 12, "no-key", "the request does not carry its public key, and none was given";
    Malformed = 20, "malformed", "a file is not of the form it should have";
    Damaged = 21, "damaged", "a file's content does not match its SHA-256";
    CutOrPadded = 22, "cut-or-padded", "a message was cut or padded";
    TooLarge = 23, "too-large", "a file, or a number in it, is above a limit";
    Count = 24, "count", "a list has the wrong length";
    UnknownFile = 25, "unknown-file", "a file is of no kind that tacita knows";
    Record = 26, "record", "a record cannot be read";
    Range = 27, "range", "a value of a record lies outside the range of its feature";
    Model = 28, "model", "a network or a model cannot be used";
    Dataset = 29, "dataset", "a data set cannot be read";
    KeyMismatch = 30, "key-mismatch", "things of different keys came together, or the key is not the pinned one";
    SpecMismatch = 31, "spec-mismatch", "things of different models came together, or the spec is not the pinned one";
    RequestMismatch = 32, "request-mismatch", "the response answers another request";
    Passphrase = 33, "passphrase", "the passphrase does not open the secret key file";
    KeySize = 40, "key-size", "key: the modulus has a wrong length";
    KeyEven = 41, "key-even", "key: the modulus is even";
    KeySmallFactor = 42, "key-small-factor", "key: the modulus has a small prime factor";
    KeyPrime = 43, "key-prime", "key: the modulus is prime";
    KeyMissingProof = 44, "key-missing-proof", "key: it comes without a key proof";
    KeyWrongProof = 45, "key-wrong-proof", "key: the key proof does not hold, or is another key's";
    KeyFactors = 46, "key-factors", "key: the secret factors are not two primes of equal length";
    KeyHash = 47, "key-hash", "key: the modulus shares a factor with a number derived from it";
    KeyParts = 48, "key-parts", "key: public and secret part do not belong together";
    KeyOther = 49, "key-other", "key: refused for another reason";
    CiphertextZero = 50, "ciphertext-zero", "a ciphertext is 0";
    CiphertextTooLarge = 51, "ciphertext-too-large", "a ciphertext is n^2 or more";
    CiphertextSharedFactor = 52, "ciphertext-shared-factor", "a ciphertext shares a factor with n";
    CiphertextOther = 53, "ciphertext-other", "a ciphertext is invalid for another reason";
    Decryption = 59, "decryption", "the response does not decrypt to an answer; never report this to the service";
    Io = 60, "io", "a file cannot be read or written";
    Randomness = 61, "randomness", "the operating system's random source failed";
    Threads = 62, "threads", "the threads cannot be had";
    Backend = 63, "backend", "the processor lacks what TACITA_BACKEND asks for";
    Cancelled = 64, "cancelled", "the work was cancelled";
    NoProgram = 65, "no-program", "tacita-train is not installed";
    Bug = 70, "bug", "a bug in tacita; please report it";
}

/// The families: first and last code, and what is to blame.
pub(crate) const FAMILIES: [(u8, u8, &str); 4] =
    [(2, 19, "bad usage"), (20, 59, "bad data"), (60, 69, "failure of the machine"), (70, 79, "bug")];

impl Exit {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// Who is to blame.
    pub(crate) fn family(self) -> &'static str {
        let family = FAMILIES.iter().find(|(first, last, _)| (*first..=*last).contains(&self.code()));
        family.map_or("bug", |(_, _, name)| name)
    }

    /// The table, for `--help`.
    pub(crate) fn help() -> String {
        let mut text = String::from("Exit codes:\n   0  success\n");
        for (first, last, family) in FAMILIES {
            for exit in Self::ALL.iter().filter(|exit| (first..=last).contains(&exit.code())) {
                let _ = writeln!(text, "  {:2}  {family}: {}", exit.code(), exit.meaning());
            }
        }
        text
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error {
            Error::Argument(_) => Self::Argument,
            Error::Range { .. } => Self::Range,
            Error::Record { .. } => Self::Record,
            Error::Count { .. } => Self::Count,
            Error::Malformed { .. } => Self::Malformed,
            Error::Damaged { .. } => Self::Damaged,
            Error::CutOrPadded { .. } => Self::CutOrPadded,
            Error::TooLarge { .. } => Self::TooLarge,
            Error::Key(fault) => match fault {
                KeyFault::Size { .. } => Self::KeySize,
                KeyFault::Even => Self::KeyEven,
                KeyFault::SmallFactor { .. } => Self::KeySmallFactor,
                KeyFault::Prime => Self::KeyPrime,
                KeyFault::MissingProof => Self::KeyMissingProof,
                KeyFault::WrongProof => Self::KeyWrongProof,
                KeyFault::Factors => Self::KeyFactors,
                KeyFault::Hash => Self::KeyHash,
                KeyFault::Parts => Self::KeyParts,
                _ => Self::KeyOther,
            },
            Error::Passphrase => Self::Passphrase,
            Error::KeyMismatch { .. } => Self::KeyMismatch,
            Error::SpecMismatch { .. } => Self::SpecMismatch,
            Error::RequestMismatch => Self::RequestMismatch,
            Error::Ciphertext { why, .. } => match why {
                CiphertextFault::Zero => Self::CiphertextZero,
                CiphertextFault::TooLarge => Self::CiphertextTooLarge,
                CiphertextFault::SharedFactor => Self::CiphertextSharedFactor,
                _ => Self::CiphertextOther,
            },
            Error::Model(_) => Self::Model,
            Error::Decryption => Self::Decryption,
            Error::Randomness => Self::Randomness,
            Error::Io { .. } => Self::Io,
            Error::Backend(_) => Self::Backend,
            Error::Threads(_) => Self::Threads,
            Error::Cancelled => Self::Cancelled,
            // Also a variant that this table does not know yet.
            _ => Self::Bug,
        }
    }
}

/// A failure with its exit code. The message never shows a value of a record or a part of a secret key.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// The same failure, said of something.
    pub(crate) fn of(self, what: impl std::fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Exit::from(&error), error.to_string())
    }
}

/// Says of what a library call failed.
pub(crate) trait Of<T> {
    /// The result, its failure said of `what`.
    fn of(self, what: impl std::fmt::Display) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Of<T> for Result<T, E> {
    fn of(self, what: impl std::fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| error.into().of(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_the_same_table() {
        let manual = include_str!("../../docs/cli.md");
        let rows: Vec<_> = manual.lines().filter(|line| line.starts_with("| ") && line.contains("` |")).collect();
        let row =
            |exit: &Exit| format!("| {} | `{}` | {} | {} |", exit.code(), exit.name(), exit.family(), exit.meaning());
        for exit in Exit::ALL {
            assert!(rows.contains(&&*row(exit)), "docs/cli.md lacks\n{}", row(exit));
        }
        let in_manual = rows.iter().filter(|row| row[2..].starts_with(|c: char| c.is_ascii_digit())).count();
        assert_eq!(in_manual, Exit::ALL.len(), "docs/cli.md has rows that the command does not");
    }

    #[test]
    fn codes_are_distinct_and_each_has_a_family() {
        let codes: Vec<_> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b));
        for exit in Exit::ALL {
            let families = FAMILIES.iter().filter(|(first, last, _)| (*first..=*last).contains(&exit.code()));
            assert_eq!(families.count(), 1, "{exit:?}");
            assert!(Exit::help().contains(exit.meaning()));
        }
    }
}
