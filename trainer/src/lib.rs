//! Trains dense networks for tacita.
//!
//! The layers have no activation between them, so that the whole network collapses to one affine map; the softmax on top
//! is in the loss. Everything random comes from one seeded generator, so the same seed gives the same network on the same
//! kind of processor; another one may sum in another order and differ in the last bits.

#![deny(missing_docs)]

use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, ops};
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use tacita::network::{Activation, Affine, Network, Normalisation};
use tacita_datasets::{Images, PIXELS, SIDE};

const CLASSES: usize = 10;

/// How to train.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Widths of the hidden layers, from the input to the output.
    pub hidden: Vec<usize>,
    /// How often every image is seen.
    pub epochs: usize,
    /// Images in a step.
    pub batch: usize,
    /// Step size of AdamW at the start; it falls linearly to zero over the whole training.
    pub learning_rate: f64,
    /// Weight decay of AdamW. It shrinks weights that the images say little about, such as those of the margins, which
    /// keeps the range of the collapsed weights narrow and so their 8-bit steps fine.
    pub weight_decay: f64,
    /// Share of the images that are moved by up to a pixel each way, drawn anew in every epoch.
    pub moved: f64,
    /// Exponent q of the loss (1 - p^q) / q, p the probability of the right class; above 0 and at most 1.
    ///
    /// An affine network cannot fit every image, and the cross-entropy -ln p lets the hopeless ones rule. This loss is
    /// bounded and gives them up for the sake of the others; it lies between cross-entropy (q near 0) and expected error
    /// rate (q = 1). Source: Z. Zhang, M. Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks
    /// with Noisy Labels, NeurIPS 2018.
    pub exponent: f64,
    /// Seed of the initial weights, the order of the images and their movements.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hidden: vec![128, 64],
            epochs: 60,
            batch: 256,
            learning_rate: 2e-3,
            weight_decay: 0.1,
            moved: 0.3,
            exponent: 0.5,
            seed: 1,
        }
    }
}

/// A step of the training is done.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// The step's mean loss, from 0 to 1 / [`exponent`](Settings::exponent).
    pub loss: f32,
}

/// Trains a network that takes raw pixels, with a softmax over ten classes on top. `report` is called after each step.
///
/// # Panics
/// If `batch` is 0 or `moved` is not between 0 and 1.
///
/// # Errors
/// What candle fails with, and weights that are not finite because the training diverged.
pub fn train(images: &Images, settings: &Settings, mut report: impl FnMut(Progress)) -> Result<Network> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
    let widths: Vec<usize> = [PIXELS].into_iter().chain(settings.hidden.iter().copied()).chain([CLASSES]).collect();
    let layers = widths.windows(2).map(|pair| Layer::new(pair[0], pair[1], &mut random)).collect::<Result<Vec<_>>>()?;
    let vars = layers.iter().flat_map(|layer| [layer.weight.clone(), layer.bias.clone()]).collect();
    let (lr, weight_decay) = (settings.learning_rate, settings.weight_decay);
    let mut optimizer = AdamW::new(vars, ParamsAdamW { lr, weight_decay, ..ParamsAdamW::default() })?;

    let (mean, deviation) = moments(images.pixels());
    let normalised = |pixel| (f32::from(pixel) - mean) / deviation;
    let mut order: Vec<usize> = (0..images.len()).collect();
    let steps = settings.epochs * order.len().div_ceil(settings.batch);
    let mut step = 0;
    for _ in 0..settings.epochs {
        order.shuffle(&mut random);
        for batch in order.chunks(settings.batch) {
            let mut pixels = Vec::with_capacity(batch.len() * PIXELS);
            for &index in batch {
                let is_moved = random.random_bool(settings.moved);
                let mut by = || if is_moved { random.random_range(-1..=1) } else { 0 };
                let image = moved(images.image(index), by(), by());
                pixels.extend(image.map(normalised));
            }
            let x = Tensor::from_vec(pixels, (batch.len(), PIXELS), &Device::Cpu)?;
            let labels = batch.iter().map(|&index| u32::from(images.labels()[index])).collect();
            let labels = Tensor::from_vec(labels, (batch.len(), 1), &Device::Cpu)?;

            let logits = forward(&layers, x)?;
            let log_p = ops::log_softmax(&logits, 1)?.gather(&labels, 1)?;
            let q = settings.exponent;
            let loss = (log_p * q)?.exp()?.affine(-1.0 / q, 1.0 / q)?.mean_all()?;
            optimizer.set_learning_rate(lr * (steps - step) as f64 / steps as f64);
            optimizer.backward_step(&loss)?;
            step += 1;
            report(Progress { step, steps, loss: loss.to_scalar()? });
        }
    }

    let mut logits = Vec::with_capacity(images.len());
    for batch in images.pixels().chunks(settings.batch * PIXELS) {
        let pixels = batch.iter().copied().map(normalised).collect();
        let x = Tensor::from_vec(pixels, (batch.len() / PIXELS, PIXELS), &Device::Cpu)?;
        logits.extend(forward(&layers, x)?.to_vec2()?);
    }
    let factor = calibration(&logits, images.labels());
    let top = &layers[layers.len() - 1];
    top.weight.set(&top.weight.affine(factor, 0.0)?)?;
    top.bias.set(&top.bias.affine(factor, 0.0)?)?;

    let layers = layers.iter().map(Layer::to_affine).collect::<Result<_>>()?;
    Normalisation::new(vec![mean.into()], vec![deviation.into()])
        .and_then(|normalisation| Network::new(Some(normalisation), layers, Activation::Softmax))
        .map_err(candle_core::Error::wrap)
}

