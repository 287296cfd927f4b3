//! How many multiplications matrices take.

use std::time::Instant;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use tacita::model::QuantiseOptions;
use tacita::network::Network;
use tacita::paillier::LinearLayer;
use tacita_datasets::NETWORK;

use super::facts::{Facts, Plan};
use crate::commands::demo;
use crate::exit::Failure;

pub(super) const ROWS: usize = 10;
pub(super) const COLUMNS: usize = 784;
/// Share of the gaussian weights that are not zero before they are rounded; behind it, 78 % of those of 8 bits.
const NOT_ZERO: f64 = 0.79;

pub(super) fn measure(facts: &mut Facts) -> Result<(), Failure> {
    let network = Network::from_safetensors(NETWORK, None)?;
    for weight_bits in [8, 6, 5, 4] {
        let (mnist, _) = demo::compile(&network, QuantiseOptions { bits: weight_bits })?;
        for (matrix, weights) in [("gaussian", &*gaussian(weight_bits)), ("mnist", mnist.weights())] {
            let start = Instant::now();
            let multiplications = LinearLayer::new(COLUMNS, weights)?.multiplications();
            let planning_ms = start.elapsed().as_secs_f64() * 1e3;
            let matrix = matrix.into();
            let plan = Plan { matrix, rows: ROWS, columns: COLUMNS, weight_bits, multiplications, planning_ms };
            facts.plans.push(plan);
        }
    }
    Ok(())
}

/// Normal deviates (Box, Muller 1958) and zeros scattered among them, always the same, rounded so that the largest has all of
/// the bits.
pub(super) fn gaussian(weight_bits: u32) -> Vec<i32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut normal = || (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    let deviates: Vec<f64> = (0..ROWS * COLUMNS).map(|_| normal()).collect();
    let largest = deviates.iter().fold(0f64, |most, x| most.max(x.abs()));
    let most = f64::from((1 << (weight_bits - 1)) - 1);
    let weight = |x: f64| if uniform() < NOT_ZERO { (x / largest * most).round() as i32 } else { 0 };
    deviates.into_iter().map(weight).collect()
}
