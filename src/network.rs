//! Trained networks in floating point, and their collapse to one affine map. Knows no cryptography.
//!
//! A network is a chain of dense layers without activations between them, a [`Normalisation`] before the first and an
//! [`Activation`] on top. A dense layer is an affine map, and a chain of affine maps is one affine map, so everything
//! between raw inputs and activation is a single [`Affine`]: that is what can be computed on Paillier ciphertexts.

mod activation;
mod affine;
mod file;
mod normalisation;

pub use activation::Activation;
pub use affine::Affine;
pub use normalisation::Normalisation;

use crate::error::{Error, Result};

/// A trained network: normalisation, dense layers from the input to the output, activation.
///
/// ```
/// # use tacita::network::{Activation, Affine, Network, Normalisation};
/// let hidden = Affine::new(2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0], vec![0.0; 3])?;
/// let top = Affine::new(3, vec![1.0, 2.0, 3.0], vec![-1.0])?;
/// let normalisation = Normalisation::new(vec![10.0], vec![2.0])?;
/// let network = Network::new(Some(normalisation), vec![hidden, top], Activation::Sigmoid)?;
///
/// let logits = network.logits(&[14.0, 8.0])?;
/// assert_eq!(logits, network.collapse()?.apply(&[14.0, 8.0])?);
/// assert_eq!(network.activation().class(&logits), 1);
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    normalisation: Option<Normalisation>,
    layers: Vec<Affine>,
    activation: Activation,
}

impl Network {
    /// A network from its parts; each layer takes as many inputs as the one before it has outputs.
    ///
    /// # Errors
    /// [`Error::Model`] if there is no layer, if two layers do not fit together, if the normalisation is for another
    /// number of inputs, or if a softmax has a single output (it would always be 1).
    pub fn new(normalisation: Option<Normalisation>, layers: Vec<Affine>, activation: Activation) -> Result<Self> {
        let (Some(first), Some(last)) = (layers.first(), layers.last()) else {
            return Err(Error::Model("a network needs at least one layer".into()));
        };
        for (index, pair) in layers.windows(2).enumerate() {
            if pair[0].rows() != pair[1].columns() {
                return Err(Error::Model(format!(
                    "layer {} has {} outputs but layer {} has {} inputs",
                    index + 1,
                    pair[0].rows(),
                    index + 2,
                    pair[1].columns()
                )));
            }
        }
        if let Some(inputs) = normalisation.as_ref().and_then(Normalisation::inputs).filter(|&n| n != first.columns()) {
            let expected = first.columns();
            return Err(Error::Model(format!("normalisation of {inputs} inputs for a network of {expected} inputs")));
        }
        activation.check(last.rows())?;
        Ok(Self { normalisation, layers, activation })
    }

