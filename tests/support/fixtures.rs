//! Keys and models that several tests share.
#![allow(dead_code, unreachable_pub)]

use std::sync::LazyLock;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tacita::encoding::{Feature, Features, Grid};
use tacita::model::{PrivateModel, QuantiseOptions};
use tacita::network::{Activation, Affine};
use tacita::paillier::SecretKey;

/// A key of 2048 bits that is made for tests: its secret is published here.
pub static KEY: LazyLock<SecretKey> = LazyLock::new(|| key(include_str!("../data/secret-key-2048.json")));

/// Another one.
pub static OTHER_KEY: LazyLock<SecretKey> = LazyLock::new(|| key(include_str!("../data/other-secret-key-2048.json")));

fn key(text: &str) -> SecretKey {
    SecretKey::from_json(text).expect("the checked-in key is valid")
}

/// A model with normally sized weights for `columns` features on `grid`.
pub fn random_model(rows: usize, columns: usize, grid: Grid, seed: u64) -> PrivateModel {
    let random = &mut SmallRng::seed_from_u64(seed);
    let weights: Vec<f64> = (0..rows * columns).map(|_| random.random_range(-1.0..1.0)).collect();
    let bias: Vec<f64> = (0..rows).map(|_| random.random_range(-5.0..5.0)).collect();
    compile(Affine::new(columns, weights, bias).expect("the numbers are finite"), grid)
}

/// The model of an affine map whose features all lie on `grid`.
pub fn compile(affine: Affine, grid: Grid) -> PrivateModel {
    let features = Features::new([Feature::run("x", affine.columns() as u32, grid)]).expect("one run is a list");
    let labels: Vec<String> = (0..affine.rows()).map(|row| format!("class {row}")).collect();
    let activation = if affine.rows() == 1 { Activation::Sigmoid } else { Activation::Softmax };
    PrivateModel::compile(&affine, features, &labels, activation, "test model", QuantiseOptions::default())
        .expect("the model compiles")
        .0
}
