//! Counts the multiplications that linear layers take, for whoever works on the planner: matrices of more sizes and kinds
//! than `tacita bench` counts.
//!
//! `cargo run --release --example count_plans`; with `large` behind it, matrices near the bounds of the search and beyond.

use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tacita::paillier::LinearLayer;

/// Rounded normal deviates with one step size, the largest deviate at the largest integer of so many bits.
fn gaussian(rows: usize, columns: usize, bits: u32) -> Vec<i32> {
    let random = &mut SmallRng::seed_from_u64(1);
    let deviate = |_| {
        let (radius, angle): (f64, f64) = (random.random_range(f64::MIN_POSITIVE..1.0), random.random_range(0.0..1.0));
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    };
    let deviates: Vec<f64> = (0..rows * columns).map(deviate).collect();
    let largest = deviates.iter().fold(0f64, |most, x| most.max(x.abs()));
    let limit = f64::from((1 << (bits - 1)) - 1);
    deviates.iter().map(|x| (x / largest * limit).round() as i32).collect()
}

/// The matrix with a part of its columns at zero, as the pixels are that no picture lights: 78 % of 8-bit weights stay.
fn with_dark_columns(mut weights: Vec<i32>, columns: usize) -> Vec<i32> {
    for (place, weight) in weights.iter_mut().enumerate() {
        if place % columns * 100 % columns >= columns * 79 / 100 {
            *weight = 0;
        }
    }
    weights
}

/// The matrix with single weights at zero wherever they are: as many of 8 bits stay.
fn with_scattered_zeros(mut weights: Vec<i32>) -> Vec<i32> {
    let random = &mut SmallRng::seed_from_u64(2);
    weights.iter_mut().filter(|_| random.random_range(0..100) < 21).for_each(|weight| *weight = 0);
    weights
}

/// The matrix with its rows cut into pieces of `length`: one row for each place in a piece, one column for each piece.
fn pieces(weights: &[i32], columns: usize, length: usize) -> (usize, Vec<i32>) {
    let count = columns.div_ceil(length);
    let row = |row: &[i32]| -> Vec<i32> {
        let place = |place: usize| (0..count).map(move |piece| piece * length + place);
        (0..length).flat_map(place).map(|column| row.get(column).copied().unwrap_or(0)).collect()
    };
    (count, weights.chunks_exact(columns).flat_map(row).collect())
}

fn count(name: &str, columns: usize, weights: &[i32]) -> tacita::Result<()> {
    let start = Instant::now();
    let layer = LinearLayer::new(columns, weights)?;
    let (rows, nonzero) = (weights.len() / columns, weights.iter().filter(|&&weight| weight != 0).count());
    let seconds = start.elapsed().as_secs_f64();
    println!("| {name} | {rows} x {columns} | {nonzero} | {} | {seconds:.1} |", layer.multiplications());
    Ok(())
}

fn main() -> tacita::Result<()> {
    println!("| weights | rows x columns | not 0 | multiplications | planned in s |\n|---|---|---|---|---|");
    if std::env::args().any(|argument| argument == "large") {
        for (rows, columns) in [(1, 50_000), (10, 50_000), (90, 3000), (100, 784), (1000, 784), (1000, 1000)] {
            count("gaussian, 8 bits", columns, &gaussian(rows, columns, 8))?;
        }
        return Ok(());
    }
    for bits in [8, 6, 5, 4] {
        let weights = gaussian(10, 784, bits);
        count(&format!("gaussian, {bits} bits"), 784, &weights)?;
        count(&format!("gaussian, {bits} bits, scattered zeros"), 784, &with_scattered_zeros(weights.clone()))?;
        count(&format!("gaussian, {bits} bits, dark columns"), 784, &with_dark_columns(weights, 784))?;
    }
    let weights = gaussian(10, 784, 8);
    for length in [9, 16, 49, 4] {
        let (columns, weights) = pieces(&weights, 784, length);
        count(&format!("gaussian, 8 bits, pieces of {length}"), columns, &weights)?;
    }
    Ok(())
}
