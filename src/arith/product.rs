//! The linear layer: for weights w_ji, the products over i of c_i^(w_ji) for every row j.
//!
//! A [`Plan`] is made once from the weights: a straight-line program of products of two earlier values, chosen by counting
//! among several strategies. Positive and negative weights lead to separate accumulators, which meet through one inversion
//! that all rows share (Montgomery's trick). The plan is brought into bundles of independent products, which fill the lanes
//! of an engine and run on all cores.

mod buckets;
mod chain;
mod executor;
mod filter;
mod groups;
mod places;
mod planner;
mod program;
mod refine;
mod schedule;
mod stored;

use std::sync::OnceLock;

use rayon::prelude::*;
use rug::Integer;

use super::lanes::Lanes;
use crate::error::Result;
use crate::progress::Steps;
pub(crate) use executor::Spare;
use program::{Builder, Program};
use schedule::Schedule;
pub(crate) use stored::StoredPlan;

/// Numerator and denominator of a row among a program's values; what is not there is 1.
type Ends = [Option<u32>; 2];

/// The multiplications that evaluate a weight matrix, found once.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    columns: usize,
    /// Its inputs are the columns and then their inverses, of which only those that are used are computed.
    program: Program,
    /// One a row.
    ends: Vec<Ends>,
    /// Sums of the rows' weights, which repair a cheap entry of the columns.
    sums: Vec<i64>,
    complete: OnceLock<Complete>,
}

/// A plan with inversion, joining of accumulators and repair of entry put around its program, in the order in which it runs.
#[derive(Debug, Clone)]
struct Complete {
    schedule: Schedule,
    /// The rows' results among the scheduled values.
    results: Vec<u32>,
    /// Whether columns enter cheaply and rows are repaired: few rows of many columns.
    repairs: bool,
}

/// Inputs behind the columns: 1, R^2 and R^-2, R of the engine.
const CONSTANTS: usize = 3;

impl Plan {
    /// A plan for row-major weights, `columns` a row: the best that a search of bounded time finds. The same weights always
    /// get the same plan.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) if that is what the steps were answered.
    pub(crate) fn new(columns: usize, weights: &[i32], steps: &Steps) -> Result<Self> {
        let (program, ends) = planner::draft(columns, weights, steps)?;
        Ok(Self::from_parts(columns, weights, program, ends))
    }

    /// A plan that nobody cancels.
    #[cfg(test)]
    pub(super) fn of(columns: usize, weights: &[i32]) -> Self {
        Self::new(columns, weights, &Steps::new(&mut crate::progress::go_on)).unwrap()
    }

