//! `tacita bench`: what the jobs cost on this machine.

use std::fmt::Write;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tacita::Backend;
use tacita::encoding::Layout;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response};
use tacita::model::PrivateModel;
use tacita::network::Network;
use tacita::paillier::{KeySize, LinearLayer, NonceMethod, Plaintext, SecretKey, UnverifiedPublicKey};
use tacita_datasets::{Digit, NETWORK, PIXELS};

use super::{demo, keygen::key_size};
use crate::console::{Console, Report, bytes};
use crate::exit::Failure;
use crate::layout;

/// Measure the jobs on this machine
///
/// Each number is the median of several runs. The model is the one of `tacita demo`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Lengths of the keys
    #[arg(long, value_delimiter = ',', default_value = "2048,3072", value_parser = key_size, value_name = "BITS")]
    bits: Vec<KeySize>,
    /// Measure the whole job for this many records too, beside one record and a full batch
    #[arg(long, value_name = "N")]
    records: Option<usize>,
}

#[derive(Serialize)]
struct Facts {
    machine: Machine,
    jobs: Vec<Job>,
    whole: Vec<Whole>,
}

#[derive(Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
    backend: &'static str,
}

#[derive(Serialize)]
struct Job {
    job: &'static str,
    bits: u32,
    backend: &'static str,
    threads: usize,
    us: f64,
}

#[derive(Serialize)]
struct Whole {
    layout: String,
    records: usize,
    bits: u32,
    backend: &'static str,
    threads: usize,
    ms: Times,
    bytes: Lengths,
}

#[derive(Serialize)]
struct Times {
    encrypt: f64,
    evaluate: f64,
    decrypt: f64,
}

#[derive(Serialize)]
struct Lengths {
    request: usize,
    response: usize,
}

/// Most runs of a job, and the time after which no further run starts, if there were [`LEAST_RUNS`].
const MOST_RUNS: usize = 101;
const LEAST_RUNS: usize = 3;
const LONG_ENOUGH: Duration = Duration::from_millis(700);

/// The median time of a run in seconds.
fn median(mut run: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < LEAST_RUNS || (times.len() < MOST_RUNS && start.elapsed() < LONG_ENOUGH) {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

impl Bench {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let (backend, threads) = (Backend::selected()?.name(), tacita::threads()?);
        let (model, _) = demo::compile(&Network::from_safetensors(NETWORK, None)?)?;
        let mut facts = Facts { machine: machine(backend), jobs: Vec::new(), whole: Vec::new() };
        for &size in &self.bits {
            let bits = size.bits();
            let mut measure = |job, count: usize, run: &mut dyn FnMut() -> Result<(), Failure>| {
                console.note(&format!("{job} at {bits} bits ..."));
                let us = median(run)? * 1e6 / count as f64;
                facts.jobs.push(Job { job, bits, backend, threads, us });
                Ok::<_, Failure>(())
            };
            let key = self.keys(size, &mut measure)?;
            self.operations(&key, &mut measure)?;
            self.linear_layer(&model, &key, &mut measure)?;
            let capacity = model.spec().packing(Layout::Records, bits)?.capacity();
            let mut counts = vec![1, capacity];
            counts.extend(self.records.filter(|records| !counts.contains(records)));
            let mut jobs: Vec<_> = counts.into_iter().map(|records| (Layout::Records, records)).collect();
            jobs.extend(layout::features(model.spec(), bits, 1).map(|layout| (layout, 1)));
            for (layout, records) in jobs {
                console.note(&format!("whole job for {records} records in the layout {layout} at {bits} bits ..."));
                let (ms, bytes) = self.whole(&model, &key, layout, records)?;
                let layout = layout.to_string();
                facts.whole.push(Whole { layout, records, bits, backend, threads, ms, bytes });
            }
        }
        let text = facts.text();
        Ok(Report::result(&facts, text))
    }

    /// Making and loading keys. Returns one.
    fn keys(&self, size: KeySize, measure: &mut Measure) -> Result<SecretKey, Failure> {
        let mut key = SecretKey::generate(size)?;
        measure("keygen", 1, &mut || {
            key = SecretKey::generate(size)?;
            Ok(())
        })?;
        key.proof()?;
        let public = UnverifiedPublicKey::from(key.public_key());
        measure("verify_key", 1, &mut || {
            public.clone().verify()?;
            Ok(())
        })?;
        measure("load_key/public", 1, &mut || {
            public.clone().assume_verified()?.nonces(NonceMethod::PublicBase, 1)?;
            Ok(())
        })?;
        let text = key.to_json()?;
        measure("load_key/secret", 1, &mut || {
            SecretKey::from_json(&text)?.nonces(NonceMethod::SecretBase, 1)?;
            Ok(())
        })?;
        Ok(key)
    }

    /// Single operations.
    fn operations(&self, key: &SecretKey, measure: &mut Measure) -> Result<(), Failure> {
        let public = key.public_key();
        let count = 16 * tacita::threads()?;
        let plaintexts: Vec<_> =
            (0..count).map(|value| Plaintext::new(value, public)).collect::<tacita::Result<_>>()?;
        for (job, method) in [
            ("encrypt/power", NonceMethod::Power),
            ("encrypt/public-base", NonceMethod::PublicBase),
            ("encrypt/secret-base", NonceMethod::SecretBase),
        ] {
            // The tables are made before the clock starts.
            key.nonces(method, 1)?;
            measure(job, count, &mut || {
                public.encrypt_batch_with(&plaintexts, key.nonces(method, count)?)?;
                Ok(())
            })?;
        }
        let ciphertexts = key.encrypt_batch(&plaintexts)?;
        let (one, other) = (&ciphertexts[0], &ciphertexts[1]);
        measure("decrypt/one", 1, &mut || {
            key.decrypt(one)?;
            Ok(())
        })?;
        measure("decrypt/batch", count, &mut || {
            key.decrypt_batch(&ciphertexts)?;
            Ok(())
        })?;
        measure("add", 1, &mut || {
            public.add(one, other)?;
            Ok(())
        })?;
        let factor = (-100).into();
        measure("multiply", 1, &mut || {
            public.mul_plain(one, &factor)?;
            Ok(())
        })
    }

    /// The linear layer alone, from ciphertexts to ciphertexts.
    fn linear_layer(&self, model: &PrivateModel, key: &SecretKey, measure: &mut Measure) -> Result<(), Failure> {
        let public = key.public_key();
        let pixel = |i| Plaintext::new((i % 256) as u32, public);
        let pixels = (0..model.columns()).map(pixel).collect::<Result<Vec<_>, _>>()?;
        let x = key.encrypt_batch(&pixels)?;
        let layer = LinearLayer::new(model.columns(), model.weights())?;
        measure("linear-layer/10x784", 1, &mut || {
            layer.apply(public, &x)?;
            Ok(())
        })
    }

    /// The medians of encrypting, evaluating and decrypting one request.
    fn whole(
        &self,
        model: &PrivateModel,
        key: &SecretKey,
        layout: Layout,
        count: usize,
    ) -> Result<(Times, Lengths), Failure> {
        let records = records(count);
        let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
        let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?.layout(layout)?;
        let evaluator = Evaluator::new(model.clone()).max_records(usize::MAX);
        evaluator.prepare(layout)?;
        let decryptor = Decryptor::new(spec, pin, key.clone())?;

        let mut request = Vec::new();
        let encrypt = median(|| {
            request = encryptor.encrypt(&records)?.to_bytes();
            Ok(())
        })?;
        let mut response = Vec::new();
        let evaluate = median(|| {
            let request = Request::from_bytes(&request)?;
            response = evaluator.evaluate(&request, key.public_key())?.to_bytes();
            Ok(())
        })?;
        let header = *Request::from_bytes(&request)?.header();
        let decrypt = median(|| {
            decryptor.decrypt(&Response::from_bytes(&response)?, &header)?;
            Ok(())
        })?;
        let times = Times { encrypt: encrypt * 1e3, evaluate: evaluate * 1e3, decrypt: decrypt * 1e3 };
        Ok((times, Lengths { request: request.len(), response: response.len() }))
    }
}

/// So many records, the drawn digits over and over.
fn records(count: usize) -> Vec<[f64; PIXELS]> {
    Digit::embedded().iter().map(|digit| digit.pixels.map(f64::from)).cycle().take(count).collect()
}

/// Runs a job of so many equal parts several times and notes what one part takes.
type Measure<'a> = dyn FnMut(&'static str, usize, &mut dyn FnMut() -> Result<(), Failure>) -> Result<(), Failure> + 'a;

