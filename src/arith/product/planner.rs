//! Chooses a plan by counting.

use super::chain::Chain;
use super::program::{Builder, Program};
use super::{Plan, Row, buckets, groups};

/// Most rows in a group.
const GROUP: usize = 5;

/// Most different points a chain is searched for: the search looks at all pairs.
const POINTS: usize = 4096;

/// A program with the ends of its rows.
type Draft = (Program, Vec<[Option<u32>; 2]>);

pub(super) fn plan(columns: usize, weights: &[i32]) -> Plan {
    let rows: Vec<_> = weights.chunks_exact(columns).collect();
    let mut best = plain(columns, &rows);
    for size in 1..=GROUP.min(rows.len()) {
        if let Some(draft) = by_groups_of_rows(columns, &rows, rows.len().div_ceil(size))
            && draft.0.steps.len() < best.0.steps.len()
        {
            best = draft;
        }
    }
    let (program, ends) = best;
    let weight = |row: &&[i32]| row.iter().map(|&w| i64::from(w)).sum();
    let rows = rows.iter().map(weight).zip(ends).map(|(weight, ends)| Row { ends, weight }).collect();
    Plan::complete(columns, Vec::new(), program, rows)
}

/// Buckets per row.
fn plain(columns: usize, rows: &[&[i32]]) -> Draft {
    let mut builder = Builder::new(columns);
    let ends = rows.iter().map(|row| {
        [1, -1].map(|sign| {
            let terms = (0u32..).zip(*row).map(|(i, &w)| (i, sign * i64::from(w)));
            buckets::row(&mut builder, terms.filter(|term| term.1 > 0).map(|(i, w)| (i, w as u64)).collect())
        })
    });
    let ends = ends.collect();
    (builder.finish(), ends)
}

/// Buckets by the vector of weights over so many groups of rows; `None` if the search is not for this matrix.
fn by_groups_of_rows(columns: usize, rows: &[&[i32]], count: usize) -> Option<Draft> {
    let mut builder = Builder::new(columns);
    let mut ends = Vec::with_capacity(rows.len());
    let mut rest = rows;
    for left in (1..=count).rev() {
        let (group, after) = rest.split_at(rest.len().div_ceil(left));
        rest = after;
        let mut points: Vec<i32> = Vec::with_capacity(columns * group.len());
        (0..columns).for_each(|column| points.extend(group.iter().map(|row| row[column])));
        let points: Vec<_> = (0u32..).zip(points.chunks_exact(group.len())).collect();
        let mut distinct: Vec<_> = points.iter().map(|point| point.1).collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() > POINTS {
            return None;
        }
        let chain = Chain::search(group.len(), &distinct)?;
        ends.extend(groups::buckets(&mut builder, &chain, &points));
    }
    Some((builder.finish(), ends))
}
