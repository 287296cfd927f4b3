//! What goes from the hospital to the cloud.

use std::fmt;

use rug::integer::Order;

use super::Header;
use super::envelope::{Reader, Writer, open, seal};
use super::sequence::sealed;
use crate::error::{Error, Result};
use crate::paillier::{KeyProof, UnverifiedPublicKey};

const WHAT: &str = "request";
const KIND: &str = "tacita.request";

/// Encrypted records, with the public key where the evaluator may not have it yet.
#[derive(Clone)]
pub struct Request {
    pub(super) header: Header,
    pub(super) public_key: Option<UnverifiedPublicKey>,
    /// Big-endian ciphertexts, feature by feature for each batch, not looked at yet.
    pub(super) ciphertexts: Vec<u8>,
}

impl Request {
    /// Names the request; a response must repeat it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The public key that came along. It has the fingerprint that the header names, and nothing else is known of it.
    pub fn public_key(&self) -> Option<&UnverifiedPublicKey> {
        self.public_key.as_ref()
    }

    /// Bytes of all ciphertexts.
    pub fn ciphertext_bytes(&self) -> usize {
        self.ciphertexts.len()
    }

    /// The same request without its public key, for an evaluator that has it: about 13 times the length of n less.
    pub fn without_key(mut self) -> Self {
        self.public_key = None;
        self
    }

    /// Writes the request.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Header and heads take less than 256 bytes, a key with its proof 12 times the length of n.
        let mut writer = Writer::new(self.ciphertexts.len() + 256 + 12 * 512);
        let members = Header::MEMBERS + 1 + u64::from(self.public_key.is_some());
        writer.encode(|e| e.map(members).map(drop));
        self.header.write(&mut writer);
        if let Some(key) = &self.public_key {
            writer.encode(|e| {
                e.str("public_key")?.map(2 + u64::from(key.proof().is_some()))?;
                e.str("n")?.bytes(&key.modulus().to_digits::<u8>(Order::Msf))?;
                e.str("short_nonces")?.bool(key.short_nonces())?;
                if let Some(proof) = key.proof() {
                    e.str("proof")?.bytes(proof.as_bytes())?;
                }
                Ok(())
            });
        }
        writer.encode(|e| e.str("ciphertexts")?.bytes(&self.ciphertexts).map(drop));
        seal(KIND, &writer.finish())
    }

    /// Reads a request. The ciphertexts are looked at when the request is evaluated, with the key known.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::CutOrPadded`] if the file was cut or padded; [`Error::Damaged`] if the content does
    /// not have the SHA-256 it claims; [`Error::Key`] if the public key has an impossible length; [`Error::KeyMismatch`] if
    /// it is not the one that the header names.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let content = open(WHAT, KIND, bytes)?;
        let mut reader = Reader::new(WHAT, content);
        let members = reader.map()?;
        let with_key = match members.checked_sub(Header::MEMBERS) {
            Some(1) => false,
            Some(2) => true,
            _ => return Err(Error::malformed(WHAT, "a member is missing or not known")),
        };
        let header = Header::read(WHAT, &mut reader)?;
        let public_key = with_key.then(|| read_key(&mut reader)).transpose()?;
        if let Some(found) = public_key.as_ref().map(UnverifiedPublicKey::fingerprint)
            && found != header.key
        {
            return Err(Error::KeyMismatch { expected: header.key, found });
        }
        reader.key("ciphertexts")?;
        let ciphertexts = reader.bytes()?.to_vec();
        reader.end()?;
        Ok(Self { header, public_key, ciphertexts })
    }
}

fn read_key(reader: &mut Reader) -> Result<UnverifiedPublicKey> {
    reader.key("public_key")?;
    let with_proof = match reader.map()? {
        2 => false,
        3 => true,
        _ => return Err(Error::malformed(WHAT, "the public key has a member that is not known")),
    };
    reader.key("n")?;
    let n = reader.bytes()?;
    reader.key("short_nonces")?;
    let key = UnverifiedPublicKey::from_bytes(n, reader.boolean()?)?;
    if !with_proof {
        return Ok(key);
    }
    reader.key("proof")?;
    let proof = KeyProof::from_bytes(reader.bytes()?, key.bits())?;
    Ok(key.with_proof(proof))
}

impl sealed::Message for Request {
    const WHAT: &'static str = WHAT;
    const KIND: &'static str = KIND;

    fn read(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes(bytes)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({:?}, {} bytes of ciphertexts)", self.header, self.ciphertexts.len())
    }
}
