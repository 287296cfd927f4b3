//! The linear layer: for weights w_ji, the products over i of c_i^(w_ji) for every row j.
//!
//! A [`Plan`] is made once from the weights. For each row the positive weights and the magnitudes of the negative ones
//! are handled by the bucket method (Pippenger 1976): inputs of equal magnitude are multiplied together, then the buckets
//! are multiplied down from the largest magnitude, so that a bucket enters the result as often as its magnitude says.
//! The two accumulators of a row meet through one inversion that all rows share (Montgomery's trick).

use std::ops::Range;

use rayon::prelude::*;
use rug::Integer;

use super::lanes::Lanes;
use crate::error::{Error, Result};
use crate::secret::integer;

/// Columns in one program at most. A long row is cut so that many cores can share it; for int8 weights a cut costs at most
/// two times 127 products, 6 % of 4,096.
const COLUMNS: usize = 4096;

/// Registers of a program: the result, the running product, and a power of that.
const REGISTERS: usize = 3;

/// What one instruction multiplies with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operand {
    Column(u32),
    Register(u32),
}

impl Operand {
    fn read<'a, R>(self, columns: &'a [R], registers: &'a [Option<R>]) -> &'a R {
        match self {
            Self::Column(i) => &columns[i as usize],
            Self::Register(i) => registers[i as usize].as_ref().expect("a register is written before it is read"),
        }
    }
}

/// One instruction of a straight-line program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// register = operand
    Copy(u32, Operand),
    /// register *= operand
    Mul(u32, Operand),
    /// register *= register
    Square(u32),
}

/// The product of some columns with positive exponents: a straight-line program that ends with the result in register 0.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    steps: Vec<Step>,
}

/// What belongs to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    positive: Range<usize>,
    negative: Range<usize>,
    /// Sum of the row's weights, which repairs the cheap entry of the columns.
    weight: i64,
}

/// The multiplications that evaluate a weight matrix, found once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    columns: usize,
    programs: Vec<Program>,
    rows: Vec<Row>,
}

impl Plan {
    /// A plan for row-major weights, `columns` a row.
    pub(crate) fn new(columns: usize, weights: &[i32]) -> Self {
        let mut plan = Self { columns, programs: Vec::new(), rows: Vec::new() };
        for row in weights.chunks_exact(columns) {
            let positive = plan.side(row, |w| w);
            let negative = plan.side(row, |w| -w);
            plan.rows.push(Row { positive, negative, weight: row.iter().map(|&w| i64::from(w)).sum() });
        }
        plan
    }

