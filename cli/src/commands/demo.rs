//! `tacita demo`: all of it in one go, on handwritten digits.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde::Serialize;
use tacita::Backend;
use tacita::encoding::{Feature, Features, Grid, Layout, OutOfRange};
use tacita::inference::{Decryptor, Encryptor, Prediction, Response};
use tacita::model::{PrivateModel, PublicSpec, QuantiseOptions};
use tacita::network::Network;
use tacita_datasets::{Digit, Mnist, NETWORK, PIXELS, SIDE};

use super::keygen::KeyBits;
use crate::cloud::Cloud;
use crate::console::{Console, Report, bytes, ms, time};
use crate::exit::{Exit, Failure};
use crate::layout::LayoutArgument;
use crate::load::hex;
use crate::picture::Style;
use crate::records::dataset;

/// Show all of it at once: handwritten digits, encrypted, classified, decrypted
///
/// A network of three layers, trained on MNIST, classifies digits that it never sees. Without --mnist the digits are some
/// that were drawn for this project.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    size: KeyBits,
    /// Classify test images of MNIST from this folder instead of drawn digits
    #[arg(long, value_name = "DIR")]
    mnist: Option<PathBuf>,
    /// How many test images, spread evenly over all 10,000
    #[arg(long, default_value_t = 100, requires = "mnist", value_name = "N")]
    records: usize,
    /// Choose the test images at random by this number instead
    #[arg(long, requires = "mnist", value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    layout: LayoutArgument,
    /// Draw with letters only
    #[arg(long)]
    ascii: bool,
}

/// What `--json` says.
#[derive(Serialize)]
struct Facts {
    records: usize,
    layout: String,
    correct: usize,
    agree_with_integer_model: usize,
    agree_with_float_model: usize,
    max_logit_error: f64,
    proved_logit_error: f64,
    key_bits: u32,
    backend: &'static str,
    threads: usize,
    request_bytes: usize,
    response_bytes: usize,
    ms: Times,
}

#[derive(Serialize)]
struct Times {
    keygen: f64,
    encrypt: f64,
    evaluate: f64,
    decrypt: f64,
}

/// A picture and what it shows.
struct Sample {
    name: String,
    label: u8,
    pixels: Vec<u8>,
    /// The pixels as the hospital's record has them.
    record: Vec<f64>,
}

impl Sample {
    fn new(name: String, label: u8, pixels: &[u8]) -> Self {
        let record = pixels.iter().map(|&pixel| pixel.into()).collect();
        Self { name, label, pixels: pixels.into(), record }
    }
}

impl Demo {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let samples = self.samples()?;
        let network = Network::from_safetensors(NETWORK, None)?;
        console.print(&format!(
            "The owner of a network that reads digits, a hospital with {} pictures of digits and a secret key,\n\
             and a cloud service that computes for both and learns neither pictures nor answers.\n",
            samples.len()
        ))?;

        // The model's owner.
        let start = Instant::now();
        let (model, report) = compile(&network, QuantiseOptions::default())?;
        let spec = model.spec().clone();
        let mut cloud = Cloud::new(&model.to_bytes())?;
        step(
            console,
            1,
            "owner",
            start.elapsed(),
            &format!(
                "collapses the {} layers of the network to one matrix of 10 x {PIXELS}\n\
                 whole numbers of {} bits; no logit is more than {:.4} off, and that is\n\
                 proved. The matrix goes to the cloud, a public spec of {}\n\
                 to the hospital.",
                network.layers().len(),
                report.bits,
                report.logit_error,
                bytes(spec.as_json().len())
            ),
        )?;

        // The hospital makes a key and a request.
        let start = Instant::now();
        let key = self.size.generate(console)?;
        key.proof()?;
        let keygen = start.elapsed();
        let key_bits = key.public_key().bits();
        step(
            console,
            2,
            "hospital",
            keygen,
            &format!("makes a key of {key_bits} bits; its secret part stays in the hospital."),
        )?;

