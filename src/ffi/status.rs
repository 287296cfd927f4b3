//! Errors as numbers, their texts, and the detail of the last one.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int};
use std::path::Path;

use super::guard::guard_or;
use crate::error::{Error, KeyFault, RecordFault};

/// How a call ended. Numbers are never reused: 0 success, 100s a bad call, 200s bad data, 300s a failed machine,
/// 900s a mistake in this library.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tacita_status {
    /// The call did what it should.
    Success = 0,

    /// A pointer is NULL.
    NullPointer = 100,
    /// A handle is of another type than the argument wants.
    WrongHandle = 101,
    /// An argument makes no sense, or not together with another one.
    Argument = 102,
    /// An array has another length than it should.
    Length = 103,
    /// An index is not below the number of things.
    Index = 104,
    /// The buffer is too small for the text and its NUL.
    BufferTooSmall = 105,
    /// The progress callback asked to stop.
    Cancelled = 106,

    /// A value of a record is outside the range of its feature, or is not a finite number. Nothing was encrypted. Do
    /// not tell the service: that would tell it something about the record.
    OutOfRange = 200,
    /// Bytes do not have the form that they should.
    Malformed = 201,
    /// Bytes were changed on the way, a spec or a model perhaps cut or padded: they do not have the SHA-256 that they
    /// claim.
    Damaged = 202,
    /// A length or a count is above a limit.
    TooLarge = 203,
    /// A message is not as long as it says: it was cut or padded on the way.
    CutOrPadded = 204,
    /// A feature of that name is not in the spec.
    FeatureUnknown = 205,
    /// A feature has no value in a record.
    FeatureMissing = 206,
    /// A feature has a value in a record already.
    FeatureTwice = 207,
    /// The modulus of a key does not have 2048, 3072 or 4096 bits.
    KeySize = 210,
    /// The modulus of a key is even.
    KeyEven = 211,
    /// The modulus of a key has a small prime factor.
    KeySmallFactor = 212,
    /// The modulus of a key is prime, or passes for a prime.
    KeyPrime = 213,
    /// A public key comes without its key proof.
    KeyProofMissing = 214,
    /// The key proof does not hold for this public key.
    KeyProofWrong = 215,
    /// The factors of a secret key are not two distinct primes of half the length of the modulus.
    KeyFactors = 216,
    /// The modulus of a key shares a factor with a number derived from it by a hash.
    KeyHash = 217,
    /// The public and the secret part of a key do not belong together.
    KeyParts = 218,
    /// The secret key file is encrypted, and not under this passphrase.
    Passphrase = 219,
    /// Things that belong to different keys were brought together.
    KeyMismatch = 220,
    /// Things that belong to different models were brought together, or the spec is not the pinned one.
    SpecMismatch = 221,
    /// The response answers another request.
    RequestMismatch = 222,
    /// A ciphertext is not valid under its key.
    Ciphertext = 223,
    /// A model cannot be used.
    Model = 224,
    /// A response does not decrypt to an answer. On purpose there is no detail. Never send this on, and never retry
    /// automatically: whoever sees which responses fail can find out by trials what is encrypted.
    Decryption = 225,

    /// The operating system's random source failed.
    Randomness = 300,
    /// A file cannot be read or written.
    Io = 301,
    /// The engine that was asked for, by its name or by the environment variable TACITA_BACKEND, is not one that this machine and
    /// this build have.
    Backend = 302,
    /// Threads cannot be had, or not that many.
    Threads = 303,
    /// The self test came out wrong: do not use this installation.
    SelfTest = 304,
    /// This build of the library was made without this function.
    NotBuilt = 305,

    /// A mistake in this library. Please report it.
    Bug = 900,
}

impl tacita_status {
    #[cfg(test)]
    const ALL: [Self; 39] = {
        use tacita_status::*;
        [
            Success,
            NullPointer,
            WrongHandle,
            Argument,
            Length,
            Index,
            BufferTooSmall,
            Cancelled,
            OutOfRange,
            Malformed,
            Damaged,
            TooLarge,
            CutOrPadded,
            FeatureUnknown,
            FeatureMissing,
            FeatureTwice,
            KeySize,
            KeyEven,
            KeySmallFactor,
            KeyPrime,
            KeyProofMissing,
            KeyProofWrong,
            KeyFactors,
            KeyHash,
            KeyParts,
            Passphrase,
            KeyMismatch,
            SpecMismatch,
            RequestMismatch,
            Ciphertext,
            Model,
            Decryption,
            Randomness,
            Io,
            Backend,
            Threads,
            SelfTest,
            NotBuilt,
            Bug,
        ]
    };
}

