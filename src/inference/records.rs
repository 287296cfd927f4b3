//! Records that are filled in feature by feature.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::encoding::Features;
use crate::error::{Error, RecordFault, Result};
use crate::fingerprint::Fingerprint;
use crate::model::PublicSpec;

/// Records for one model, filled in by the names of its features: whoever does not know their order cannot get it wrong.
///
/// A record is begun by its first value and ended by [`end_record`](Self::end_record), which sees that none is missing. The
/// values are wiped.
///
/// ```
/// # use tacita::encoding::{Feature, Features, Grid};
/// # use tacita::model::{PrivateModel, QuantiseOptions};
/// # use tacita::network::{Activation, Affine};
/// # use tacita::paillier::SecretKey;
/// use tacita::inference::{Encryptor, Records};
///
/// # let affine = Affine::new(3, vec![0.04, 1.0, -1.0], vec![-1.5])?;
/// # let bit = Grid::new(0.0, 1.0, 0, 1)?;
/// # let features = Features::new([Feature::new("age", Grid::new(0.0, 1.0, 0, 120)?), Feature::run("ward", 2, bit)])?;
/// # let (activation, options) = (Activation::Sigmoid, QuantiseOptions::default());
/// # let spec = PrivateModel::compile(&affine, features, &["y"], activation, "m", options)?.0.spec().clone();
/// # let pin = spec.fingerprint();
/// # let key = SecretKey::generate_insecure_for_tests(512)?;
/// let mut records = Records::new(&spec);
/// for (age, wards) in [(71.0, [0.0, 1.0]), (19.0, [1.0, 0.0])] {
///     records.set_run("ward", &wards)?; // `ward_0` and `ward_1`
///     records.set("age", age)?;
///     records.end_record()?;
/// }
/// let request = Encryptor::with_secret_key(spec, pin, key)?.encrypt_records(&records)?;
/// assert_eq!(request.header().records(), 2);
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Clone)]
pub struct Records {
    spec: Fingerprint,
    features: Arc<Features>,
    /// Of fixed length, so that none is left behind where it was before. Clones share them until they change.
    complete: Arc<Vec<Zeroizing<Box<[f64]>>>>,
    current: Zeroizing<Box<[f64]>>,
    /// Which values of the current record are there.
    given: Vec<bool>,
}

impl Records {
    /// No record yet.
    pub fn new(spec: &PublicSpec) -> Self {
        let features = Arc::new(spec.features().clone());
        let given = vec![false; features.len()];
        let current = blank(features.len());
        Self { spec: spec.fingerprint(), features, complete: Arc::default(), current, given }
    }

    /// Sets a feature of the current record by its name: [`Features::name`].
    ///
    /// # Errors
    /// [`Error::Record`] if there is no such feature, or it has a value already; [`Error::Range`] if the value is not a finite
    /// number. Whether it is in range is seen when the record is encrypted. Nothing is set then.
    pub fn set(&mut self, name: &str, value: f64) -> Result<()> {
        let index = self.features.index(name).ok_or_else(|| fault(name, RecordFault::Unknown))?;
        self.set_from(index, &[value])
    }

    /// Sets all features of a run, `prefix_0`, `prefix_1` and so on, of the current record.
    ///
    /// # Errors
    /// [`Error::Count`] if the run has another length; otherwise as [`set`](Self::set).
    pub fn set_run(&mut self, prefix: &str, values: &[f64]) -> Result<()> {
        let run = self.features.run(prefix).ok_or_else(|| fault(prefix, RecordFault::Unknown))?;
        if values.len() != run.len() {
            return Err(Error::Count { what: "values of a run", expected: run.len(), found: values.len() });
        }
        self.set_from(run.start, values)
    }

    fn set_from(&mut self, start: usize, values: &[f64]) -> Result<()> {
        if let Some(twice) = (start..start + values.len()).find(|&index| self.given[index]) {
            return Err(fault(&self.features.name(twice), RecordFault::Twice));
        }
        if let Some(wrong) = values.iter().position(|value| !value.is_finite()) {
            return Err(self.features.out_of_range(start + wrong));
        }
        self.current[start..][..values.len()].copy_from_slice(values);
        self.given[start..][..values.len()].fill(true);
        Ok(())
    }

    /// Ends the current record; the next value begins another one.
    ///
    /// # Errors
    /// [`Error::Record`] if a feature has no value, which can still be set.
    pub fn end_record(&mut self) -> Result<()> {
        self.expect_all()?;
        let ended = std::mem::replace(&mut self.current, blank(self.given.len()));
        Arc::make_mut(&mut self.complete).push(ended);
        self.given.fill(false);
        Ok(())
    }

    /// Refuses a current record that lacks a feature.
    fn expect_all(&self) -> Result<()> {
        let missing = self.given.iter().position(|given| !given);
        missing.map_or(Ok(()), |missing| Err(fault(&self.features.name(missing), RecordFault::Missing)))
    }

    /// Number of records that were ended.
    pub fn count(&self) -> usize {
        self.complete.len()
    }

    /// Forgets all records, the current one too.
    pub fn clear(&mut self) {
        self.complete = Arc::default();
        self.current = blank(self.given.len());
        self.given.fill(false);
    }