        let start = Instant::now();
        let spec_text = spec.as_json().as_bytes();
        let layout = self.layout.choose(&spec, key_bits, samples.len())?;
        let encryptor = Encryptor::with_secret_key(PublicSpec::from_json(spec_text)?, spec.fingerprint(), key.clone())?
            .layout(layout)?;
        let records: Vec<&[f64]> = samples.iter().map(|sample| &*sample.record).collect();
        let request = console.steps("encrypt", |progress| encryptor.encrypt_with_progress(&records, progress))?;
        let header = *request.header();
        let (sent, ciphertext_bytes) = (request.to_bytes(), request.ciphertext_bytes());
        drop(request);
        let encrypt = start.elapsed();
        let seen = &sent[sent.len() - ciphertext_bytes..][..24];
        let together = match layout {
            Layout::Records => format!("{} of them", encryptor.capacity().min(samples.len())),
            Layout::Features { together } => format!("{together} pixels"),
        };
        step(
            console,
            3,
            "hospital",
            encrypt,
            &format!("encrypts the pictures, {together} together: {} go to the cloud.", bytes(sent.len())),
        )?;

        // The cloud sees bytes. It has planned before, as services do.
        cloud.prepare(console, layout)?;
        let start = Instant::now();
        let received = console.steps("evaluate", |progress| cloud.answer(&sent, progress))?;
        let evaluate = start.elapsed();
        step(
            console,
            4,
            "cloud",
            evaluate,
            &format!(
                "computes on what it cannot read, {} multiplications a batch:\n\
                 {} go back. All that it sees of the first pixels:\n{}...",
                cloud.multiplications(layout)?,
                bytes(received.len()),
                hex(seen)
            ),
        )?;

        // The hospital reads the answers.
        let start = Instant::now();
        let decryptor = Decryptor::new(PublicSpec::from_json(spec_text)?, spec.fingerprint(), key)?;
        let predictions = decryptor.decrypt(&Response::from_bytes(&received)?, &header)?;
        let decrypt = start.elapsed();
        step(console, 5, "hospital", decrypt, "decrypts the answers.")?;
        console.print("")?;

        let comparison = Comparison::of(&samples, &predictions, &model, &network)?;
        if comparison.integer != samples.len() || comparison.error > report.logit_error {
            let differ = samples.len() - comparison.integer;
            let why = format!("{differ} predictions are not the plain model's, or an error is above its bound");
            return Err(Failure::new(Exit::Bug, why));
        }
        if self.mnist.is_none() {
            self.draw(console, &samples, &predictions)?;
        }
        let facts = Facts {
            records: samples.len(),
            layout: layout.to_string(),
            correct: comparison.correct,
            agree_with_integer_model: comparison.integer,
            agree_with_float_model: comparison.float,
            max_logit_error: comparison.error,
            proved_logit_error: report.logit_error,
            key_bits,
            backend: Backend::selected()?.name(),
            threads: tacita::threads()?,
            request_bytes: sent.len(),
            response_bytes: received.len(),
            ms: Times { keygen: ms(keygen), encrypt: ms(encrypt), evaluate: ms(evaluate), decrypt: ms(decrypt) },
        };
        let text = summary(&facts);
        Ok(Report::result(&facts, text))
    }

    fn samples(&self) -> Result<Vec<Sample>, Failure> {
        let Some(folder) = &self.mnist else {
            let sample = |digit: &Digit| {
                Sample::new(
                    format!("digit {}, drawn in style {}", digit.label, digit.style),
                    digit.label,
                    &digit.pixels,
                )
            };
            return Ok(Digit::embedded().iter().map(sample).collect());
        };
        let images = Mnist::load_test(folder).map_err(dataset)?;
        if self.records == 0 || self.records > images.len() {
            let why = format!("--records {}: from 1 to {} are possible", self.records, images.len());
            return Err(Failure::new(Exit::Argument, why));
        }
        let chosen: Vec<usize> = match self.seed {
            None => (0..self.records).map(|index| index * images.len() / self.records).collect(),
            Some(seed) => {
                let mut all: Vec<usize> = (0..images.len()).collect();
                let random = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
                all.partial_shuffle(random, self.records).0.to_vec()
            }
        };
        let sample =
            |index: usize| Sample::new(format!("test image {index}"), images.labels()[index], images.image(index));
        Ok(chosen.into_iter().map(sample).collect())
    }

    /// Each picture beside the probabilities of its classes.
    fn draw(&self, console: &Console, samples: &[Sample], predictions: &[Prediction]) -> Result<(), Failure> {
        let style = Style::of_terminal(self.ascii);
        for (sample, prediction) in samples.iter().zip(predictions) {
            let verdict = if prediction.class == usize::from(sample.label) { "right" } else { "wrong" };
            let mut beside = vec![String::new(), sample.name.clone()];
            let line = |(class, &probability): (usize, &f64)| {
                let here = if class == prediction.class { "<" } else { " " };
                let bar = style.bar(probability, 30);
                format!("{class} {:5.1} % {here} {bar}", 100.0 * probability)
            };
            beside.extend(prediction.probabilities.iter().enumerate().map(line));
            beside.push(format!("class {}: {verdict}", prediction.class));
            let lines =
                style.picture(&sample.pixels, SIDE).into_iter().zip(beside.iter().map(Some).chain([None; SIDE]));
            for (picture, beside) in lines {
                let beside = beside.map(|text| format!("    {text}")).unwrap_or_default();
                console.print(format!("  {picture}{beside}").trim_end())?;
            }
        }
        console.print("")
    }
}