impl From<&Error> for tacita_status {
    fn from(error: &Error) -> Self {
        match error {
            Error::Argument(_) => Self::Argument,
            Error::Range { .. } => Self::OutOfRange,
            Error::Record { fault, .. } => match fault {
                RecordFault::Unknown => Self::FeatureUnknown,
                RecordFault::Missing => Self::FeatureMissing,
                RecordFault::Twice => Self::FeatureTwice,
            },
            Error::Count { .. } => Self::Length,
            Error::Malformed { .. } => Self::Malformed,
            Error::Damaged { .. } => Self::Damaged,
            Error::CutOrPadded { .. } => Self::CutOrPadded,
            Error::TooLarge { .. } => Self::TooLarge,
            Error::Key(fault) => match fault {
                KeyFault::Size { .. } => Self::KeySize,
                KeyFault::Even => Self::KeyEven,
                KeyFault::SmallFactor { .. } => Self::KeySmallFactor,
                KeyFault::Prime => Self::KeyPrime,
                KeyFault::MissingProof => Self::KeyProofMissing,
                KeyFault::WrongProof => Self::KeyProofWrong,
                KeyFault::Factors => Self::KeyFactors,
                KeyFault::Hash => Self::KeyHash,
                KeyFault::Parts => Self::KeyParts,
            },
            Error::Passphrase => Self::Passphrase,
            Error::KeyMismatch { .. } => Self::KeyMismatch,
            Error::SpecMismatch { .. } => Self::SpecMismatch,
            Error::RequestMismatch => Self::RequestMismatch,
            Error::Ciphertext { .. } => Self::Ciphertext,
            Error::Model(_) => Self::Model,
            Error::Decryption => Self::Decryption,
            Error::Randomness => Self::Randomness,
            Error::Io { .. } => Self::Io,
            Error::Backend(_) => Self::Backend,
            Error::Threads(_) => Self::Threads,
            Error::SelfTest { .. } => Self::SelfTest,
            Error::Cancelled => Self::Cancelled,
            Error::Bug(_) => Self::Bug,
        }
    }
}

/// The words for a status, from its number, which C may have got from anywhere.
fn text(status: c_int) -> &'static CStr {
    match status {
        0 => c"success",
        100 => c"a pointer is NULL",
        101 => c"a handle is of another type than the argument wants",
        102 => c"an argument makes no sense",
        103 => c"an array has the wrong length",
        104 => c"an index is out of bounds",
        105 => c"the buffer is too small",
        106 => c"cancelled",
        200 => c"a value of a record is outside the range of its feature",
        201 => c"the bytes do not have the form they should",
        202 => c"the bytes do not match their SHA-256",
        203 => c"a length or count is above its limit",
        204 => c"the bytes are cut short or padded",
        205 => c"the spec has no feature of that name",
        206 => c"a feature has no value in a record",
        207 => c"a feature has a value in a record already",
        210 => c"the modulus of the key does not have 2048, 3072 or 4096 bits",
        211 => c"the modulus of the key is even",
        212 => c"the modulus of the key has a small prime factor",
        213 => c"the modulus of the key is prime",
        214 => c"the public key comes without its key proof",
        215 => c"the key proof does not hold for the public key",
        216 => c"the factors of the secret key are not two distinct primes of half its length",
        217 => c"the modulus of the key shares a factor with a number derived from it",
        218 => c"the public and the secret part of the key do not belong together",
        219 => c"the passphrase does not open the secret key file",
        220 => c"these belong to different keys",
        221 => c"these belong to different models, or the spec is not the pinned one",
        222 => c"the response answers another request",
        223 => c"a ciphertext is not valid under its key",
        224 => c"the model cannot be used",
        225 => c"the response does not decrypt to an answer",
        300 => c"the operating system's random source failed",
        301 => c"a file cannot be read or written",
        302 => c"the engine that was asked for, by its name or by TACITA_BACKEND, is not there",
        303 => c"threads cannot be had, or not that many",
        304 => c"the self test came out wrong",
        305 => c"this build of the library was made without this function",
        900 => c"a mistake in tacita",
        _ => c"not a status of this version of tacita",
    }
}

/// A status and what there is to say about it.
#[derive(Debug)]
pub(super) struct Failure {
    status: tacita_status,
    detail: String,
}

impl Failure {
    /// Without control characters, which may be in what a caller or a file called something: a NUL would end the detail for
    /// C, and a terminal would obey others.
    pub(super) fn new(status: tacita_status, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        let printable = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        Self { status, detail: detail.chars().map(printable).collect() }
    }

    /// What is wrong with the content of a file.
    pub(super) fn of_file(path: &Path, error: &Error) -> Self {
        let named = matches!(error, Error::Io { .. });
        let detail = if named { error.to_string() } else { format!("{}: {error}", path.display()) };
        Self::new(error.into(), detail)
    }

