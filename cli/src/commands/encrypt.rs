//! `tacita encrypt`: records to a request.

use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use tacita::KeyFault;
use tacita::encoding::OutOfRange;
use tacita::inference::Encryptor;
use tacita::paillier::{NonceMethod, PublicKey, UnverifiedPublicKey};

use crate::console::{Console, Report, bytes, ms, time};
use crate::exit::{Failure, Of};
use crate::files::{Outputs, Sink, Source};
use crate::kind::Kind;
use crate::layout::LayoutArgument;
use crate::load::{self, Key, SpecArguments};
use crate::passphrase::PassphraseArguments;
use crate::records::RecordsArguments;

/// Encrypt records to a request for the service
#[derive(Debug, Args)]
pub(crate) struct Encrypt {
    #[command(flatten)]
    spec: SpecArguments,
    /// The hospital's secret key, which is faster, or its public key
    #[arg(long, value_name = "FILE")]
    key: Source,
    /// Take a public key that has no proof
    #[arg(long)]
    trust_key: bool,
    #[command(flatten)]
    records: RecordsArguments,
    /// Where the request goes
    #[arg(long, value_name = "FILE")]
    out: Sink,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    #[command(flatten)]
    layout: LayoutArgument,
    /// Take the nearest end of the range for a value outside it, instead of refusing the record
    #[arg(long)]
    clamp: bool,
    /// How nonces are drawn, if not the key's quickest way: see docs/threat-model.md
    #[arg(long, value_name = "METHOD")]
    nonces: Option<Nonces>,
    /// Leave the public key out of the request, for a service that has it
    #[arg(long)]
    without_key: bool,
}

/// [`NonceMethod`] by its name on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Nonces {
    /// r^n: assumes no more than Paillier's cryptosystem
    Power,
    /// From a public base with short exponents: the quickest way with the public key
    PublicBase,
    /// With the secret key, and the quickest way then
    SecretBase,
    /// From random bases: assumes no more than r^n, and pays from some 700 nonces on
    RandomBases,
}

impl From<Nonces> for NonceMethod {
    fn from(nonces: Nonces) -> Self {
        match nonces {
            Nonces::Power => Self::Power,
            Nonces::PublicBase => Self::PublicBase,
            Nonces::SecretBase => Self::SecretBase,
            Nonces::RandomBases => Self::RandomBases,
        }
    }
}

#[derive(Serialize)]
struct Facts {
    records: usize,
    layout: String,
    request_id: String,
    spec: String,
    key: String,
    key_bits: u32,
    request_bytes: usize,
    ms: f64,
}

impl Encrypt {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = Outputs::plan([(&self.out, Kind::Request)], console.json)?;
        let (spec, pin) = self.spec.load(console)?;
        let key = load::key(&self.key, &self.passphrase)?;
        let outside = if self.clamp { OutOfRange::Clamp } else { OutOfRange::Refuse };
        let records = self.records.load(spec.features())?;
        records.check(spec.features(), outside).of(&self.records)?;

        let start = Instant::now();
        let (encryptor, key_bits) = match key {
            Key::Public(key) => {
                let key = self.own(key).of(&self.key)?;
                (Encryptor::with_public_key(spec, pin, key.clone())?, key.bits())
            }
            Key::Secret(key) => (Encryptor::with_secret_key(spec, pin, key.clone())?, key.public_key().bits()),
        };
        let encryptor = match self.nonces {
            Some(method) => encryptor.nonce_method(method.into())?,
            None => encryptor,
        };
        let rows = records.rows();
        let layout = self.layout.choose(encryptor.spec(), key_bits, rows.len())?;
        let encryptor = encryptor.layout(layout)?.out_of_range(outside);
        let request = console.batches("encrypt", |progress| encryptor.encrypt_with_progress(&rows, progress))?;
        let header = *request.header();
        let request = if self.without_key { request.without_key() } else { request };
        let content = request.to_bytes();
        let took = start.elapsed();
        outputs.write([&content])?;

        let facts = Facts {
            records: header.records(),
            layout: layout.to_string(),
            request_id: load::hex(header.id()),
            spec: header.spec().to_string(),
            key: header.key().to_string(),
            key_bits,
            request_bytes: content.len(),
            ms: ms(took),
        };
        let (records, length) = (facts.records, bytes(content.len()));
        let text =
            format!("{}: {records} records in the layout {layout}, {length}, encrypted in {}", self.out, time(took));
        Ok(Report::note(&facts, text))
    }

    /// The hospital's own public key. Its proof is checked, so that no other key was slipped in that the service refuses.
    fn own(&self, key: UnverifiedPublicKey) -> Result<PublicKey, Failure> {
        match key.proof() {
            Some(_) => Ok(key.verify()?),
            None if self.trust_key => Ok(key.assume_verified()?),
            None => Err(Failure::from(tacita::Error::from(KeyFault::MissingProof))
                .of("if it is your own, say so with --trust-key")),
        }
    }
}
