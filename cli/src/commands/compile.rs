//! `tacita compile`: a trained network to a private model and its public spec.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;
use serde::Serialize;
use tacita::encoding::{Feature, Features, Grid, Layout, OutOfRange};
use tacita::model::{Calibration, PrivateModel, QuantisationReport, QuantiseOptions, choose_bits};
use tacita::network::{Activation, Affine, Network};
use tacita::paillier::KeySize;

use crate::console::{Console, Report};
use crate::exit::{Exit, Failure, Of};
use crate::files::{Outputs, Sink, Source};
use crate::kind::Kind;
use crate::records::Records;

/// Longest network file.
const NETWORK_LIMIT: u64 = 1 << 30;
/// Longest list of features or labels.
const LIST_LIMIT: u64 = 64 << 20;

/// Compile a network to a private model and its public spec
///
/// The network is a safetensors file of dense layers, as `tacita train` or PyTorch's `state_dict` makes it. Each input
/// feature needs a grid: the evenly spaced values that it can take.
#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// The trained network, a safetensors file
    #[arg(value_name = "NETWORK")]
    network: Source,
    /// Where the private model goes: for the evaluating service alone
    #[arg(long, value_name = "FILE")]
    model: Sink,
    /// Where the public spec goes: for everybody
    #[arg(long, value_name = "FILE")]
    spec: Sink,
    /// Name of the model
    #[arg(long, default_value = "model")]
    name: String,
    #[command(flatten)]
    features: FeatureArguments,
    /// Names of the outputs [default: their numbers]
    #[arg(long, value_delimiter = ',', value_name = "A,B,C")]
    labels: Option<Vec<String>>,
    /// Names of the outputs, one a line
    #[arg(long, value_name = "FILE", conflicts_with = "labels")]
    labels_file: Option<Source>,
    /// What stands on top: softmax, sigmoid or identity [default: what the network says]
    #[arg(long)]
    activation: Option<Activation>,
    /// Bits of a weight with its sign, from 2 to 16
    #[arg(long, default_value_t = 8)]
    bits: u32,
    /// Take the least bits from 2 to 8 that decide these records as before: a CSV file, or a folder with MNIST
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "bits")]
    calibrate: Option<Source>,
    /// Share of the calibration records that must be decided as before
    #[arg(long, default_value_t = 0.999, requires = "calibrate")]
    agreement: f64,
    /// Layouts whose plans are stored beside the one of `records` [default: the one that is probably the quickest for one
    /// record under a key of 3072 bits]
    #[arg(long, value_delimiter = ',', value_name = "LAYOUTS")]
    plan: Option<Vec<Layout>>,
    /// Order of the layers from input to output [default: natural order of their names]
    #[arg(long, value_delimiter = ',', value_name = "A,B,C")]
    layers: Option<Vec<String>>,
}

/// The grids of the input features.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct FeatureArguments {
    /// One grid for all inputs: values OFFSET + STEP * integer, the integer from LEAST to GREATEST
    #[arg(long, value_name = "OFFSET,STEP,LEAST,GREATEST", value_parser = grid, allow_hyphen_values = true)]
    grid: Option<Grid>,
    /// Short for --grid 0,1,0,255
    #[arg(long)]
    pixels: bool,
    /// Names and grids of the inputs as JSON, in the form of the spec's `features`
    #[arg(long, value_name = "FILE")]
    features: Option<Source>,
}

fn grid(text: &str) -> Result<Grid, String> {
    let wrong = || "expected OFFSET,STEP,LEAST,GREATEST, for example 0,1,0,255".to_string();
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let &[offset, step, least, greatest] = parts.as_slice() else { return Err(wrong()) };
    let real = |text: &str| text.parse::<f64>().map_err(|_| wrong());
    let integer = |text: &str| text.parse::<i64>().map_err(|_| wrong());
    Grid::new(real(offset)?, real(step)?, integer(least)?, integer(greatest)?).map_err(|error| error.to_string())
}

