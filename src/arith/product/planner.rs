//! Chooses a plan by counting.

use rayon::prelude::*;

use super::chain::Chain;
use super::program::{Builder, Program};
use super::refine::refine;
use super::{Ends, buckets, groups};
use crate::error::Result;
use crate::progress::Steps;

/// Most rows or columns in a group.
const GROUP: usize = 10;

/// Bound on what the searches look at that judge a way to group: pairs of points, summed over the groups. A million takes about
/// a tenth of a second. Points of one or two coordinates find their parts at once and count little.
const PAIRS: usize = 50_000_000;

/// Groups that are searched to judge a way to group. Groups of random weights hardly differ: by five of them, 100 and 1000 rows
/// of 784 gaussian weights are foreseen within 3 %.
const SAMPLE: usize = 5;

/// The same bound for the best way, all of whose groups are searched.
const MOST_PAIRS: usize = 300_000_000;

/// Bound on vectors times rounds of local search, summed over the chains: a few seconds.
const EFFORT: usize = 15_000_000;

/// Rounds a vector after which gains are rare.
const ROUNDS: usize = 4;

/// Of the vectors of a chain that are not points, one in so many goes in a local search of a round a vector or more:
/// measured on gaussian weights of 4 to 8 bits in groups of 2 to 5 rows.
const GAIN: usize = 5;

/// Steps that the local search of a chain is counted as: it takes far longer than to find the chain.
const REFINING: usize = 20;

/// How many times longer than wide a matrix is that is cut along its short side only.
const LONG: usize = 8;

/// A program with the ends of its rows.
type Draft = (Program, Vec<Ends>);

/// A way to cut the matrix into groups of rows, whose columns are points, or of columns, whose rows are points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Rows { groups: usize },
    Columns { groups: usize },
}

impl Cut {
    fn groups(self) -> usize {
        let (Self::Rows { groups } | Self::Columns { groups }) = self;
        groups
    }

    fn all(self) -> Vec<usize> {
        (0..self.groups()).collect()
    }

    /// Some of the groups, evenly spread.
    fn sample(self) -> Vec<usize> {
        let count = self.groups().min(SAMPLE);
        (0..count).map(|i| i * self.groups() / count).collect()
    }
}

pub(super) fn draft(columns: usize, weights: &[i32], steps: &Steps) -> Result<Draft> {
    let matrix = Matrix { columns, rows: weights.len() / columns, weights };
    let mut best = matrix.plain();
    let mut lowest = cost(columns, &best);
    let mut best_cut = None;
    let cuts = matrix.cuts();
    steps.expect(cuts.iter().map(|cut| cut.sample().len()).sum());
    for cut in cuts {
        if let Some(chains) = matrix.chains(cut, &cut.sample(), steps)? {
            let expected = matrix.expected(cut, &chains);
            if expected < lowest {
                (lowest, best_cut) = (expected, Some((cut, chains)));
            }
        }
    }
    if let Some((cut, sample)) = best_cut {
        let chains = if sample.len() < cut.groups() {
            steps.expect(cut.groups());
            matrix.chains(cut, &cut.all(), steps)?
        } else {
            Some(sample)
        };
        if let Some(chains) = chains {
            let draft = matrix.draft(cut, &matrix.refined(cut, chains, steps)?);
            if cost(columns, &draft) < cost(columns, &best) {
                best = draft;
            }
        }
    }
    let (mut program, mut ends) = best;
    program.prune(&mut ends);
    Ok((program, ends))
}

/// Rounds of local search for a chain among chains of so many vectors.
fn rounds(chain: &Chain, vectors: usize) -> usize {
    (EFFORT / vectors).min(ROUNDS * chain.vectors.len())
}

fn vectors(chains: &[(usize, Chain)]) -> usize {
    chains.iter().map(|(_, chain)| chain.vectors.len()).sum()
}

/// Products of a draft, those around its program included.
fn cost(columns: usize, (program, ends): &Draft) -> usize {
    let mut inverses: Vec<_> = ends.iter().filter_map(|ends| ends[1]).collect();
    inverses
        .extend(program.steps.iter().flatten().filter(|&&value| (columns..2 * columns).contains(&(value as usize))));
    inverses.sort_unstable();
    inverses.dedup();
    // Three products for each number that is inverted together with others.
    program.steps.len() + 3 * inverses.len()
}

struct Matrix<'a> {
    columns: usize,
    rows: usize,
    weights: &'a [i32],
}

