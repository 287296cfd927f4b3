//! What everybody computes with.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rug::Integer;
use serde_json::json;
use tacita::encoding::{Feature, Features, Grid};
use tacita::model::{PrivateModel, QuantiseOptions};
use tacita::network::Network;
use tacita::paillier::{Ciphertext, Plaintext, SecretKey};
use tacita_datasets::{Digit, NETWORK};

const ROWS: usize = 10;
const COLUMNS: usize = 784;
const LARGEST_WEIGHT: f64 = 127.0;
/// Share of the weights that are zero before rounding; behind it 22 % are.
pub const ZEROS: f64 = 0.21;
/// Records of a full batch: as many as share the ciphertexts of one at 3072 bits.
pub const RECORDS: usize = 146;

/// A key, a matrix, and the trained network of the demo with hand-made digits as records; the same in every run.
pub struct Inputs {
    pub(crate) p: Integer,
    pub(crate) q: Integer,
    pub(crate) key: SecretKey,
    /// Gaussian weights, row by row, for the linear layer alone.
    pub(crate) matrix: Vec<i32>,
    /// For whole jobs.
    pub(crate) model: PrivateModel,
    pub(crate) records: Vec<Vec<i64>>,
    /// The first record, encrypted value by value.
    pub(crate) ciphertexts: Vec<Ciphertext>,
    /// The model's outputs for each record.
    pub(crate) answers: Vec<Vec<i64>>,
}

impl Inputs {
    /// Inputs with a modulus of so many bits, and this share of [zeros](ZEROS) in the matrix of the linear layer.
    ///
    /// # Errors
    /// Of tacita, which the model goes through.
    pub fn new(bits: u32, zeros: f64) -> tacita::Result<Self> {
        let random = &mut SmallRng::seed_from_u64(784);
        let [p, q] = primes(bits, random);
        // The rounded normal deviates that a matrix of one step size has, and zeros among them.
        let deviate = |_| if random.random_bool(1.0 - zeros) { normal(random) } else { 0.0 };
        let deviates: Vec<f64> = (0..ROWS * COLUMNS).map(deviate).collect();
        let largest = deviates.iter().fold(0f64, |most, x| most.max(x.abs()));
        let matrix = deviates.iter().map(|x| (x / largest * LARGEST_WEIGHT).round() as i32).collect();
        let network = Network::from_safetensors(NETWORK, None)?;
        let features = Features::new([Feature::run("pixel", COLUMNS as u32, Grid::new(0.0, 1.0, 0, 255)?)])?;
        let labels: Vec<_> = (0..ROWS).map(|row| row.to_string()).collect();
        let (affine, options) = (network.collapse()?, QuantiseOptions::default());
        let (model, _) = PrivateModel::compile(&affine, features, &labels, network.activation(), "digits", options)?;
        let digits = Digit::embedded();
        let record = |digit: &Digit| digit.pixels.iter().map(|&pixel| pixel.into()).collect();
        let records: Vec<Vec<i64>> = digits.iter().cycle().take(RECORDS).map(record).collect();
        let answers = records.iter().map(|record| model.evaluate(record)).collect::<tacita::Result<_>>()?;
        let key = SecretKey::from_primes(p.clone(), q.clone())?;
        let plaintexts = records[0].iter().map(|&x| Plaintext::new(x, key.public_key()));
        let ciphertexts = key.encrypt_batch(&plaintexts.collect::<tacita::Result<Vec<_>>>()?)?;
        Ok(Self { p, q, key, matrix, model, records, ciphertexts, answers })
    }

    /// Length of the modulus.
    pub fn bits(&self) -> u32 {
        self.key.public_key().bits()
    }

    /// The record of those jobs that have only one.
    pub(crate) fn record(&self) -> &[i64] {
        &self.records[0]
    }

    /// What the matrix makes of the record.
    pub(crate) fn sums(&self) -> impl Iterator<Item = i64> {
        let sum = |row: &[i32]| row.iter().zip(self.record()).map(|(&w, x)| i64::from(w) * x).sum();
        self.matrix.chunks_exact(COLUMNS).map(sum)
    }

    /// What rivals in other languages read.
    pub fn to_json(&self) -> String {
        json!({
            "p": self.p.to_string_radix(16),
            "q": self.q.to_string_radix(16),
            "matrix": rows(&self.matrix).collect::<Vec<_>>(),
            "weights": rows(self.model.weights()).collect::<Vec<_>>(),
            "bias": self.model.bias(),
            "batch": RECORDS,
            "records": self.records,
            "ciphertexts": self.ciphertexts.iter().map(|c| c.to_integer().to_string_radix(16)).collect::<Vec<_>>(),
        })
        .to_string()
    }
}

/// The rows of a matrix.
pub(crate) fn rows(weights: &[i32]) -> impl ExactSizeIterator<Item = &[i32]> {
    weights.chunks_exact(COLUMNS)
}

/// Two primes as tacita makes them: the top two bits set, 3 mod 4, gcd(p - 1, q - 1) = 2.
fn primes(bits: u32, random: &mut SmallRng) -> [Integer; 2] {
    let mut prime = || loop {
        let digits: Vec<u64> = (0..bits / 128).map(|_| random.random()).collect();
        let mut candidate = Integer::from_digits(&digits, rug::integer::Order::Lsf);
        candidate.set_bit(bits / 2 - 1, true).set_bit(bits / 2 - 2, true);
        candidate = candidate.next_prime();
        if candidate.mod_u(4) == 3 && candidate.significant_bits() == bits / 2 {
            return candidate;
        }
    };
    loop {
        let [p, q] = [prime(), prime()];
        if Integer::from(&p - 1u32).gcd(&Integer::from(&q - 1u32)) == 2 {
            return [p, q];
        }
    }
}

/// A standard normal deviate by Box and Muller.
fn normal(random: &mut SmallRng) -> f64 {
    let mut uniform = || 1.0 - random.random::<f64>();
    (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
}
