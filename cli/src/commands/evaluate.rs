//! `tacita evaluate`: requests to responses, without any secret of the hospital.

use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tacita::Fingerprint;
use tacita::encoding::Layout;
use tacita::inference::{Evaluator, Header, Request, RequestReader, VerifiedKeys};
use tacita::model::PublicSpec;
use tacita::paillier::{KeySize, PublicKey};

use crate::console::{Console, Report, bytes, ms, time};
use crate::exit::{Exit, Failure, Of};
use crate::files::{Outputs, Pieces, Sink, Source};
use crate::kind::Kind;
use crate::layout::prepare;
use crate::load::{self, Nth};

/// Evaluate a private model on encrypted records
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// The private model
    #[arg(long, value_name = "FILE")]
    model: Source,
    /// The request, or a sequence of them
    #[arg(long = "in", value_name = "FILE")]
    request: Source,
    /// Where the response goes, or the sequence of them
    #[arg(long, value_name = "FILE")]
    out: Sink,
    /// Accept requests under this key only; may be given several times
    #[arg(long, value_name = "FINGERPRINT")]
    pin_key: Vec<Fingerprint>,
    /// Remember verified keys in this file, so that a proof is checked once a key. Keep it as safe as the model
    #[arg(long, value_name = "FILE")]
    verified_keys: Option<PathBuf>,
    /// Refuse more records, in all requests together
    #[arg(long, default_value_t = Evaluator::DEFAULT_MAX_RECORDS, value_name = "N")]
    max_records: usize,
    /// The public key, for a request that does not carry it
    #[arg(long, value_name = "FILE")]
    public_key: Option<Source>,
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
    proof_checked: bool,
    request_bytes: usize,
    response_bytes: usize,
    ms: f64,
}

/// What was written so far.
#[derive(Default)]
struct Done {
    records: usize,
    requests: usize,
    response_bytes: usize,
    took: Duration,
    /// The first request's header and key, and whether the key's proof was checked now.
    first: Option<(Header, PublicKey, bool)>,
}

impl Evaluate {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = Outputs::plan([(&self.out, Kind::Response)], console.json)?;
        let evaluator = Evaluator::new(load::model(&self.model)?).max_records(self.max_records);
        let longest = longest_request(evaluator.spec(), self.max_records);
        let mut requests = RequestReader::new(self.request.open()?, longest);
        let mut output = outputs.pieces();
        let mut done = Done::default();
        let written = self.write(console, &evaluator, &mut requests, &mut output, &mut done);
        written.map_err(|failure| output.failed(failure, format_args!("{} responses", done.requests)))?;
        output.finish()?;

        let request_bytes = requests.position() as usize;
        let Done { records, requests, response_bytes, took, first } = done;
        let (header, key, proof_checked) = first.ok_or_else(|| Failure::new(Exit::Bug, "a file without a request"))?;
        let facts = Facts {
            records,
            requests,
            layout: header.layout().to_string(),
            request_id: load::hex(header.id()),
            spec: header.spec().to_string(),
            key: header.key().to_string(),
            key_bits: key.bits(),
            proof_checked,
            request_bytes,
            response_bytes,
            ms: ms(took),
        };
        let (out, length, took) = (&self.out, bytes(response_bytes), time(took));
        let of = if requests > 1 { format!(" of {requests} responses") } else { String::new() };
        Ok(Report::note(&facts, format!("{out}: {records} records, {length}{of}, evaluated in {took}")))
    }

    /// Evaluates one request after another, all under the key of the first.
    fn write(
        &self,
        console: &Console,
        evaluator: &Evaluator,
        requests: &mut RequestReader<impl Read>,
        output: &mut Pieces,
        done: &mut Done,
    ) -> Result<(), Failure> {
        for request in requests.by_ref() {
            let place = || Nth(&self.request, done.requests);
            let request = request.of(place())?;
            let header = *request.header();
            let start = Instant::now();
            // Another model's request is refused before its key costs a proof.
            let (expected, found) = (evaluator.spec().fingerprint(), header.spec());
            if expected != found {
                return Err(tacita::Error::SpecMismatch { expected, found }).of(place());
            }
            let (records, limit) = (done.records.saturating_add(header.records()), self.max_records);
            if records > limit {
                let (what, found, limit) = ("number of records", records as u64, limit as u64);
                return Err(tacita::Error::TooLarge { what, found, limit }).of(place());
            }
            let key = match &done.first {
                Some((_, key, _)) => key.clone(),
                None => {
                    let (key, proof_checked) = self.admit(&request)?;
                    done.first = Some((header, key.clone(), proof_checked));
                    key
                }
            };
            let planning = Instant::now();
            let layout = header.layout();
            // Evaluation refuses what the spec does not permit.
            if evaluator.spec().spacing(layout).is_some() {
                prepare(console, evaluator, layout)?;
            }
            let planning = planning.elapsed();
            let response = console
                .steps("evaluate", |progress| evaluator.evaluate_with_progress(&request, &key, progress))
                .of(place())?
                .to_bytes();
            done.took += start.elapsed().saturating_sub(planning);
            output.write(&response)?;
            done.records = records;
            done.requests += 1;
            done.response_bytes += response.len();
        }
        Ok(())
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