/// How many of the images the network, collapsed, puts into the right class.
///
/// # Errors
/// A network that does not collapse or does not take these images.
pub fn correct(network: &Network, images: &Images) -> tacita::Result<usize> {
    let affine = network.collapse()?;
    let mut right = 0;
    for (pixels, label) in images.iter() {
        let record: Vec<f64> = pixels.iter().map(|&pixel| pixel.into()).collect();
        right += usize::from(network.activation().class(&affine.apply(&record)?) == usize::from(label));
    }
    Ok(right)
}

/// The image with each pixel `right` and `down` from where it was; what comes in at the edges is black.
fn moved(image: &[u8], right: i32, down: i32) -> impl Iterator<Item = u8> {
    let inside = |place: i32| usize::try_from(place).ok().filter(|&place| place < SIDE);
    (0..SIDE as i32)
        .flat_map(move |row| (0..SIDE as i32).map(move |column| (row - down, column - right)))
        .map(move |(row, column)| inside(row).zip(inside(column)).map_or(0, |(row, column)| image[row * SIDE + column]))
}

/// Mean and standard deviation over all pixels of all images.
fn moments(pixels: &[u8]) -> (f32, f32) {
    let count = pixels.len() as f64;
    let sum: u64 = pixels.iter().map(|&pixel| u64::from(pixel)).sum();
    let squares: u64 = pixels.iter().map(|&pixel| u64::from(pixel).pow(2)).sum();
    let mean = sum as f64 / count;
    (mean as f32, (squares as f64 / count - mean * mean).sqrt() as f32)
}

/// The factor for all logits under which the images are likeliest.
///
/// The loss cares little how sure the network is, and leaves it far too sure. One factor mends that without changing a
/// class (C. Guo and others, On Calibration of Modern Neural Networks, ICML 2017). The mean of -ln p is convex in the
/// factor, so its slope is brought to zero by bisection.
fn calibration(logits: &[Vec<f32>], labels: &[u8]) -> f64 {
    let slope = |factor: f64| -> f64 {
        let slope_of = |(logits, &label): (&Vec<f32>, &u8)| {
            let logits: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
            let scaled: Vec<f64> = logits.iter().map(|logit| factor * logit).collect();
            let p = Activation::Softmax.probabilities(&scaled);
            p.iter().zip(&logits).map(|(p, logit)| p * logit).sum::<f64>() - logits[usize::from(label)]
        };
        logits.iter().zip(labels).map(slope_of).sum()
    };
    let (mut least, mut most) = (0.01, 100.0);
    for _ in 0..40 {
        let middle = f64::sqrt(least * most);
        if slope(middle) > 0.0 { most = middle } else { least = middle }
    }
    least
}

fn forward(layers: &[Layer], x: Tensor) -> Result<Tensor> {
    layers.iter().try_fold(x, |x, layer| layer.forward(&x))
}

struct Layer {
    /// [outputs, inputs]
    weight: Var,
    bias: Var,
}

impl Layer {
    /// Uniform in +-1/sqrt(inputs), weight and bias, which is how PyTorch starts a `Linear`. candle's own initialisers
    /// draw from a generator that cannot be seeded on the CPU.
    fn new(inputs: usize, outputs: usize, random: &mut Xoshiro256PlusPlus) -> Result<Self> {
        let bound = 1.0 / (inputs as f32).sqrt();
        let mut draw = |count| (0..count).map(|_| random.random_range(-bound..bound)).collect::<Vec<f32>>();
        let weight = Var::from_vec(draw(inputs * outputs), (outputs, inputs), &Device::Cpu)?;
        let bias = Var::from_vec(draw(outputs), outputs, &Device::Cpu)?;
        Ok(Self { weight, bias })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }

    fn to_affine(&self) -> Result<Affine> {
        let doubles = |var: &Var| var.flatten_all()?.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>();
        let inputs = self.weight.dim(1)?;
        Affine::new(inputs, doubles(&self.weight)?, doubles(&self.bias)?).map_err(candle_core::Error::wrap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibrated_probabilities_are_the_frequencies() {
        // Sure of class 0 to the same degree ten times, and right nine times: the odds should be 9.
        let logits = vec![vec![20.0, 0.0]; 10];
        let factor = calibration(&logits, &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        assert!((factor * 20.0 - 9f64.ln()).abs() < 1e-6, "{factor}");
    }

    #[test]
    fn a_moved_image_keeps_its_pixels_and_loses_those_beyond_the_edge() {
        let mut image = vec![0; PIXELS];
        image[0] = 7;
        image[5 * SIDE + 9] = 200;
        for (right, down) in [(0, 0), (1, 1), (-1, 0), (0, -1), (1, -1)] {
            let mut expected = vec![0; PIXELS];
            expected[((5 + down) * SIDE as i32 + 9 + right) as usize] = 200;
            if right >= 0 && down >= 0 {
                expected[(down * SIDE as i32 + right) as usize] = 7;
            }
            assert!(moved(&image, right, down).eq(expected), "by {right}, {down}");
        }
    }

    #[test]
    fn moments_are_the_mean_and_the_deviation() {
        assert_eq!(moments(&[0, 0, 10, 10]), (5.0, 5.0));
    }
}
