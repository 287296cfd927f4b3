//! Chooses a plan by counting.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use rayon::prelude::*;

use super::chain::Chain;
use super::program::{Builder, Program};
use super::refine::refine;
use super::{Ends, buckets, groups};
use crate::error::Result;
use crate::progress::Steps;

/// Most rows or columns in a group.
const GROUP: usize = 10;

/// Bound on what the searches for one way to group look at: pairs of points, summed over the groups. Points of one or two
/// coordinates find their parts at once and count little.
const PAIRS: usize = 50_000_000;

/// Groups that are searched to judge a way to group. Of 100 and of 1000 rows of 784 gaussian weights, five groups foretell what
/// all take within 3 %.
const SAMPLE: usize = 5;

/// The same bound for these groups, where all together have more than [`PAIRS`].
const SAMPLED_PAIRS: usize = 10_000_000;

/// Bound on pairs of vectors, summed over all groups, for a way that was judged by some of them. A million takes about a
/// twentieth of a second on one thread, measured on gaussian weights of 8 bits in groups of three to five lines.
const MOST_PAIRS: usize = 1_000_000_000;

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
}

pub(super) fn draft(columns: usize, weights: &[i32], steps: &Steps) -> Result<Draft> {
    let matrix = Matrix { columns, rows: weights.len() / columns, weights };
    let mut best = matrix.plain();
    let plain = cost(columns, &best);
    let cuts: Vec<_> = matrix.cuts().into_iter().map(|cut| (cut, matrix.sample(cut))).collect();
    steps.expect(cuts.iter().map(|(_, sample)| sample.len()).sum());
    let mut judged = Vec::new();
    for (cut, sample) in cuts {
        if let Some(chains) = matrix.chains(cut, &sample, steps)? {
            let expected = matrix.expected(cut, &chains);
            if expected < plain && is_searchable(cut, &chains) {
                judged.push((expected, cut, chains));
            }
        }
    }
    judged.sort_by_key(|(expected, ..)| *expected);
    for (_, cut, sample) in judged {
        // The search may not be for one of the others.
        let Some(chains) = matrix.all_chains(cut, sample, steps)? else { continue };
        let draft = matrix.draft(cut, &matrix.refined(cut, chains, steps)?);
        if cost(columns, &draft) < plain {
            best = draft;
        }
        break;
    }
    let (mut program, mut ends) = best;
    program.prune(&mut ends);
    Ok((program, ends))
}

