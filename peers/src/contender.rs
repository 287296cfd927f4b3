//! The jobs, and who does them.

use std::fmt;
use std::hint::black_box;

use serde::{Serialize, Serializer};

use crate::fast::FastPaillier;
use crate::gmp::Gmp;
use crate::kzen::KzenPaillier;
use crate::ours::Tacita;
use crate::{Clock, Inputs};

/// Ciphertexts in a batch of a job that tacita does in batches; enough for full lanes and shared passes over tables.
pub(crate) const BATCH: usize = 64;

/// The way of a linear layer that a library's API suggests: each weight by itself.
pub(crate) const WEIGHT_BY_WEIGHT: &str = "by weight";
/// The way with positive and negative weights apart, and one inversion a row.
pub(crate) const SIGNS_APART: &str = "signs apart";

/// What is timed. Keys, tables and plans exist before the clock starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// A product modulo n^2, lanes full.
    Product,
    /// A square modulo n^2, lanes full.
    Square,
    /// Encrypting with the secret key.
    EncryptSecret,
    /// Encrypting with the public key.
    EncryptPublic,
    /// Decrypting one of many.
    DecryptBatch,
    /// Decrypting one alone.
    DecryptOne,
    /// r^n mod n^2 of a fresh r.
    NthPower,
    /// Ten rows of 784 int8 weights, from ciphertexts to ciphertexts.
    LinearLayer,
    /// One record: encrypt, evaluate, mask, re-randomise, decrypt.
    Whole,
    /// The same with nonces drawn ahead of time on both sides.
    WholePool,
    /// The same as `Whole` for as many records as share ciphertexts.
    WholeBatch,
}

impl Job {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Product,
        Self::Square,
        Self::EncryptSecret,
        Self::EncryptPublic,
        Self::DecryptBatch,
        Self::DecryptOne,
        Self::NthPower,
        Self::LinearLayer,
        Self::Whole,
        Self::WholePool,
        Self::WholeBatch,
    ];

    /// Its name in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "mul_n2",
            Self::Square => "sqr_n2",
            Self::EncryptSecret => "encrypt_secret",
            Self::EncryptPublic => "encrypt_public",
            Self::DecryptBatch => "decrypt_batch",
            Self::DecryptOne => "decrypt_one",
            Self::NthPower => "nth_power",
            Self::LinearLayer => "linear_layer",
            Self::Whole => "whole",
            Self::WholePool => "whole_pool",
            Self::WholeBatch => "whole_batch",
        }
    }

    /// What a time is for.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Product | Self::Square => "number",
            Self::EncryptSecret | Self::EncryptPublic | Self::DecryptBatch | Self::DecryptOne => "ciphertext",
            Self::NthPower => "power",
            Self::LinearLayer => "layer",
            Self::Whole | Self::WholePool | Self::WholeBatch => "record",
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Job {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A job, ready to be done.
pub struct Work<'a> {
    way: Option<String>,
    after: Box<dyn FnMut() + 'a>,
    run: Run<'a>,
    /// Units that a call gets done.
    units: u32,
    bytes: Bytes,
}

enum Run<'a> {
    /// To be timed.
    Call(Box<dyn FnMut() -> Bytes + 'a>),
    /// Says itself how many seconds it takes.
    Clocked(Box<dyn FnMut() -> f64 + 'a>),
}

/// Bytes to the cloud and back.
type Bytes = Option<[usize; 2]>;

impl<'a> Work<'a> {
    pub(crate) fn new<R>(units: usize, mut run: impl FnMut() -> R + 'a) -> Self {
        Self::with_bytes(units, move || {
            black_box(run());
            None
        })
    }

    pub(crate) fn with_bytes(units: usize, run: impl FnMut() -> Bytes + 'a) -> Self {
        Self::of(units, Run::Call(Box::new(run)))
    }

    /// Work too short for a clock around it: `run` says how many seconds it takes.
    pub(crate) fn clocked(units: usize, run: impl FnMut() -> f64 + 'a) -> Self {
        Self::of(units, Run::Clocked(Box::new(run)))
    }

    fn of(units: usize, run: Run<'a>) -> Self {
        Self { way: None, after: Box::new(|| ()), run, units: units as u32, bytes: None }
    }

    /// Names the way that the job is done in, where there are several.
    pub(crate) fn in_way(self, way: impl ToString) -> Self {
        Self { way: Some(way.to_string()), ..self }
    }

    /// What is to happen after each call and is not to be timed.
    pub(crate) fn and_after(self, after: impl FnMut() + 'a) -> Self {
        Self { after: Box::new(after), ..self }
    }

    /// The way that the job is done in, where there are several.
    pub fn way(&self) -> Option<&str> {
        self.way.as_deref()
    }

    /// Does it once; returns the nanoseconds of a unit.
    pub fn call(&mut self, clock: Clock) -> f64 {
        let seconds = match &mut self.run {
            Run::Call(run) => {
                let start = clock.now();
                self.bytes = run();
                (clock.now() - start).as_secs_f64()
            }
            Run::Clocked(run) => run(),
        };
        (self.after)();
        1e9 * seconds / f64::from(self.units)
    }

    /// Bytes to the cloud and back for a unit in the last call, where there is a cloud.
    pub fn bytes(&self) -> Option<[f64; 2]> {
        Some(self.bytes?.map(|bytes| bytes as f64 / f64::from(self.units)))
    }
}

/// Somebody who does jobs. What comes out is compared with the exact answers.
pub trait Contender {
    /// The library's name.
    fn name(&self) -> &'static str;

    /// Its version.
    fn version(&self) -> String;

    /// tacita's engine; `None` for a rival.
    fn engine(&self) -> Option<&'static str> {
        None
    }

    /// The job in each way that this library has for it, if any. Nothing slow happens before it is called.
    fn works(&self, job: Job) -> Vec<Work<'_>>;
}

/// tacita with each of its engines, then the rivals.
///
/// # Errors
/// Of tacita, if the variable `TACITA_BACKEND` asks for an engine that is not there.
pub fn contenders(inputs: &Inputs) -> tacita::Result<Vec<Box<dyn Contender + '_>>> {
    let mut all: Vec<Box<dyn Contender>> = Vec::new();
    for ours in Tacita::each_engine(inputs)? {
        all.push(Box::new(ours));
    }
    all.push(Box::new(FastPaillier::new(inputs)));
    all.push(Box::new(KzenPaillier::new(inputs)));
    all.push(Box::new(Gmp::new(inputs)));
    Ok(all)
}

/// The version of a package in the lock file.
pub(crate) fn locked_version(package: &str) -> String {
    let named = format!("name = \"{package}\"\nversion = \"");
    let lock = include_str!("../Cargo.lock");
    lock.split_once(&named).and_then(|(_, rest)| rest.split('"').next()).expect("the package is locked").into()
}
