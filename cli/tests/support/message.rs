//! Requests taken apart and put together again with a fresh hash, as a forger would.

#![allow(dead_code)]

use minicbor::{Decoder, Encoder};
use sha2::{Digest, Sha256};

/// A request or a response, after `docs/messages.cddl`.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) kind: String,
    pub(crate) id: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) spec: Vec<u8>,
    pub(crate) records: u32,
    pub(crate) together: u32,
    pub(crate) public_key: Option<Key>,
    pub(crate) ciphertexts: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) n: Vec<u8>,
    pub(crate) short_nonces: bool,
    pub(crate) proof: Option<Vec<u8>>,
}

impl Message {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let (kind, content) = Self::open(bytes);
        let d = &mut Decoder::new(&content);
        let name = |d: &mut Decoder, expected: &str| assert_eq!(d.str().unwrap(), expected);
        let members = d.map().unwrap().unwrap();
        let bytes = |d: &mut Decoder, expected: &str| {
            name(d, expected);
            d.bytes().unwrap().to_vec()
        };
        let (id, key, spec) = (bytes(d, "id"), bytes(d, "key"), bytes(d, "spec"));
        name(d, "records");
        let records = d.u32().unwrap();
        name(d, "together");
        let together = d.u32().unwrap();
        let public_key = (members == 7).then(|| {
            name(d, "public_key");
            let parts = d.map().unwrap().unwrap();
            let n = bytes(d, "n");
            name(d, "short_nonces");
            let short_nonces = d.bool().unwrap();
            Key { n, short_nonces, proof: (parts == 3).then(|| bytes(d, "proof")) }
        });
        let ciphertexts = bytes(d, "ciphertexts");
        Self { kind, id, key, spec, records, together, public_key, ciphertexts }
    }

    /// The kind and the content, whose hash must hold.
    fn open(bytes: &[u8]) -> (String, Vec<u8>) {
        let mut d = Decoder::new(bytes);
        assert_eq!(d.array().unwrap(), Some(4));
        let kind = d.str().unwrap().to_string();
        assert_eq!(d.u32().unwrap(), 1);
        let digest = d.bytes().unwrap().to_vec();
        let content = d.bytes().unwrap().to_vec();
        assert_eq!(Sha256::digest(&content).as_slice(), digest);
        (kind, content)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        let written = (|| {
            e.map(6 + u64::from(self.public_key.is_some()))?;
            e.str("id")?.bytes(&self.id)?.str("key")?.bytes(&self.key)?.str("spec")?.bytes(&self.spec)?;
            e.str("records")?.u32(self.records)?.str("together")?.u32(self.together)?;
            if let Some(key) = &self.public_key {
                e.str("public_key")?.map(2 + u64::from(key.proof.is_some()))?;
                e.str("n")?.bytes(&key.n)?.str("short_nonces")?.bool(key.short_nonces)?;
                if let Some(proof) = &key.proof {
                    e.str("proof")?.bytes(proof)?;
                }
            }
            e.str("ciphertexts")?.bytes(&self.ciphertexts).map(drop)
        })();
        written.expect("writing to memory does not fail");
        let content = e.into_writer();
        let mut e = Encoder::new(Vec::new());
        let digest = Sha256::digest(&content);
        let written = (|| e.array(4)?.str(&self.kind)?.u32(1)?.bytes(&digest)?.bytes(&content).map(drop))();
        written.expect("writing to memory does not fail");
        e.into_writer()
    }

    /// Puts another modulus in, of whatever length, with its fingerprint.
    pub(crate) fn with_modulus(mut self, n: &[u8]) -> Self {
        self.key = Sha256::digest(n).to_vec();
        self.public_key.as_mut().expect("it carries its key").n = n.to_vec();
        self
    }
}
