//! Predictions: what the model says of each record.

use std::ffi::c_char;

use zeroize::Zeroize;

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{check_index, room};
use super::status::{Failure, tacita_status};
use crate::inference::Prediction;
use crate::model::PublicSpec;
use crate::network::Activation;

/// The predictions for the records of one request.
pub struct tacita_predictions {
    _opaque: [u8; 0],
}

impl Handle for tacita_predictions {
    const ROLE: Role = Role::Predictions;
    type Value = Predictions;
}

/// Predictions with the names of their classes.
pub(super) struct Predictions {
    predictions: Vec<Prediction>,
    classes: Vec<Box<str>>,
    /// Of the spec.
    labels: usize,
}

impl Predictions {
    pub(super) fn new(predictions: Vec<Prediction>, spec: &PublicSpec) -> Self {
        let labels: Vec<Box<str>> = spec.labels().map(Box::from).collect();
        let count = labels.len();
        // One output under sigmoid decides between two classes, and has a name for the second one.
        let negated = match labels.as_slice() {
            [label] if spec.activation() == Activation::Sigmoid => Some(format!("not {label}").into()),
            _ => None,
        };
        let classes = negated.into_iter().chain(labels).collect();
        Self { predictions, classes, labels: count }
    }

    /// Callers cannot overwrite memory that is not theirs.
    fn wipe(&mut self) {
        for prediction in &mut self.predictions {
            prediction.outputs.zeroize();
            prediction.logits.zeroize();
            prediction.probabilities.zeroize();
            prediction.class.zeroize();
        }
    }

    fn of(&self, record: usize) -> Result<&Prediction, Failure> {
        check_index("record", record, self.predictions.len())?;
        Ok(&self.predictions[record])
    }
}

impl Drop for Predictions {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Tells the number of records.
///
/// Threads: any number may share `predictions`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_predictions_records(
    predictions: *const tacita_predictions,
    records_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (predictions, out) = unsafe { (borrow("predictions", predictions)?, room("records_out", records_out, 1)?) };
        out.write(predictions.predictions.len())
    })
}

/// Tells the number of logits and probabilities of each record, which is the number of labels of the spec.
///
/// Threads: any number may share `predictions`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_predictions_label_count(
    predictions: *const tacita_predictions,
    count_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (predictions, out) = unsafe { (borrow("predictions", predictions)?, room("count_out", count_out, 1)?) };
        out.write(predictions.labels)
    })
}

/// Writes the logits of one record, counted from 0: the outputs of the model before softmax or sigmoid. `logits_len` is
/// the number of labels of the spec.
///
/// Threads: any number may share `predictions`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, LENGTH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_predictions_logits(
    predictions: *const tacita_predictions,
    record: usize,
    logits_out: *mut f64,
    logits_len: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (predictions, out) =
            unsafe { (borrow("predictions", predictions)?, room("logits_out", logits_out, logits_len)?) };
        out.write_all(&predictions.of(record)?.logits)
    })
}

/// Writes the probabilities of one record, counted from 0: its logits through the softmax or sigmoid of the spec, or the
/// logits themselves where it has neither. `probabilities_len` is the number of labels of the spec.
///
/// Threads: any number may share `predictions`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, LENGTH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_predictions_probabilities(
    predictions: *const tacita_predictions,
    record: usize,
    probabilities_out: *mut f64,
    probabilities_len: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (predictions, out) = unsafe {
            (borrow("predictions", predictions)?, room("probabilities_out", probabilities_out, probabilities_len)?)
        };
        out.write_all(&predictions.of(record)?.probabilities)
    })
}

/// Tells the class of one record, counted from 0: the index of its largest logit. A single logit under sigmoid decides
/// between two classes: 1 if it is positive, else 0. Several labels under sigmoid do not exclude each other, and identity has no
/// classes: there read probabilities or logits.
///
/// Threads: any number may share `predictions`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_predictions_class(
    predictions: *const tacita_predictions,
    record: usize,
    class_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (predictions, out) = unsafe { (borrow("predictions", predictions)?, room("class_out", class_out, 1)?) };
        out.write(predictions.of(record)?.class)
    })
}

/// Writes the label of the class of one record, counted from 0, with its NUL, into room for `capacity` bytes;
/// TACITA_NAME_CAPACITY is enough. A single logit under sigmoid has a label for class 1; class 0 is `not ` and that label.
/// Where classes say nothing, as `tacita_predictions_class` tells, their labels say nothing either.
///
/// Threads: any number may share `predictions`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_predictions_label(
    predictions: *const tacita_predictions,
    record: usize,
    label_out: *mut c_char,
    capacity: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (predictions, out) =
            unsafe { (borrow("predictions", predictions)?, room("label_out", label_out, capacity)?) };
        out.write_text(&predictions.classes[predictions.of(record)?.class])
    })
}

/// Overwrites and frees predictions; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `predictions`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_predictions_free(predictions: *mut tacita_predictions) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(predictions) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Feature, Features, Grid};
    use crate::model::{PrivateModel, QuantiseOptions};
    use crate::network::Affine;

    fn classes(labels: &[&str], activation: Activation) -> Vec<Box<str>> {
        let affine = Affine::new(1, vec![1.0; labels.len()], vec![0.0; labels.len()]).unwrap();
        let features = Features::new([Feature::run("x", 1, Grid::new(0.0, 1.0, 0, 1).unwrap())]).unwrap();
        let options = QuantiseOptions::default();
        let (model, _) = PrivateModel::compile(&affine, features, labels, activation, "m", options).unwrap();
        Predictions::new(Vec::new(), model.spec()).classes.clone()
    }

    #[test]
    fn predictions_are_zero_when_they_are_freed() {
        let prediction =
            Prediction { outputs: vec![7, -7], logits: vec![0.7, -0.7], probabilities: vec![0.8, 0.2], class: 1 };
        let mut predictions = Predictions { predictions: vec![prediction], classes: Vec::new(), labels: 2 };
        predictions.wipe();
        let Prediction { outputs, logits, probabilities, class } = &mut predictions.predictions[0];
        assert_eq!(*class, 0);
        for spare in outputs.spare_capacity_mut() {
            // SAFETY: it held an integer.
            assert_eq!(unsafe { spare.assume_init() }, 0);
        }
        for numbers in [logits, probabilities] {
            assert!(numbers.is_empty() && numbers.capacity() == 2);
            for spare in numbers.spare_capacity_mut() {
                // SAFETY: it held a number.
                assert_eq!(unsafe { spare.assume_init() }.to_bits(), 0);
            }
        }
    }

    #[test]
    fn a_single_output_under_sigmoid_has_two_classes_and_others_one_each() {
        assert_eq!(classes(&["ill"], Activation::Sigmoid), ["not ill".into(), "ill".into()]);
        assert_eq!(classes(&["ill"], Activation::Identity), ["ill".into()]);
        assert_eq!(classes(&["a", "b"], Activation::Sigmoid), ["a".into(), "b".into()]);
    }

    #[test]
    fn the_longest_label_fits_where_it_is_said_to() {
        let longest = "x".repeat(Features::MAX_NAME);
        let room = classes(&[&longest], Activation::Sigmoid)[0].len() + 1;
        assert!(room <= super::super::spec::TACITA_NAME_CAPACITY, "{room}");
    }
}
