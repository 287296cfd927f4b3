//! The linear layer: for weights w_ji, the products over i of c_i^(w_ji) for every row j.
//!
//! A [`Plan`] is made once from the weights: a straight-line program of products of two earlier values, chosen by counting
//! among several strategies. Positive and negative weights lead to separate accumulators, which meet through one inversion
//! that all rows share (Montgomery's trick). The plan is brought into bundles of independent products, which fill the lanes
//! of an engine and run on all cores.

mod buckets;
mod chain;
mod executor;
mod groups;
mod planner;
mod program;
mod schedule;

use rayon::prelude::*;
use rug::Integer;

use super::lanes::Lanes;
use crate::error::Result;
use program::{Builder, Program};
use schedule::Schedule;

/// What belongs to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// Numerator and denominator among the program's values; what is not there is 1.
    ends: [Option<u32>; 2],
    /// Sum of the row's weights, which repairs the cheap entry of the columns.
    weight: i64,
}

/// The multiplications that evaluate a weight matrix, found once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    columns: usize,
    /// Columns whose inverses are inputs of the program, behind the columns.
    inverses: Vec<u32>,
    program: Program,
    rows: Vec<Row>,
    schedule: Schedule,
    /// The rows' results among the scheduled values.
    results: Vec<u32>,
}

/// Inputs behind the columns: 1, R^2 and R^-2, R of the engine.
const CONSTANTS: u32 = 3;

impl Plan {
    /// A plan for row-major weights, `columns` a row.
    pub(crate) fn new(columns: usize, weights: &[i32]) -> Self {
        planner::plan(columns, weights)
    }

    /// With the inversion, the joining of accumulators and the repair of entry put around the program.
    fn complete(columns: usize, inverses: Vec<u32>, program: Program, rows: Vec<Row>) -> Self {
        let one = columns as u32;
        let mut builder = Builder::new(columns + CONSTANTS as usize);
        let mut place: Vec<u32> = (0..one).collect();
        place.extend(joint_inverses(&mut builder, &inverses));
        for &[left, right] in &program.steps {
            place.push(builder.mul(place[left as usize], place[right as usize]));
        }
        let mut denominators: Vec<_> =
            rows.iter().filter_map(|row| row.ends[1]).map(|value| place[value as usize]).collect();
        denominators.sort_unstable();
        denominators.dedup();
        let inverted = joint_inverses(&mut builder, &denominators);
        let mut powers = [vec![one + 1], vec![one + 2]];
        let mut results = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut factors = repair(&mut builder, &mut powers, row.weight);
            factors.extend(row.ends[0].map(|value| place[value as usize]));
            factors.extend(row.ends[1].map(|value| {
                let position = denominators.binary_search(&place[value as usize]);
                inverted[position.expect("every denominator is inverted")]
            }));
            results.push(builder.product(&factors).unwrap_or(one));
        }
        let schedule = Schedule::new(&builder.finish(), &results);
        Self { columns, inverses, program, rows, schedule, results }
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Multiplications and squarings of the program: without entry, joining the accumulators and the inversion.
    pub(crate) fn multiplications(&self) -> usize {
        self.program.steps.len()
    }

    /// The products of the rows in Montgomery form, for the columns x < m^2, each one a unit. On all threads of the pool.
    /// The time depends on weights and columns.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::Error::Bug) if a column is not a unit modulo m.
    pub(crate) fn evaluate<L: Lanes>(
        &self,
        lanes: &L,
        modulus: &Integer,
        columns: &[&[u64]],
    ) -> Result<Vec<L::Single>> {
        assert_eq!(columns.len(), self.columns);
        let enter = |s: &mut L::Scratch, columns: &[&[u64]]| {
            let mut singles = lanes.scatter(&lanes.enter_raw(columns, s));
            singles.truncate(columns.len());
            singles
        };
        let mut inputs: Vec<_> =
            columns.par_chunks(L::WIDTH).map_init(|| lanes.scratch(), enter).flatten_iter().collect();
        let mut scratch = lanes.scratch();
        let constants = [lanes.one(), lanes.repair(1, &mut scratch), lanes.repair(-1, &mut scratch)];
        inputs.extend(constants.iter().filter_map(|constant| lanes.scatter(constant).into_iter().next()));
        executor::run(lanes, modulus, &self.schedule, inputs, &self.results)
    }
}

