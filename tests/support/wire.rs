//! Requests and responses from raw parts, honest or not, written without the library.

#![allow(dead_code, unreachable_pub)]

use minicbor::Encoder;
use sha2::{Digest, Sha256};
use tacita::inference::{Header, Request, Response};
use tacita::paillier::UnverifiedPublicKey;

/// The members of a request or response, in the order in which they travel.
#[derive(Clone)]
pub struct Message {
    /// `tacita.request` or `tacita.response`.
    pub kind: &'static str,
    pub id: [u8; 16],
    pub key: [u8; 32],
    pub spec: [u8; 32],
    pub records: u64,
    /// Features that share a ciphertext; 1 in the records layout.
    pub together: u64,
    pub public_key: Option<Key>,
    /// Big-endian, each twice as long as n.
    pub ciphertexts: Vec<u8>,
}

/// The public key in a request.
#[derive(Clone)]
pub struct Key {
    /// Big-endian.
    pub n: Vec<u8>,
    pub short_nonces: bool,
    pub proof: Option<Vec<u8>>,
}

impl Message {
    /// The parts of a request.
    pub fn of_request(request: &Request) -> Self {
        let public_key = request.public_key().map(Key::of);
        let ciphertexts = tail(&request.to_bytes(), request.ciphertext_bytes());
        Self { public_key, ..Self::new("tacita.request", request.header(), ciphertexts) }
    }

    /// The parts of a response.
    pub fn of_response(response: &Response) -> Self {
        Self::new("tacita.response", response.header(), tail(&response.to_bytes(), response.ciphertext_bytes()))
    }

    /// A message without public key.
    pub fn new(kind: &'static str, header: &Header, ciphertexts: Vec<u8>) -> Self {
        Self {
            kind,
            id: *header.id(),
            key: *header.key().as_bytes(),
            spec: *header.spec().as_bytes(),
            records: header.records() as u64,
            together: header.layout().together().into(),
            public_key: None,
            ciphertexts,
        }
    }

    /// What the SHA-256 is of.
    pub fn content(&self) -> Vec<u8> {
        cbor(|e| {
            e.map(6 + u64::from(self.public_key.is_some()))?;
            e.str("id")?.bytes(&self.id)?.str("key")?.bytes(&self.key)?.str("spec")?.bytes(&self.spec)?;
            e.str("records")?.u64(self.records)?.str("together")?.u64(self.together)?;
            if let Some(key) = &self.public_key {
                e.str("public_key")?.map(2 + u64::from(key.proof.is_some()))?;
                e.str("n")?.bytes(&key.n)?.str("short_nonces")?.bool(key.short_nonces)?;
                if let Some(proof) = &key.proof {
                    e.str("proof")?.bytes(proof)?;
                }
            }
            e.str("ciphertexts")?.bytes(&self.ciphertexts)?;
            Ok(())
        })
    }

    /// The message as it travels.
    pub fn to_bytes(&self) -> Vec<u8> {
        seal(self.kind, &self.content())
    }
}

impl Key {
    /// The parts of a key.
    pub fn of(key: &UnverifiedPublicKey) -> Self {
        let n = key.modulus().to_digits(rug::integer::Order::Msf);
        Self { n, short_nonces: key.short_nonces(), proof: key.proof().map(|proof| proof.as_bytes().to_vec()) }
    }
}

/// The envelope: any content, with its right SHA-256.
pub fn seal(kind: &str, content: &[u8]) -> Vec<u8> {
    cbor(|e| e.array(4)?.str(kind)?.u32(1)?.bytes(&Sha256::digest(content))?.bytes(content).map(drop))
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn cbor(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Written) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).expect("memory takes everything");
    encoder.into_writer()
}

/// Ciphertexts come last in a message.
fn tail(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes[bytes.len() - length..].to_vec()
}
