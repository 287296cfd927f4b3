//! How large the sums can be that stand beside the answers of a features layout, and the space that slots need for them.
//! See [`Packing`] for where they come from.

use std::collections::BTreeMap;
use std::ops::Range;

use super::integer::{IntegerMap, bits};
use crate::encoding::{Features, Packing};

impl IntegerMap {
    /// The spacing of slots with which `together` features can share a ciphertext: room for every answer and, with a margin
    /// for the mask, for all junk under its offset, whichever rows come together.
    pub(super) fn spacing(&self, features: &Features, together: usize, slot_bits: u32) -> u32 {
        slot_bits.max(self.junk_bits(features, together) + Packing::MARGIN_BITS)
    }

    /// Bits of the largest junk with its sign.
    fn junk_bits(&self, features: &Features, together: usize) -> u32 {
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
        // Products of at most 2^15 and 2^32, at most 227 of them: below 2^63.
        let dot = |spans: &[i64], weights: &[i32]| {
            let products = spans.iter().zip(weights).map(|(&span, &weight)| span * i64::from(weight));
            products.fold([0; 2], |[least, greatest]: [i64; 2], x| [least + x.min(0), greatest + x.max(0)])
        };
        for (weights, spans) in self.of(&self.mixed, row).zip(self.of(&self.mixed, self.spans)) {
            for r in 0..t - 1 {
                let low = weights.get(t - 1 - r..).unwrap_or_default();
                add(&mut below[r], 1, dot(&spans[..spans.len().min(r + 1)], low));
                add(&mut above[r], 1, dot(spans.get(r + 1..).unwrap_or_default(), weights));
            }
        }
        (below, above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Feature, Grid};
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

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
}
