//! `tacita decrypt`: responses to predictions.

use std::fmt::Write;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tacita::inference::{Decryptor, Prediction, Request, Response};
use tacita::model::PublicSpec;
use tacita::network::Activation;

use crate::console::{Console, Report, ms, time};
use crate::exit::Failure;
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
    /// The request that was sent, or the sequence of them
    #[arg(long, value_name = "FILE")]
    request: Source,
    /// The response that came back, or the sequence of them
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

/// What went to a file.
#[derive(Serialize)]
struct Written {
    records: usize,
    ms: f64,
}

impl Decrypt {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = self.out.as_ref().map(|out| Outputs::plan([(out, Kind::Predictions)], console.json));
        let outputs = outputs.transpose()?;
        let (spec, pin) = self.spec.load(console)?;
        let key = load::secret_key(&self.key, &self.passphrase)?;
        // Only a header is kept of a request.
        let requests = load::messages::<Request>(&self.request, MESSAGE_LIMIT)?;
        let requests = requests.map(|request| Ok(*request?.header()));
        let responses = load::messages::<Response>(&self.response, MESSAGE_LIMIT)?;
        let decryptor = Decryptor::new(spec, pin, key)?;
        let mut output = outputs.map(Outputs::pieces);
        let (mut shown, mut count) = (Shown::new(decryptor.spec(), self.logits), 0);
        let start = Instant::now();
        for predictions in decryptor.decrypt_sequence(requests, responses) {
            let written = predictions.and_then(|predictions| {
                let Some(output) = &mut output else {
                    shown.add(predictions, console.json);
                    return Ok(());
                };
                for prediction in predictions {
                    let before = if count == 0 { r#"{"records":["# } else { "," };
                    let fact = serde_json::to_string(&shown.fact(prediction)).expect("predictions are plain data");
                    output.write(format!("{before}{fact}").as_bytes())?;
                    count += 1;
                }
                Ok(())
            });
            // What a pipe has then ends in the middle of a list.
            written.map_err(|failure| match &output {
                Some(output) => output.failed(failure, format_args!("{count} predictions")),
                None => failure,
            })?;
        }
        let (Some(mut output), Some(out)) = (output, &self.out) else {
            return Ok(Report::result(&shown.facts, shown.text));
        };
        output.write(b"]}\n")?;
        output.finish()?;
        let took = start.elapsed();
        let text = format!("{out}: {count} predictions, decrypted in {}", time(took));
        Ok(Report::note(&Written { records: count, ms: ms(took) }, text))
    }
}

/// Predictions to be shown when all are there: as a table for people, or as facts for programs.
struct Shown<'a> {
    spec: &'a PublicSpec,
    logits: bool,
    with_class: bool,
    width: usize,
    count: usize,
    text: String,
    facts: Predictions,
}

impl<'a> Shown<'a> {
    fn new(spec: &'a PublicSpec, logits: bool) -> Self {
        let with_class = spec.activation() != Activation::Identity;
        let width = spec.labels().map(|label| label.chars().count() + "not ".len()).max().unwrap_or(0).max(7);
        let logits = logits || !with_class;
        let mut text = String::from("record");
        if with_class {
            let _ = write!(text, "  {:width$}  probability", "class");
        }
        if logits {
            let _ = write!(text, "  {}", spec.labels().collect::<Vec<_>>().join("  "));
        }
        Self { spec, logits, with_class, width, count: 0, text, facts: Predictions { records: Vec::new() } }
    }

    fn add(&mut self, predictions: Vec<Prediction>, as_facts: bool) {
        for prediction in predictions {
            if as_facts {
                let fact = self.fact(prediction);
                self.facts.records.push(fact);
            } else {
                self.line(&prediction);
            }
            self.count += 1;
        }
    }

    /// One line a record.
    fn line(&mut self, prediction: &Prediction) {
        let Self { spec, width, count, text, .. } = self;
        let _ = write!(text, "\n{count:6}");
        if self.with_class {
            let label = label(spec, prediction.class);
            let _ = write!(text, "  {label:width$}  {:11.4}", probability(prediction));
        }
        if self.logits {
            for logit in &prediction.logits {
                let _ = write!(text, "  {logit:.6}");
            }
        }
    }

    fn fact(&self, prediction: Prediction) -> PredictionFacts {
        PredictionFacts {
            label: label(self.spec, prediction.class),
            class: prediction.class,
            probabilities: prediction.probabilities,
            logits: prediction.logits,
            outputs: prediction.outputs,
        }
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
