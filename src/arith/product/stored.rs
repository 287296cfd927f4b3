//! Plans in files: pairs of numbers, which a reader believes only after it has checked them.
//!
//! First come the rows' ends, numerator and denominator, then the steps' factors. Values are numbered as in the program:
//! columns, their inverses, steps. The largest number stands for an end that is not there.

use std::borrow::Cow;

use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};

use super::program::Program;
use super::{Ends, Plan};

/// A Mersenne prime: the modulus of the probes.
const PRIME: u64 = (1 << 61) - 1;

/// Probes of a plan.
const PROBES: usize = 2;

/// Bound on the sum of a value's exponents, columns and inverses taken together: two values and a weight stay below the
/// prime.
const EXPONENTS: u64 = 1 << 59;

/// A plan as pairs of little-endian numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredPlan<'a> {
    /// Bytes of a number, 2 or 4.
    pub(crate) width: usize,
    /// `rows + multiplications` pairs.
    pub(crate) data: Cow<'a, [u8]>,
}

impl Plan {
    /// The plan as a file has it. Plans are equal if and only if these bytes are.
    pub(crate) fn to_stored(&self) -> StoredPlan<'static> {
        let width = if self.program.values() < usize::from(u16::MAX) { 2 } else { 4 };
        let mut data = Vec::with_capacity(2 * width * (self.ends.len() + self.program.steps.len()));
        let ends = self.ends.iter().map(|ends| ends.map(|end| end.unwrap_or(u32::MAX)));
        for number in ends.chain(self.program.steps.iter().copied()).flatten() {
            data.extend(&number.to_le_bytes()[..width]);
        }
        StoredPlan { width, data: data.into() }
    }

    /// A plan for these weights from a file, or why it is none. It is checked, not believed.
    pub(crate) fn from_stored(columns: usize, weights: &[i32], stored: &StoredPlan) -> Result<Self, &'static str> {
        let absent = if stored.width == 2 { u16::MAX.into() } else { u32::MAX };
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte));
        let rows = weights.len() / columns;
        let inputs = 2 * columns;
        let pairs = stored.data.chunks_exact(2 * stored.width);
        if pairs.len() < rows || !pairs.remainder().is_empty() || pairs.len() - rows >= u32::MAX as usize - inputs {
            return Err("it has not a pair of numbers for each row and step");
        }
        let pairs = pairs.map(|pair| {
            let (left, right) = pair.split_at(stored.width);
            [number(left), number(right)]
        });
        let values = inputs + pairs.len() - rows;
        let ends: Vec<Ends> =
            pairs.clone().take(rows).map(|pair| pair.map(|end| (end != absent).then_some(end))).collect();
        let steps: Vec<_> = pairs.skip(rows).collect();
        if ends.iter().flatten().flatten().any(|&end| end as usize >= values) {
            return Err("a row ends in a value that it does not have");
        }
        if steps.iter().zip(inputs..).any(|(step, itself)| step.iter().any(|&factor| factor as usize >= itself)) {
            return Err("a step has a factor that is not there yet");
        }
        let program = Program { inputs, steps };
        check(columns, weights, &program, &ends, stored)?;
        Ok(Self::from_parts(columns, weights, program, ends))
    }
}

/// Whether the ends are the products that the weights ask for.
///
/// Every value is a product of columns to some exponents, so it is a linear form in the columns' logarithms. A form that is
/// not the one wanted, with coefficients below the prime, vanishes for at most one in 2^61 of the values modulo the prime
/// that the columns may be given. The values come from a hash of weights and plan: whoever makes a plan up has to try as
/// many as it takes to pass [`PROBES`] tests, 2^122 on average.
fn check(
    columns: usize,
    weights: &[i32],
    program: &Program,
    ends: &[Ends],
    stored: &StoredPlan,
) -> Result<(), &'static str> {
    // Sums of exponents bound the coefficients.
    let mut sizes: Vec<u64> = Vec::with_capacity(program.steps.len());
    for step in &program.steps {
        let size = |factor: u32| (factor as usize).checked_sub(program.inputs).map_or(1, |step| sizes[step]);
        let sum = step.map(size).iter().sum();
        if sum >= EXPONENTS {
            return Err("its exponents are larger than any weight asks for");
        }
        sizes.push(sum);
    }
    drop(sizes);

    let mut hash = Shake256::default();
    hash.update(b"tacita/plan/v1");
    hash.update(&(columns as u64).to_le_bytes());
    hash.update(&(weights.len() as u64).to_le_bytes());
    weights.iter().for_each(|weight| hash.update(&weight.to_le_bytes()));
    hash.update(&(stored.width as u64).to_le_bytes());
    hash.update(&stored.data);
    let mut stream = hash.finalize_xof();
    for _ in 0..PROBES {
        let probe: Vec<u64> = (0..columns).map(|_| below_prime(&mut stream)).collect();
        let mut steps: Vec<u64> = Vec::with_capacity(program.steps.len());
        let value = |steps: &[u64], value: u32| match value as usize {
            column if column < columns => probe[column],
            inverse if inverse < 2 * columns => PRIME - probe[inverse - columns],
            step => steps[step - 2 * columns],
        };
        for &[left, right] in &program.steps {
            // Both are at most the prime.
            steps.push((value(&steps, left) + value(&steps, right)) % PRIME);
        }
        for (row, ends) in weights.chunks_exact(columns).zip(ends) {
            let [numerator, denominator] = ends.map(|end| i128::from(end.map_or(0, |end| value(&steps, end))));
            // Below 2^31 * 2^61 for each of fewer than 2^32 columns.
            let wanted: i128 = row.iter().zip(&probe).map(|(&w, &x)| i128::from(w) * i128::from(x)).sum();
            if (numerator - denominator - wanted) % i128::from(PRIME) != 0 {
                return Err("it does not compute these weights");
            }
        }
    }
    Ok(())
}

