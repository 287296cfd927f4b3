//! `tacita plan`: which layout is the best, and what it will take.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use tacita::Backend;
use tacita::encoding::Layout;
use tacita::inference::{Evaluator, Forecast, Nonces, UnitCosts};
use tacita::model::{PrivateModel, PublicSpec, QuantiseOptions};
use tacita::network::Network;
use tacita::paillier::SecretKey;
use tacita_datasets::NETWORK;

use super::bench::clock::Clock;
use super::bench::facts::Times;
use super::bench::tables::duration;
use super::bench::whole::whole;
use super::demo;
use super::keygen::KeyBits;
use crate::console::{Console, Report, bytes};
use crate::exit::{Exit, Failure, Of};
use crate::files::Source;
use crate::load;

/// Say which layout is the best for so many records, and what it takes on this machine
///
/// The parts of the work are measured here, in a second or a few, with a key that is thrown away; the rest is counted.
/// Without a model or a spec it is about the model of `tacita demo`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The private model
    #[arg(long, value_name = "FILE", conflicts_with = "spec")]
    model: Option<Source>,
    /// The public spec, where the model is not at hand: multiplications are then estimated
    #[arg(long, value_name = "FILE")]
    spec: Option<Source>,
    /// Records of a request
    #[arg(long, default_value_t = 1, value_name = "N")]
    records: usize,
    #[command(flatten)]
    size: KeyBits,
    /// Both sides have made enough nonces beforehand
    #[arg(long)]
    pool: bool,
    /// The records are encrypted with the public key alone
    #[arg(long, conflicts_with = "pool")]
    public: bool,
    /// Do it in every layout, and say how far off the predictions are
    #[arg(long, conflicts_with_all = ["spec", "public"])]
    check: bool,
    /// How often --check measures and works, some ten seconds a round for one record
    ///
    /// Neighbours that share the processor make it slower by a third or more for seconds at a time, and never quicker: the least
    /// of both sides tells whether a prediction is right.
    #[arg(long, default_value_t = 10, requires = "check", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

#[derive(Serialize)]
struct Facts {
    records: usize,
    bits: u32,
    backend: &'static str,
    threads: usize,
    pool: bool,
    best: String,
    why: String,
    /// The quickest first.
    layouts: Vec<Row>,
    /// Seconds.
    costs: UnitCosts,
    /// Of the predictions above.
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_deviation: Option<f64>,
    /// Of each round's predictions, beginning with those above.
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_deviations: Option<Vec<f64>>,
}

/// Costs, and what they say of each layout.
struct Round {
    costs: UnitCosts,
    /// The quickest first.
    rows: Vec<Row>,
}

impl Round {
    fn predicted(&self) -> f64 {
        self.rows.iter().map(|row| total(&row.ms)).sum()
    }

    fn largest_deviation(&self) -> f64 {
        self.rows.iter().filter_map(|row| row.deviation).fold(0.0, |most, deviation| deviation.abs().max(most))
    }
}

#[derive(Serialize)]
struct Row {
    #[serde(skip)]
    forecast: Forecast,
    layout: String,
    ciphertexts: Pair,
    bytes: Pair,
    multiplications: u64,
    /// Whether the multiplications are not those of a plan.
    estimated: bool,
    /// Predicted.
    ms: Times,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured_ms: Option<Times>,
    /// Predicted by measured, less 1, for the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
}

#[derive(Serialize)]
struct Pair {
    request: u64,
    response: u64,
}

/// Largest deviation that a prediction may have.
const ASKED: f64 = 0.2;

/// What is asked about.
enum About {
    Model(Box<Evaluator>),
    Spec(Box<PublicSpec>),
}

impl About {
    fn forecasts(&self, costs: UnitCosts, records: usize, nonces: Nonces) -> Result<Round, Failure> {
        let forecasts = match self {
            Self::Model(evaluator) => evaluator.forecasts(&costs, records, nonces)?,
            Self::Spec(spec) => {
                let estimate = UnitCosts::estimated_multiplications(spec);
                let forecasts = costs.forecasts(spec, records, nonces, |_| Ok(estimate))?;
                forecasts.into_iter().map(|forecast| (forecast, false)).collect()
            }
        };
        let rows = forecasts.into_iter().map(|(forecast, planned)| Row::from(forecast, planned)).collect();
        Ok(Round { costs, rows })
    }
}

