//! `tacita encrypt`: records to a request, or to a sequence of them.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use tacita::KeyFault;
use tacita::encoding::OutOfRange;
use tacita::inference::{Encryptor, Header};
use tacita::paillier::{NonceMethod, PublicKey, UnverifiedPublicKey};

use crate::console::{Console, Report, bytes, ms, time};
use crate::exit::{Exit, Failure, Of};
use crate::files::{Outputs, Pieces, Sink, Source};
use crate::kind::Kind;
use crate::layout::LayoutArgument;
use crate::load::{self, Key, SpecArguments};
use crate::passphrase::PassphraseArguments;
use crate::records::{RecordStream, Records, RecordsArguments};

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
    /// Where the request goes, or the sequence of them
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
    /// Begin another request after so many records [default: when one has 16 MiB of ciphertexts]
    #[arg(long, value_name = "N")]
    per_request: Option<NonZeroUsize>,
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
    /// From random bases: assumes no more than r^n, and pays from some thousand ciphertexts on
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
    requests: usize,
    layout: String,
    request_id: String,
    spec: String,
    key: String,
    key_bits: u32,
    request_bytes: usize,
    ms: f64,
}

/// What was written so far.
#[derive(Default)]
struct Done {
    records: usize,
    requests: usize,
    request_bytes: usize,
    took: Duration,
    first: Option<Header>,
}

impl Encrypt {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = Outputs::plan([(&self.out, Kind::Request)], console.json)?;
        let (spec, pin) = self.spec.load(console)?;
        let key = load::key(&self.key, &self.passphrase)?;
        let features = spec.features().clone();
        let mut stream = self.records.open(&features)?;

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
        // More of them are not in memory at once.
        let records = stream.next(self.per_request(&encryptor))?;
        let layout = self.layout.choose(encryptor.spec(), key_bits, records.rows().len())?;
        let encryptor = encryptor.layout(layout)?.out_of_range(self.outside());

        let mut output = outputs.pieces();
        let mut done = Done::default();
        let written = self.write(console, &encryptor, stream, records, &mut output, &mut done);
        written.map_err(|failure| output.failed(failure, format_args!("{} requests", done.requests)))?;
        output.finish()?;

        let Done { records, requests, request_bytes, took, first } = done;
        let header = first.ok_or_else(|| Failure::new(Exit::Bug, "records without a request"))?;
        let facts = Facts {
            records,
            requests,
            layout: layout.to_string(),
            request_id: load::hex(header.id()),
            spec: header.spec().to_string(),
            key: header.key().to_string(),
            key_bits,
            request_bytes,
            ms: ms(took),
        };
        let (out, length, took) = (&self.out, bytes(request_bytes), time(took));
        let of = if requests > 1 { format!(" of {requests} requests") } else { String::new() };
        let text = format!("{out}: {records} records in the layout {layout}, {length}{of}, encrypted in {took}");
        Ok(Report::note(&facts, text))
    }

    fn per_request(&self, encryptor: &Encryptor) -> usize {
        self.per_request.map_or_else(|| encryptor.records_per_request(), NonZeroUsize::get)
    }

    fn outside(&self) -> OutOfRange {
        if self.clamp { OutOfRange::Clamp } else { OutOfRange::Refuse }
    }

    /// Encrypts some records and then the rest of the stream to one request after another.
    fn write(
        &self,
        console: &Console,
        encryptor: &Encryptor,
        mut stream: RecordStream,
        mut records: Records,
        output: &mut Pieces,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let features = encryptor.spec().features();
        while !records.rows().is_empty() {
            records.check(features, self.outside()).of(&self.records)?;
            for rows in records.rows().chunks(self.per_request(encryptor)) {
                let start = Instant::now();
                let request = console.steps("encrypt", |progress| encryptor.encrypt_with_progress(rows, progress))?;
                let header = *request.header();
                let request = if self.without_key { request.without_key() } else { request };
                let content = request.to_bytes();
                done.took += start.elapsed();
                output.write(&content)?;
                done.first.get_or_insert(header);
                done.records += header.records();
                done.requests += 1;
                done.request_bytes += content.len();
            }
            records = stream.next(self.per_request(encryptor))?;
        }
        Ok(())
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