    /// Number of values in a record.
    pub fn inputs(&self) -> usize {
        self.layers[0].columns()
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].rows()
    }

    /// The dense layers, from the input to the output; at least one.
    pub fn layers(&self) -> &[Affine] {
        &self.layers
    }

    /// What is done to a record before the first layer.
    pub fn normalisation(&self) -> Option<&Normalisation> {
        self.normalisation.as_ref()
    }

    /// What stands on top of the last layer.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The outputs of the last layer for one record of raw values, computed layer by layer; without the activation.
    ///
    /// # Errors
    /// [`Error::Count`] if `x` does not have [`inputs`](Self::inputs) values.
    pub fn logits(&self, x: &[f64]) -> Result<Vec<f64>> {
        if x.len() != self.inputs() {
            return Err(Error::Count { what: "values of a record", expected: self.inputs(), found: x.len() });
        }
        let start = self.normalisation.as_ref().map_or_else(|| x.to_vec(), |normalisation| normalisation.apply(x));
        self.layers.iter().try_fold(start, |x, layer| layer.apply(&x))
    }

    /// The one affine map from raw values to [`logits`](Self::logits).
    ///
    /// The product of the layers is formed from the output side, which has few rows in a classifier: 784-128-64-10
    /// takes 1.1 million multiplications instead of 6.9 million from the input side.
    ///
    /// Rounding: with u = 2^-53 and k the sum of the inner widths, plus one if there is a normalisation, each computed
    /// weight differs from the exact one by at most k u / (1 - k u) times the same entry of |W_L| ... |W_1|, by the
    /// bound on dot products (N. Higham, Accuracy and Stability of Numerical Algorithms, section 3.5) applied layer by
    /// layer. For the bias the number of layers, and with a normalisation the number of inputs, adds to k. For the
    /// network above that is 2e-14 of the terms' magnitudes for a weight and 1.1e-13 for the bias, while a weight that
    /// is rounded to 8 bits moves by up to 4e-3 of the largest one.
    ///
    /// # Errors
    /// [`Error::Model`] if a number of the map is too large for double precision; [`Error::TooLarge`] if it or an
    /// intermediate product has more than [`Affine::MAX_WEIGHTS`] weights.
    pub fn collapse(&self) -> Result<Affine> {
        let (last, before) = self.layers.split_last().ok_or(Error::Bug("a network without layers"))?;
        let affine = before.iter().rev().try_fold(last.clone(), |product, layer| product.after(layer))?;
        match &self.normalisation {
            Some(normalisation) => normalisation.fold_into(&affine),
            None => Ok(affine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    fn numbers(random: &mut Xoshiro256PlusPlus, count: usize) -> Vec<f64> {
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    fn layers(random: &mut Xoshiro256PlusPlus, widths: &[usize]) -> Vec<Affine> {
        let layer = |w: &[usize]| Affine::new(w[0], numbers(random, w[0] * w[1]), numbers(random, w[1])).unwrap();
        widths.windows(2).map(layer).collect()
    }

    /// Largest difference of the two ways through the network, relative to the largest logit.
    fn difference(network: &Network, record: &[f64]) -> f64 {
        let layered = network.logits(record).unwrap();
        let collapsed = network.collapse().unwrap().apply(record).unwrap();
        let scale = layered.iter().fold(0f64, |most, y| most.max(y.abs()));
        layered.iter().zip(&collapsed).fold(0f64, |most, (a, b)| most.max((a - b).abs())) / scale
    }

    #[test]
    fn the_collapse_of_any_depth_computes_what_the_layers_compute() {
        let random = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        for widths in [&[40, 10][..], &[40, 30, 10], &[784, 128, 64, 10], &[7, 20, 1, 20, 5], &[1, 1, 1, 1, 2]] {
            let inputs = widths[0];
            let for_each: Vec<f64> = (0..inputs).map(|_| random.random_range(0.5..90.0)).collect();
            let normalisations = [
                None,
                Some(Normalisation::new(vec![33.3], vec![78.6]).unwrap()),
                Some(Normalisation::new(numbers(random, inputs), for_each.clone()).unwrap()),
                Some(Normalisation::new(vec![-5.0], for_each).unwrap()),
            ];
            for normalisation in normalisations {
                let network = Network::new(normalisation, layers(random, widths), Activation::Softmax).unwrap();
                assert_eq!((network.inputs(), network.outputs()), (inputs, *widths.last().unwrap()));
                for _ in 0..10 {
                    let record: Vec<f64> = (0..inputs).map(|_| random.random_range(0.0..255.0)).collect();
                    let difference = difference(&network, &record);
                    assert!(difference < 1e-9, "{widths:?}: differs by {difference:e}");
                }
            }
        }
    }

    #[test]
    fn a_network_of_one_layer_collapses_to_that_layer() {
        let layer = layers(&mut Xoshiro256PlusPlus::seed_from_u64(2), &[5, 3]).remove(0);
        let network = Network::new(None, vec![layer.clone()], Activation::Identity).unwrap();
        assert!(network.collapse().unwrap() == layer);
    }

    #[test]
    fn parts_that_do_not_fit_together_are_refused() {
        let random = &mut Xoshiro256PlusPlus::seed_from_u64(3);
        let mut refused = |normalisation: Option<Normalisation>, widths: &[&[usize]], activation| {
            let layers = widths.iter().flat_map(|widths| layers(random, widths)).collect();
            match Network::new(normalisation, layers, activation) {
                Err(Error::Model(why)) => why,
                other => panic!("{other:?}"),
            }
        };
        let softmax = Activation::Softmax;
        assert!(refused(None, &[], softmax).contains("at least one layer"));
        let why = refused(None, &[&[4, 3], &[2, 2]], softmax);
        assert_eq!(why, "layer 1 has 3 outputs but layer 2 has 2 inputs");
        let normalisation = Normalisation::new(vec![0.0; 3], vec![1.0]).unwrap();
        assert!(refused(Some(normalisation), &[&[4, 2]], softmax).contains("3 inputs for a network of 4 inputs"));
        assert!(refused(None, &[&[4, 1]], softmax).contains("single output"));
    }

    #[test]
    fn a_record_of_another_length_is_refused() {
        let layers = layers(&mut Xoshiro256PlusPlus::seed_from_u64(4), &[4, 2]);
        let network = Network::new(None, layers, Activation::Softmax).unwrap();
        for found in [0, 3, 5] {
            let result = network.logits(&vec![0.0; found]);
            assert_eq!(result, Err(Error::Count { what: "values of a record", expected: 4, found }));
        }
    }

    #[test]
    fn a_collapse_that_overflows_is_refused() {
        let layer = Affine::new(1, vec![1e200], vec![0.0]).unwrap();
        let network = Network::new(None, vec![layer.clone(), layer], Activation::Sigmoid).unwrap();
        assert!(matches!(network.collapse(), Err(Error::Model(_))));
        let tiny = Normalisation::new(vec![0.0], vec![f64::MIN_POSITIVE / 1e10]).unwrap();
        let layer = Affine::new(1, vec![1.0], vec![0.0]).unwrap();
        let network = Network::new(Some(tiny), vec![layer], Activation::Sigmoid).unwrap();
        assert!(matches!(network.collapse(), Err(Error::Model(_))));
    }
}