/// Whether all groups can be searched, by what the chains of some have come to.
fn is_searchable(cut: Cut, sample: &[(usize, Chain)]) -> bool {
    let pairs: usize = sample.iter().map(|(_, chain)| chain.vectors.len().pow(2)).sum();
    // Of one or two coordinates there are no differences to look at.
    let is_quick = sample.iter().all(|(_, chain)| chain.vectors[0].len() <= 2);
    is_quick || pairs / sample.len() * cut.groups() <= MOST_PAIRS || sample.len() == cut.groups()
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
                    let (all, sample) = (pairs(lines.div_ceil(size)), pairs(SAMPLE));
                    size <= 2 || all <= PAIRS || sample <= SAMPLED_PAIRS && all <= MOST_PAIRS
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

    fn nonzero(&self, cut: Cut, group: usize) -> usize {
        self.points(cut, group).coordinates.iter().filter(|&&weight| weight != 0).count()
    }

    /// Some of the groups that are not all zeros, from those with few other weights to those with many.
    fn sample(&self, cut: Cut) -> Vec<usize> {
        let weights = (0..cut.groups()).map(|group| (self.nonzero(cut, group), group));
        let mut groups: Vec<_> = weights.filter(|(nonzero, _)| *nonzero > 0).collect();
        groups.sort_unstable();
        let count = groups.len().min(SAMPLE);
        (0..count).map(|i| groups[(2 * i + 1) * groups.len() / (2 * count)].1).collect()
    }

    /// These groups with a chain for each; `None` if the search is not for one of them.
    fn chains(&self, cut: Cut, groups: &[usize], steps: &Steps) -> Result<Option<Vec<(usize, Chain)>>> {
        let searched = AtomicUsize::new(0);
        let chain = |&group: &usize| {
            steps.go_on()?;
            let points = self.points(cut, group);
            let chain = Chain::search(points.dimension, &points.distinct());
            searched.fetch_add(1, Relaxed);
            steps.step()?;
            Ok(chain.map(|chain| (group, chain)))
        };
        // Ends early where there is no chain.
        let chains = groups.par_iter().map(chain).collect::<Result<Option<Vec<_>>>>()?;
        (searched.into_inner()..groups.len()).try_for_each(|_| steps.step())?;
        Ok(chains)
    }

    /// All groups in their order with a chain for each, some of which are there already.
    fn all_chains(
        &self,
        cut: Cut,
        mut chains: Vec<(usize, Chain)>,
        steps: &Steps,
    ) -> Result<Option<Vec<(usize, Chain)>>> {
        let mut is_missing = vec![true; cut.groups()];
        chains.iter().for_each(|(group, _)| is_missing[*group] = false);
        let missing: Vec<_> = (0..cut.groups()).filter(|&group| is_missing[group]).collect();
        steps.expect(missing.len());
        let Some(more) = self.chains(cut, &missing, steps)? else { return Ok(None) };
        chains.extend(more);
        chains.sort_unstable_by_key(|(group, _)| *group);
        Ok(Some(chains))
    }

    /// Products that a cut takes when all its chains are refined, by those of some groups and their share of the weights that
    /// are not 0.
    fn expected(&self, cut: Cut, chains: &[(usize, Chain)]) -> usize {
        let here: usize = chains.iter().map(|(group, _)| self.nonzero(cut, *group)).sum();
        let all = self.weights.iter().filter(|&&weight| weight != 0).count();
        // None are here only if there are none at all.
        let scaled = |count: usize| (count as u64 * all as u64 / here.max(1) as u64) as usize;
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

    /// The program of these groups; where they are all groups in their order, that of the matrix.
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
            // Groups may be too large for the search.
            let Some(some) = matrix.chains(cut, &matrix.sample(cut), &steps).unwrap() else { continue };
            let expected = matrix.expected(cut, &some);
            let all = matrix.expected(cut, &matrix.all_chains(cut, some, &steps).unwrap().unwrap());
            sampled += usize::from(cut.groups() > SAMPLE);
            assert!(expected.abs_diff(all) <= all / 8, "{cut:?}: {expected}, {all}");
        }
        assert!(sampled > 4);
    }

    #[test]
    fn groups_are_taken_from_poor_to_rich_and_those_of_zeros_are_not() {
        // The number of weights that are not 0 in each of ten rows.
        let counts = [0, 9, 1, 0, 8, 3, 7, 2, 5, 0];
        let weights: Vec<_> = counts.iter().flat_map(|&count| (0..10).map(move |i| i32::from(i < count))).collect();
        let matrix = Matrix { columns: 10, rows: 10, weights: &weights };
        let chosen = |groups| matrix.sample(Cut::Rows { groups });
        assert_eq!(chosen(10).iter().map(|&row| counts[row]).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
        assert_eq!(chosen(2), [1, 0]);
        assert!(Matrix { columns: 10, rows: 1, weights: &[0; 10] }.sample(Cut::Rows { groups: 1 }).is_empty());
    }

    #[test]
    fn where_one_group_is_not_for_the_search_the_next_best_way_is_taken() {
        let random = &mut SmallRng::seed_from_u64(4);
        let mut weights: Vec<_> = (0..30 * 200).map(|_| random.random_range(-7..=7)).collect();
        let steps_of = |weights: &[i32]| {
            let mut nobody = go_on;
            draft(200, weights, &Steps::new(&mut nobody)).unwrap().0.steps.len()
        };
        let before = steps_of(&weights);
        // Too long for a group of four rows.
        weights[200 * 20 + 7] = 100_000;
        let plain = Matrix { columns: 200, rows: 30, weights: &weights }.plain().0.steps.len();
        let after = steps_of(&weights);
        assert!(before < plain && after < plain, "{before}, {after}, {plain}");
    }
}