    /// Keeps the detail for [`tacita_last_error_detail`].
    pub(super) fn record(self) -> tacita_status {
        // A thread that is just ending, or is in the middle of this, goes without the detail.
        let _ = DETAIL.try_with(|detail| detail.try_borrow_mut().map(|mut detail| *detail = self.detail));
        self.status
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new((&error).into(), error.to_string())
    }
}

thread_local! {
    static DETAIL: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What a status means, in words that never change while the program runs. Any integer is accepted.
///
/// Threads: any. Never fails.
#[unsafe(no_mangle)]
pub extern "C" fn tacita_status_text(status: c_int) -> *const c_char {
    guard_or(c"".as_ptr(), || Ok(text(status).as_ptr()))
}

/// Copies what there is to say about the last call of this thread that failed, such as the name of the feature or of the
/// file; nothing, if none has failed yet. It shows no value of a record; with FEATURE_UNKNOWN it shows the name that was asked for.
/// A text that is too long is cut. A call that succeeds does not change it.
///
/// `detail_out` has room for `capacity` bytes, the closing NUL included; it may be NULL, and then nothing is copied.
/// Returns the length of the whole text without its NUL: less than `capacity`, if it was not cut.
/// Threads: each has a detail of its own. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_last_error_detail(detail_out: *mut c_char, capacity: usize) -> usize {
    guard_or(0, || {
        let copy = |detail: &RefCell<String>| {
            let Ok(detail) = detail.try_borrow() else { return 0 };
            if !detail_out.is_null() && capacity > 0 {
                let length =
                    (0..=detail.len().min(capacity - 1)).rfind(|&end| detail.is_char_boundary(end)).unwrap_or(0);
                // SAFETY: the caller promises room for `capacity` bytes, and `length` is below that.
                unsafe {
                    detail_out.copy_from_nonoverlapping(detail.as_ptr().cast(), length);
                    detail_out.add(length).write(0);
                }
            }
            detail.len()
        };
        Ok(DETAIL.try_with(copy).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_detail(capacity: usize) -> (String, usize) {
        let mut buffer = vec![0x7f; capacity];
        // SAFETY: the buffer has room for `capacity` bytes.
        let length = unsafe { tacita_last_error_detail(buffer.as_mut_ptr().cast(), capacity) };
        let text = CStr::from_bytes_until_nul(&buffer).map(|text| text.to_str().unwrap().to_owned());
        (text.unwrap_or_default(), length)
    }

    #[test]
    fn every_status_has_its_own_text_and_no_other_number_has_one() {
        let unknown = text(-1);
        let numbers = tacita_status::ALL.map(|status| status as c_int);
        assert!(numbers.is_sorted_by(|a, b| a < b));
        for number in -10..1100 {
            assert_eq!(text(number) != unknown, numbers.contains(&number), "{number}");
        }
        for number in numbers {
            assert_eq!(numbers.iter().filter(|&&other| text(other) == text(number)).count(), 1, "{number}");
        }
        assert_eq!([c_int::MIN, c_int::MAX].map(text), [unknown; 2]);
    }

    #[test]
    fn every_status_is_in_the_list_that_these_tests_use() {
        let source = include_str!("status.rs");
        let body = source.split("pub enum tacita_status {").nth(1).unwrap().split("\n}").next().unwrap();
        let names: Vec<_> =
            body.lines().filter_map(|line| line.trim().split_once(" = ")).map(|(name, _)| name).collect();
        assert_eq!(names, tacita_status::ALL.map(|status| format!("{status:?}")));
    }

    #[test]
    fn a_detail_has_no_control_characters() {
        Failure::new(tacita_status::Argument, "a\0b\x1b[2J\nc").record();
        assert_eq!(last_detail(100), ("a\u{fffd}b\u{fffd}[2J\u{fffd}c".to_owned(), 15));
    }

    #[test]
    fn the_detail_is_cut_between_characters_and_keeps_its_length() {
        assert_eq!(last_detail(8), (String::new(), 0));
        Failure::new(tacita_status::Argument, "fünf").record();
        for (capacity, cut) in [(0, ""), (1, ""), (2, "f"), (3, "f"), (4, "fü"), (5, "fün"), (6, "fünf"), (100, "fünf")]
        {
            assert_eq!(last_detail(capacity), (cut.to_owned(), 5), "{capacity}");
        }
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { tacita_last_error_detail(std::ptr::null_mut(), 9) }, 5);
        std::thread::spawn(|| assert_eq!(last_detail(8), (String::new(), 0))).join().unwrap();
    }
}