/// The inverses of some values through one inversion: the product of all is inverted and taken apart again.
fn joint_inverses(builder: &mut Builder, values: &[u32]) -> Vec<u32> {
    if values.is_empty() {
        return Vec::new();
    }
    // levels[k + 1] has the products of neighbours in levels[k], the last one by itself if their number is odd.
    let mut levels = vec![values.to_vec()];
    while levels[levels.len() - 1].len() > 1 {
        let pairs = levels[levels.len() - 1].chunks(2);
        let next = pairs.map(|pair| if let [x, y] = *pair { builder.mul(x, y) } else { pair[0] }).collect();
        levels.push(next);
    }
    let mut inverses = vec![builder.inverse(levels[levels.len() - 1][0])];
    for level in levels.iter().rev().skip(1) {
        inverses = level
            .chunks(2)
            .zip(&inverses)
            .flat_map(|(pair, &inverse)| match *pair {
                [x, y] => vec![builder.mul(inverse, y), builder.mul(inverse, x)],
                _ => vec![inverse],
            })
            .collect();
    }
    inverses
}

/// Factors of R^(2 weight), from the powers of R^2 and R^-2 that are there so far: one for each nonzero digit of the weight
/// in signed binary, where no two neighbours are nonzero.
fn repair(builder: &mut Builder, powers: &mut [Vec<u32>; 2], weight: i64) -> Vec<u32> {
    let mut factors = Vec::new();
    let mut rest = i128::from(weight);
    for bit in 0.. {
        if rest == 0 {
            break;
        }
        if rest & 1 == 1 {
            let digit = if rest & 3 == 3 { -1 } else { 1 };
            let powers = &mut powers[usize::from(digit < 0)];
            while powers.len() <= bit {
                let last = powers[powers.len() - 1];
                powers.push(builder.mul(last, last));
            }
            factors.push(powers[bit]);
            rest -= digit;
        }
        rest >>= 1;
    }
    factors
}