impl FeatureArguments {
    fn features(&self, inputs: usize) -> Result<Features, Failure> {
        let run = |name, grid| {
            let count = u32::try_from(inputs).unwrap_or(u32::MAX);
            Ok(Features::new([Feature::run(name, count, grid)])?)
        };
        if let Some(source) = &self.features {
            let text = source.read("features", LIST_LIMIT)?;
            let runs: Vec<Feature> = serde_json::from_slice(&text).map_err(|error| {
                Failure::new(Exit::Malformed, format!("features cannot be read: {error}")).of(source)
            })?;
            return Features::new(runs).of(source);
        }
        match self.grid {
            Some(grid) => run("input", grid),
            None if self.pixels => run("pixel", Grid::new(0.0, 1.0, 0, 255)?),
            None => Err(Failure::new(
                Exit::Usage,
                format!(
                    "which values can the {inputs} inputs take? Say it with one grid for all, \
                     for example --grid 0,0.5,0,200 for 0, 0.5, ... 100; \
                     with --pixels for 0, 1, ... 255; or with --features and a file of one grid each"
                ),
            )),
        }
    }
}

#[derive(Serialize)]
struct Facts<'a> {
    name: &'a str,
    spec: String,
    features: usize,
    outputs: usize,
    activation: Activation,
    bits: u32,
    scale: f64,
    logit_error: f64,
    logit_error_off_grid: f64,
    weights: usize,
    zero_weights: usize,
    largest_weight: u32,
    output_bits: u32,
    slot_bits: u32,
    multiplications: usize,
    records_per_ciphertext: BTreeMap<u32, usize>,
    features_layouts: Vec<FeaturesLayout>,
    calibration: Option<CalibrationFacts>,
}

/// A features layout, and the ciphertexts that one record takes in it.
#[derive(Serialize)]
struct FeaturesLayout {
    layout: String,
    spacing: u32,
    /// Of the plan that is stored, if one is.
    multiplications: Option<usize>,
    ciphertexts: BTreeMap<u32, UpAndDown>,
}

#[derive(Serialize)]
struct UpAndDown {
    up: u64,
    down: u64,
}

#[derive(Serialize)]
struct CalibrationFacts {
    records: usize,
    agreement: f64,
}

impl Compile {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = Outputs::plan([(&self.model, Kind::Model), (&self.spec, Kind::Spec)], console.json)?;
        let bytes = self.network.read("network", NETWORK_LIMIT)?;
        let mut network = Network::from_safetensors(&bytes, self.layers.as_deref()).of(&self.network)?;
        if let Some(activation) = self.activation {
            network = Network::new(network.normalisation().cloned(), network.layers().to_vec(), activation)?;
        }
        let activation = network.activation();
        let features = self.features.features(network.inputs())?;
        let labels = self.labels(network.outputs())?;
        let affine = network.collapse().of(&self.network)?;
        let calibration =
            self.calibrate.as_ref().map(|set| self.calibrate(set, &affine, &features, activation)).transpose()?;
        let bits = calibration.map_or(self.bits, |calibration| calibration.bits);
        let options = QuantiseOptions { bits };
        let (mut model, report) = PrivateModel::compile(&affine, features, &labels, activation, &self.name, options)?;

