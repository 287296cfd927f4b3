//! Normalisation of the inputs, which the collapse folds into the weights.

use std::fmt;

use super::Affine;
use crate::error::{Error, Result};

/// x -> (x - mean) / deviation for every input feature, before the first layer.
///
/// It belongs to the private network: records stay in raw units, and what the model owner's training data looked like
/// does not leave with the spec.
#[derive(Clone, PartialEq)]
pub struct Normalisation {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Normalisation {
    /// A normalisation from a mean and a deviation for every feature; a list of one number holds for all of them.
    ///
    /// # Errors
    /// [`Error::Model`] if a list is empty, if both have several numbers but not equally many, if a number is not finite,
    /// or if a deviation is not positive.
    pub fn new(mean: Vec<f64>, deviation: Vec<f64>) -> Result<Self> {
        let refuse = |why: &str| Err(Error::Model(format!("normalisation: {why}")));
        if mean.is_empty() || deviation.is_empty() {
            return refuse("mean and deviation need at least one number each");
        }
        if mean.len() != deviation.len() && mean.len() != 1 && deviation.len() != 1 {
            return refuse(&format!("{} means and {} deviations do not go together", mean.len(), deviation.len()));
        }
        if !mean.iter().chain(&deviation).all(|number| number.is_finite()) {
            return refuse("a mean or deviation is not a finite number");
        }
        if deviation.iter().any(|&number| number <= 0.0) {
            return refuse("a deviation is not positive");
        }
        Ok(Self { mean, deviation })
    }

    /// The means, one a feature or one for all.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The deviations, one a feature or one for all; positive.
    pub fn deviation(&self) -> &[f64] {
        &self.deviation
    }

    /// Number of features this is for; `None` if it does for any number.
    pub(super) fn inputs(&self) -> Option<usize> {
        Some(self.mean.len().max(self.deviation.len())).filter(|&inputs| inputs > 1)
    }

    /// Mean and deviation of each feature, without end. A list is either as long as the record or of length one, so
    /// repeating it serves both.
    fn features(&self) -> impl Iterator<Item = (f64, f64)> {
        self.mean.iter().copied().cycle().zip(self.deviation.iter().copied().cycle())
    }

    pub(super) fn apply(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(self.features()).map(|(x, (mean, deviation))| (x - mean) / deviation).collect()
    }

    /// W ((x - mean) / deviation) + b as one affine map of x.
    pub(super) fn fold_into(&self, affine: &Affine) -> Result<Affine> {
        let mut weights = Vec::with_capacity(affine.rows() * affine.columns());
        let mut bias = Vec::with_capacity(affine.rows());
        for (row, constant) in affine.iter_rows().zip(affine.bias()) {
            let scaled = row.iter().zip(self.features()).map(|(weight, (_, deviation))| weight / deviation);
            weights.extend(scaled);
            let scaled = &weights[weights.len() - affine.columns()..];
            let shift: f64 = scaled.iter().zip(self.features()).map(|(weight, (mean, _))| weight * mean).sum();
            bias.push(constant - shift);
        }
        Affine::new(affine.columns(), weights, bias)
    }
}

/// Shows the size only: the numbers are the model owner's.
impl fmt::Debug for Normalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Normalisation({} means, {} deviations)", self.mean.len(), self.deviation.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_serves_every_feature() {
        let normalisation = Normalisation::new(vec![1.0], vec![2.0, 4.0, 8.0]).unwrap();
        assert_eq!(normalisation.apply(&[3.0, 5.0, -7.0]), [1.0, 1.0, -1.0]);
        assert_eq!(normalisation.inputs(), Some(3));
        assert_eq!(Normalisation::new(vec![1.0], vec![2.0]).unwrap().inputs(), None);
    }

    #[test]
    fn what_cannot_normalise_is_refused() {
        let cases: [(&[f64], &[f64]); 8] = [
            (&[], &[1.0]),
            (&[0.0], &[]),
            (&[0.0, 0.0], &[1.0, 1.0, 1.0]),
            (&[f64::NAN], &[1.0]),
            (&[0.0], &[f64::INFINITY]),
            (&[0.0], &[0.0]),
            (&[0.0], &[-1.0]),
            (&[0.0, 0.0], &[1.0, -0.0]),
        ];
        for (mean, deviation) in cases {
            let result = Normalisation::new(mean.to_vec(), deviation.to_vec());
            assert!(matches!(result, Err(Error::Model(_))), "{mean:?} and {deviation:?} were accepted");
        }
    }

    #[test]
    fn debug_shows_no_number_of_the_training_data() {
        let normalisation = Normalisation::new(vec![33.5], vec![78.25]).unwrap();
        assert_eq!(format!("{normalisation:?}"), "Normalisation(1 means, 1 deviations)");
    }
}
