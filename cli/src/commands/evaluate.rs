//! `tacita evaluate`: a request to a response, without any secret of the hospital.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tacita::Fingerprint;
use tacita::encoding::Layout;
use tacita::inference::{Evaluator, Request, VerifiedKeys};
use tacita::model::PublicSpec;
use tacita::paillier::{KeySize, PublicKey};

use crate::console::{Console, Report, bytes, ms, time};
use crate::exit::{Exit, Failure, Of};
use crate::files::{Outputs, Sink, Source};
use crate::kind::Kind;
use crate::load;

/// Evaluate a private model on encrypted records
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// The private model
    #[arg(long, value_name = "FILE")]
    model: Source,
    /// The request
    #[arg(long = "in", value_name = "FILE")]
    request: Source,
    /// Where the response goes
    #[arg(long, value_name = "FILE")]
    out: Sink,
    /// Accept requests under this key only; may be given several times
    #[arg(long, value_name = "FINGERPRINT")]
    pin_key: Vec<Fingerprint>,
    /// Remember verified keys in this file, so that a proof is checked once a key. Keep it as safe as the model
    #[arg(long, value_name = "FILE")]
    verified_keys: Option<PathBuf>,
    /// Refuse requests of more records
    #[arg(long, default_value_t = Evaluator::DEFAULT_MAX_RECORDS, value_name = "N")]
    max_records: usize,
    /// The public key, for a request that does not carry it
    #[arg(long, value_name = "FILE")]
    public_key: Option<Source>,
}

#[derive(Serialize)]
struct Facts {
    records: usize,
    layout: String,
    request_id: String,
    spec: String,
    key: String,
    key_bits: u32,
    proof_checked: bool,
    request_bytes: usize,
    response_bytes: usize,
    ms: f64,
}

impl Evaluate {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = Outputs::plan([(&self.out, Kind::Response)], console.json)?;
        let evaluator = Evaluator::new(load::model(&self.model)?).max_records(self.max_records);
        let content = self.request.read("request", longest_request(evaluator.spec(), self.max_records))?;
        let start = Instant::now();
        let request = Request::from_bytes(&content).of(&self.request)?;
        // Another model's request is refused before its key costs a proof.
        let header = *request.header();
        let (expected, found) = (evaluator.spec().fingerprint(), header.spec());
        if expected != found {
            return Err(tacita::Error::SpecMismatch { expected, found }).of(&self.request);
        }
        let (key, proof_checked) = self.admit(&request)?;
        let response = console
            .batches("evaluate", |progress| evaluator.evaluate_with_progress(&request, &key, progress))
            .of(&self.request)?
            .to_bytes();
        let took = start.elapsed();
        outputs.write([&response])?;

        let facts = Facts {
            records: header.records(),
            layout: header.layout().to_string(),
            request_id: load::hex(header.id()),
            spec: header.spec().to_string(),
            key: header.key().to_string(),
            key_bits: key.bits(),
            proof_checked,
            request_bytes: content.len(),
            response_bytes: response.len(),
            ms: ms(took),
        };
        let (records, length) = (facts.records, bytes(response.len()));
        let text = format!("{}: {records} records, {length}, evaluated in {}", self.out, time(took));
        Ok(Report::note(&facts, text))
    }

    /// The request's key, and whether its proof was checked now.
    fn admit(&self, request: &Request) -> Result<(PublicKey, bool), Failure> {
        let mut keys = match &self.verified_keys {
            Some(path) => VerifiedKeys::open(path)?,
            None => VerifiedKeys::new(),
        };
        let named = request.header().key();
        if let Some(&first) = self.pin_key.first() {
            keys = keys.pin(if self.pin_key.contains(&named) { named } else { first });
        }
        let known = keys.count();
        let key = match (&self.public_key, request.public_key()) {
            (Some(source), _) => keys.admit_with(request, load::public_key(source)?),
            (None, Some(_)) => keys.admit(request),
            (None, None) => {
                let why = format!("it names key {named} and does not carry it; give it as --public-key");
                return Err(Failure::new(Exit::NoKey, why).of(&self.request));
            }
        };
        Ok((key.of(&self.request)?, keys.count() > known))
    }
}

/// The length of the longest request that can be right, so that no more is read.
fn longest_request(spec: &PublicSpec, records: usize) -> u64 {
    /// More than the envelope, the header and the longest key with its proof take.
    const REST: u64 = 16 << 10;
    let length = |(layout, size): (Layout, KeySize)| {
        let ciphertexts = spec.packing(layout, size.bits()).ok()?.request_ciphertexts(records, spec.features().len());
        Some(ciphertexts.saturating_mul(u64::from(size.bits()) / 4))
    };
    let layouts = spec.layouts().flat_map(|layout| KeySize::ALL.map(|size| (layout, size)));
    layouts.filter_map(length).max().unwrap_or(0).saturating_add(REST)
}
