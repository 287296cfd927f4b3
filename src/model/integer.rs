//! The affine map in integers, its exact range, and the slots that range needs.

use crate::encoding::{Features, Grid, Packing};
use crate::error::{Error, Result};

/// y = Wk + b over the integers, W of `rows` x `columns` in row-major order.
#[derive(Clone, PartialEq)]
pub(super) struct IntegerMap {
    pub(super) columns: usize,
    pub(super) weights: Vec<i32>,
    pub(super) bias: Vec<i64>,
}

impl IntegerMap {
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = (&[i32], i64)> {
        self.weights.chunks_exact(self.columns).zip(self.bias.iter().copied())
    }

    /// The outputs for integers on the grids, for which [`slot_bits`](Self::slot_bits) succeeded.
    pub(super) fn apply(&self, integers: impl Iterator<Item = i64> + Clone) -> Vec<i64> {
        // Partial sums may pass 2^63 and wrap; an output is below 2^61, and sums modulo 2^64 do not mind the way.
        let product = |(&weight, integer): (&i32, i64)| i64::from(weight) * integer;
        self.rows()
            .map(|(row, bias)| row.iter().zip(integers.clone()).map(product).fold(bias, i64::wrapping_add))
            .collect()
    }

    /// Y: the largest |y| of any row over all records on the grids. Exact: a sum of separate terms is extreme where
    /// each term is.
    pub(super) fn largest_output(&self, features: &Features) -> u128 {
        let row_extreme = |(row, bias): (&[i32], i64)| {
            let (mut least, mut greatest) = (i128::from(bias), i128::from(bias));
            for (&weight, grid) in row.iter().zip(features.grids()) {
                let ends = [grid.least(), grid.greatest()].map(|end| i128::from(weight) * i128::from(end));
                least += ends[0].min(ends[1]);
                greatest += ends[0].max(ends[1]);
            }
            least.unsigned_abs().max(greatest.unsigned_abs())
        };
        // At most 10^6 terms of 2^31 * 2^31 and a bias of 2^63: below 2^83.
        self.rows().map(row_extreme).max().unwrap_or(0)
    }

    /// The slot width that holds every output with its sign, and every input as `integer - least`.
    ///
    /// A feature with a weight other than 0 needs no more than the outputs do: its span moves an output by at least as
    /// much, so it is at most 2Y. The second condition is for features that no row uses.
    pub(super) fn slot_bits(&self, features: &Features) -> Result<u32> {
        let output_bits = bits(self.largest_output(features));
        let slot_bits = (output_bits + 1).max(features.span_bits());
        if slot_bits > Packing::MAX_SLOT_BITS {
            return Err(Error::Model(format!(
                "its answers can take {output_bits} bits and a sign; slots have at most {}",
                Packing::MAX_SLOT_BITS
            )));
        }
        Ok(slot_bits)
    }

    /// b + W least: what is left to add when the inputs are `integer - least`. It is the output for the least record,
    /// so it is within Y.
    pub(super) fn bias_at_least(&self, features: &Features) -> Vec<i64> {
        self.apply(features.grids().map(Grid::least))
    }
}