impl Plan {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        if self.records == 0 {
            return Err(Failure::new(Exit::Argument, "--records: at least 1"));
        }
        let about = self.about()?;
        let key = self.size.generate(console)?;
        let nonces = match (self.pool, self.public) {
            (true, _) => Nonces::Pool,
            (_, true) => Nonces::Public,
            _ => Nonces::Secret,
        };
        let (round, largest_deviations) = match &about {
            About::Model(evaluator) if self.check => self.check(console, &key, evaluator, nonces)?,
            _ => (about.forecasts(UnitCosts::measure(&key)?, self.records, nonces)?, None),
        };
        let Round { costs, rows: layouts } = round;
        let forecasts: Vec<_> = layouts.iter().map(|row| row.forecast).collect();
        let facts = Facts {
            records: self.records,
            bits: costs.bits,
            backend: Backend::selected()?.name(),
            threads: costs.threads,
            pool: self.pool,
            best: layouts[0].layout.clone(),
            why: why(&forecasts),
            largest_deviation: largest_deviations.as_ref().map(|all| all[0]),
            largest_deviations,
            layouts,
            costs,
        };
        let text = facts.text();
        Ok(Report::result(&facts, text))
    }

    /// Measures the costs and does the work of each layout in turns, again and again: the predictions of the round with the
    /// least, beside the least times of all rounds; and the largest deviation of each round's predictions from those times.
    fn check(
        &self,
        console: &Console,
        key: &SecretKey,
        evaluator: &Evaluator,
        nonces: Nonces,
    ) -> Result<(Round, Option<Vec<f64>>), Failure> {
        let (spec, bits) = (evaluator.spec(), key.public_key().bits());
        for layout in spec.layouts().filter(|&layout| spec.packing(layout, bits).is_ok()) {
            console.note(&format!("planning {layout} ..."));
            evaluator.prepare(layout)?;
        }
        // Whatever the records hold, they take the same time.
        let least: Vec<_> = spec.features().grids().map(|grid| grid.decode(grid.least())).collect();
        let records = vec![least; self.records];
        let (mut rounds, mut measured) = (Vec::new(), BTreeMap::<_, Times>::new());
        for round in 1..=self.rounds {
            console.note(&format!("round {round} of {}, costs ...", self.rounds));
            let costs = UnitCosts::measure(key)?;
            let multiplications = |layout| evaluator.multiplications(layout);
            let forecasts = costs.forecasts(spec, self.records, nonces, multiplications)?;
            let rows: Vec<_> = forecasts.into_iter().map(|forecast| Row::from(forecast, true)).collect();
            for Row { forecast: Forecast { layout, .. }, layout: name, .. } in &rows {
                console.note(&format!("round {round} of {}, {layout} ...", self.rounds));
                let (ms, ..) = whole(Clock::short(), key, evaluator, *layout, &records, self.pool)?;
                measured.entry(name.clone()).and_modify(|least| least.lower_to(&ms)).or_insert(ms);
            }
            rounds.push(Round { costs, rows });
        }
        rounds.sort_by(|x, y| x.predicted().total_cmp(&y.predicted()));
        for row in rounds.iter_mut().flat_map(|round| &mut round.rows) {
            row.compare(measured[&row.layout]);
        }
        let largest = rounds.iter().map(Round::largest_deviation).collect();
        Ok((rounds.swap_remove(0), Some(largest)))
    }

    fn about(&self) -> Result<About, Failure> {
        let model: PrivateModel = match (&self.spec, &self.model) {
            (Some(spec), _) => {
                let bytes = spec.read("spec", PublicSpec::MAX_BYTES as u64)?;
                return Ok(About::Spec(Box::new(PublicSpec::from_json(&bytes).of(spec)?)));
            }
            (None, Some(model)) => load::model(model)?,
            (None, None) => demo::compile(&Network::from_safetensors(NETWORK, None)?, QuantiseOptions::default())?.0,
        };
        Ok(About::Model(Box::new(Evaluator::new(model).max_records(usize::MAX))))
    }
}

impl Row {
    fn from(forecast: Forecast, planned: bool) -> Self {
        let [encrypt, evaluate, decrypt] =
            [forecast.encrypt, forecast.evaluate, forecast.decrypt].map(|seconds| seconds * 1e3);
        Self {
            forecast,
            layout: forecast.layout.to_string(),
            ciphertexts: Pair { request: forecast.request_ciphertexts, response: forecast.response_ciphertexts },
            bytes: Pair { request: forecast.request_bytes, response: forecast.response_bytes },
            multiplications: forecast.multiplications,
            estimated: !planned,
            ms: Times { encrypt, evaluate, decrypt },
            measured_ms: None,
            deviation: None,
        }
    }

