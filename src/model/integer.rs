//! The affine map in integers, its exact range, and the slots that range needs.

use std::collections::BTreeMap;
use std::ops::Range;

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

    /// The spacing of slots with which `together` features can share a ciphertext: room for every answer and, with a margin
    /// for the mask, for all junk (see [`Packing`]) under its offset, whichever rows come together.
    pub(super) fn spacing(&self, features: &Features, together: usize, slot_bits: u32) -> u32 {
        slot_bits.max(self.junk_bits(features, together) + Packing::MARGIN_BITS)
    }

    /// Bits of the largest junk with its sign.
    pub(super) fn junk_bits(&self, features: &Features, together: usize) -> u32 {
        bits(self.largest_junk(features, together)) + 1
    }

    /// The largest |junk| of any slot over all records on the grids, in contents `integer - least`, whichever rows stand side by
    /// side. Exact: between the answers of rows j - 1 and j stand t - 1 slots, numbered r from 0. To slot r the features i <= r of
    /// a ciphertext contribute with weights i + t - 1 - r of row j, the features i > r with weights i - 1 - r of row
    /// j - 1, so each feature once, and a sum of separate terms is extreme where each term is. A row that stands alone
    /// gives no more: every extreme is on its side of 0.
    fn largest_junk(&self, features: &Features, together: usize) -> u128 {
        let spans: Vec<i64> = features.grids().map(|grid| grid.span() as i64).collect();
        let chunks = Chunks::new(&spans, together);
        let zeros = vec![[0; 2]; together - 1];
        let mut largest = 0;
        let mut above = zeros.clone();
        // After the last row there is nothing but what stands above its answer.
        for row in self.weights.chunks_exact(self.columns).map(Some).chain([None]) {
            let (below, next) = row.map_or((zeros.clone(), zeros.clone()), |row| chunks.reach(row));
            for (x, y) in below.iter().zip(&above) {
                largest = largest.max((x[0] + y[0]).unsigned_abs()).max((x[1] + y[1]).unsigned_abs());
            }
            above = next;
        }
        largest
    }

    /// b + W least: what is left to add when the inputs are `integer - least`. It is the output for the least record,
    /// so it is within Y.
    pub(super) fn bias_at_least(&self, features: &Features) -> Vec<i64> {
        self.apply(features.grids().map(Grid::least))
    }
}

/// Features in chunks that share a ciphertext. Chunks whose features all have one span are summed up place by place before
/// anything is multiplied, so that a model costs its number of weights if its features are alike, and t times that if not.
struct Chunks<'a> {
    spans: &'a [i64],
    together: usize,
    /// By span, runs of chunks.
    alike: BTreeMap<i64, Vec<Range<usize>>>,
    /// Runs of the other chunks.
    mixed: Vec<Range<usize>>,
}

/// Least and greatest of a number.
type Extremes = [i128; 2];

impl<'a> Chunks<'a> {
    fn new(spans: &'a [i64], together: usize) -> Self {
        let (mut alike, mut mixed) = (BTreeMap::<_, Vec<Range<usize>>>::new(), Vec::new());
        for (chunk, chunk_spans) in spans.chunks(together).enumerate() {
            let same = chunk_spans.len() == together && chunk_spans.iter().all(|span| *span == chunk_spans[0]);
            let runs = if same { alike.entry(chunk_spans[0]).or_default() } else { &mut mixed };
            match runs.last_mut() {
                Some(run) if run.end == chunk => run.end += 1,
                _ => runs.push(chunk..chunk + 1),
            }
        }
        Self { spans, together, alike, mixed }
    }

    /// What runs of chunks take of a list of one item a feature, chunk by chunk.
    fn of<'b, T>(&self, runs: &'b [Range<usize>], list: &'b [T]) -> impl Iterator<Item = &'b [T]> {
        let t = self.together;
        runs.iter().cloned().flatten().map(move |chunk| &list[chunk * t..(chunk * t + t).min(list.len())])
    }

