//! One matrix and one vector: what a network without activations between its layers computes.

use std::fmt;

use crate::error::{Error, Result};

/// The affine map y = Wx + b in double precision, W of `rows` x `columns` in row-major order.
///
/// It is a dense layer, and it is what a whole network of dense layers collapses to.
#[derive(Clone, PartialEq)]
pub struct Affine {
    columns: usize,
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Affine {
    /// Most weights that [`after`](Self::after) makes: 512 MB of them.
    pub const MAX_WEIGHTS: usize = 1 << 26;

    /// An affine map from its row-major weights and its bias; the number of rows is the length of the bias.
    ///
    /// # Errors
    /// [`Error::Model`] if there is no row or no column, if the weights are not `rows * columns`, or if a number is not
    /// finite.
    pub fn new(columns: usize, weights: Vec<f64>, bias: Vec<f64>) -> Result<Self> {
        if columns == 0 || bias.is_empty() {
            return Err(Error::Model("an affine map needs at least one row and one column".into()));
        }
        if bias.len().checked_mul(columns) != Some(weights.len()) {
            return Err(Error::Model(format!(
                "{} rows of {columns} columns need {} weights, found {}",
                bias.len(),
                bias.len().saturating_mul(columns),
                weights.len()
            )));
        }
        if !weights.iter().chain(&bias).all(|number| number.is_finite()) {
            return Err(Error::Model("a weight or bias is not a finite number".into()));
        }
        Ok(Self { columns, weights, bias })
    }

    /// Number of outputs.
    pub fn rows(&self) -> usize {
        self.bias.len()
    }

    /// Number of inputs.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The weights of one output, `columns` of them.
    ///
    /// # Panics
    /// If `row` is not below [`rows`](Self::rows).
    pub fn row(&self, row: usize) -> &[f64] {
        &self.weights[row * self.columns..][..self.columns]
    }

    pub(super) fn iter_rows(&self) -> impl Iterator<Item = &[f64]> {
        self.weights.chunks_exact(self.columns)
    }

    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The bias, one number an output.
    pub fn bias(&self) -> &[f64] {
        &self.bias
    }

    /// W x + b for one record of `columns` values.
    ///
    /// # Errors
    /// [`Error::Count`] if `x` does not have `columns` values.
    pub fn apply(&self, x: &[f64]) -> Result<Vec<f64>> {
        if x.len() != self.columns {
            return Err(Error::Count { what: "values of a record", expected: self.columns, found: x.len() });
        }
        let dot = |row: &[f64]| row.iter().zip(x).map(|(w, v)| w * v).sum::<f64>();
        Ok(self.iter_rows().zip(&self.bias).map(|(row, b)| dot(row) + b).collect())
    }

    /// The map that does what `inner` does and then what this one does: x -> W (V x + c) + b = (W V) x + (W c + b).
    ///
    /// Takes `rows * columns * inner.columns` multiplications.
    ///
    /// # Errors
    /// [`Error::Model`] if `inner` does not have as many rows as this map has columns, or if a number of the product
    /// is too large for double precision; [`Error::TooLarge`] if the product has more than
    /// [`MAX_WEIGHTS`](Self::MAX_WEIGHTS) weights.
    pub fn after(&self, inner: &Self) -> Result<Self> {
        if self.columns != inner.rows() {
            return Err(Error::Model(format!(
                "a map of {} inputs cannot follow one of {} outputs",
                self.columns,
                inner.rows()
            )));
        }
        // Two narrow maps can make a wide one: n x 1 after 1 x n is n x n.
        let size = self.rows().saturating_mul(inner.columns);
        if size > Self::MAX_WEIGHTS {
            let (found, limit) = (size as u64, Self::MAX_WEIGHTS as u64);
            return Err(Error::TooLarge { what: "weights of the collapsed network", found, limit });
        }
        let mut weights = vec![0.0; size];
        for (target, row) in weights.chunks_exact_mut(inner.columns).zip(self.iter_rows()) {
            for (factor, inner_row) in row.iter().zip(inner.iter_rows()) {
                target.iter_mut().zip(inner_row).for_each(|(sum, weight)| *sum += factor * weight);
            }
        }
        Self::new(inner.columns, weights, self.apply(&inner.bias)?)
    }
}

/// Shows the size only: the numbers are the model owner's.
impl fmt::Debug for Affine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Affine({} x {})", self.rows(), self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_compose_as_matrices_multiply() {
        let inner = Affine::new(3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![1.0, -1.0]).unwrap();
        let outer = Affine::new(2, vec![1.0, 1.0, 0.0, 2.0, -1.0, 0.0], vec![0.0, 10.0, 0.5]).unwrap();
        let weights = vec![5.0, 7.0, 9.0, 8.0, 10.0, 12.0, -1.0, -2.0, -3.0];
        assert!(outer.after(&inner).unwrap() == Affine::new(3, weights, vec![0.0, 8.0, -0.5]).unwrap());
    }

    #[test]
    fn maps_whose_sizes_differ_do_not_compose() {
        let map = Affine::new(2, vec![1.0; 6], vec![0.0; 3]).unwrap();
        assert!(matches!(map.after(&map), Err(Error::Model(_))));
    }

    #[test]
    fn two_narrow_maps_that_make_too_wide_a_one_are_refused_before_memory_is_taken() {
        let n = 1 << 14;
        let narrow = Affine::new(n, vec![1.0; n], vec![0.0]).unwrap();
        let tall = Affine::new(1, vec![1.0; n], vec![0.0; n]).unwrap();
        let found = tall.after(&narrow).unwrap_err();
        assert!(matches!(found, Error::TooLarge { found: 0x1000_0000, .. }), "{found}");
    }

    #[test]
    fn a_product_beyond_double_precision_is_refused() {
        let huge = Affine::new(1, vec![1e300], vec![0.0]).unwrap();
        assert!(matches!(huge.after(&huge), Err(Error::Model(_))));
    }

    #[test]
    fn ill_formed_maps_are_refused() {
        assert!(Affine::new(0, vec![], vec![1.0]).is_err(), "no column");
        assert!(Affine::new(1, vec![], vec![]).is_err(), "no row");
        assert!(Affine::new(2, vec![1.0; 3], vec![1.0]).is_err(), "a weight too many");
        assert!(Affine::new(usize::MAX, vec![1.0], vec![1.0; 2]).is_err(), "rows * columns overflows");
        assert!(Affine::new(1, vec![f64::NAN], vec![1.0]).is_err(), "not a number");
        assert!(Affine::new(1, vec![1.0], vec![f64::INFINITY]).is_err(), "infinite");
    }

    #[test]
    fn debug_shows_no_weight() {
        assert_eq!(format!("{:?}", Affine::new(1, vec![0.125], vec![3.5]).unwrap()), "Affine(1 x 1)");
    }
}
