//! `tacita inspect`: what a file of ours is, without anything secret.

use std::io::Read;

use clap::Args;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use tacita::encoding::Layout;
use tacita::inference::{Header, Message, MessageReader, Request, RequestReader, Response, ResponseReader};
use tacita::model::{PrivateModel, PublicSpec};
use tacita::network::{Affine, Network};
use tacita::paillier::{KeySize, UnverifiedPublicKey, is_encrypted};
use zeroize::Zeroizing;

use crate::console::Report;
use crate::exit::{Exit, Failure, Of};
use crate::files::{MESSAGE_LIMIT, Source, failed};
use crate::kind::{self, Kind};
use crate::load::{self, Nth};

/// Say what a file is, without anything secret
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Any file of tacita's
    #[arg(value_name = "FILE")]
    file: Source,
}

/// Enough bytes of a file to see that it holds messages.
const FRONT: u64 = 64;

/// Public facts, in the order in which they are told.
struct Facts(Vec<(String, Value)>);

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Facts {
    fn of(kind: Kind) -> Self {
        let mut facts = Self(Vec::new());
        facts.add("kind", kind.to_string());
        facts
    }

    fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }

    /// A fact a line; of a list of objects, such as grids, one a line too.
    fn text(&self) -> String {
        let lines = self.0.iter().map(|(name, value)| format!("{:23}{}", name.replace('_', " "), shown(value)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn shown(value: &Value) -> String {
    /// Most items of a list that are shown.
    const MOST: usize = 40;
    let joined = |items: &mut dyn Iterator<Item = String>, by: &str| items.collect::<Vec<_>>().join(by);
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let by = if list.iter().any(Value::is_object) { format!("\n{:23}", "") } else { ", ".into() };
            let more = list.len().saturating_sub(MOST);
            let more = (more > 0).then(|| format!("and {more} more"));
            joined(&mut list.iter().take(MOST).map(shown).chain(more), &by)
        }
        Value::Object(members) => {
            joined(&mut members.iter().map(|(name, value)| format!("{name}: {}", shown(value))), ", ")
        }
        other => other.to_string(),
    }
}

impl Inspect {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let mut input = self.file.open()?;
        let mut front = Zeroizing::new(Vec::with_capacity(FRONT as usize));
        input.by_ref().take(FRONT).read_to_end(&mut front).map_err(|error| failed(&self.file, &error))?;
        let all = front.chain(input);
        // Of messages there may be many, read one by one; any other file is read as a whole.
        let facts = match Kind::of(&front) {
            Some(Kind::Request) => {
                self.messages(Kind::Request, RequestReader::new(all, MESSAGE_LIMIT), Request::header, request)
            }
            Some(Kind::Response) => {
                self.messages(Kind::Response, ResponseReader::new(all, MESSAGE_LIMIT), Response::header, response)
            }
            _ => facts(&self.file.read_opened(all, "file", MESSAGE_LIMIT)?).of(&self.file),
        }?;
        Ok(Report::result(&facts, facts.text()))
    }

    /// Facts of the first of some messages, with how many there are and how many records they are about.
    fn messages<T: Message, R: Read>(
        &self,
        kind: Kind,
        mut messages: MessageReader<T, R>,
        header: impl Fn(&T) -> &Header,
        tell: impl Fn(&mut Facts, &T),
    ) -> Result<Facts, Failure> {
        let (mut first, mut count, mut records) = (Facts(Vec::new()), 0, 0);
        for message in messages.by_ref() {
            let message = message.of(Nth(&self.file, count))?;
            records += header(&message).records();
            if count == 0 {
                tell(&mut first, &message);
            }
            count += 1;
        }
        let mut facts = Facts::of(kind);
        facts.add("bytes", messages.position());
        facts.add("messages", count);
        facts.add("records", records);
        facts.0.extend(first.0);
        facts.add("content_hash", "holds");
        Ok(facts)
    }
}

fn request(facts: &mut Facts, request: &Request) {
    header(facts, request.header(), request.ciphertext_bytes());
    facts.add("public_key", if request.public_key().is_some() { "in the request" } else { "left out" });
    if let Some(public) = request.public_key() {
        key(facts, public.clone());
    }
}

fn response(facts: &mut Facts, response: &Response) {
    header(facts, response.header(), response.ciphertext_bytes());
}