impl Facts {
    fn text(&self) -> String {
        let Machine { cpu, cores, backend } = &self.machine;
        let threads = self.jobs.first().map_or(0, |job| job.threads);
        let mut text = format!("{cpu}, {cores} cores; {threads} threads, engine {backend}\n\n");
        let mut sizes: Vec<u32> = self.jobs.iter().map(|job| job.bits).collect();
        sizes.dedup();
        let mut names: Vec<&str> = self.jobs.iter().map(|job| job.job).collect();
        names.truncate(names.len() / sizes.len().max(1));
        let _ = write!(text, "{:24}", "job");
        sizes.iter().for_each(|bits| text.push_str(&format!("{:>14}", format!("{bits} bits"))));
        for name in names {
            let _ = write!(text, "\n{name:24}");
            for job in self.jobs.iter().filter(|job| job.job == name) {
                let _ = write!(text, "{:>14}", duration(job.us));
            }
        }
        let _ = write!(
            text,
            "\n\n{:>4}{:>13}{:>9}{:>12}{:>12}{:>12}{:>12}{:>12}",
            "bits", "layout", "records", "encrypt", "evaluate", "decrypt", "request", "response"
        );
        for whole in &self.whole {
            let Whole { layout, records, bits, ms, bytes: lengths, .. } = whole;
            let [encrypt, evaluate, decrypt] =
                [ms.encrypt, ms.evaluate, ms.decrypt].map(|ms| format!("{:>12}", duration(ms * 1e3)));
            let [request, response] =
                [lengths.request, lengths.response].map(|length| format!("{:>12}", bytes(length)));
            let _ = write!(text, "\n{bits}{layout:>13}{records:9}{encrypt}{evaluate}{decrypt}{request}{response}");
        }
        text
    }
}

fn duration(us: f64) -> String {
    match us {
        0.0..100.0 => format!("{us:.1} us"),
        100.0..1e5 => format!("{:.2} ms", us / 1e3),
        1e5..1e6 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}

fn machine(backend: &'static str) -> Machine {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cpu = name.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_string();
    Machine { cpu, cores, backend }
}
