//! What comes back from the cloud.

use std::fmt;

use super::Header;
use super::envelope::{Reader, Writer, open, seal};
use super::sequence::sealed;
use crate::error::{Error, Result};

const WHAT: &str = "response";
const KIND: &str = "tacita.response";

/// Encrypted answers.
#[derive(Clone)]
pub struct Response {
    pub(super) header: Header,
    /// Big-endian ciphertexts, part by part for each batch, not looked at yet.
    pub(super) ciphertexts: Vec<u8>,
}

impl Response {
    /// The header of the request that this answers.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of all ciphertexts.
    pub fn ciphertext_bytes(&self) -> usize {
        self.ciphertexts.len()
    }

    /// Writes the response.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(self.ciphertexts.len() + 256);
        writer.encode(|e| e.map(Header::MEMBERS + 1).map(drop));
        self.header.write(&mut writer);
        writer.encode(|e| e.str("ciphertexts")?.bytes(&self.ciphertexts).map(drop));
        seal(KIND, &writer.finish())
    }

    /// Reads a response. Its ciphertexts are looked at when it is decrypted.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::CutOrPadded`] if the file was cut or padded; [`Error::Damaged`] if the content does
    /// not have the SHA-256 it claims.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let content = open(WHAT, KIND, bytes)?;
        let mut reader = Reader::new(WHAT, content);
        if reader.map()? != Header::MEMBERS + 1 {
            return Err(Error::malformed(WHAT, "a member is missing or not known"));
        }
        let header = Header::read(WHAT, &mut reader)?;
        reader.key("ciphertexts")?;
        let ciphertexts = reader.bytes()?.to_vec();
        reader.end()?;
        Ok(Self { header, ciphertexts })
    }
}

impl sealed::Message for Response {
    const WHAT: &'static str = WHAT;
    const KIND: &'static str = KIND;

    fn read(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes(bytes)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({:?}, {} bytes of ciphertexts)", self.header, self.ciphertexts.len())
    }
}
