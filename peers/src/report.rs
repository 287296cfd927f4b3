//! The outcome: times, ratios, and what the project asks of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::contender::{SIGNS_APART, WEIGHT_BY_WEIGHT};
use crate::{Clock, Contender, Job, Time, Work};

/// What tacita is to reach: so many times quicker than a rival, or with so many times fewer bytes.
struct Claim {
    job: Job,
    rival: &'static str,
    /// If not in all of its ways.
    way: Option<&'static str>,
    quantity: Quantity,
    /// Of the quickest engine.
    must: f64,
    /// Of the portable engine.
    portable: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Quantity {
    Time,
    Bytes,
}

const CLAIMS: &[Claim] = {
    use Job::*;
    const fn time(job: Job, rival: &'static str, must: f64, portable: Option<f64>) -> Claim {
        Claim { job, rival, way: None, quantity: Quantity::Time, must, portable }
    }
    const fn in_way(way: &'static str, claim: Claim) -> Claim {
        Claim { way: Some(way), ..claim }
    }
    const CKKS: &str = "diagonals, ring 8192";
    &[
        time(Product, "gmp", 7.0, None),
        time(Square, "gmp", 9.0, None),
        time(EncryptSecret, "fast-paillier", 100.0, Some(1.0)),
        time(EncryptSecret, "kzen-paillier", 1.0, Some(1.0)),
        time(EncryptSecret, "phe", 1.0, Some(1.0)),
        time(EncryptPublic, "fast-paillier", 110.0, Some(1.0)),
        time(EncryptPublic, "kzen-paillier", 1.0, Some(1.0)),
        time(EncryptPublic, "phe", 1.0, Some(1.0)),
        time(DecryptBatch, "fast-paillier", 14.0, None),
        time(DecryptBatch, "kzen-paillier", 7.0, None),
        time(DecryptBatch, "gmp", 1.0, Some(1.0)),
        time(DecryptOne, "gmp", 6.0, Some(1.0)),
        time(NthPower, "gmp", 8.0, None),
        in_way(WEIGHT_BY_WEIGHT, time(LinearLayer, "fast-paillier", 150.0, Some(1.0))),
        in_way(SIGNS_APART, time(LinearLayer, "fast-paillier", 1.0, Some(1.0))),
        in_way(WEIGHT_BY_WEIGHT, time(LinearLayer, "kzen-paillier", 90.0, Some(1.0))),
        in_way(SIGNS_APART, time(LinearLayer, "kzen-paillier", 1.0, Some(1.0))),
        time(LinearLayer, "phe", 1.0, Some(1.0)),
        time(Whole, "fast-paillier", 250.0, Some(1.0)),
        time(Whole, "kzen-paillier", 1.0, Some(1.0)),
        time(Whole, "phe", 1.0, Some(1.0)),
        in_way(CKKS, time(Whole, "openfhe", 1.0, None)),
        Claim { job: Whole, rival: "openfhe", way: Some(CKKS), quantity: Quantity::Bytes, must: 4.0, portable: None },
        in_way(CKKS, time(WholePool, "openfhe", 2.0, None)),
        in_way(CKKS, time(WholeBatch, "openfhe", 10.0, None)),
    ]
};

impl Claim {
    fn of(&self, engine: &str) -> Option<f64> {
        if engine == "portable" { self.portable } else { Some(self.must) }
    }
}

/// What a rival in another language measured, as its program printed it.
#[derive(Debug, Deserialize)]
pub struct Foreign {
    rival: String,
    version: String,
    jobs: Vec<ForeignJob>,
}

#[derive(Debug, Deserialize)]
struct ForeignJob {
    job: String,
    ns: f64,
    /// Of several ways to do it, this one.
    #[serde(default)]
    way: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    ms: Option<serde_json::Value>,
    #[serde(default)]
    bytes: Option<ForeignBytes>,
    /// Largest error of an answer over the largest answer.
    #[serde(default)]
    error: Option<f64>,
    #[serde(default)]
    classes_agree: Option<f64>,
    /// Records that share the bytes.
    #[serde(default = "one")]
    records: u64,
}

fn one() -> u64 {
    1
}

#[derive(Debug, Clone, Deserialize)]
struct ForeignBytes {
    request: u64,
    response: u64,
    /// Evaluation keys, sent once.
    keys: u64,
}

/// Everything of one run.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: Machine,
    bits: u32,
    threads: usize,
    clock: Clock,
    versions: Vec<Version>,
    jobs: Vec<Outcome>,
    verdicts: Vec<Verdict>,
}

/// Length of the keys that the claims are about.
const CLAIMED_BITS: u32 = 3072;

/// What became of a claim.
#[derive(Debug, Serialize)]
struct Verdict {
    job: Job,
    rival: String,
    quantity: Quantity,
    engine: String,
    must: f64,
    /// `None` if the rival is not here.
    ratio: Option<f64>,
    holds: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
}

#[derive(Debug, Serialize)]
struct Version {
    name: String,
    version: String,
}