    fn from_parts(columns: usize, weights: &[i32], program: Program, ends: Vec<Ends>) -> Self {
        let sums = weights.chunks_exact(columns).map(|row| row.iter().map(|&w| i64::from(w)).sum()).collect();
        Self { columns, program, ends, sums, complete: OnceLock::new() }
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Multiplications and squarings of the program: without entry, joining the accumulators and the inversion.
    pub(crate) fn multiplications(&self) -> usize {
        self.program.steps.len()
    }

    /// Brings the plan into the order in which it runs, which otherwise the first evaluation does.
    pub(crate) fn prepare(&self) {
        self.complete.get_or_init(|| self.completed());
    }

    fn completed(&self) -> Complete {
        let one = self.columns as u32;
        let mut builder = Builder::new(self.columns + CONSTANTS);
        let used = self.used_inverses();
        let mut place: Vec<u32> = (0..one).chain(std::iter::repeat_n(u32::MAX, self.columns)).collect();
        for (&column, inverse) in used.iter().zip(joint_inverses(&mut builder, &used)) {
            place[self.columns + column as usize] = inverse;
        }
        for &[left, right] in &self.program.steps {
            place.push(builder.mul(place[left as usize], place[right as usize]));
        }
        let mut denominators: Vec<_> =
            self.ends.iter().filter_map(|ends| ends[1]).map(|value| place[value as usize]).collect();
        denominators.sort_unstable();
        denominators.dedup();
        let inverted = joint_inverses(&mut builder, &denominators);
        // An entry that needs no repair is a product more for each column.
        let repairs = self.products_of_repair() < self.columns;
        let mut powers = [vec![one + 1], vec![one + 2]];
        let mut results = Vec::with_capacity(self.ends.len());
        for (ends, &sum) in self.ends.iter().zip(&self.sums) {
            let mut factors = if repairs { repair(&mut builder, &mut powers, sum) } else { Vec::new() };
            factors.extend(ends[0].map(|value| place[value as usize]));
            factors.extend(ends[1].map(|value| {
                let position = denominators.binary_search(&place[value as usize]);
                inverted[position.expect("every denominator is inverted")]
            }));
            results.push(builder.product(&factors).unwrap_or(one));
        }
        Complete { schedule: Schedule::new(&builder.finish(), &results), results, repairs }
    }

    /// What it takes to repair all rows.
    fn products_of_repair(&self) -> usize {
        let (mut builder, mut powers) = (Builder::new(CONSTANTS), [vec![1], vec![2]]);
        let factors: usize = self.sums.iter().map(|&sum| repair(&mut builder, &mut powers, sum).len()).sum();
        factors + builder.finish().steps.len()
    }

    /// Columns whose inverses are inputs that something uses.
    fn used_inverses(&self) -> Vec<u32> {
        let columns = self.columns as u32;
        let values = self.program.steps.iter().flatten().copied().chain(self.ends.iter().flatten().flatten().copied());
        let mut used: Vec<_> =
            values.filter(|value| (columns..2 * columns).contains(value)).map(|value| value - columns).collect();
        used.sort_unstable();
        used.dedup();
        used
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
        spare: &Spare<L::Single>,
    ) -> Result<Vec<L::Single>> {
        assert_eq!(columns.len(), self.columns);
        let complete = self.complete.get_or_init(|| self.completed());
        let enter = |s: &mut L::Scratch, columns: &[&[u64]]| {
            let entered = if complete.repairs { lanes.enter_raw(columns, s) } else { lanes.enter(columns, s) };
            executor::scatter(lanes, &entered, columns.len(), spare.take(columns.len()))
        };
        let mut inputs: Vec<_> =
            columns.par_chunks(L::WIDTH).map_init(|| lanes.scratch(), enter).flatten_iter().collect();
        let mut scratch = lanes.scratch();
        let constants = [lanes.one(), lanes.repair(1, &mut scratch), lanes.repair(-1, &mut scratch)];
        inputs.extend(constants.iter().filter_map(|constant| lanes.scatter(constant).into_iter().next()));
        executor::run(lanes, modulus, &complete.schedule, inputs, &complete.results, spare)
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
        let plan = Plan::of(columns, weights);
        let limbs: Vec<_> = values.iter().map(|x| Limbs::from_integer(x, length)).collect();
        let slices: Vec<_> = limbs.iter().map(|x| &x[..]).collect();
        on_all_lanes!(&m, |lanes| {
            assert_eq!(products(&plan, lanes, &m, &slices), expected);
        });
    }

    fn products<L: Lanes>(plan: &Plan, lanes: &L, m: &Integer, columns: &[&[u64]]) -> Vec<Integer> {
        let mut s = lanes.scratch();
        let spare = Spare::default();
        plan.evaluate(lanes, m, columns, &spare).unwrap();
        let plain = |product: &L::Single| {
            let pair = &lanes.leave(&lanes.gathered(&[product]), &mut s)[0];
            integer(&pair.b) * m + integer(&pair.a)
        };
        plan.evaluate(lanes, m, columns, &spare).unwrap().iter().map(plain).collect()
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
        for (rows, columns) in [(1, 50), (3, 17), (10, 200), (2, 1000), (1, 3000), (60, 4)] {
            let mut bytes = vec![0; rows * columns];
            entropy.fill(&mut bytes).unwrap();
            let weights: Vec<_> = bytes.iter().map(|&byte| i32::from(byte as i8).clamp(-127, 127)).collect();
            agrees(columns, &weights);
        }
    }

    #[test]
    fn rows_are_repaired_where_that_takes_fewer_products_than_columns() {
        // 500 is 2^9 - 2^4 + 2^2, 5 is 2^2 + 1 and 6 is 2^3 - 2^1: digits of all rows, then squarings of R^2 and of R^-2.
        let cases = [(1, 100, 5, 3 + 9 + 4), (2, 5, 1, 2 * 2 + 2), (100, 2, 3, 100 * 2 + 3 + 1)];
        for (rows, columns, weight, products) in cases {
            let plan = Plan::of(columns, &vec![weight; rows * columns]);
            assert_eq!(plan.products_of_repair(), products);
            assert_eq!(plan.completed().repairs, products < columns);
        }
    }

    /// Rounded normal deviates of one step size, the largest of them at the largest integer, with zeros among them.
    fn gaussian(bits: u32, zeros: Zeros) -> Vec<i32> {
        let mut entropy = SeededEntropy::new(b"gaussian");
        let mut uniform = || {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes).unwrap();
            (u64::from_le_bytes(bytes) as f64 + 1.0) / 2f64.powi(64)
        };
        let deviates: Vec<_> =
            (0..7840).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect();
        let largest = deviates.iter().fold(0f64, |most, x| most.max(x.abs()));
        let limit = f64::from((1 << (bits - 1)) - 1);
        let mut is_zero = |place: usize| match zeros {
            Zeros::Scattered => uniform() < 0.218,
            Zeros::Columns => place % 784 * 100 % 784 >= 784 * 79 / 100,
        };
        let weight = |(place, x): (usize, f64)| if is_zero(place) { 0 } else { (x / largest * limit).round() as i32 };
        deviates.into_iter().enumerate().map(weight).collect()
    }