/// The points of one group, one behind the other.
struct Points {
    dimension: usize,
    coordinates: Vec<i32>,
}

impl Points {
    fn iter(&self) -> std::slice::ChunksExact<'_, i32> {
        self.coordinates.chunks_exact(self.dimension)
    }

    fn collect(&self) -> Vec<&[i32]> {
        self.iter().collect()
    }

    fn distinct(&self) -> Vec<&[i32]> {
        let mut distinct = self.collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct
    }
}

impl Matrix<'_> {
    fn row(&self, row: usize) -> &[i32] {
        &self.weights[row * self.columns..][..self.columns]
    }

    /// The ways to cut that are worth a look and not too large for it.
    fn cuts(&self) -> Vec<Cut> {
        let (rows, columns) = (self.rows, self.columns);
        let counts = |lines: usize, points: usize| {
            let mut counts: Vec<_> = (1..=GROUP.min(lines))
                .filter(|&size| {
                    let pairs = |groups: usize| groups.saturating_mul(points).saturating_mul(points);
                    let groups = lines.div_ceil(size);
                    size <= 2 || pairs(groups.min(SAMPLE)) <= PAIRS && pairs(groups) <= MOST_PAIRS
                })
                .map(|size| lines.div_ceil(size))
                .collect();
            counts.dedup();
            counts
        };
        // Groups of the many lines of a long matrix have too few points to share anything.
        let by_rows = if rows <= LONG * columns { counts(rows, columns) } else { Vec::new() };
        let by_columns = if columns <= LONG * rows { counts(columns, rows) } else { Vec::new() };
        let by_rows = by_rows.into_iter().map(|groups| Cut::Rows { groups });
        by_rows.chain(by_columns.into_iter().map(|groups| Cut::Columns { groups })).collect()
    }

    /// The rows or columns of a group.
    fn group(lines: usize, groups: usize, group: usize) -> std::ops::Range<usize> {
        group * lines / groups..(group + 1) * lines / groups
    }

    fn points(&self, cut: Cut, group: usize) -> Points {
        match cut {
            Cut::Rows { groups } => {
                let rows = Self::group(self.rows, groups, group);
                let column = |column| rows.clone().map(move |row| self.weights[row * self.columns + column]);
                Points { dimension: rows.len(), coordinates: (0..self.columns).flat_map(column).collect() }
            }
            Cut::Columns { groups } => {
                let columns = Self::group(self.columns, groups, group);
                let row = |row| self.row(row)[columns.clone()].iter().copied();
                Points { dimension: columns.len(), coordinates: (0..self.rows).flat_map(row).collect() }
            }
        }
    }

    /// These groups with a chain for each; `None` if the search is not for this matrix.
    fn chains(&self, cut: Cut, groups: &[usize], steps: &Steps) -> Result<Option<Vec<(usize, Chain)>>> {
        let chain = |&group: &usize| {
            steps.go_on()?;
            let points = self.points(cut, group);
            let chain = Chain::search(points.dimension, &points.distinct());
            steps.step()?;
            Ok(chain.map(|chain| (group, chain)))
        };
        let chains = groups.par_iter().map(chain).collect::<Result<Vec<_>>>()?;
        Ok(chains.into_iter().collect())
    }

    /// Products that a cut takes when all its chains are refined, by those of some groups and their share of the weights that
    /// are not 0.
    fn expected(&self, cut: Cut, chains: &[(usize, Chain)]) -> usize {
        let nonzero = |weights: &[i32]| weights.iter().filter(|&&weight| weight != 0).count();
        let here: usize = chains.iter().map(|(group, _)| nonzero(&self.points(cut, *group).coordinates)).sum();
        if here == 0 {
            return usize::MAX; // nothing is known
        }
        let all = nonzero(self.weights);
        let scaled = |count: usize| (count as u64 * all as u64 / here as u64) as usize;
        // A row's value is the product of its values in all groups of columns, one product less than there are groups.
        let joined = if matches!(cut, Cut::Columns { .. }) { self.rows } else { 0 };
        let products = scaled(cost(self.columns, &self.draft(cut, chains)) + joined).saturating_sub(joined);
        let vectors = scaled(vectors(chains));
        let gain = |(group, chain): &(usize, Chain)| {
            let extras = chain.vectors.len().saturating_sub(self.points(cut, *group).distinct().len());
            extras * rounds(chain, vectors).min(chain.vectors.len()) / (GAIN * chain.vectors.len())
        };
        products.saturating_sub(scaled(chains.iter().map(gain).sum()))
    }

    /// The chains after local search.
    fn refined(&self, cut: Cut, chains: Vec<(usize, Chain)>, steps: &Steps) -> Result<Vec<(usize, Chain)>> {
        steps.expect(chains.len() * REFINING);
        let vectors = vectors(&chains);
        let refined = |(group, chain): (usize, Chain)| {
            let points = self.points(cut, group);
            let (rounds, mut left) = (rounds(&chain, vectors), REFINING);
            let goes_on = |round: usize| {
                steps.go_on()?;
                // What is left of this chain's steps after so many of its rounds.
                while left > 0 && (REFINING - left) * rounds <= round * REFINING {
                    left -= 1;
                    steps.step()?;
                }
                Ok(())
            };
            Ok((group, refine(&chain, &points.collect(), rounds, goes_on)?))
        };
        chains.into_par_iter().map(refined).collect()
    }

    /// The program of these groups.
    fn draft(&self, cut: Cut, chains: &[(usize, Chain)]) -> Draft {
        let mut builder = Builder::new(2 * self.columns);
        let columns = self.columns as u32;
        let ends = match cut {
            Cut::Rows { .. } => {
                let ends = |(group, chain): &(usize, Chain)| {
                    let points = self.points(cut, *group);
                    groups::buckets(&mut builder, chain, &(0..columns).zip(points.iter()).collect::<Vec<_>>())
                };
                chains.iter().flat_map(ends).collect()
            }
            Cut::Columns { groups } => {
                let mut factors = vec![Vec::with_capacity(chains.len()); self.rows];
                for (group, chain) in chains {
                    let inputs = Self::group(self.columns, groups, *group);
                    let inputs: Vec<_> = inputs.map(|column| [column as u32, columns + column as u32]).collect();
                    let products = groups::tables(&mut builder, chain, &inputs, &self.points(cut, *group).collect());
                    factors.iter_mut().zip(products).for_each(|(factors, product)| factors.extend(product));
                }
                factors.iter().map(|factors| [builder.product(factors), None]).collect()
            }
        };
        (builder.finish(), ends)
    }

    /// Buckets per row.
    fn plain(&self) -> Draft {
        let mut builder = Builder::new(2 * self.columns);
        let mut side = |row: usize, sign: i64| {
            let terms = (0u32..).zip(self.row(row)).map(|(i, &w)| (i, sign * i64::from(w)));
            buckets::row(&mut builder, terms.filter(|term| term.1 > 0).map(|(i, w)| (i, w as u64)).collect())
        };
        let ends = (0..self.rows).map(|row| [side(row, 1), side(row, -1)]).collect();
        (builder.finish(), ends)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::progress::go_on;

    #[test]
    fn some_groups_foretell_what_all_take() {
        let random = &mut SmallRng::seed_from_u64(3);
        // A third of the columns is dark, as the edges of pictures are.
        let weights: Vec<_> =
            (0..60 * 60).map(|place| if place % 60 < 20 { 0 } else { random.random_range(-20..=20) }).collect();
        let matrix = Matrix { columns: 60, rows: 60, weights: &weights };
        let mut nobody = go_on;
        let steps = Steps::new(&mut nobody);
        let mut sampled = 0;
        for cut in matrix.cuts() {
            let expected =
                |groups: Vec<usize>| Some(matrix.expected(cut, &matrix.chains(cut, &groups, &steps).unwrap()?));
            // Groups may be too large for the search.
            let (Some(some), Some(all)) = (expected(cut.sample()), expected(cut.all())) else { continue };
            sampled += usize::from(cut.groups() > SAMPLE);
            assert!(some.abs_diff(all) <= all / 8, "{cut:?}: {some}, {all}");
        }
        assert!(sampled > 4);
    }

    #[test]
    fn groups_of_zeros_foretell_nothing() {
        let matrix = Matrix { columns: 2, rows: 2, weights: &[0, 1, 0, 2] };
        let cut = Cut::Columns { groups: 2 };
        let mut nobody = go_on;
        let steps = Steps::new(&mut nobody);
        let chains = matrix.chains(cut, &[0], &steps).unwrap().unwrap();
        assert_eq!(matrix.expected(cut, &chains), usize::MAX);
    }
}