    fn compare(&mut self, measured: Times) {
        self.deviation = Some(total(&self.ms) / total(&measured) - 1.0);
        self.measured_ms = Some(measured);
    }
}

fn total(ms: &Times) -> f64 {
    ms.encrypt + ms.evaluate + ms.decrypt
}

/// What the best layout saves against `records`, or `records` against the next.
fn why(forecasts: &[Forecast]) -> String {
    let best = &forecasts[0];
    let other = forecasts.iter().find(|other| other.layout == Layout::Records && best.layout != Layout::Records);
    let Some(other) = other.or(forecasts.get(1)) else { return "there is no other layout".into() };
    let mut steps = [
        (other.encrypt - best.encrypt, "encryption"),
        (other.evaluate - best.evaluate, "evaluation"),
        (other.decrypt - best.decrypt, "decryption"),
    ];
    steps.sort_by(|x, y| y.0.total_cmp(&x.0));
    let told = steps.iter().filter(|(seconds, _)| seconds.abs() >= 1e-6).map(|(seconds, step)| {
        let (verb, time) = (if *seconds > 0.0 { "saves" } else { "costs" }, duration(seconds.abs() * 1e6));
        format!("{step} {verb} {time}")
    });
    format!(
        "against {}, {} ciphertexts up and {} down instead of {} and {}: {}",
        other.layout,
        best.request_ciphertexts,
        best.response_ciphertexts,
        other.request_ciphertexts,
        other.response_ciphertexts,
        told.collect::<Vec<_>>().join(", ")
    )
}

impl Facts {
    fn text(&self) -> String {
        let Self { records, bits, backend, threads, pool, best, why, .. } = self;
        let nonces = if *pool { ", nonces at hand" } else { "" };
        let mut lines = vec![
            format!("{records} records, {bits}-bit keys, engine {backend}, {threads} threads{nonces}"),
            String::new(),
            "  layout         up   down       bytes up     bytes down  multiplications    encrypt   evaluate    decrypt      \
             whole"
                .into(),
        ];
        for row in &self.layouts {
            let Row { layout, ciphertexts, bytes: lengths, multiplications, ms, .. } = row;
            let mark = if layout == best { '*' } else { ' ' };
            let [encrypt, evaluate, decrypt, whole] =
                [ms.encrypt, ms.evaluate, ms.decrypt, total(ms)].map(|ms| duration(ms * 1e3));
            let (Pair { request: up, response: down }, of) = (ciphertexts, |length: u64| bytes(length as usize));
            let multiplications = format!("{}{multiplications}", if row.estimated { "~ " } else { "" });
            let (bytes_up, bytes_down) = (of(lengths.request), of(lengths.response));
            let mut line = format!(
                "{mark} {layout:11}  {up:>5}  {down:>5}  {bytes_up:>13}  {bytes_down:>13}  {multiplications:>15}  \
                 {encrypt:>9}  {evaluate:>9}  {decrypt:>9}  {whole:>9}"
            );
            if let (Some(measured), Some(deviation)) = (&row.measured_ms, row.deviation) {
                let Times { encrypt, evaluate, decrypt } = measured;
                let [encrypt, evaluate, decrypt, whole] =
                    [*encrypt, *evaluate, *decrypt, total(measured)].map(|ms| duration(ms * 1e3));
                line.push_str(&format!(
                    "\n  measured {:67}{encrypt:>9}  {evaluate:>9}  {decrypt:>9}  {whole:>9}  {:+5.1} %",
                    "",
                    100.0 * deviation
                ));
            }
            lines.push(line);
        }
        lines.push(format!("\n{best} is the best: {why}."));
        if self.layouts.iter().any(|row| row.estimated) {
            lines.push("Multiplications with ~ are estimates; their layouts were not planned.".into());
        }
        if let Some(all) = &self.largest_deviations {
            let verdict = if all[0] <= ASKED { "holds" } else { "FAILS" };
            let (least, most) = all.iter().fold((all[0], all[0]), |(least, most), &x| (x.min(least), x.max(most)));
            let [largest, asked, least, most] = [all[0], ASKED, least, most].map(|share| 100.0 * share);
            lines.push(format!(
                "The cheapest round's predictions beside the least times of all rounds: none is off by more than {largest:.1} % \
                 ({asked} % is asked: {verdict}).\nIn each round the one that is furthest off is so by {least:.1} to {most:.1} %."
            ));
        }
        lines.join("\n")
    }
}
