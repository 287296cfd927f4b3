//! `tacita bench`: what the kernels, the jobs and the whole cost on this machine.

pub(super) mod clock;
pub(super) mod facts;
mod jobs;
mod kernels;
mod plans;
pub(super) mod tables;
pub(super) mod whole;

use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use serde::Deserialize;
use tacita::Backend;
use tacita::inference::Evaluator;
use tacita::model::QuantiseOptions;
use tacita::network::Network;
use tacita::paillier::{KeySize, SecretKey};
use tacita_datasets::NETWORK;

use self::clock::Clock;
use self::facts::{Facts, Machine};
use super::{demo, keygen::key_size};
use crate::console::{Console, Report};
use crate::exit::{Exit, Failure};

/// Measure kernels, jobs and the whole on this machine
///
/// With each engine, with one thread and with all, each in a process of its own. The model is the one of `tacita demo`.
/// Times of jobs are medians, those of kernels the shortest of many runs.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Lengths of the keys
    #[arg(long, value_delimiter = ',', default_value = "2048,3072", value_parser = key_size, value_name = "BITS")]
    bits: Vec<KeySize>,
    /// Measure the whole for this many records too, beside one record and a full batch
    #[arg(long, value_name = "N")]
    records: Option<usize>,
    /// Engines [default: all that this machine has, or what TACITA_BACKEND asks for]
    #[arg(long, value_delimiter = ',', value_parser = engine, value_name = "ENGINES")]
    backends: Vec<Backend>,
    /// Measure only some of it
    #[arg(long, value_delimiter = ',', default_value = "kernels,jobs,plans,whole", value_name = "PARTS")]
    only: Vec<Part>,
    /// Small batches, few runs: to see that it works, not for its numbers
    #[arg(long)]
    quick: bool,
    /// Measure in this process, with its engine and threads
    #[arg(long, hide = true)]
    here: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Products and squares alone
    Kernels,
    /// Encryption, decryption and others
    Jobs,
    /// Multiplications of linear layers
    Plans,
    /// Records to predictions
    Whole,
}

fn engine(name: &str) -> Result<Backend, String> {
    let names = || Backend::available().map(Backend::name).collect::<Vec<_>>().join(", ");
    Backend::available().find(|backend| backend.name() == name).ok_or_else(|| format!("this machine has {}", names()))
}

impl Bench {
    /// `threads` is what the command line asks for.
    pub(crate) fn run(&self, console: &Console, threads: Option<usize>) -> Result<Report, Failure> {
        let facts = if self.here { self.measure_here()? } else { self.measure(console, threads)? };
        let text = facts.text();
        Ok(Report::result(&facts, text))
    }

    /// Everything, what depends on engine or threads in processes of its own.
    fn measure(&self, console: &Console, threads: Option<usize>) -> Result<Facts, Failure> {
        let mut facts = Facts { machine: Machine::this()?, ..Facts::default() };
        kernels::limit(&mut facts);
        if self.wants(Part::Plans) {
            console.note("plans ...");
            plans::measure(&mut facts)?;
        }
        let mut threads: Vec<usize> = threads.map_or_else(|| vec![1, facts.machine.cores], |threads| vec![threads]);
        threads.dedup();
        for backend in self.backends()? {
            for (place, threads) in threads.iter().enumerate() {
                // Kernels know no threads.
                let of_process = |part: &&Part| match part {
                    Part::Kernels => place == 0,
                    Part::Jobs | Part::Whole => true,
                    Part::Plans => false,
                };
                let parts: Vec<_> = self.only.iter().filter(of_process).collect();
                if !parts.is_empty() {
                    console.note(&format!("{backend}, {threads} threads ..."));
                    facts.merge(self.measure_there(backend, *threads, &parts)?);
                }
            }
        }
        Ok(facts)
    }

    fn wants(&self, part: Part) -> bool {
        self.only.contains(&part)
    }

    fn backends(&self) -> Result<Vec<Backend>, Failure> {
        Ok(match &self.backends[..] {
            [] if std::env::var_os(Backend::VARIABLE).is_some() => vec![Backend::selected()?],
            [] => Backend::available().collect(),
            backends => backends.into(),
        })
    }

    /// In another process, because a process has one pool of threads.
    fn measure_there(&self, backend: Backend, threads: usize, parts: &[&Part]) -> Result<Facts, Failure> {
        let name = |part: &&Part| part.to_possible_value().map(|value| value.get_name().to_string());
        let parts: Vec<_> = parts.iter().filter_map(name).collect();
        let mut command = Command::new(std::env::current_exe().map_err(cannot_start)?);
        command.args(["--json", "--threads", &threads.to_string(), "bench", "--here"]);
        let sizes: Vec<_> = self.bits.iter().map(|size| size.bits().to_string()).collect();
        command.args(["--bits", &sizes.join(","), "--only", &parts.join(",")]);
        command.args(self.quick.then_some("--quick"));
        if let Some(records) = self.records {
            command.args(["--records", &records.to_string()]);
        }
        command.env(Backend::VARIABLE, backend.name()).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().map_err(cannot_start)?;
        if output.status.success()
            && let Ok(facts) = serde_json::from_slice(&output.stdout)
        {
            return Ok(facts);
        }
        let told: Result<Told, _> = serde_json::from_slice(&output.stdout);
        let exit = Exit::ALL.iter().find(|exit| output.status.code() == Some(exit.code().into()));
        let message = told
            .map_or_else(|_| format!("a measuring process ended with {}", output.status), |told| told.error.message);
        Err(Failure::new(exit.copied().filter(|exit| exit.code() != 0).unwrap_or(Exit::Bug), message))
    }

    fn measure_here(&self) -> Result<Facts, Failure> {
        let mut facts = Facts { machine: Machine::this()?, ..Facts::default() };
        let (backend, clock) = (Backend::selected()?, Clock::new(self.quick));
        if self.wants(Part::Kernels) {
            self.bits.iter().try_for_each(|&size| kernels::measure(&mut facts, clock, backend, size))?;
        }
        let evaluator = || {
            let network = Network::from_safetensors(NETWORK, None)?;
            let (model, _) = demo::compile(&network, QuantiseOptions::default())?;
            Ok::<_, Failure>(Evaluator::new(model).max_records(usize::MAX))
        };
        let evaluator = self.wants(Part::Whole).then(evaluator).transpose()?;
        for &size in &self.bits {
            if !self.wants(Part::Jobs) && evaluator.is_none() {
                continue;
            }
            let key = SecretKey::generate(size)?;
            if self.wants(Part::Jobs) {
                jobs::measure(&mut facts, clock, backend, size, &key)?;
            }
            if let Some(evaluator) = &evaluator {
                whole::measure(&mut facts, clock, backend, &key, evaluator, self.records)?;
            }
        }
        Ok(facts)
    }
}

/// What a process says that failed.
#[derive(Deserialize)]
struct Told {
    error: ToldError,
}

#[derive(Deserialize)]
struct ToldError {
    message: String,
}

fn cannot_start(error: std::io::Error) -> Failure {
    Failure::new(Exit::Io, format!("a process to measure in does not start: {error}"))
}
