//! Real weights to integers, with a proof of what the rounding costs.

use serde::Serialize;

use super::integer::{IntegerMap, bits};
use crate::encoding::Features;
use crate::error::{Error, Result};
use crate::network::Affine;

/// How to turn real weights into integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantiseOptions {
    /// Bits of a weight with its sign, from 2 to 16.
    pub bits: u32,
}

impl Default for QuantiseOptions {
    /// Weights of 8 bits.
    fn default() -> Self {
        Self { bits: 8 }
    }
}

/// What quantisation did. It belongs to the model's owner: parts of it describe the weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct QuantisationReport {
    /// Bits of a weight with its sign.
    pub bits: u32,
    /// The step size of weights and outputs: logit = scale * integer output.
    pub scale: f64,
    /// Proved: for every record on the grids, no logit differs by more from the affine map, evaluated in double
    /// precision in any order of summation.
    pub logit_error: f64,
    /// The same for every record of real values in range, whose rounding to the grids counts as error too.
    pub logit_error_off_grid: f64,
    /// The largest |integer weight|.
    pub largest_weight: u32,
    /// How many integer weights are 0.
    pub zero_weights: usize,
    /// Number of weights.
    pub weights: usize,
    /// Exact length of the largest |integer output| in bits, over all rows and all records on the grids.
    pub output_bits: u32,
    /// Slot width, at least `output_bits + 1`.
    pub slot_bits: u32,
}

/// The integers, and the report on them.
pub(super) struct Quantised {
    pub(super) map: IntegerMap,
    pub(super) report: QuantisationReport,
}

/// u = 2^-53: a rounded operation in double precision has a relative error of at most u.
const UNIT: f64 = f64::EPSILON / 2.0;
/// With no weight to set the step size, the largest bias has 30 bits.
const BIAS_STEPS: f64 = (1_u64 << 30) as f64;
/// An output at or above this has no slot, see [`IntegerMap::slot_bits`].
const MAX_OUTPUT: f64 = (1_u64 << 61) as f64;

/// Rounds an affine map on real values to one on the integers of `features`.
///
/// In terms of grid integers k, row j is y_j = sum_i a_ji k_i + c_j with a_ji = w_ji step_i and
/// c_j = b_j + sum_i w_ji offset_i. One step size for the whole model, the least with which the largest |a| has the
/// wanted bits, keeps outputs of different rows comparable.
pub(super) fn quantise(affine: &Affine, features: &Features, options: QuantiseOptions) -> Result<Quantised> {
    let QuantiseOptions { bits: weight_bits } = options;
    if !(2..=16).contains(&weight_bits) {
        return Err(Error::Argument(format!("weights of {weight_bits} bits; 2 to 16 are possible")));
    }
    if affine.columns() != features.len() {
        let (expected, found) = (affine.columns(), features.len());
        return Err(Error::Count { what: "features of the model", expected, found });
    }
    let largest = f64::from((1_i32 << (weight_bits - 1)) - 1);
    let rows = || (0..affine.rows()).map(|row| affine.row(row));
    let on_grid = |row: &[f64]| -> Vec<f64> { row.iter().zip(features.grids()).map(|(w, g)| w * g.step()).collect() };
    let constants: Vec<f64> = rows()
        .zip(affine.bias())
        .map(|(row, bias)| row.iter().zip(features.grids()).fold(*bias, |sum, (w, grid)| sum + w * grid.offset()))
        .collect();
    let most = |numbers: &[f64]| numbers.iter().fold(0.0, |most: f64, number| most.max(number.abs()));

    let scale = match (rows().map(|row| most(&on_grid(row))).fold(0.0, f64::max), most(&constants)) {
        (0.0, 0.0) => 1.0,
        (0.0, constant) => constant / BIAS_STEPS,
        (weight, _) => weight / largest,
    };
    if !scale.is_normal() || !constants.iter().all(|constant| constant.is_finite()) {
        return Err(Error::Model("its weights are too large or too small for double precision".into()));
    }
    if most(&constants) / scale >= MAX_OUTPUT {
        return Err(Error::Model("its weights are too small beside its bias to have a common step size".into()));
    }
    // The clamp only matters should a division of nearly equal numbers round to the next integer.
    let round = |a: f64| (a / scale).round_ties_even().clamp(-largest, largest) as i32;
    let map = IntegerMap {
        columns: affine.columns(),
        weights: rows().flat_map(on_grid).map(round).collect(),
        bias: constants.iter().map(|constant| (constant / scale).round_ties_even() as i64).collect(),
    };

    let slot_bits = map.slot_bits(features)?;
    let too_large = || Error::Model("its outputs are too large for double precision".into());
    if !(scale * (1_u64 << (slot_bits - 1)) as f64).is_finite() {
        return Err(too_large());
    }
    let (mut logit_error, mut logit_error_off_grid) = (0.0_f64, 0.0_f64);
    for (((row, bias), constant), integers) in rows().zip(affine.bias()).zip(&constants).zip(map.rows()) {
        let (on, off) = row_error(row, *bias, *constant, integers, scale, features);
        // Asked of each row: the largest of NaN and a number is the number.
        if !off.is_finite() {
            return Err(too_large());
        }
        logit_error = logit_error.max(on);
        logit_error_off_grid = logit_error_off_grid.max(off);
    }
    let report = QuantisationReport {
        bits: weight_bits,
        scale,
        logit_error,
        logit_error_off_grid,
        largest_weight: map.weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0),
        zero_weights: map.weights.iter().filter(|&&weight| weight == 0).count(),
        weights: map.weights.len(),
        output_bits: bits(map.largest_output(features)),
        slot_bits,
    };
    Ok(Quantised { map, report })
}