/// How predictions compare with labels and with the models in the clear.
struct Comparison {
    correct: usize,
    /// Records with the integer model's exact outputs.
    integer: usize,
    /// Records with the float network's class.
    float: usize,
    /// Largest difference of a logit from the float network's, computed layer by layer.
    error: f64,
}

impl Comparison {
    fn of(
        samples: &[Sample],
        predictions: &[Prediction],
        model: &PrivateModel,
        network: &Network,
    ) -> Result<Self, Failure> {
        let mut comparison = Self { correct: 0, integer: 0, float: 0, error: 0.0 };
        let features = model.spec().features();
        let mut integers = vec![0; features.len()];
        for (sample, prediction) in samples.iter().zip(predictions) {
            features.encode(&sample.record, OutOfRange::Refuse, &mut integers)?;
            let logits = network.logits(&sample.record)?;
            comparison.correct += usize::from(prediction.class == usize::from(sample.label));
            comparison.integer += usize::from(prediction.outputs == model.evaluate(&integers)?);
            comparison.float += usize::from(prediction.class == network.activation().class(&logits));
            for (found, expected) in prediction.logits.iter().zip(logits) {
                comparison.error = comparison.error.max((found - expected).abs());
            }
        }
        Ok(comparison)
    }
}

/// The network of digits as a private model.
pub(super) fn compile(
    network: &Network,
    options: QuantiseOptions,
) -> Result<(PrivateModel, tacita::model::QuantisationReport), Failure> {
    let features = Features::new([Feature::run("pixel", PIXELS as u32, Grid::new(0.0, 1.0, 0, 255)?)])?;
    let labels: Vec<String> = (0..network.outputs()).map(|digit| digit.to_string()).collect();
    let affine = network.collapse()?;
    Ok(PrivateModel::compile(&affine, features, &labels, network.activation(), "digits", options)?)
}

fn step(console: &Console, number: u32, who: &str, took: Duration, what: &str) -> Result<(), Failure> {
    let what = what.replace('\n', &format!("\n{:22}", ""));
    console.print(&format!("{number}. {who:9}{:>8}  {what}", time(took)))
}

fn summary(facts: &Facts) -> String {
    let Facts { records, correct, max_logit_error, proved_logit_error, .. } = facts;
    format!(
        "{correct} of {records} classified right ({:.2} %).\n\
         {} of {records} answers are exactly those of the whole-number model in the clear.\n\
         {} of {records} classes are those of the trained network in the clear; no logit is off by more than\n\
         {max_logit_error:.5}, and {proved_logit_error:.5} is proved.",
        100.0 * *correct as f64 / *records as f64,
        facts.agree_with_integer_model,
        facts.agree_with_float_model,
    )
}