#[derive(Debug, Serialize)]
struct Outcome {
    job: Job,
    unit: &'static str,
    ours: Vec<Entry>,
    rivals: Vec<Entry>,
    ratios: Vec<Ratio>,
}

/// What one of them needs for a unit.
#[derive(Debug, Clone, Default, Serialize)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    ns: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ns_low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ns_high: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes_agree: Option<f64>,
}

/// Of one record.
#[derive(Debug, Clone, Serialize)]
struct Bytes {
    request: f64,
    response: f64,
    /// Evaluation keys, sent once for all records.
    keys: u64,
}

impl Entry {
    /// With the way, where there are several.
    fn label(&self) -> String {
        match &self.way {
            Some(way) => format!("{} ({way})", self.name),
            None => self.name.clone(),
        }
    }

    fn shown(&self, quantity: Quantity) -> Option<String> {
        let amount = self.quantity(quantity)?;
        Some(match quantity {
            Quantity::Time => duration(amount),
            Quantity::Bytes => format!("{:.1} kB", amount / 1e3),
        })
    }

    fn quantity(&self, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::Time => Some(self.ns),
            Quantity::Bytes => self.bytes.as_ref().map(|bytes| bytes.request + bytes.response),
        }
    }
}

/// How many times as much a rival needs as tacita in its quickest way.
#[derive(Debug, Serialize)]
struct Ratio {
    engine: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<String>,
    rival: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    quantity: Quantity,
    ratio: f64,
}

impl Report {
    /// An empty report on this machine.
    pub fn new(bits: u32, threads: usize, clock: Clock) -> Self {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let machine = Machine {
            cpu: cpu.map_or("unknown", |(_, name)| name).into(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        };
        Self { machine, bits, threads, clock, versions: Vec::new(), jobs: Vec::new(), verdicts: Vec::new() }
    }

    /// Notes who takes part.
    pub fn add_version(&mut self, name: &str, version: String) {
        if !self.versions.iter().any(|known| known.name == name) {
            self.versions.push(Version { name: name.into(), version });
        }
    }

    /// Adds what somebody needs for a job.
    pub fn add(&mut self, job: Job, who: &dyn Contender, work: &Work, time: Time) {
        let engine = who.engine();
        let entry = Entry {
            name: engine.map_or(who.name().into(), |engine| format!("{}/{engine}", who.name())),
            engine: engine.map(Into::into),
            way: work.way().map(Into::into),
            ns: time.ns,
            ns_low: Some(time.ns_low),
            ns_high: Some(time.ns_high),
            samples: Some(time.samples),
            bytes: work.bytes().map(|[request, response]| Bytes { request, response, keys: 0 }),
            ..Entry::default()
        };
        let outcome = self.outcome(job);
        if engine.is_some() { outcome.ours.push(entry) } else { outcome.rivals.push(entry) }
    }

    /// Adds what a rival in another language measured of the jobs that were measured here.
    pub fn add_foreign(&mut self, foreign: Foreign) {
        self.add_version(&foreign.rival, foreign.version);
        for found in foreign.jobs {
            let records = found.records as f64;
            let entry = Entry {
                name: foreign.rival.clone(),
                way: found.way,
                variant: found.variant,
                ns: found.ns,
                ms: found.ms,
                bytes: found.bytes.map(|bytes| Bytes {
                    request: bytes.request as f64 / records,
                    response: bytes.response as f64 / records,
                    keys: bytes.keys,
                }),
                error: found.error,
                classes_agree: found.classes_agree,
                ..Entry::default()
            };
            let same = |job: Job| job.name() == found.job || job == Job::WholePool && found.job == Job::Whole.name();
            for outcome in self.jobs.iter_mut().filter(|outcome| same(outcome.job)) {
                outcome.rivals.push(entry.clone());
            }
        }
    }

    fn outcome(&mut self, job: Job) -> &mut Outcome {
        let index = self.jobs.iter().position(|outcome| outcome.job == job).unwrap_or_else(|| {
            let outcome = Outcome { job, unit: job.unit(), ours: Vec::new(), rivals: Vec::new(), ratios: Vec::new() };
            self.jobs.push(outcome);
            self.jobs.len() - 1
        });
        &mut self.jobs[index]
    }

    /// Compares each engine's quickest way with everybody, once all are in, and judges the claims.
    pub fn compare(&mut self) {
        let is_claimed = self.bits == CLAIMED_BITS;
        for outcome in &mut self.jobs {
            outcome.ratios = outcome.compared();
            for claim in CLAIMS.iter().filter(|claim| is_claimed && claim.job == outcome.job) {
                self.verdicts.extend(outcome.judged(claim));
            }
        }
    }
}

impl Outcome {
    fn compared(&self) -> Vec<Ratio> {
        let mut ratios = Vec::new();
        for ours in self.quickest() {
            for rival in &self.rivals {
                for quantity in [Quantity::Time, Quantity::Bytes] {
                    if let (Some(we_need), Some(they_need)) = (ours.quantity(quantity), rival.quantity(quantity)) {
                        ratios.push(Ratio {
                            engine: ours.engine.clone().unwrap_or_default(),
                            way: ours.way.clone(),
                            rival: rival.label(),
                            variant: rival.variant.clone(),
                            quantity,
                            ratio: they_need / we_need,
                        });
                    }
                }
            }
        }
        ratios
    }

