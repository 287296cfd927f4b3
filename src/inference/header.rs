//! What a request and its response agree on.

use super::envelope::{Reader, Writer};
use crate::encoding::{Layout, Packing};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::model::PublicSpec;

/// Names a request, its key, its model and its layout. A response repeats it; keep the request's header to check that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub(super) id: [u8; 16],
    pub(super) key: Fingerprint,
    pub(super) spec: Fingerprint,
    pub(super) records: u32,
    pub(super) layout: Layout,
}

impl Header {
    pub(super) fn new(
        key: Fingerprint,
        spec: Fingerprint,
        records: usize,
        layout: Layout,
        entropy: &mut dyn Entropy,
    ) -> Result<Self> {
        let limit = u64::from(u32::MAX);
        let too_many = Error::TooLarge { what: "number of records", found: records as u64, limit };
        let records = u32::try_from(records).map_err(|_| too_many)?;
        if records == 0 {
            return Err(Error::Argument("a request needs at least one record".into()));
        }
        let mut id = [0; 16];
        entropy.fill(&mut id)?;
        Ok(Self { id, key, spec, records, layout })
    }

    /// Random name of the request.
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// Fingerprint of the public key.
    pub fn key(&self) -> Fingerprint {
        self.key
    }

    /// Fingerprint of the model's public spec.
    pub fn spec(&self) -> Fingerprint {
        self.spec
    }

    /// Number of records, at least 1.
    pub fn records(&self) -> usize {
        self.records as usize
    }

    /// How the values share ciphertexts.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Refuses a key or a spec that this header does not name.
    pub(super) fn expect(&self, key: Fingerprint, spec: Fingerprint) -> Result<()> {
        if self.spec != spec {
            return Err(Error::SpecMismatch { expected: spec, found: self.spec });
        }
        if self.key != key {
            return Err(Error::KeyMismatch { expected: key, found: self.key });
        }
        Ok(())
    }

    /// Where the values stand, under a key of `key_bits` bits. That must be checked of a header from outside.
    pub(super) fn packing(&self, spec: &PublicSpec, key_bits: u32) -> Result<Packing> {
        spec.packing(self.layout, key_bits).map_err(|error| Error::malformed("request", error.to_string()))
    }

    pub(super) const MEMBERS: u64 = 5;

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.encode(|e| {
            e.str("id")?.bytes(&self.id)?;
            e.str("key")?.bytes(self.key.as_bytes())?;
            e.str("spec")?.bytes(self.spec.as_bytes())?;
            e.str("records")?.u32(self.records)?;
            e.str("together")?.u32(self.layout.together())?;
            Ok(())
        });
    }

    pub(super) fn read(what: &'static str, reader: &mut Reader) -> Result<Self> {
        reader.key("id")?;
        let id = reader.array_of()?;
        reader.key("key")?;
        let key = reader.array_of::<{ Fingerprint::LEN }>()?.into();
        reader.key("spec")?;
        let spec = reader.array_of::<{ Fingerprint::LEN }>()?.into();
        reader.key("records")?;
        let records = read_count(what, "number of records", reader)?;
        reader.key("together")?;
        let layout = Layout::from_together(read_count(what, "number of features together", reader)?);
        Ok(Self { id, key, spec, records, layout })
    }
}

fn read_count(what: &'static str, name: &str, reader: &mut Reader) -> Result<u32> {
    let count = u32::try_from(reader.unsigned()?).ok().filter(|&count| count > 0);
    count.ok_or_else(|| Error::malformed(what, format!("the {name} is 0 or above 2^32 - 1")))
}