fn facts(bytes: &[u8]) -> Result<Facts, Failure> {
    let unknown = || Failure::new(Exit::UnknownFile, format!("it is none of these: {}", Kind::list()));
    let kind = Kind::of(bytes).ok_or_else(unknown)?;
    let mut facts = Facts::of(kind);
    facts.add("bytes", bytes.len());
    match kind {
        Kind::PublicKey => key(&mut facts, load::public_key_from(bytes)?),
        Kind::SecretKey if is_encrypted(bytes) => facts.add("encrypted", "under a passphrase, in the age format"),
        Kind::SecretKey => key(&mut facts, load::plain_secret_key_from(bytes)?.public_key().into()),
        Kind::Spec => spec(&mut facts, &PublicSpec::from_json(bytes)?),
        Kind::Model => {
            let model = PrivateModel::from_bytes(bytes)?;
            facts.add("rows", model.rows());
            facts.add("columns", model.columns());
            let of = |layout| Some((layout, model.multiplications(layout)?));
            let plans = model.spec().layouts().filter_map(of);
            let plans = plans.map(|(layout, found)| json!({ "layout": layout.to_string(), "multiplications": found }));
            facts.add("plans", plans.collect::<Vec<_>>());
            spec(&mut facts, model.spec());
        }
        Kind::Network => network(&mut facts, &Network::from_safetensors(bytes, None)?),
        Kind::Request | Kind::Response => return Err(Failure::new(Exit::Bug, "messages are read one by one")),
        Kind::VerifiedKeys => {
            let fingerprints = kind::fingerprints(bytes).unwrap_or_default();
            facts.add("keys", fingerprints.len());
            facts.add("fingerprints", fingerprints.iter().map(|key| json!(key.to_string())).collect::<Vec<_>>());
        }
        Kind::Predictions => {
            let document: Predictions = serde_json::from_slice(bytes)
                .map_err(|_| Failure::new(Exit::Malformed, "predictions cannot be read: they are not complete"))?;
            facts.add("records", document.records.len());
        }
    }
    // What got here has passed its reader, which checks the hash first.
    let hash = match kind {
        Kind::Spec | Kind::Model => "holds",
        _ => "this kind of file has none",
    };
    facts.add("content_hash", hash);
    Ok(facts)
}

#[derive(serde::Deserialize)]
struct Predictions {
    records: Vec<serde::de::IgnoredAny>,
}

fn key(facts: &mut Facts, key: UnverifiedPublicKey) {
    facts.add("fingerprint", key.fingerprint().to_string());
    facts.add("bits", key.bits());
    facts.add("short_nonces", key.short_nonces());
    // Whether it passes is a fact like others, not a failure.
    facts.add(
        "proof",
        match key.verify() {
            Ok(_) => "holds".into(),
            Err(error) => error.to_string(),
        },
    );
}

fn spec(facts: &mut Facts, spec: &PublicSpec) {
    facts.add("model", spec.model());
    facts.add("fingerprint", spec.fingerprint().to_string());
    facts.add("features", spec.features().len());
    let runs = spec.features().runs().iter().map(|run| json!(run)).collect::<Vec<_>>();
    facts.add("grids", runs);
    facts.add("labels", spec.labels().map(Value::from).collect::<Vec<_>>());
    facts.add("activation", spec.activation().name());
    facts.add("scale", spec.scale());
    facts.add("logit_error", spec.logit_error());
    facts.add("slot_bits", spec.slot_bits());
    let spacings = spec
        .layouts()
        .filter_map(|layout| Some(json!({ "layout": layout.to_string(), "spacing": spec.spacing(layout)? })));
    facts.add("layouts", spacings.collect::<Vec<_>>());
    let packing = |size: KeySize| spec.packing(Layout::Records, size.bits()).ok();
    let capacity = |size: KeySize| Some((size.bits().to_string(), packing(size)?.capacity().into()));
    let capacities: Map<String, Value> = KeySize::ALL.into_iter().filter_map(capacity).collect();
    facts.add("records_per_ciphertext", capacities);
}

fn network(facts: &mut Facts, network: &Network) {
    facts.add("inputs", network.inputs());
    facts.add("widths", network.layers().iter().map(Affine::rows).collect::<Vec<_>>());
    facts.add("normalisation", network.normalisation().is_some());
    facts.add("activation", network.activation().name());
}

fn header(facts: &mut Facts, header: &Header, ciphertext_bytes: usize) {
    facts.add("layout", header.layout().to_string());
    facts.add("request_id", load::hex(header.id()));
    facts.add("spec", header.spec().to_string());
    facts.add("key", header.key().to_string());
    facts.add("ciphertext_bytes", ciphertext_bytes);
}
