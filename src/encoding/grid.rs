//! The public grid of one input feature.

use crate::error::{Error, Result};

/// An even grid of real numbers: `offset + step * integer` for `least <= integer <= greatest`.
///
/// Pixels are `Grid::new(0.0, 1.0, 0, 255)`; a yes-or-no feature is `Grid::new(0.0, 1.0, 0, 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    offset: f64,
    step: f64,
    least: i64,
    greatest: i64,
}

impl Grid {
    /// Largest magnitude of an integer of a grid, 2^31.
    pub const MAX_INTEGER: i64 = 1 << 31;

    /// Largest (|offset| + step * max(|least|, |greatest|)) / step. Below it [`encode`](Self::encode) inverts
    /// [`decode`](Self::decode): with u = 2^-53, decoding errs by at most 2u 2^48 steps and encoding by 2u 2^31 more,
    /// together less than a tenth of a step.
    const MAX_RESOLUTION: f64 = (1_u64 << 48) as f64;

    /// A grid.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `offset` is finite, `step` is positive and neither infinite nor subnormal,
    /// `-2^31 <= least <= greatest <= 2^31`, and double precision tells neighbours on the grid apart with room to
    /// spare: `|offset|` and every `step * |integer|` together are finite and at most 2^48 steps.
    pub fn new(offset: f64, step: f64, least: i64, greatest: i64) -> Result<Self> {
        let refused = |why: &str| Err(Error::Argument(format!("grid refused: {why}")));
        if !offset.is_finite() || !step.is_normal() || step < 0.0 {
            return refused("offset must be finite, step positive and normal");
        }
        if !(-Self::MAX_INTEGER <= least && least <= greatest && greatest <= Self::MAX_INTEGER) {
            return refused("least and greatest must be in order and within 2^31 of zero");
        }
        let grid = Self { offset, step, least, greatest };
        let magnitude = grid.magnitude();
        if !magnitude.is_finite() || magnitude / step > Self::MAX_RESOLUTION {
            return refused("its numbers are too large for its step: double precision cannot tell neighbours apart");
        }
        Ok(grid)
    }

    /// The real number of integer 0.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// The distance of neighbours.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// The least integer.
    pub fn least(&self) -> i64 {
        self.least
    }

    /// The greatest integer.
    pub fn greatest(&self) -> i64 {
        self.greatest
    }

    /// `greatest - least`, at most 2^32: slots hold `integer - least`, from 0 to this.
    pub fn span(&self) -> u64 {
        self.greatest.abs_diff(self.least)
    }

    /// The largest |integer|.
    pub(crate) fn largest(&self) -> u64 {
        self.least.unsigned_abs().max(self.greatest.unsigned_abs())
    }

    /// At least the magnitude of every number on the grid and of everything on the way to it.
    pub(crate) fn magnitude(&self) -> f64 {
        self.offset.abs() + self.step * self.largest() as f64
    }

    /// The integer nearest to `value`, ties to the even one; `None` if that is outside the grid or `value` is not
    /// finite. So a value up to half a step beyond an end still counts as that end.
    ///
    /// The distance of `value` from `decode` of the result is at most `step * (1/2 + 2^-20)`.
    pub fn encode(&self, value: f64) -> Option<i64> {
        let nearest = self.nearest(value)?;
        // Compared in floating point: an i64 made of a number beyond its range would saturate unnoticed.
        (self.least as f64 <= nearest && nearest <= self.greatest as f64).then_some(nearest as i64)
    }

    /// The integer nearest to `value`, or the end of the grid that `value` lies beyond; `None` if it is not finite.
    pub fn encode_clamped(&self, value: f64) -> Option<i64> {
        Some(self.nearest(value)?.clamp(self.least as f64, self.greatest as f64) as i64)
    }

    /// The real number of `integer`.
    pub fn decode(&self, integer: i64) -> f64 {
        self.offset + self.step * integer as f64
    }

