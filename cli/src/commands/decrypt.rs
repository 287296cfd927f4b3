//! `tacita decrypt`: a response to predictions.

use std::fmt::Write;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tacita::inference::{Decryptor, Prediction};
use tacita::model::PublicSpec;
use tacita::network::Activation;

use crate::console::{Console, Report, time};
use crate::exit::{Failure, Of};
use crate::files::{MESSAGE_LIMIT, Outputs, Sink, Source};
use crate::kind::Kind;
use crate::load::{self, SpecArguments};
use crate::passphrase::PassphraseArguments;

/// Decrypt a response to predictions
#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    #[command(flatten)]
    spec: SpecArguments,
    /// The hospital's secret key
    #[arg(long, value_name = "FILE")]
    key: Source,
    /// The request that was sent
    #[arg(long, value_name = "FILE")]
    request: Source,
    /// The response that came back
    #[arg(long = "in", value_name = "FILE")]
    response: Source,
    /// Where the predictions go as JSON, readable by their owner only
    #[arg(long, value_name = "FILE")]
    out: Option<Sink>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    /// Show all logits in the table
    #[arg(long)]
    logits: bool,
}

/// The predictions, in the order of the records.
#[derive(Serialize)]
struct Predictions {
    records: Vec<PredictionFacts>,
}

#[derive(Serialize)]
struct PredictionFacts {
    class: usize,
    label: String,
    probabilities: Vec<f64>,
    logits: Vec<f64>,
    outputs: Vec<i64>,
}

impl Decrypt {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = self.out.as_ref().map(|out| Outputs::plan([(out, Kind::Predictions)], console.json));
        let outputs = outputs.transpose()?;
        let (spec, pin) = self.spec.load(console)?;
        let key = load::secret_key(&self.key, &self.passphrase)?;
        let header = *load::request(&self.request, MESSAGE_LIMIT)?.header();
        let response = load::response(&self.response, MESSAGE_LIMIT)?;
        let start = Instant::now();
        let decryptor = Decryptor::new(spec, pin, key)?;
        let predictions = decryptor.decrypt(&response, &header).of(&self.response)?;
        let took = start.elapsed();

        let spec = decryptor.spec();
        let text = self.table(spec, &predictions);
        let fact = |prediction: Prediction| PredictionFacts {
            label: label(spec, prediction.class),
            class: prediction.class,
            probabilities: prediction.probabilities,
            logits: prediction.logits,
            outputs: prediction.outputs,
        };
        let facts = Predictions { records: predictions.into_iter().map(fact).collect() };
        let Some((outputs, out)) = outputs.zip(self.out.as_ref()) else {
            return Ok(Report::result(&facts, text));
        };
        let content = serde_json::to_string(&facts).expect("predictions are plain data") + "\n";
        outputs.write([content.as_bytes()])?;
        Ok(Report::note(&facts, format!("{out}: {} predictions, decrypted in {}", header.records(), time(took))))
    }

    /// One line a record.
    fn table(&self, spec: &PublicSpec, predictions: &[Prediction]) -> String {
        let with_class = spec.activation() != Activation::Identity;
        let width = spec.labels().map(|label| label.chars().count() + "not ".len()).max().unwrap_or(0).max(7);
        let mut text = String::from("record");
        if with_class {
            let _ = write!(text, "  {:width$}  probability", "class");
        }
        if self.logits || !with_class {
            let _ = write!(text, "  {}", spec.labels().collect::<Vec<_>>().join("  "));
        }
        for (record, prediction) in predictions.iter().enumerate() {
            let _ = write!(text, "\n{record:6}");
            if with_class {
                let label = label(spec, prediction.class);
                let _ = write!(text, "  {label:width$}  {:11.4}", probability(prediction));
            }
            if self.logits || !with_class {
                for logit in &prediction.logits {
                    let _ = write!(text, "  {logit:.6}");
                }
            }
        }
        text
    }
}

/// The probability of the class. A single output says how probable class 1 is.
fn probability(prediction: &Prediction) -> f64 {
    match prediction.probabilities.as_slice() {
        &[one] if prediction.class == 0 => 1.0 - one,
        &[one] => one,
        many => many[prediction.class],
    }
}

/// The name of a class. A single output under sigmoid has two classes and one name.
pub(crate) fn label(spec: &PublicSpec, class: usize) -> String {
    let mut labels = spec.labels();
    match (labels.len(), class) {
        (1, 0) if spec.activation() == Activation::Sigmoid => format!("not {}", labels.next().unwrap_or_default()),
        (1, _) => labels.next().unwrap_or_default().to_string(),
        _ => labels.nth(class).unwrap_or_default().to_string(),
    }
}
