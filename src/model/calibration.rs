//! The least weight bits with which a set of records is still decided as before.

use super::quantisation::{QuantiseOptions, Quantised, quantise};
use crate::encoding::{Features, OutOfRange};
use crate::error::{Error, Result};
use crate::network::{Activation, Affine};

/// What [`choose_bits`] chose.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Calibration {
    /// Bits of a weight with its sign.
    pub bits: u32,
    /// Share of the records that this many bits decide as the affine map does, from 0 to 1.
    pub agreement: f64,
    /// Number of records in the calibration set.
    pub records: usize,
}

/// The least bits, from 2 to 8, with which the integer model gives at least the share `min_agreement` of the
/// calibration records the class that `affine` gives them. The records are read once and not kept.
///
/// Fewer bits make narrower slots, so more records a ciphertext, and fewer multiplications. The proved bound on logits
/// grows: see [`QuantisationReport`](super::QuantisationReport).
///
/// # Errors
/// [`Error::Argument`] if `min_agreement` is not in 0 to 1, if there are no records, or if one output without sigmoid
/// leaves nothing to decide; [`Error::Range`] or [`Error::Count`] for a record that does not fit the features;
/// [`Error::Model`] if 8 bits are not enough, or if the map cannot be rounded at all.
pub fn choose_bits<'a>(
    affine: &Affine,
    features: &Features,
    activation: Activation,
    records: impl IntoIterator<Item = &'a [f64]>,
    min_agreement: f64,
) -> Result<Calibration> {
    if !(0.0..=1.0).contains(&min_agreement) {
        return Err(Error::Argument("the least agreement is a share, from 0 to 1".into()));
    }
    if affine.rows() == 1 && activation != Activation::Sigmoid {
        return Err(Error::Argument("a single output without sigmoid has no classes to agree on".into()));
    }
    let candidates = (2..=8).map(|bits| quantise(affine, features, QuantiseOptions { bits }));
    let candidates: Vec<Quantised> = candidates.collect::<Result<_>>()?;
    let mut agreements = vec![0_usize; candidates.len()];
    let (mut count, mut integers) = (0_usize, vec![0; features.len()]);
    for record in records {
        features.encode(record, OutOfRange::Refuse, &mut integers)?;
        let class = activation.class(&affine.apply(record)?);
        for (agreed, Quantised { map, .. }) in agreements.iter_mut().zip(&candidates) {
            // The step size is positive and common to all outputs, so it does not change the class.
            let outputs: Vec<f64> =
                map.apply(integers.iter().copied()).into_iter().map(|output| output as f64).collect();
            *agreed += usize::from(activation.class(&outputs) == class);
        }
        count += 1;
    }
    if count == 0 {
        return Err(Error::Argument("a calibration set needs at least one record".into()));
    }
    let share = |agreed: usize| agreed as f64 / count as f64;
    let chosen = candidates.iter().zip(&agreements).find(|(_, agreed)| share(**agreed) >= min_agreement);
    let (candidate, &agreed) = chosen.ok_or_else(|| {
        let best = share(agreements[agreements.len() - 1]);
        Error::Model(format!("8 bits decide only {best} of the calibration records as before, not {min_agreement}"))
    })?;
    Ok(Calibration { bits: candidate.report.bits, agreement: share(agreed), records: count })
}