    /// The records, for the spec that they were made for.
    ///
    /// # Errors
    /// [`Error::SpecMismatch`] for another one; [`Error::Record`] if the last record was begun and not ended.
    pub(super) fn for_spec(&self, spec: &PublicSpec) -> Result<&[impl AsRef<[f64]> + use<>]> {
        let (expected, found) = (spec.fingerprint(), self.spec);
        if expected != found {
            return Err(Error::SpecMismatch { expected, found });
        }
        if self.given.contains(&true) {
            self.expect_all()?;
            return Err(Error::Argument("the last record was not ended: end it, or clear the records".into()));
        }
        Ok(&self.complete[..])
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("spec", &self.spec).field("count", &self.count()).finish_non_exhaustive()
    }
}

fn blank(features: usize) -> Zeroizing<Box<[f64]>> {
    Zeroizing::new(vec![0.0; features].into())
}

pub(crate) fn fault(feature: &str, fault: RecordFault) -> Error {
    // A name from a caller may be of any length, and hold anything that a terminal would obey.
    let feature = feature.chars().take(Features::MAX_NAME).flat_map(char::escape_debug).collect();
    Error::Record { feature, fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Feature, Grid};
    use crate::model::{PrivateModel, QuantiseOptions};
    use crate::network::{Activation, Affine};

    fn spec(runs: [Feature; 2]) -> PublicSpec {
        let affine = Affine::new(4, vec![1.0; 4], vec![0.0]).unwrap();
        let (features, options) = (Features::new(runs).unwrap(), QuantiseOptions::default());
        PrivateModel::compile(&affine, features, &["y"], Activation::Identity, "m", options).unwrap().0.spec().clone()
    }

    fn grid() -> Grid {
        Grid::new(0.0, 1.0, 0, 9).unwrap()
    }

    #[test]
    fn values_find_their_places_whatever_their_order() {
        let spec = spec([Feature::run("p", 3, grid()), Feature::new("age", grid())]);
        let mut records = Records::new(&spec);
        for round in [0.0, 1.0] {
            records.set("age", 7.0 + round).unwrap();
            records.set("p_1", 2.0).unwrap();
            records.set("p_0", 1.0).unwrap();
            records.set("p_2", 3.0).unwrap();
            records.end_record().unwrap();
        }
        records.set("age", 0.0).unwrap();
        records.set_run("p", &[4.0, 5.0, 6.0]).unwrap();
        records.end_record().unwrap();
        let values: Vec<_> = records.for_spec(&spec).unwrap().iter().map(|record| record.as_ref().to_vec()).collect();
        assert_eq!(values, [[1.0, 2.0, 3.0, 7.0], [1.0, 2.0, 3.0, 8.0], [4.0, 5.0, 6.0, 0.0]]);
        records.clear();
        assert_eq!(records.count(), 0);
    }

    #[test]
    fn what_is_unknown_twice_missing_or_not_a_number_is_named_and_sets_nothing() {
        let spec = spec([Feature::run("p", 3, grid()), Feature::new("age", grid())]);
        let mut records = Records::new(&spec);
        let error = |feature: &str, fault| Err(Error::Record { feature: feature.into(), fault });
        for unknown in ["p", "p_3", "p_01", "Age", "", "age_0"] {
            assert_eq!(records.set(unknown, 1.0), error(unknown, RecordFault::Unknown));
        }
        assert_eq!(records.set_run("age", &[1.0]), error("age", RecordFault::Unknown));
        assert_eq!(
            records.set_run("p", &[1.0; 2]),
            Err(Error::Count { what: "values of a run", expected: 3, found: 2 })
        );
        assert!(
            matches!(records.set_run("p", &[1.0, f64::NAN, 1.0]), Err(Error::Range { feature, .. }) if feature == "p_1")
        );
        assert!(records.for_spec(&spec).unwrap().is_empty(), "nothing was set");
        records.set("p_1", 1.0).unwrap();
        assert_eq!(records.set("p_1", 1.0), error("p_1", RecordFault::Twice));
        assert_eq!(records.set_run("p", &[1.0; 3]), error("p_1", RecordFault::Twice));
        assert_eq!(records.end_record(), error("p_0", RecordFault::Missing));
        assert_eq!(records.for_spec(&spec).map(<[_]>::len), error("p_0", RecordFault::Missing).map(|()| 0));
        let long = "x".repeat(100_000);
        let said = records.set(&long, 1.0).unwrap_err().to_string();
        assert!(said.len() < 400, "{said}");
        assert!(!records.set("\x1b[2J", 1.0).unwrap_err().to_string().contains('\x1b'));
    }

    #[test]
    fn records_for_another_spec_are_refused_with_both_fingerprints() {
        let ours = spec([Feature::run("p", 3, grid()), Feature::new("age", grid())]);
        let theirs = spec([Feature::new("age", grid()), Feature::run("p", 3, grid())]);
        let (expected, found) = (theirs.fingerprint(), ours.fingerprint());
        let refused = Records::new(&ours).for_spec(&theirs).map(<[_]>::len);
        assert_eq!(refused, Err(Error::SpecMismatch { expected, found }));
    }
}
