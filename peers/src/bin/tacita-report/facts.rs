//! What was measured, as far as tables and plots show it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub struct Facts {
    pub bench: Bench,
    pub peers: Peers,
    pub scaling: Option<Scaling>,
}

/// Of `tacita bench --json`.
#[derive(Deserialize)]
pub struct Bench {
    pub machine: Machine,
    pub limit: Limit,
    pub kernels: Vec<Kernel>,
    pub jobs: Vec<Job>,
    pub plans: Vec<Plan>,
    pub whole: Vec<Whole>,
}

#[derive(Deserialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    /// The quickest engine of the machine.
    pub backend: String,
}

#[derive(Deserialize)]
pub struct Limit {
    pub madd52_ns: Option<f64>,
}

#[derive(Deserialize)]
pub struct Kernel {
    pub op: String,
    pub modulus: String,
    pub bits: u32,
    pub backend: String,
    pub ns_per_lane: f64,
    pub share_of_schoolbook_limit: Option<f64>,
}

#[derive(Deserialize)]
pub struct Job {
    pub job: String,
    pub bits: u32,
    pub backend: String,
    pub threads: usize,
    pub us: f64,
}

#[derive(Deserialize)]
pub struct Plan {
    pub matrix: String,
    pub rows: usize,
    pub columns: usize,
    pub weight_bits: u32,
    pub multiplications: usize,
    pub planning_ms: f64,
}

#[derive(Deserialize)]
pub struct Whole {
    pub layout: String,
    pub records: usize,
    pub bits: u32,
    pub backend: String,
    pub threads: usize,
    pub pool: bool,
    pub ms: Parts,
    pub bytes: Bytes,
    pub peak_memory_mb: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
pub struct Parts {
    pub encrypt: f64,
    pub evaluate: f64,
    pub decrypt: f64,
}

impl Parts {
    pub fn list(self) -> [f64; 3] {
        [self.encrypt, self.evaluate, self.decrypt]
    }

    pub fn sum(self) -> f64 {
        self.list().iter().sum()
    }
}

/// Fractions where records share them.
#[derive(Deserialize)]
pub struct Bytes {
    pub request: f64,
    pub response: f64,
}

/// Of `tacita-peers --json`.
#[derive(Deserialize)]
pub struct Peers {
    pub bits: u32,
    pub clock: String,
    pub versions: Vec<Version>,
    pub jobs: Vec<Race>,
    pub verdicts: Vec<Verdict>,
}

#[derive(Deserialize)]
pub struct Verdict {
    pub job: String,
    pub rival: String,
    pub quantity: String,
    pub engine: String,
    pub must: f64,
    pub ratio: Option<f64>,
    pub holds: Option<bool>,
}

#[derive(Deserialize)]
pub struct Version {
    pub name: String,
    pub version: String,
}

/// A job that several did.
#[derive(Deserialize)]
pub struct Race {
    pub job: String,
    pub unit: String,
    pub ours: Vec<Entry>,
    pub rivals: Vec<Entry>,
}

#[derive(Deserialize)]
pub struct Entry {
    pub name: String,
    pub engine: Option<String>,
    pub way: Option<String>,
    pub ns: f64,
    pub ms: Option<Parts>,
    pub bytes: Option<Bytes>,
}

impl Race {
    /// The quickest way of everybody, ours first.
    pub fn quickest(&self) -> Vec<&Entry> {
        let mut quickest: Vec<&Entry> = Vec::new();
        for entry in self.ours.iter().chain(&self.rivals) {
            match quickest.iter_mut().find(|known| known.name == entry.name) {
                Some(known) if entry.ns < known.ns => *known = entry,
                Some(_) => (),
                None => quickest.push(entry),
            }
        }
        quickest
    }

    /// The quickest of all engines.
    pub fn best(&self) -> Option<&Entry> {
        self.ours.iter().min_by(|x, y| x.ns.total_cmp(&y.ns))
    }
}

/// Of `scripts/scaling --json`: for each count what each command took.
#[derive(Deserialize)]
pub struct Scaling {
    pub bits: u32,
    pub records: BTreeMap<usize, BTreeMap<String, Command>>,
    pub features: BTreeMap<usize, BTreeMap<String, Command>>,
    pub rows: BTreeMap<usize, BTreeMap<String, Command>>,
}

#[derive(Deserialize)]
pub struct Command {
    pub seconds: f64,
    pub peak_mb: f64,
}

impl Facts {
    pub fn read(bench: &Path, peers: &Path, scaling: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        Ok(Self { bench: read(bench)?, peers: read(peers)?, scaling: scaling.map(read).transpose()? })
    }

    /// Whole jobs on the quickest engine, with the key length of the comparison and one thread.
    pub fn wholes(&self) -> impl Iterator<Item = &Whole> {
        self.bench.whole.iter().filter(|whole| {
            whole.bits == self.peers.bits && whole.backend == self.bench.machine.backend && whole.threads == 1
        })
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Box<dyn Error>> {
    let tell = |error: &dyn Error| format!("{}: {error}", file.display());
    let text = fs::read(file).map_err(|error| tell(&error))?;
    Ok(serde_json::from_slice(&text).map_err(|error| tell(&error))?)
}
