//! What stands on top of the affine part: how outputs are read as probabilities and as a class.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The function on top of a network. It is applied after decryption, so it is public: the spec names it.
///
/// ```
/// # use tacita::network::Activation;
/// let logits = [1.0, 3.0, 2.0];
/// assert_eq!(Activation::Softmax.class(&logits), 1);
/// assert!(Activation::Softmax.probabilities(&logits)[1] > 0.66);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The outputs compete; their probabilities sum to 1. Needs two outputs or more.
    Softmax,
    /// Each output has a probability of its own. One output makes a classifier of two classes, 0 and 1.
    Sigmoid,
    /// The outputs are the answer, as in a regression.
    Identity,
}

impl Activation {
    /// Its name in files: `softmax`, `sigmoid` or `identity`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
            Self::Identity => "identity",
        }
    }

    /// What a network of `outputs` outputs has on top when its file does not say.
    pub(crate) fn usual(outputs: usize) -> Self {
        if outputs == 1 { Self::Sigmoid } else { Self::Softmax }
    }

    /// Whether it says anything about so many outputs.
    ///
    /// # Errors
    /// [`Error::Model`] for a softmax over a single output.
    pub(crate) fn check(self, outputs: usize) -> Result<()> {
        if self == Self::Softmax && outputs == 1 {
            return Err(Error::Model("softmax over a single output is always 1; use sigmoid or identity".into()));
        }
        Ok(())
    }

    /// The activation applied to the outputs of one record: probabilities in [0, 1] for softmax and sigmoid, the outputs
    /// themselves for identity.
    ///
    /// No exponential overflows, however large the outputs: softmax is taken relative to the largest output, and sigmoid
    /// only ever raises e to a power that is not positive.
    pub fn probabilities(self, logits: &[f64]) -> Vec<f64> {
        match self {
            Self::Softmax => {
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut weights: Vec<f64> = logits.iter().map(|y| (y - largest).exp()).collect();
                let total: f64 = weights.iter().sum();
                weights.iter_mut().for_each(|weight| *weight /= total);
                weights
            }
            Self::Sigmoid => logits.iter().map(|&y| sigmoid(y)).collect(),
            Self::Identity => logits.to_vec(),
        }
    }

    /// The class that the outputs of one record stand for: the position of the largest, the lowest position on ties.
    ///
    /// A single output under sigmoid is class 1 if it is positive (a probability above one half), else class 0.
    pub fn class(self, logits: &[f64]) -> usize {
        match (self, logits) {
            (Self::Sigmoid, [y]) => usize::from(*y > 0.0),
            _ => (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best }),
        }
    }
}

fn sigmoid(y: f64) -> f64 {
    let small = (-y.abs()).exp();
    if y >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Softmax, Self::Sigmoid, Self::Identity].into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            Error::Argument(format!("unknown activation {text:?}; known are softmax, sigmoid and identity"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 3] = [Activation::Softmax, Activation::Sigmoid, Activation::Identity];

    #[test]
    fn softmax_probabilities_sum_to_one_and_keep_their_ratios() {
        let p = Activation::Softmax.probabilities(&[0.0, 2f64.ln(), 5f64.ln()]);
        for (found, expected) in p.iter().zip([0.125, 0.25, 0.625]) {
            assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
        }
    }

    #[test]
    fn outputs_of_any_size_give_probabilities() {
        for large in [800.0, 1e6, f64::MAX] {
            assert_eq!(Activation::Softmax.probabilities(&[large, -large, 0.0]), [1.0, 0.0, 0.0]);
            assert_eq!(Activation::Sigmoid.probabilities(&[large, -large, 0.0]), [1.0, 0.0, 0.5]);
        }
    }

    #[test]
    fn sigmoid_keeps_its_precision_far_below_zero() {
        let p = Activation::Sigmoid.probabilities(&[-50.0])[0];
        assert!((p / (-50f64).exp() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn ties_go_to_the_lowest_class() {
        for activation in ALL {
            assert_eq!(activation.class(&[-3.0, 7.5, 7.5, 7.5]), 1);
            assert_eq!(activation.class(&[0.0, 0.0]), 0);
        }
    }

    #[test]
    fn a_single_output_under_sigmoid_is_class_one_when_positive() {
        let class = |y| Activation::Sigmoid.class(&[y]);
        assert_eq!([class(-1.0), class(0.0), class(f64::MIN_POSITIVE), class(3.0)], [0, 0, 1, 1]);
        assert_eq!(Activation::Identity.class(&[3.0]), 0, "a regression has one class");
    }

    #[test]
    fn a_softmax_needs_two_outputs() {
        for activation in ALL {
            assert_eq!(activation.check(1).is_ok(), activation != Activation::Softmax);
            assert_eq!(activation.check(2), Ok(()));
        }
    }

    #[test]
    fn names_are_the_same_in_json_and_in_text() {
        for activation in ALL {
            assert_eq!(serde_json::to_string(&activation).unwrap(), format!("\"{activation}\""));
            assert_eq!(activation.name().parse::<Activation>().unwrap(), activation);
        }
        assert!("relu".parse::<Activation>().is_err());
        assert!(serde_json::from_str::<Activation>("\"Softmax\"").is_err());
    }
}