    /// Programs for the weights whose `magnitude` is positive.
    fn side(&mut self, row: &[i32], magnitude: impl Fn(i64) -> i64) -> Range<usize> {
        let start = self.programs.len();
        for (chunk, weights) in row.chunks(COLUMNS).enumerate() {
            let terms: Vec<_> = (0u32..)
                .zip(weights)
                .map(|(i, &w)| ((chunk * COLUMNS) as u32 + i, magnitude(i64::from(w))))
                .filter(|&(_, magnitude)| magnitude > 0)
                .collect();
            if !terms.is_empty() {
                self.programs.push(Program::buckets(terms));
            }
        }
        start..self.programs.len()
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Multiplications and squarings of the programs: without entry, joining the accumulators and the inversion.
    pub(crate) fn multiplications(&self) -> usize {
        let is_product = |step: &&Step| !matches!(step, Step::Copy(..));
        self.programs.iter().map(|program| program.steps.iter().filter(is_product).count()).sum()
    }

    /// The products of the rows in Montgomery form, for the columns x < m^2, each one a unit. The time depends on weights
    /// and columns.
    ///
    /// # Errors
    /// [`Error::Bug`] if a column is not a unit modulo m.
    pub(crate) fn evaluate<L: Lanes>(
        &self,
        lanes: &L,
        modulus: &Integer,
        columns: &[&[u64]],
    ) -> Result<Vec<L::Residues>> {
        assert_eq!(L::WIDTH, 1, "the executor takes one residue at a time");
        assert_eq!(columns.len(), self.columns);
        let columns: Vec<_> =
            columns.par_iter().map_init(|| lanes.scratch(), |s, column| lanes.enter_raw(&[column], s)).collect();
        let products: Vec<_> = self
            .programs
            .par_iter()
            .map_init(|| lanes.scratch(), |s, program| program.run(lanes, &columns, s))
            .collect();
        let mut scratch = lanes.scratch();
        let s = &mut scratch;
        let mut join = |range: &Range<usize>| {
            let mut parts = products[range.clone()].iter();
            let mut product = parts.next()?.clone();
            parts.for_each(|part| lanes.mul(&mut product, part, s));
            Some(product)
        };
        let numerators: Vec<_> = self.rows.iter().map(|row| join(&row.positive)).collect();
        let denominators: Vec<_> = self.rows.iter().map(|row| join(&row.negative)).collect();
        let inverses = invert(lanes, modulus, denominators, s)?;
        let mut values = Vec::with_capacity(self.rows.len());
        for ((row, numerator), inverse) in self.rows.iter().zip(numerators).zip(inverses) {
            let mut value = lanes.repair(row.weight, s);
            for factor in numerator.iter().chain(&inverse) {
                lanes.mul(&mut value, factor, s);
            }
            values.push(value);
        }
        Ok(values)
    }
}

impl Program {
    /// The bucket method for columns with positive magnitudes.
    fn buckets(mut terms: Vec<(u32, i64)>) -> Self {
        // Largest magnitude first; within a bucket the columns stay in order.
        terms.sort_by_key(|&(_, magnitude)| std::cmp::Reverse(magnitude));
        const RESULT: u32 = 0;
        const SUM: u32 = 1;
        const POWER: u32 = 2;
        let mut steps = Vec::new();
        let (mut has_sum, mut has_result) = (false, false);
        let set = |steps: &mut Vec<Step>, register, first: &mut bool, operand| {
            steps.push(if *first { Step::Mul(register, operand) } else { Step::Copy(register, operand) });
            *first = true;
        };
        let mut buckets = terms.chunk_by(|x, y| x.1 == y.1).peekable();
        while let Some(bucket) = buckets.next() {
            // The bucket's columns go straight into the running product of all larger ones.
            for &(column, _) in bucket {
                set(&mut steps, SUM, &mut has_sum, Operand::Column(column));
            }
            // Down to the next magnitude the running product counts once a level.
            let gap = bucket[0].1 - buckets.peek().map_or(0, |next| next[0].1);
            if gap <= 3 {
                for _ in 0..gap {
                    set(&mut steps, RESULT, &mut has_result, Operand::Register(SUM));
                }
                continue;
            }
            steps.push(Step::Copy(POWER, Operand::Register(SUM)));
            for bit in (0..gap.ilog2()).rev() {
                steps.push(Step::Square(POWER));
                if gap >> bit & 1 == 1 {
                    steps.push(Step::Mul(POWER, Operand::Register(SUM)));
                }
            }
            set(&mut steps, RESULT, &mut has_result, Operand::Register(POWER));
        }
        Self { steps }
    }