/// The product over j of values[j]^(2^(shift j)): how several rows come to share one ciphertext (Horner).
pub(crate) fn pack<L: Lanes>(lanes: &L, values: &[L::Residues], shift: u32, s: &mut L::Scratch) -> L::Residues {
    let mut packed = lanes.one();
    for (j, value) in values.iter().enumerate().rev() {
        lanes.mul(&mut packed, value, s);
        if j > 0 {
            (0..shift).for_each(|_| lanes.sqr(&mut packed, s));
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::testing::{on_all_lanes, random_below};
    use crate::entropy::{Entropy, SeededEntropy};
    use crate::secret::{Limbs, integer};

    /// Evaluates the plan on random units modulo the square of a prime, in the lanes of every engine, and compares with
    /// GMP's powers.
    fn agrees(columns: usize, weights: &[i32]) {
        let m = (Integer::from(1) << 120u32).next_prime();
        let square = m.clone().square();
        let length = square.significant_digits::<u64>();
        let mut entropy = SeededEntropy::new(b"product");
        let values: Vec<_> = (0..columns).map(|_| random_below(&square, &mut entropy)).collect();
        let expected = |row: &[i32]| {
            row.iter().zip(&values).fold(Integer::from(1), |product, (&w, x)| {
                product * x.clone().pow_mod(&Integer::from(w), &square).unwrap() % &square
            })
        };
        let expected: Vec<_> = weights.chunks_exact(columns).map(expected).collect();
        let plan = Plan::new(columns, weights);
        let limbs: Vec<_> = values.iter().map(|x| Limbs::from_integer(x, length)).collect();
        let slices: Vec<_> = limbs.iter().map(|x| &x[..]).collect();
        on_all_lanes!(&m, |lanes| {
            assert_eq!(products(&plan, lanes, &m, &slices), expected);
        });
    }

    fn products<L: Lanes>(plan: &Plan, lanes: &L, m: &Integer, columns: &[&[u64]]) -> Vec<Integer> {
        let mut s = lanes.scratch();
        let plain = |product: &L::Single| {
            let pair = &lanes.leave(&lanes.gathered(&[product]), &mut s)[0];
            integer(&pair.b) * m + integer(&pair.a)
        };
        plan.evaluate(lanes, m, columns).unwrap().iter().map(plain).collect()
    }

    #[test]
    fn rows_of_zeros_extremes_and_single_columns_agree_with_gmp() {
        agrees(1, &[0]);
        agrees(1, &[127]);
        agrees(1, &[-128, 1, -1, 2, 0]);
        agrees(3, &[0, 0, 0, 127, 127, 127, -127, -127, -127, 1, -1, 0]);
        agrees(2, &[i32::MAX, i32::MIN + 1, 65_535, -65_536]);
    }

    #[test]
    fn random_matrices_agree_with_gmp() {
        let mut entropy = SeededEntropy::new(b"weights");
        for (rows, columns) in [(1, 50), (3, 17), (10, 200), (2, 4096), (1, 8193)] {
            let mut bytes = vec![0; rows * columns];
            entropy.fill(&mut bytes).unwrap();
            let weights: Vec<_> = bytes.iter().map(|&byte| i32::from(byte as i8).clamp(-127, 127)).collect();
            agrees(columns, &weights);
        }
    }

    #[test]
    fn ten_gaussian_int8_rows_of_784_cost_fewer_products_than_weights() {
        // The rounded normal deviates that a matrix of one step size has: largest of 7,840 at about 3.9 deviations.
        let mut entropy = SeededEntropy::new(b"gaussian");
        let mut uniform = || {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes).unwrap();
            (u64::from_le_bytes(bytes) as f64 + 1.0) / 2f64.powi(64)
        };
        let gaussian: Vec<_> =
            (0..7840).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect();
        let largest = gaussian.iter().fold(0f64, |most, x| most.max(x.abs()));
        let weights: Vec<_> = gaussian.iter().map(|x| (x / largest * 127.0).round() as i32).collect();
        let plan = Plan::new(784, &weights);
        eprintln!(
            "{} multiplications, {} bundles of {} steps",
            plan.multiplications(),
            plan.schedule.bundles(),
            plan.schedule.steps()
        );
        assert!(plan.multiplications() < 10_000, "{} multiplications", plan.multiplications());
    }

    #[test]
    fn packing_agrees_with_gmp() {
        let m = (Integer::from(1) << 120u32).next_prime();
        let square = m.clone().square();
        let length = square.significant_digits::<u64>();
        let values = [Integer::from(17), Integer::from(&m + 5), Integer::from(&square - 1)];
        let limbs = values.each_ref().map(|x| Limbs::from_integer(x, length));
        on_all_lanes!(&m, |lanes| {
            let mut s = lanes.scratch();
            let entered: Vec<_> = limbs.iter().map(|x| lanes.enter(&[x], &mut s)).collect();
            for count in 1..=3 {
                let packed = pack(lanes, &entered[..count], 22, &mut s);
                let expected = (0u32..).zip(&values[..count]).fold(Integer::from(1), |product, (j, x)| {
                    product * x.clone().pow_mod(&(Integer::from(1) << (22 * j)), &square).unwrap() % &square
                });
                let pair = &lanes.leave(&packed, &mut s)[0];
                assert_eq!(integer(&pair.b) * &m + integer(&pair.a), expected);
            }
        });
    }
}