        // A key that is too short for the answers has no best layout.
        let best = || model.spec().best_layout(KeySize::Bits3072.bits(), 1).into_iter().collect();
        let layouts = self.plan.clone().unwrap_or_else(best);
        let layouts: Vec<_> = std::iter::once(Layout::Records).chain(layouts).collect();
        let bar = console.progress("plans", layouts.len() as u64);
        for layout in bar.wrap_iter(layouts.into_iter()) {
            model.plan(layout)?;
        }
        bar.finish_and_clear();
        let bytes = model.to_bytes();
        let facts = facts(&model, &report, calibration);
        let text = self.text(&facts, &network);
        let note = outputs.take_stdout();
        outputs.write([&bytes, model.spec().as_json().as_bytes()])?;
        Ok(if note { Report::note(&facts, text) } else { Report::result(&facts, text) })
    }

    fn labels(&self, outputs: usize) -> Result<Vec<String>, Failure> {
        if let Some(source) = &self.labels_file {
            let text = source.read("labels", LIST_LIMIT)?;
            let text = std::str::from_utf8(&text)
                .map_err(|_| Failure::new(Exit::Malformed, "labels cannot be read: they are not UTF-8").of(source))?;
            return Ok(text.lines().map(str::to_string).collect());
        }
        Ok(self.labels.clone().unwrap_or_else(|| (0..outputs).map(|row| row.to_string()).collect()))
    }

    fn calibrate(
        &self,
        set: &Source,
        affine: &Affine,
        features: &Features,
        activation: Activation,
    ) -> Result<Calibration, Failure> {
        let records = match set {
            Source::File(folder) if folder.is_dir() => Records::from_mnist_training(folder, features.len())?,
            _ => Records::from_csv(set, features)?,
        };
        records.check(features, OutOfRange::Refuse).of(set)?;
        Ok(choose_bits(affine, features, activation, records.rows(), self.agreement)?)
    }

    fn text(&self, facts: &Facts, network: &Network) -> String {
        let widths = std::iter::once(network.inputs()).chain(network.layers().iter().map(Affine::rows));
        let widths = widths.map(|width| width.to_string()).collect::<Vec<_>>().join("-");
        let mut text = format!("The network {widths} is one affine map of {} x {}.\n", facts.outputs, facts.features);
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:24} {value}");
        };
        line("private model", format!("{}   for the evaluating service alone", self.model));
        line("public spec", format!("{}   for everybody", self.spec));
        line("fingerprint of the spec", format!("{}   publish it", facts.spec));
        let of_calibration = |calibration: &CalibrationFacts| {
            let CalibrationFacts { records, agreement } = calibration;
            format!("   {:.3} % of {records} calibration records are decided as before", 100.0 * agreement)
        };
        let calibrated = facts.calibration.as_ref().map(of_calibration).unwrap_or_default();
        line("bits of a weight", format!("{}{calibrated}", facts.bits));
        line("step of a logit", format!("{:e}", facts.scale));
        line("proved error of a logit", format!("{:.6}   for records on the grids", facts.logit_error));
        line("", format!("{:.6}   for all records in range", facts.logit_error_off_grid));
        line("weights that are zero", format!("{} of {}", facts.zero_weights, facts.weights));
        line("largest answer", format!("{} bits", facts.output_bits));
        line("slot", format!("{} bits", facts.slot_bits));
        line("multiplications", format!("{} for each batch of records", facts.multiplications));
        for (bits, records) in &facts.records_per_ciphertext {
            line(&format!("records at {bits} bits"), format!("{records} for the price of one"));
        }
        for FeaturesLayout { layout, ciphertexts, multiplications, .. } in &facts.features_layouts {
            let of =
                |(bits, UpAndDown { up, down }): (&u32, &UpAndDown)| format!("{up} up, {down} down at {bits} bits");
            let planned = multiplications.map(|count| format!("planned: {count} multiplications"));
            line(layout, ciphertexts.iter().map(of).chain(planned).collect::<Vec<_>>().join("; "));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn facts<'a>(model: &'a PrivateModel, report: &QuantisationReport, calibration: Option<Calibration>) -> Facts<'a> {
    let spec = model.spec();
    let of_layout = |layout: Layout| {
        let of_key = |size: KeySize| {
            let packing = spec.packing(layout, size.bits()).ok()?;
            let up = packing.request_ciphertexts(1, spec.features().len());
            Some((size.bits(), UpAndDown { up, down: packing.response_ciphertexts(1, spec.labels().len()) }))
        };
        let ciphertexts = KeySize::ALL.into_iter().filter_map(of_key).collect();
        FeaturesLayout {
            layout: layout.to_string(),
            spacing: spec.spacing(layout).unwrap_or(0),
            multiplications: model.multiplications(layout),
            ciphertexts,
        }
    };
    // A key that is too short for even one slot has no capacity.
    let capacity = |size: KeySize| Some((size.bits(), spec.packing(Layout::Records, size.bits()).ok()?.capacity()));
    Facts {
        name: spec.model(),
        spec: spec.fingerprint().to_string(),
        features: spec.features().len(),
        outputs: spec.labels().len(),
        activation: spec.activation(),
        bits: report.bits,
        scale: report.scale,
        logit_error: report.logit_error,
        logit_error_off_grid: report.logit_error_off_grid,
        weights: report.weights,
        zero_weights: report.zero_weights,
        largest_weight: report.largest_weight,
        output_bits: report.output_bits,
        slot_bits: report.slot_bits,
        multiplications: model.multiplications(Layout::Records).unwrap_or_default(),
        records_per_ciphertext: KeySize::ALL.into_iter().filter_map(capacity).collect(),
        features_layouts: spec.layouts().filter(|layout| *layout != Layout::Records).map(of_layout).collect(),
        calibration: calibration.map(|Calibration { records, agreement, .. }| CalibrationFacts { records, agreement }),
    }
}