    fn run<L: Lanes>(&self, lanes: &L, columns: &[L::Residues], s: &mut L::Scratch) -> L::Residues {
        // A register is taken out while it is written, so that the operand can be read beside it.
        let mut registers: Vec<Option<L::Residues>> = vec![None; REGISTERS];
        for step in &self.steps {
            let (target, value) = match *step {
                Step::Copy(target, from) => (target, from.read(columns, &registers).clone()),
                Step::Mul(target, from) => {
                    let mut value = registers[target as usize].take().expect("a product has a first factor");
                    lanes.mul(&mut value, from.read(columns, &registers), s);
                    (target, value)
                }
                Step::Square(target) => {
                    let mut value = registers[target as usize].take().expect("a square has a root");
                    lanes.sqr(&mut value, s);
                    (target, value)
                }
            };
            registers[target as usize] = Some(value);
        }
        registers[0].take().expect("a program has at least one term")
    }
}

/// The inverses of those that are there, by one inversion modulo m^2.
fn invert<L: Lanes>(
    lanes: &L,
    modulus: &Integer,
    values: Vec<Option<L::Residues>>,
    s: &mut L::Scratch,
) -> Result<Vec<Option<L::Residues>>> {
    let mut product = lanes.one();
    // before[j]: the product of the values before j.
    let before: Vec<_> = values
        .iter()
        .map(|value| {
            let before = product.clone();
            if let Some(value) = value {
                lanes.mul(&mut product, value, s);
            }
            before
        })
        .collect();
    let pair = &lanes.leave(&product, s)[0];
    let square = modulus.clone().square();
    let inverse = (integer(&pair.b) * modulus + integer(&pair.a))
        .invert(&square)
        .map_err(|_| Error::Bug("a checked ciphertext is not invertible"))?;
    let digits = inverse.to_digits::<u64>(rug::integer::Order::Lsf);
    let mut suffix = lanes.enter(&[&digits], s);
    let mut inverses: Vec<_> = values
        .into_iter()
        .zip(before)
        .rev()
        .map(|(value, before)| {
            let value = value?;
            let mut inverse = before;
            lanes.mul(&mut inverse, &suffix, s);
            lanes.mul(&mut suffix, &value, s);
            Some(inverse)
        })
        .collect();
    inverses.reverse();
    Ok(inverses)
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
    use crate::arith::montgomery::Montgomery;
    use crate::arith::portable::{Portable, VariableTime};
    use crate::arith::testing::random_below;
    use crate::entropy::{Entropy, SeededEntropy};
    use crate::secret::Limbs;
    use std::sync::Arc;

    /// Evaluates the plan on random units modulo the square of a prime and compares with GMP's powers.
    fn agrees(columns: usize, weights: &[i32]) {
        let m = (Integer::from(1) << 120u32).next_prime();
        let montgomery = Arc::new(Montgomery::new(&m));
        let lanes = Portable::<VariableTime>::new(montgomery.clone());
        let square = m.clone().square();
        let mut entropy = SeededEntropy::new(b"product");
        let values: Vec<_> = (0..columns).map(|_| random_below(&square, &mut entropy)).collect();
        let limbs: Vec<_> = values.iter().map(|x| Limbs::from_integer(x, montgomery.square_length())).collect();
        let slices: Vec<_> = limbs.iter().map(|x| &x[..]).collect();
        let plan = Plan::new(columns, weights);
        let products = plan.evaluate(&lanes, &m, &slices).unwrap();
        assert_eq!(products.len(), weights.len() / columns);
        let mut s = lanes.scratch();
        for (row, product) in weights.chunks_exact(columns).zip(&products) {
            let expected = row.iter().zip(&values).fold(Integer::from(1), |product, (&w, x)| {
                product * x.clone().pow_mod(&Integer::from(w), &square).unwrap() % &square
            });
            let pair = &lanes.leave(product, &mut s)[0];
            assert_eq!(integer(&pair.b) * &m + integer(&pair.a), expected);
        }
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
        for (rows, columns) in [(1, 50), (3, 17), (10, 200), (2, COLUMNS), (1, 2 * COLUMNS + 1)] {
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
        assert!(plan.multiplications() < 10_000, "{} multiplications", plan.multiplications());
    }

    #[test]
    fn packing_agrees_with_gmp() {
        let m = (Integer::from(1) << 120u32).next_prime();
        let montgomery = Arc::new(Montgomery::new(&m));
        let lanes = Portable::<VariableTime>::new(montgomery.clone());
        let mut s = lanes.scratch();
        let square = m.clone().square();
        let values = [Integer::from(17), Integer::from(&m + 5), Integer::from(&square - 1)];
        let entered: Vec<_> = values
            .iter()
            .map(|x| lanes.enter(&[&Limbs::from_integer(x, montgomery.square_length())], &mut s))
            .collect();
        for count in 1..=3 {
            let packed = pack(&lanes, &entered[..count], 22, &mut s);
            let expected = (0u32..).zip(&values[..count]).fold(Integer::from(1), |product, (j, x)| {
                product * x.clone().pow_mod(&(Integer::from(1) << (22 * j)), &square).unwrap() % &square
            });
            let pair = &lanes.leave(&packed, &mut s)[0];
            assert_eq!(integer(&pair.b) * &m + integer(&pair.a), expected);
        }
    }
}
