//! What a bench finds: the JSON of `tacita bench --json`.

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) machine: Machine,
    pub(super) limit: Limit,
    pub(super) kernels: Vec<Kernel>,
    pub(super) jobs: Vec<Job>,
    pub(super) plans: Vec<Plan>,
    pub(super) whole: Vec<Whole>,
    /// A line for each thing that this machine cannot do.
    pub(super) skipped: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    /// The engine that keys use unless told otherwise.
    pub(super) backend: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Limit {
    /// Time after which a 512-bit multiply-add can follow another.
    pub(super) madd52_ns: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kernel {
    /// `mul` or `sqr`.
    pub(super) op: String,
    /// `n2` or `p2`.
    pub(super) modulus: String,
    /// Of the key: p has half as many.
    pub(super) bits: u32,
    pub(super) backend: String,
    pub(super) ns_per_lane: f64,
    pub(super) share_of_schoolbook_limit: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) job: String,
    pub(super) bits: u32,
    pub(super) backend: String,
    pub(super) threads: usize,
    /// For one of the batch where there is one.
    pub(super) us: f64,
    /// How many were done together.
    pub(super) batch: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// `gaussian` or `mnist`.
    pub(super) matrix: String,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) weight_bits: u32,
    pub(super) multiplications: usize,
    pub(super) planning_ms: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Whole {
    pub(super) layout: String,
    pub(super) records: usize,
    pub(super) bits: u32,
    pub(super) backend: String,
    pub(super) threads: usize,
    /// Whether nonces were made before the clock started.
    pub(super) pool: bool,
    pub(super) ms: Times,
    pub(super) bytes: Lengths,
    /// Of the process, which has keys, tables and plans, and plays both sides.
    pub(super) peak_memory_mb: Option<f64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::commands) struct Times {
    pub(in crate::commands) encrypt: f64,
    pub(in crate::commands) evaluate: f64,
    pub(in crate::commands) decrypt: f64,
}

impl Times {
    /// Keeps the least of both, step by step.
    pub(in crate::commands) fn lower_to(&mut self, other: &Self) {
        self.encrypt = self.encrypt.min(other.encrypt);
        self.evaluate = self.evaluate.min(other.evaluate);
        self.decrypt = self.decrypt.min(other.decrypt);
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::commands) struct Lengths {
    pub(in crate::commands) request: usize,
    pub(in crate::commands) response: usize,
}

impl Facts {
    /// Takes over what another process measured.
    pub(super) fn merge(&mut self, other: Self) {
        let Self { machine: _, limit, kernels, jobs, plans, whole, skipped } = other;
        self.limit.madd52_ns = limit.madd52_ns.or(self.limit.madd52_ns);
        self.kernels.extend(kernels);
        self.jobs.extend(jobs);
        self.plans.extend(plans);
        self.whole.extend(whole);
        self.skipped.extend(skipped.into_iter().filter(|line| !self.skipped.contains(line)).collect::<Vec<_>>());
    }
}

impl Machine {
    pub(super) fn this() -> tacita::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let cpu = name.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_string();
        Ok(Self { cpu, cores, backend: tacita::Backend::selected()?.name().into() })
    }
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn the_least_is_kept_of_each_step() {
        let mut least = Times { encrypt: 1.0, evaluate: 5.0, decrypt: 3.0 };
        least.lower_to(&Times { encrypt: 2.0, evaluate: 4.0, decrypt: 3.5 });
        assert_eq!([least.encrypt, least.evaluate, least.decrypt], [1.0, 4.0, 3.0]);
    }
}