    /// An integer, or infinite where the distance from the offset overflows.
    fn nearest(&self, value: f64) -> Option<f64> {
        value.is_finite().then(|| ((value - self.offset) / self.step).round_ties_even())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn encoding_inverts_decoding_on_every_grid_that_is_accepted() {
        let random = &mut SmallRng::seed_from_u64(1);
        let mut accepted = 0;
        while accepted < 2000 {
            let step = 2f64.powi(random.random_range(-1000..900)) * random.random_range(1.0..2.0);
            let offset = step * 2f64.powi(random.random_range(-60..60)) * random.random_range(-1.0..1.0);
            let ends = [0; 2].map(|_: i64| {
                random.random_range(-Grid::MAX_INTEGER..=Grid::MAX_INTEGER) >> random.random_range(0..32)
            });
            let Ok(grid) = Grid::new(offset, step, ends[0].min(ends[1]), ends[0].max(ends[1])) else { continue };
            accepted += 1;
            for integer in [grid.least(), grid.greatest(), random.random_range(grid.least()..=grid.greatest())] {
                assert_eq!(grid.encode(grid.decode(integer)), Some(integer), "{grid:?}");
                assert_eq!(grid.encode_clamped(grid.decode(integer)), Some(integer), "{grid:?}");
            }
        }
    }

    #[test]
    fn a_value_goes_to_the_nearest_integer() {
        let grid = Grid::new(-10.0, 0.25, -8, 100).unwrap();
        for integer in -8..=100 {
            for fraction in [-0.499, -0.3, 0.0, 0.3, 0.499] {
                assert_eq!(grid.encode(-10.0 + 0.25 * (f64::from(integer) + fraction)), Some(i64::from(integer)));
            }
        }
        assert_eq!([0.5, 1.5, 2.5].map(|half| Grid::new(0.0, 1.0, 0, 3).unwrap().encode(half)), [0, 2, 2].map(Some));
    }

    #[test]
    fn beyond_half_a_step_a_value_is_outside() {
        let grid = Grid::new(0.0, 1.0, 0, 255).unwrap();
        assert_eq!([-0.49, 255.49].map(|v| grid.encode(v)), [Some(0), Some(255)]);
        for (value, clamped) in [(-0.51, 0), (255.51, 255), (1e300, 255), (-1e300, 0), (f64::MAX, 255)] {
            assert_eq!(grid.encode(value), None, "{value}");
            assert_eq!(grid.encode_clamped(value), Some(clamped), "{value}");
        }
        let far = Grid::new(-1e308, 1e298, 0, 3).unwrap();
        assert_eq!((far.encode(1e308), far.encode_clamped(1e308)), (None, Some(3)), "the distance overflows");
    }

    #[test]
    fn what_is_not_finite_is_outside_even_when_clamped() {
        let grid = Grid::new(0.0, 1.0, 0, 255).unwrap();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!((grid.encode(value), grid.encode_clamped(value)), (None, None));
        }
    }

    #[test]
    fn grids_that_make_no_sense_are_refused() {
        let (zero, tiny) = (0.0, f64::MIN_POSITIVE);
        for (offset, step, least, greatest) in [
            (f64::NAN, 1.0, 0, 1),
            (f64::INFINITY, 1.0, 0, 1),
            (0.0, f64::NAN, 0, 1),
            (0.0, zero, 0, 1),
            (0.0, -1.0, 0, 1),
            (0.0, tiny / 2.0, 0, 1),
            (0.0, f64::INFINITY, 0, 1),
            (0.0, 1.0, 1, 0),
            (0.0, 1.0, -Grid::MAX_INTEGER - 1, 0),
            (0.0, 1.0, 0, Grid::MAX_INTEGER + 1),
            (0.0, 1.0, i64::MIN, i64::MAX),
            (0.0, f64::MAX, 0, 2),
            (1e17, 1.0, 0, 1),
        ] {
            assert!(Grid::new(offset, step, least, greatest).is_err(), "{offset} {step} {least} {greatest}");
        }
        assert!(Grid::new(0.0, tiny, -Grid::MAX_INTEGER, Grid::MAX_INTEGER).is_ok());
        assert_eq!(Grid::new(7.0, 1.0, 3, 3).unwrap().span(), 0);
    }
}