/// Length of a number in bits; 0 has none.
pub(super) fn bits(number: u128) -> u32 {
    u128::BITS - number.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Feature;
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn the_largest_output_is_reached_at_a_corner_and_nowhere_exceeded() {
        let random = &mut SmallRng::seed_from_u64(1);
        for _ in 0..500 {
            let (rows, columns) = (random.random_range(1..4), random.random_range(1..7));
            let width = random.random_range(0..31);
            let number = |random: &mut SmallRng, bits: u32| random.random_range(-1_i64 << bits..=1_i64 << bits);
            let map = IntegerMap {
                columns,
                weights: (0..rows * columns).map(|_| number(random, 15) as i32).collect(),
                bias: (0..rows).map(|_| number(random, 40)).collect(),
            };
            let ends = (0..columns).map(|_| [number(random, width), number(random, width)]);
            let ends: Vec<_> = ends.map(|[a, b]| (a.min(b), a.max(b))).collect();
            let grids = ends.iter().map(|&(least, greatest)| Grid::new(0.5, 0.25, least, greatest).unwrap());
            let named = grids.enumerate().map(|(index, grid)| Feature::new(&format!("f{index}"), grid));
            let features = Features::new(named).unwrap();

            let corner = |mask: usize| -> Vec<i64> {
                ends.iter().enumerate().map(|(i, end)| if mask >> i & 1 == 1 { end.1 } else { end.0 }).collect()
            };
            let exact = |record: &[i64]| -> Vec<i128> {
                let row = |row: usize| {
                    let weights = &map.weights[row * columns..][..columns];
                    let products = weights.iter().zip(record).map(|(&w, &k)| i128::from(w) * i128::from(k));
                    products.sum::<i128>() + i128::from(map.bias[row])
                };
                (0..rows).map(row).collect()
            };
            let most = |mask| exact(&corner(mask)).iter().map(|y| y.unsigned_abs()).max().unwrap();
            let largest = (0..1 << columns).map(most).max().unwrap();
            assert_eq!(map.largest_output(&features), largest);

            let slot_bits = map.slot_bits(&features).unwrap();
            let centre = 1_i128 << (slot_bits - 1);
            assert!((largest as i128) < centre && centre <= 2 * (largest as i128).max(1 << width), "tight and enough");
            assert_eq!(
                map.bias_at_least(&features).iter().map(|&b| i128::from(b)).collect::<Vec<_>>(),
                exact(&corner(0))
            );
            for mask in 0..1 << columns {
                let found: Vec<_> = map.apply(corner(mask).into_iter()).into_iter().map(i128::from).collect();
                assert_eq!(found, exact(&corner(mask)));
            }
        }
    }

    #[test]
    fn partial_sums_that_wrap_do_not_matter() {
        // 2^19 terms of 2^46 are 2^65; as many of the other sign bring the sum back.
        let half = 1 << 19;
        let weights = [vec![1 << 15; half], vec![-(1 << 15); half]].concat();
        let grid = Grid::new(0.0, 1.0, 1 << 31, 1 << 31).unwrap();
        let features = Features::new([Feature::run("f", 1 << 19, grid), Feature::run("g", 1 << 19, grid)]);
        let Err(Error::TooLarge { .. }) = features else { panic!("2^20 features") };
        let features = Features::new([Feature::run("f", 400_000, grid), Feature::run("g", 400_000, grid)]).unwrap();
        let map =
            IntegerMap { columns: 800_000, weights: weights[half - 400_000..half + 400_000].to_vec(), bias: vec![-5] };
        assert_eq!(map.largest_output(&features), 5);
        assert_eq!(map.apply(std::iter::repeat_n(1 << 31, 800_000)), [-5]);
    }

    #[test]
    fn a_feature_that_no_row_uses_still_fits_its_slot() {
        let features = Features::new([Feature::new("unused", Grid::new(0.0, 1.0, -100, 155).unwrap())]).unwrap();
        let map = IntegerMap { columns: 1, weights: vec![0, 0], bias: vec![0, 0] };
        assert_eq!((map.largest_output(&features), map.slot_bits(&features).unwrap()), (0, 8));
    }

    #[test]
    fn answers_too_long_for_a_slot_are_refused() {
        let features = Features::new([Feature::new("f", Grid::new(0.0, 1.0, 0, 0).unwrap())]).unwrap();
        let map = |bias| IntegerMap { columns: 1, weights: vec![1], bias: vec![bias] };
        for bias in [(1 << 61) - 1, -(1 << 61) + 1] {
            assert_eq!(map(bias).slot_bits(&features), Ok(62));
        }
        for bias in [1 << 61, -1 << 61, i64::MAX, i64::MIN] {
            assert!(matches!(map(bias).slot_bits(&features), Err(Error::Model(_))));
        }
    }
}