    #[derive(Debug, Clone, Copy)]
    enum Zeros {
        Scattered,
        /// As a model has that never saw some pixels lit.
        Columns,
    }

    /// 78 % of the weights are not 0.
    fn takes_at_most_6200_products_in_full_lanes(zeros: Zeros) {
        let weights = gaussian(8, zeros);
        let nonzero = weights.iter().filter(|&&w| w != 0).count();
        assert!((6085..6145).contains(&nonzero), "{nonzero} of 7,840 weights are not 0");
        let plan = Plan::of(784, &weights);
        assert!(plan.multiplications() <= 6_200, "{} multiplications", plan.multiplications());
        let fullness = plan.completed().schedule.fullness();
        assert!(fullness > 0.99, "{fullness} of the lanes are in use");
    }

    #[test]
    fn ten_gaussian_int8_rows_with_scattered_zeros_take_at_most_6200_products_in_full_lanes() {
        takes_at_most_6200_products_in_full_lanes(Zeros::Scattered);
    }

    #[test]
    fn ten_gaussian_int8_rows_with_columns_of_zeros_take_at_most_6200_products_in_full_lanes() {
        takes_at_most_6200_products_in_full_lanes(Zeros::Columns);
    }

    #[test]
    fn equal_weights_get_the_same_plan_each_time() {
        let weights = &gaussian(8, Zeros::Scattered)[..4 * 784];
        let plan = Plan::of(196, weights).to_stored();
        assert_eq!(Plan::of(196, weights).to_stored(), plan);
        assert_eq!(Plan::from_stored(196, weights, &plan).unwrap().to_stored(), plan);
    }

    #[test]
    fn matrices_with_more_rows_than_columns_agree_with_gmp() {
        let mut entropy = SeededEntropy::new(b"tall");
        for (rows, columns) in [(60, 3), (90, 8), (200, 1)] {
            let mut bytes = vec![0; rows * columns];
            entropy.fill(&mut bytes).unwrap();
            let weights: Vec<_> = bytes.iter().map(|&byte| i32::from(byte as i8) / 2).collect();
            assert!(!Plan::of(columns, &weights).used_inverses().is_empty(), "tables per column are the shorter way");
            agrees(columns, &weights);
        }
        // Rows whose sums are 0 need no repair, so that inverses are those of columns that entered cheaply.
        let mut bytes = vec![0; 60 * 8];
        entropy.fill(&mut bytes).unwrap();
        let mut weights: Vec<_> = bytes.iter().map(|&byte| i32::from(byte as i8) / 16).collect();
        for (i, row) in weights.chunks_exact_mut(8).enumerate() {
            row[7] = i32::from(i == 0) - row[..7].iter().sum::<i32>();
        }
        let plan = Plan::of(8, &weights);
        assert!(plan.completed().repairs && !plan.used_inverses().is_empty());
        agrees(8, &weights);
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
