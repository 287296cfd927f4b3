//! What requests and responses have in common: CBOR (RFC 8949) of the form `[kind, version, sha256, content]`.
//!
//! The content is itself CBOR in a byte string, so that its SHA-256 is checked before anything in it is parsed. That guards
//! against accidents, not against forgers. The grammar is in `docs/messages.cddl`. Writers emit, and readers demand, the
//! deterministic form: definite lengths and the members in the grammar's order.

use std::io::Read;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;

const VERSION: u32 = 1;

/// Wraps the content up.
pub(super) fn seal(kind: &str, content: &[u8]) -> Vec<u8> {
    let digest = Fingerprint::of(content);
    // 64 bytes are more than kind, version, digest and the heads take.
    let mut writer = Writer::new(content.len() + 64 + kind.len());
    writer.encode(|e| {
        e.array(4)?.str(kind)?.u32(VERSION)?.bytes(digest.as_bytes())?.bytes(content)?;
        Ok(())
    });
    writer.finish()
}

/// Checks everything but the content, and gives that out.
pub(super) fn open<'a>(what: &'static str, kind: &str, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let mut reader = Reader::new(what, bytes);
    reader.array(4)?;
    let found = reader.text()?;
    if found != kind {
        let why = if found.starts_with("tacita.") { "it is another kind of tacita file" } else { "it is not one" };
        return Err(Error::malformed(what, why));
    }
    let version = reader.unsigned()?;
    if version != u64::from(VERSION) {
        let why = format!("format version {version} is not known here, only {VERSION}; update tacita");
        return Err(Error::malformed(what, why));
    }
    // What says so clearly what it is, and ends too early or too late, was cut or padded on the way.
    let whole = |reader: &Reader| if reader.is_cut() { Err(Error::CutOrPadded { what }) } else { Ok(()) };
    whole(&reader)?;
    let digest = reader.array_of::<{ Fingerprint::LEN }>()?;
    whole(&reader)?;
    let content = reader.bytes()?;
    if !reader.at_end() {
        return Err(Error::CutOrPadded { what });
    }
    if Fingerprint::of(content).as_bytes() != &digest {
        return Err(Error::Damaged { what });
    }
    Ok(content)
}

/// What stands next in an input.
pub(super) enum Next {
    /// Something that begins like a message of the kind: all of it, or as much as there is.
    Item(Vec<u8>),
    /// The beginning of something else; empty at the end.
    Other(Vec<u8>),
}

/// Reads up to the end of the next message, and not beyond. Its length is looked at before memory is taken for it, and
/// memory is taken as bytes arrive.
pub(super) fn next(what: &'static str, kind: &str, input: &mut impl Read, max_bytes: u64) -> Result<Next> {
    let mut item = Vec::new();
    let mut read = |length: u64, item: &mut Vec<u8>| {
        let read = input.by_ref().take(length).read_to_end(item).map_err(|error| Error::io(what, &error))?;
        Ok::<_, Error>(read as u64 == length)
    };
    // All of the envelope but the content and its head.
    let mut front = Writer::new(64);
    front.encode(|e| e.array(4)?.str(kind)?.u32(VERSION)?.bytes(&[0; Fingerprint::LEN]).map(drop));
    let front = front.finish();
    let begins = front.len() - Fingerprint::LEN;
    read(front.len() as u64, &mut item)?;
    if item.len() < begins || item[..begins] != front[..begins] {
        return Ok(Next::Other(item));
    }
    let head = item.len();
    // The head of a byte string: major type 2, and the length in it or in 1, 2, 4 or 8 bytes.
    let longer = match (read(1, &mut item)?, item.last()) {
        (true, Some(0x40..0x58)) => 0,
        (true, Some(long @ 0x58..=0x5b)) => 1 << (long - 0x58),
        _ => return Ok(Next::Item(item)),
    };
    if !read(longer, &mut item)? {
        return Ok(Next::Item(item));
    }
    let length = match longer {
        0 => u64::from(item[head] - 0x40),
        _ => item[head + 1..].iter().fold(0, |length, &byte| length << 8 | u64::from(byte)),
    };
    let found = length.saturating_add(item.len() as u64);
    if found > max_bytes {
        return Err(Error::TooLarge { what, found, limit: max_bytes });
    }
    read(length, &mut item)?;
    Ok(Next::Item(item))
}

