//! Buckets per row (Pippenger 1976): the strategy that needs no search.
//!
//! Columns of equal magnitude are multiplied together, then the buckets are multiplied down from the largest magnitude, so
//! that a bucket enters the result as often as its magnitude says. It serves weights of many bits and matrices too large
//! for the search of a [chain](super::chain).

use super::program::Builder;

/// Largest gap between two magnitudes that is bridged by multiplying once a level; above, a power is cheaper.
const GAP: u64 = 3;

/// The product of columns with positive magnitudes; `None` if there are no terms.
pub(super) fn row(builder: &mut Builder, mut terms: Vec<(u32, u64)>) -> Option<u32> {
    // Largest magnitude first; within a bucket the columns stay in order.
    terms.sort_by_key(|&(_, magnitude)| std::cmp::Reverse(magnitude));
    let mut sum = None;
    let mut factors = Vec::new();
    let mut buckets = terms.chunk_by(|x, y| x.1 == y.1).peekable();
    while let Some(bucket) = buckets.next() {
        let columns: Vec<_> = bucket.iter().map(|term| term.0).collect();
        let bucket_product = builder.product(&columns)?;
        // The product of all columns of this magnitude or more.
        let running = match sum {
            Some(sum) => builder.mul(sum, bucket_product),
            None => bucket_product,
        };
        sum = Some(running);
        // Down to the next magnitude the running product counts once a level.
        let gap = bucket[0].1 - buckets.peek().map_or(0, |next| next[0].1);
        if gap <= GAP {
            factors.extend((0..gap).map(|_| running));
        } else {
            factors.push(builder.power(running, gap));
        }
    }
    builder.product(&factors)
}