/// Bounds on the difference of one row's logit from its rounded one: for records on the grids, and for all in range.
///
/// On the grids the difference is itself affine, E(k) = sum r_i k_i + r_0 with r_i = w_i step_i - scale q_i and
/// r_0 = c - scale B, and its extremes stand at corners of the box, found term by term. To that the rounding errors of
/// double precision are added. With u = 2^-53 and gamma_n = nu / (1 - nu), a sum of products in which no term sees more
/// than n roundings, in any order, errs by at most gamma_n times the sum of its terms' magnitudes, and
/// gamma_m + gamma_n <= gamma_(m+n) (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1
/// and 3.4). With d features and the magnitude
///
/// ```text
/// M = |b| + sum |w_i| (|offset_i| + step_i (K_i + 1)) + scale (|B| + sum |q_i| K_i),    K_i = max |k_i|,
/// ```
///
/// the roundings are: at most d + 3 a term in decoding a record and evaluating the row on it, 2 in making a logit of
/// the integer output, d + 4 in computing the corners of E here, 1 in adding up the result; 2d + 10 in all, so
/// gamma_(2d+10) M is enough. What is added is 4 (d + 8) u M; the surplus is more than the rounding of M itself. The
/// smallest normal number on top covers products that underflow, each by at most 2^-1075; only the 10^6 of weight and
/// step are multiplied by more, by at most 2^31.
///
/// A real value in range is at most (1/2 + 2^-20) steps off its grid point, see `Grid::encode`.
fn row_error(
    row: &[f64],
    bias: f64,
    constant: f64,
    integers: (&[i32], i64),
    scale: f64,
    features: &Features,
) -> (f64, f64) {
    let (integer_row, integer_bias) = integers;
    let remainder = constant - scale * integer_bias as f64;
    let (mut least, mut greatest) = (0.0, 0.0);
    let mut magnitude = bias.abs() + scale * integer_bias.unsigned_abs() as f64;
    let mut steps = 0.0;
    for ((weight, &integer), grid) in row.iter().zip(integer_row).zip(features.grids()) {
        let rest = weight * grid.step() - scale * f64::from(integer);
        let ends = [grid.least(), grid.greatest()].map(|end| rest * end as f64);
        least += ends[0].min(ends[1]);
        greatest += ends[0].max(ends[1]);
        magnitude += weight.abs() * (grid.magnitude() + grid.step());
        magnitude += scale * f64::from(integer).abs() * grid.largest() as f64;
        steps += weight.abs() * grid.step();
    }
    let corner = f64::max((greatest + remainder).abs(), (least + remainder).abs());
    let rounding = 4.0 * (row.len() as f64 + 8.0) * UNIT * magnitude + f64::MIN_POSITIVE;
    let on_grid = corner + rounding;
    // 2^-18 instead of 2^-20 for the rounding of the sum of steps.
    (on_grid, on_grid + steps * (0.5 + 1.0 / (1 << 18) as f64))
}