/// A uniform number below the prime.
fn below_prime(stream: &mut impl XofReader) -> u64 {
    loop {
        let mut bytes = [0; 8];
        stream.read(&mut bytes);
        let number = u64::from_le_bytes(bytes) & PRIME;
        if number < PRIME {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: [i32; 12] = [3, -7, 0, 127, /* second row */ 0, 0, 0, 0, /* third row */ 1, 2, -128, 5];

    fn read(stored: &StoredPlan) -> Result<Plan, &'static str> {
        Plan::from_stored(4, &WEIGHTS, stored)
    }

    #[test]
    fn a_plan_is_read_back() {
        let stored = Plan::of(4, &WEIGHTS).to_stored();
        let read = read(&stored).unwrap();
        assert_eq!(read.to_stored(), stored);
        assert_eq!(stored.data.len(), 4 * (3 + read.multiplications()));
    }

    #[test]
    fn wide_numbers_are_read_as_narrow_ones_are() {
        let plan = Plan::of(4, &WEIGHTS);
        let narrow = plan.to_stored();
        let data = narrow.data.as_chunks().0.iter().flat_map(|&[low, high]| {
            let fill = if [low, high] == [255, 255] { 255 } else { 0 };
            [low, high, fill, fill]
        });
        let wide = StoredPlan { width: 4, data: data.collect() };
        assert_eq!(read(&wide).unwrap().to_stored(), narrow);
    }

    #[test]
    fn every_other_number_is_refused() {
        let stored = Plan::of(4, &WEIGHTS).to_stored();
        for position in 0..stored.data.len() / 2 {
            for change in [1, 2, 3, 17, 0x8000, 0xffff] {
                let mut data = stored.data.to_vec();
                let number = u16::from_le_bytes([data[2 * position], data[2 * position + 1]]) ^ change;
                data[2 * position..][..2].copy_from_slice(&number.to_le_bytes());
                // Nearly all are: two values that are equal may stand for one another.
                if let Ok(plan) = read(&StoredPlan { width: 2, data: data.into() }) {
                    assert!(plan.computes(&WEIGHTS), "number {position} became {number}");
                }
            }
        }
    }

    impl Plan {
        /// The check by plain vectors of exponents.
        fn computes(&self, weights: &[i32]) -> bool {
            let unit = |place: usize, sign: i64| {
                let mut vector = vec![0; self.columns];
                vector[place] = sign;
                vector
            };
            let columns = 0..self.columns;
            let mut values: Vec<Vec<i64>> =
                columns.clone().map(|i| unit(i, 1)).chain(columns.map(|i| unit(i, -1))).collect();
            for [left, right] in &self.program.steps {
                let sum = values[*left as usize].iter().zip(&values[*right as usize]).map(|(x, y)| x + y).collect();
                values.push(sum);
            }
            let part = |end: Option<u32>, column: usize| end.map_or(0, |end| values[end as usize][column]);
            weights.chunks_exact(self.columns).zip(&self.ends).all(|(row, &[numerator, denominator])| {
                row.iter().enumerate().all(|(i, &w)| part(numerator, i) - part(denominator, i) == i64::from(w))
            })
        }
    }

    #[test]
    fn a_cut_or_padded_plan_is_refused() {
        let stored = Plan::of(4, &WEIGHTS).to_stored();
        for length in 0..stored.data.len() {
            assert!(read(&StoredPlan { width: 2, data: stored.data[..length].into() }).is_err(), "{length} bytes");
        }
        assert!(read(&StoredPlan { width: 2, data: [&stored.data[..], &[0]].concat().into() }).is_err());
        // A step that nobody uses changes nothing.
        let longer = StoredPlan { width: 2, data: [&stored.data[..], &[0; 4]].concat().into() };
        assert!(read(&longer).unwrap().computes(&WEIGHTS));
    }

    #[test]
    fn exponents_that_are_right_only_modulo_the_prime_are_refused() {
        // One row of one column with weight 1. The steps square the column 61 times: its exponent is 2^61, which is 1
        // modulo the prime.
        let mut pairs: Vec<[u32; 2]> = vec![[0, u32::MAX]];
        pairs.push([0, 0]);
        pairs.extend((0..60).map(|k| [2 + k; 2]));
        pairs[0][0] = 62;
        let stored = StoredPlan { width: 4, data: pairs.iter().flatten().flat_map(|x| x.to_le_bytes()).collect() };
        assert_eq!(
            Plan::from_stored(1, &[1], &stored).unwrap_err(),
            "its exponents are larger than any weight asks for"
        );
    }

    #[test]
    fn the_plan_of_other_weights_is_refused() {
        let stored = Plan::of(4, &WEIGHTS).to_stored();
        for position in 0..WEIGHTS.len() {
            let mut weights = WEIGHTS;
            weights[position] += 1;
            let error = Plan::from_stored(4, &weights, &stored).unwrap_err();
            assert_eq!(error, "it does not compute these weights");
        }
        assert!(Plan::from_stored(3, &WEIGHTS, &stored).is_err());
    }
}