/// CBOR into memory, which cannot fail.
pub(super) struct Writer(Encoder<Vec<u8>>);

impl Writer {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Encoder::new(Vec::with_capacity(capacity)))
    }

    pub(super) fn encode(
        &mut self,
        write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
    ) {
        write(&mut self.0).expect("writing to memory does not fail");
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }
}

/// CBOR from outside: each item checked for type and length, none copied before its length is known.
pub(super) struct Reader<'a> {
    what: &'static str,
    decoder: Decoder<'a>,
    length: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, decoder: Decoder::new(bytes), length: bytes.len() }
    }

    fn malformed(&self, expected: &str) -> Error {
        Error::malformed(self.what, format!("expected {expected} at byte {}", self.decoder.position()))
    }

    /// Reads an item: `read` gives it with the argument of its head and the length of what follows the head. As the
    /// deterministic form wants it (RFC 8949, section 4.2.1), the head is as short as its argument permits.
    fn item<T>(&mut self, expected: &str, read: impl FnOnce(&mut Decoder<'a>) -> Option<(T, u64, usize)>) -> Result<T> {
        let start = self.decoder.position();
        match read(&mut self.decoder) {
            Some((item, argument, payload)) if self.decoder.position() - start - payload == minicbor::len(argument) => {
                Ok(item)
            }
            _ => {
                self.decoder.set_position(start);
                Err(self.malformed(expected))
            }
        }
    }

    pub(super) fn array(&mut self, length: u64) -> Result<()> {
        let expected = format!("an array of {length} items");
        self.item(&expected, |d| d.array().ok().flatten().filter(|&found| found == length).map(|found| ((), found, 0)))
    }

    /// The number of members of a map.
    pub(super) fn map(&mut self) -> Result<u64> {
        self.item("a map", |d| d.map().ok().flatten().map(|length| (length, length, 0)))
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        self.item("a text", |d| d.str().ok().map(|text| (text, text.len() as u64, text.len())))
    }

    pub(super) fn key(&mut self, name: &str) -> Result<()> {
        if self.text()? == name { Ok(()) } else { Err(self.malformed(&format!("the member `{name}`"))) }
    }

    pub(super) fn unsigned(&mut self) -> Result<u64> {
        self.item("an unsigned integer", |d| d.u64().ok().map(|number| (number, number, 0)))
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        self.decoder.bool().map_err(|_| self.malformed("a boolean"))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        self.item("a byte string", |d| d.bytes().ok().map(|bytes| (bytes, bytes.len() as u64, bytes.len())))
    }

    pub(super) fn array_of<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|_| self.malformed(&format!("a byte string of {N} bytes")))
    }

    /// Whether the bytes end before the next item does, which should be a byte string. Of anything else only the beginning is
    /// skipped: open arrays in one another take memory.
    fn is_cut(&self) -> bool {
        let (mut next, rest) = (self.decoder.clone(), &self.decoder.input()[self.decoder.position()..]);
        let skipped = match next.datatype() {
            Ok(Type::Bytes) => next.bytes().map(drop),
            _ => Decoder::new(&rest[..rest.len().min(1024)]).skip(),
        };
        skipped.is_err_and(|error| error.is_end_of_input())
    }

    pub(super) fn at_end(&self) -> bool {
        self.decoder.position() == self.length
    }

    pub(super) fn end(&self) -> Result<()> {
        if self.at_end() { Ok(()) } else { Err(self.malformed("the end")) }
    }
}
