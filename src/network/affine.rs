//! One matrix and one vector: what a network without activations between its layers computes.

use crate::error::{Error, Result};

/// The affine map y = Wx + b in double precision, W of `rows` x `columns` in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    columns: usize,
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Affine {
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
        Ok(self.weights.chunks_exact(self.columns).zip(&self.bias).map(|(row, b)| dot(row) + b).collect())
    }
}
