//! JSON text: what comes from outside, read within bounds of memory, and what is given out.

use serde::Serialize;
use serde::de::{Deserialize, Error as _};

use crate::error::{Error, Result};

/// Reads one JSON text.
///
/// serde_json's errors quote a string that stands where something else should, with escapes. A raw delete character
/// takes one byte in the text and six in the quote, so such texts are refused; no other character grows beyond 3.5
/// times its size. No file of ours has one, and names may not.
pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if text.as_bytes().contains(&0x7f) {
        return Err(serde_json::Error::custom("a raw delete character"));
    }
    serde_json::from_str(text)
}

/// A JSON error in the words of its parser, without flooding a terminal with what the file says.
pub(crate) fn malformed(what: &'static str, error: &serde_json::Error) -> Error {
    let (line, column, text) = (error.line(), error.column(), error.to_string());
    let printable = text.chars().take(200).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    Error::malformed(what, format!("line {line}, column {column}: {}", printable.collect::<String>()))
}

/// What the library says of itself as JSON text.
pub(crate) fn text(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Bug("JSON cannot be written"))
}
