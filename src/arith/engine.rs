//! An engine: lanes of two widths over one modulus, and what the choice between them is made by.

use super::lanes::Lanes;
use super::montgomery::Montgomery;

/// Arithmetic modulo the square of an odd m, in wide lanes for long lists and in narrow ones for what does not fill them.
///
/// Both compute with the same single residues: what the wide lanes scatter the narrow ones take, factored entries
/// ([`Lanes::factor`]) included.
pub(crate) trait Engine: Send + Sync + 'static {
    /// One residue.
    type Single: Clone + Send + Sync;
    /// For lists.
    type Wide: Lanes<Single = Self::Single>;
    /// One number at a time; for an engine of one width the same lanes once more.
    type Narrow: Lanes<Residues = Self::Single, Single = Self::Single>;

    /// The time of a product in the wide lanes, in products in the narrow ones.
    const BUNDLE: f64;

    /// The wide lanes.
    fn wide(&self) -> &Self::Wide;

    /// The narrow lanes.
    fn narrow(&self) -> &Self::Narrow;

    /// m.
    fn modulus(&self) -> &Montgomery;

    /// Bytes of a table that the wide lanes share for a window of so many bits.
    fn window_bytes(&self, width: u32) -> usize;
}

/// How many of `count` equal jobs go into bundles of `width`, so that all are done soonest on `threads` threads; the rest
/// goes through narrow lanes. A bundle, full or not, takes as long as `bundle` narrow jobs.
pub(super) fn bundled(count: usize, width: usize, bundle: f64, threads: usize) -> usize {
    if width == 1 {
        return count;
    }
    let time = |bundles: usize| {
        let rest = count.saturating_sub(bundles * width) as f64;
        let (rounds, work) = (bundles.div_ceil(threads) as f64 * bundle, bundles as f64 * bundle + rest);
        // The busiest thread; where that is the same, the work of all.
        (rounds.max(work / threads as f64), work)
    };
    let best = (0..=count.div_ceil(width)).min_by(|&x, &y| {
        let (x, y) = (time(x), time(y));
        x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1))
    });
    count.min(best.unwrap_or(0) * width)
}

/// The same for powers of a fixed base. To read the table takes most of the time, and bundles share it: what does not fill a
/// bundle goes along with the others, and narrow lanes are for a few alone. A narrow power reads the table through a bundle,
/// which leaves it half its lead.
pub(super) fn bundled_powers(count: usize, width: usize, bundle: f64, threads: usize) -> usize {
    if bundled(count, width, bundle / 2.0, threads) == 0 { 0 } else { count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_filled_before_narrow_lanes_help_out() {
        // Eight lanes for the time of five and a half numbers, one thread.
        let one = |count| bundled(count, 8, 5.5, 1);
        assert_eq!([0, 1, 5, 6, 8, 9, 13, 14, 16].map(one), [0, 0, 0, 6, 8, 8, 8, 14, 16]);
    }

    #[test]
    fn a_second_thread_is_not_left_idle() {
        let two = |count| bundled(count, 8, 5.5, 2);
        // One bundle would keep one thread busy for longer than ten numbers keep two.
        assert_eq!([1, 8, 10, 12, 16, 784].map(two), [0, 0, 0, 8, 16, 784]);
    }

    #[test]
    fn powers_of_a_fixed_base_are_never_split() {
        let powers = |count| bundled_powers(count, 8, 5.5, 1);
        assert_eq!([0, 1, 2, 3, 8, 9, 66].map(powers), [0, 0, 0, 3, 8, 9, 66]);
        // A few for each of many threads.
        let many = |count| bundled_powers(count, 8, 5.5, 8);
        assert_eq!([9, 20, 24, 66].map(many), [0, 0, 24, 66]);
    }

    #[test]
    fn lanes_of_one_width_are_never_split() {
        assert_eq!([0, 1, 7].map(|count| bundled(count, 1, 1.0, 3)), [0, 1, 7]);
        assert_eq!([0, 1, 7].map(|count| bundled_powers(count, 1, 1.0, 3)), [0, 1, 7]);
    }
}