    /// A claim, for each engine that it is about.
    fn judged(&self, claim: &Claim) -> Vec<Verdict> {
        let rival = Entry { name: claim.rival.into(), way: claim.way.map(Into::into), ..Entry::default() }.label();
        let engines = self.quickest().into_iter().filter_map(|ours| ours.engine.clone());
        let verdict = |engine: String| {
            let must = claim.of(&engine)?;
            let is_it =
                |ratio: &&Ratio| (&ratio.rival, &ratio.engine, ratio.quantity) == (&rival, &engine, claim.quantity);
            let ratio = self.ratios.iter().find(is_it).map(|ratio| ratio.ratio);
            Some(Verdict {
                job: self.job,
                rival: rival.clone(),
                quantity: claim.quantity,
                engine,
                must,
                ratio,
                holds: ratio.map(|ratio| ratio >= must),
            })
        };
        engines.filter_map(verdict).collect()
    }

    /// The quickest way of each engine.
    fn quickest(&self) -> Vec<&Entry> {
        let mut quickest: Vec<&Entry> = Vec::new();
        for entry in &self.ours {
            match quickest.iter_mut().find(|known| known.engine == entry.engine) {
                Some(known) if entry.ns < known.ns => *known = entry,
                Some(_) => (),
                None => quickest.push(entry),
            }
        }
        quickest
    }
}

/// The table: for each rival how many times as much it needs as each engine of tacita; behind it what is asked for.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cores } = &self.machine;
        let clock = if self.clock == Clock::Wall { "time on the clock" } else { "processor time" };
        writeln!(f, "{} bits, {} thread, {clock}, {cpu}, {cores} cores", self.bits, self.threads)?;
        let versions: Vec<_> = self.versions.iter().map(|of| format!("{} {}", of.name, of.version)).collect();
        writeln!(f, "{}", versions.join(", "))?;
        for outcome in &self.jobs {
            let Outcome { job, unit, rivals, ratios, .. } = outcome;
            let ours = outcome.quickest();
            write!(f, "\n{:<42}", format!("{job}, for a {unit}"))?;
            ours.iter().try_for_each(|entry| write!(f, "{:>18}", entry.name))?;
            if ours.iter().any(|entry| entry.way.is_some()) {
                write!(f, "\n{:<42}", "")?;
                ours.iter().try_for_each(|entry| write!(f, "{:>18}", entry.way.as_deref().unwrap_or_default()))?;
            }
            for quantity in [Quantity::Time, Quantity::Bytes] {
                let cells: Vec<_> = ours.iter().filter_map(|entry| entry.shown(quantity)).collect();
                if cells.is_empty() {
                    continue;
                }
                write!(f, "\n{:<42}", "")?;
                cells.iter().try_for_each(|cell| write!(f, "{cell:>18}"))?;
                for rival in rivals {
                    let Some(cell) = rival.shown(quantity) else { continue };
                    write!(f, "\n  {:<31}{cell:>9}", rival.label())?;
                    let same = |ratio: &&Ratio| ratio.rival == rival.label() && ratio.quantity == quantity;
                    ratios.iter().filter(same).try_for_each(|ratio| write!(f, "{:>18}", ratio.to_string()))?;
                    if let (Quantity::Time, Some(error), Some(agree)) = (quantity, rival.error, rival.classes_agree) {
                        write!(f, "  error {error:.0e}, {:.0} % of classes right", 100.0 * agree)?;
                    }
                }
            }
            writeln!(f)?;
        }
        if !self.verdicts.is_empty() {
            writeln!(f, "\nasked of tacita, in each case of its quickest way:")?;
        }
        self.verdicts.iter().try_for_each(|verdict| writeln!(f, "{verdict}"))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x", figures(self.ratio))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, rival, engine, must, .. } = self;
        let fewer = if self.quantity == Quantity::Time { "" } else { " in bytes" };
        write!(f, "  {:<48}{engine:>9}", format!("{job} against {rival}{fewer}"))?;
        match self.ratio {
            Some(ratio) => {
                let holds = if self.holds == Some(true) { "holds" } else { "FAILS" };
                write!(f, "{:>10}, {must} asked: {holds}", format!("{} x", figures(ratio)))
            }
            None => write!(f, "{:>10}, {must} asked: not judged", "not here"),
        }
    }
}

/// A number with three figures.
pub fn figures(x: f64) -> String {
    let before = if x > 0.0 { x.log10().floor() as i32 + 1 } else { 1 };
    format!("{x:.*}", (3 - before).max(0) as usize)
}

/// Nanoseconds for people.
pub fn duration(ns: f64) -> String {
    let (unit, name) = match ns {
        _ if ns < 1e3 => (1.0, "ns"),
        _ if ns < 1e6 => (1e3, "us"),
        _ if ns < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{} {name}", figures(ns / unit))
}