    /// What a row contributes to the t - 1 slots below its answer, and to those above.
    fn reach(&self, row: &[i32]) -> (Vec<Extremes>, Vec<Extremes>) {
        let t = self.together;
        let (mut below, mut above) = (vec![[0; 2]; t - 1], vec![[0; 2]; t - 1]);
        let add = |slot: &mut Extremes, span: i64, [least, greatest]: [i64; 2]| {
            slot[0] += i128::from(span) * i128::from(least);
            slot[1] += i128::from(span) * i128::from(greatest);
        };
        for (&span, runs) in &self.alike {
            // Sums of the negative and of the positive weights at each place.
            let mut sums = vec![[0_i64; 2]; t];
            for weights in self.of(runs, row) {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    sum[usize::from(weight > 0)] += i64::from(weight);
                }
            }
            // Below, slot r has the last r + 1 weights; above, the first t - 1 - r.
            let running = |[least, greatest]: &mut [i64; 2], sum: &[i64; 2]| {
                (*least, *greatest) = (*least + sum[0], *greatest + sum[1]);
                Some([*least, *greatest])
            };
            below.iter_mut().zip(sums.iter().rev().scan([0; 2], running)).for_each(|(slot, sum)| add(slot, span, sum));
            above.iter_mut().rev().zip(sums.iter().scan([0; 2], running)).for_each(|(slot, sum)| add(slot, span, sum));
        }
        for (weights, spans) in self.of(&self.mixed, row).zip(self.of(&self.mixed, self.spans)) {
            let signed = |weight: i32| [i64::from(weight.min(0)), i64::from(weight.max(0))];
            for r in 0..t - 1 {
                for (i, &span) in spans.iter().enumerate().take(r + 1) {
                    let Some(&weight) = weights.get(i + t - 1 - r) else { break };
                    add(&mut below[r], span, signed(weight));
                }
                for (&span, &weight) in spans.iter().skip(r + 1).zip(weights) {
                    add(&mut above[r], span, signed(weight));
                }
            }
        }
        (below, above)
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

    /// Every junk slot of two neighbouring rows, at its extremes over the corners of the box, by multiplying polynomials.
    fn junk_by_corners(map: &IntegerMap, spans: &[i64], t: usize) -> u128 {
        let rows: Vec<&[i32]> = map.weights.chunks_exact(map.columns).collect();
        let mut largest = 0;
        for start in 0..rows.len() {
            for end in start + 1..=rows.len() {
                for corner in 0..1_u32 << spans.len() {
                    let x = |i: usize| if corner >> i & 1 == 1 { i128::from(spans[i]) } else { 0 };
                    let mut product = vec![0_i128; (end - start + 1) * t - 1];
                    for (j, row) in rows[start..end].iter().enumerate() {
                        for (a, &w) in row.iter().enumerate() {
                            let first = a - a % t;
                            for b in first..(first + t).min(spans.len()) {
                                product[j * t + t - 1 - a % t + b % t] += i128::from(w) * x(b);
                            }
                        }
                    }
                    let junk = product.iter().enumerate().filter(|(c, _)| c % t != t - 1);
                    largest = junk.map(|(_, value)| value.unsigned_abs()).fold(largest, u128::max);
                }
            }
        }
        largest
    }

    #[test]
    fn the_largest_junk_is_reached_at_a_corner_and_nowhere_exceeded() {
        let random = &mut SmallRng::seed_from_u64(2);
        for _ in 0..300 {
            let (rows, columns) = (random.random_range(1..4), random.random_range(1..9));
            let weights = (0..rows * columns).map(|_| random.random_range(-1 << 15..=1 << 15)).collect();
            let map = IntegerMap { columns, weights, bias: vec![0; rows] };
            let mut spans = Vec::new();
            while spans.len() < columns {
                let span = random.random_range(0_i64..=1 << 32) >> random.random_range(0..33);
                spans.extend(std::iter::repeat_n(span, random.random_range(1..5)));
            }
            spans.truncate(columns);
            let grid = |&span: &i64| Grid::new(0.0, 1.0, -(span / 2), span - span / 2).unwrap();
            let named = spans.iter().map(grid).enumerate().map(|(i, grid)| Feature::new(&format!("f{i}"), grid));
            let features = Features::new(named).unwrap();
            for t in 2..=columns + 2 {
                let largest = map.largest_junk(&features, t);
                assert_eq!(largest, junk_by_corners(&map, &spans, t), "{t} of {columns}");
                let spacing = map.spacing(&features, t, 1);
                assert!(largest < 1 << (spacing - 9) && (spacing == 9 || largest >= 1 << (spacing - 10)));
                assert_eq!(map.spacing(&features, t, 62), spacing.max(62));
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
