//! The input features of a model: their names and grids.

use serde::{Deserialize, Serialize};
use std::iter::repeat_n;
use std::ops::Range;

use super::Grid;
use crate::error::{Error, Result};

/// One input feature, or a run of features that share a grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Flat", try_from = "Flat")]
pub struct Feature {
    name: Box<str>,
    count: Option<u32>,
    grid: Grid,
}

/// A [`Feature`] as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    name: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    offset: f64,
    step: f64,
    least: i64,
    greatest: i64,
}

impl From<Feature> for Flat {
    fn from(Feature { name, count, grid }: Feature) -> Self {
        let (offset, step, least, greatest) = (grid.offset(), grid.step(), grid.least(), grid.greatest());
        Self { name, count, offset, step, least, greatest }
    }
}

impl TryFrom<Flat> for Feature {
    type Error = Error;

    fn try_from(Flat { name, count, offset, step, least, greatest }: Flat) -> Result<Self> {
        Ok(Self { name, count, grid: Grid::new(offset, step, least, greatest)? })
    }
}

impl Feature {
    /// One feature.
    pub fn new(name: &str, grid: Grid) -> Self {
        Self { name: name.into(), count: None, grid }
    }

    /// `count` features in a row on the same grid, named `prefix_0`, `prefix_1` and so on.
    pub fn run(prefix: &str, count: u32, grid: Grid) -> Self {
        Self { name: prefix.into(), count: Some(count), grid }
    }

    fn len(&self) -> u32 {
        self.count.unwrap_or(1)
    }
}

/// What to do with a value outside the range of its feature. A value up to half a step beyond an end is not outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutOfRange {
    /// Refuse the record, naming the feature.
    #[default]
    Refuse,
    /// Take the end of the range that it lies beyond. What is not a finite number is refused all the same.
    Clamp,
}

/// The input features of a model, in the order of a record's values.
///
/// Runs stay runs in memory, so that a short text cannot ask for much of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    runs: Vec<Feature>,
    /// Number of features up to and including each run.
    ends: Vec<u32>,
    /// The runs by [`key`].
    by_name: Vec<u32>,
}

impl Features {
    /// Most features of a model.
    pub const MAX: u32 = 1_000_000;
    /// Most bytes of a name, a run's prefix included.
    pub const MAX_NAME: usize = 256;

    /// Features from their runs, in order.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no feature, a run is empty, a name is empty, longer than
    /// [`MAX_NAME`](Self::MAX_NAME) bytes or has a control character, or two features have the same name;
    /// [`Error::TooLarge`] if there are more than [`MAX`](Self::MAX).
    pub fn new(runs: impl IntoIterator<Item = Feature>) -> Result<Self> {
        // Collecting a vector's own iterator reuses its memory.
        let runs: Vec<Feature> = runs.into_iter().collect();
        let mut ends = Vec::with_capacity(runs.len());
        let mut total = 0_u64;
        for run in &runs {
            check_name("feature name", &run.name)?;
            if run.len() == 0 {
                return Err(Error::Argument(format!("the run of features `{}` is empty", run.name)));
            }
            total += u64::from(run.len());
            if total > u64::from(Self::MAX) {
                return Err(Error::TooLarge { what: "number of features", found: total, limit: Self::MAX.into() });
            }
            ends.push(total as u32);
        }
        if total == 0 {
            return Err(Error::Argument("a model needs at least one feature".into()));
        }
        let mut by_name: Vec<_> = (0..runs.len() as u32).collect();
        by_name.sort_unstable_by(|&a, &b| key(&runs[a as usize]).cmp(&key(&runs[b as usize])));
        let features = Self { runs, ends, by_name };
        features.check_distinct()?;
        Ok(features)
    }

    /// Number of features, at least 1.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.ends[self.ends.len() - 1] as usize
    }

    /// The runs, in order.
    pub fn runs(&self) -> &[Feature] {
        &self.runs
    }

    /// The grids, one a feature.
    pub fn grids(&self) -> impl Iterator<Item = &Grid> + Clone {
        self.runs.iter().flat_map(|run| repeat_n(&run.grid, run.len() as usize))
    }

    /// The grid of feature `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn grid(&self, index: usize) -> &Grid {
        &self.locate(index).0.grid
    }

    /// The name of feature `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn name(&self, index: usize) -> String {
        let (run, position) = self.locate(index);
        if run.count.is_some() { format!("{}_{position}", run.name) } else { run.name.to_string() }
    }

    /// The index of the feature with a name, as [`name`](Self::name) writes it.
    pub fn index(&self, name: &str) -> Option<usize> {
        let single = self.find((false, name)).map(|run| self.start(run));
        single.or_else(|| self.index_in_run(name))
    }

    /// The index of a feature of a run.
    fn index_in_run(&self, name: &str) -> Option<usize> {
        let (prefix, digits) = name.rsplit_once('_')?;
        let run = self.run(prefix)?;
        let position: usize = digits.parse().ok()?;
        // Only as `name` writes it.
        (position < run.len() && position.to_string() == digits).then_some(run.start + position)
    }

    /// The indices of the features of a [run](Feature::run) with a prefix.
    pub fn run(&self, prefix: &str) -> Option<Range<usize>> {
        let run = self.find((true, prefix))?;
        Some(self.start(run)..self.ends[run] as usize)
    }

    fn find(&self, wanted: (bool, &str)) -> Option<usize> {
        let place = self.by_name.binary_search_by(|&run| key(&self.runs[run as usize]).cmp(&wanted)).ok()?;
        Some(self.by_name[place] as usize)
    }

    /// The index of the first feature of a run.
    fn start(&self, run: usize) -> usize {
        if run == 0 { 0 } else { self.ends[run - 1] as usize }
    }

    /// Refuses two features of one name, without spelling out the names of a run.
    fn check_distinct(&self) -> Result<()> {
        let run = |place: u32| &self.runs[place as usize];
        let twice = |name: &str| Err(Error::Argument(format!("two features are named `{name}`")));
        if let Some(pair) = self.by_name.windows(2).find(|pair| key(run(pair[0])) == key(run(pair[1]))) {
            return twice(&run(pair[0]).name);
        }
        // Names of different runs differ before or after their last underscore. A single feature can only meet the run
        // whose prefix it has, at the position it ends with.
        let mut singles = self.runs.iter().filter(|run| run.count.is_none());
        let of_a_run = singles.find(|single| self.index_in_run(&single.name).is_some());
        of_a_run.map_or(Ok(()), |single| twice(&single.name))
    }

    /// One record of real values to integers, one a feature.
    ///
    /// # Errors
    /// [`Error::Count`] if `record` or `integers` is not [`len`](Self::len) long; [`Error::Range`], which names the
    /// feature and its range and not the value, if a value is outside and `outside` does not say to clamp it, or if it
    /// is not finite. `integers` then holds nothing of use.
    pub fn encode(&self, record: &[f64], outside: OutOfRange, integers: &mut [i64]) -> Result<()> {
        self.check_count("values of a record", record.len())?;
        self.check_count("integers of a record", integers.len())?;
        for (index, ((value, integer), grid)) in record.iter().zip(integers).zip(self.grids()).enumerate() {
            let encoded = match outside {
                OutOfRange::Refuse => grid.encode(*value),
                OutOfRange::Clamp => grid.encode_clamped(*value),
            };
            *integer = encoded.ok_or_else(|| self.out_of_range(index))?;
        }
        Ok(())
    }

    /// The real values of one record of integers.
    ///
    /// # Errors
    /// [`Error::Count`] if `integers` is not [`len`](Self::len) long.
    pub fn decode(&self, integers: &[i64]) -> Result<Vec<f64>> {
        self.check_count("integers of a record", integers.len())?;
        Ok(integers.iter().zip(self.grids()).map(|(&integer, grid)| grid.decode(integer)).collect())
    }

    /// Length of the widest slot content, `integer - least`, in bits.
    pub(crate) fn span_bits(&self) -> u32 {
        self.runs.iter().map(|run| u64::BITS - run.grid.span().leading_zeros()).max().unwrap_or(0)
    }

    pub(crate) fn out_of_range(&self, index: usize) -> Error {
        let grid = self.grid(index);
        let [least, greatest] = [grid.least(), grid.greatest()].map(|end| grid.decode(end).to_string());
        Error::Range { record: None, feature: self.name(index), least, greatest }
    }

    fn check_count(&self, what: &'static str, found: usize) -> Result<()> {
        if found == self.len() { Ok(()) } else { Err(Error::Count { what, expected: self.len(), found }) }
    }

    /// The run of feature `index`, and its position in it.
    fn locate(&self, index: usize) -> (&Feature, usize) {
        let run = self.ends.partition_point(|&end| end as usize <= index);
        (&self.runs[run], index - self.start(run))
    }
}

/// Refuses names that are empty, overlong, or would disturb a terminal.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<()> {
    if name.len() > Features::MAX_NAME {
        let limit = Features::MAX_NAME as u64;
        return Err(Error::TooLarge { what, found: name.len() as u64, limit });
    }
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Error::Argument(format!("{what}: empty, or with a control character")));
    }
    Ok(())
}

/// What runs are sorted by: single features, then runs, each by name.
fn key(run: &Feature) -> (bool, &str) {
    (run.count.is_some(), &run.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bit() -> Grid {
        Grid::new(0.0, 1.0, 0, 1).unwrap()
    }

    #[test]
    fn indices_find_their_run_and_their_name() {
        let wide = Grid::new(-1.0, 0.5, -4, 4).unwrap();
        let runs = [
            Feature::new("age", wide),
            Feature::run("p", 3, bit()),
            Feature::run("q", 1, wide),
            Feature::new("p", bit()),
        ];
        let features = Features::new(runs).unwrap();
        let names: Vec<_> = (0..features.len()).map(|index| features.name(index)).collect();
        assert_eq!(names, ["age", "p_0", "p_1", "p_2", "q_0", "p"]);
        assert!(names.iter().enumerate().all(|(index, name)| features.index(name) == Some(index)));
        assert!(
            ["", "ag", "age_0", "p_", "p_3", "p_01", "p_+1", "q"].iter().all(|name| features.index(name).is_none())
        );
        assert_eq!(["p", "q", "age", "r"].map(|prefix| features.run(prefix)), [Some(1..4), Some(4..5), None, None]);
        let grids: Vec<_> = (0..features.len()).map(|index| *features.grid(index)).collect();
        assert_eq!(grids, [wide, bit(), bit(), bit(), wide, bit()]);
        assert!(features.grids().eq(&grids));
    }

    #[test]
    fn an_error_names_feature_and_range_and_not_the_value() {
        let features = Features::new([Feature::run("lab", 2, Grid::new(1.5, 0.5, -1, 7).unwrap())]).unwrap();
        let error = features.encode(&[2.0, 98765.0], OutOfRange::Refuse, &mut [0; 2]).unwrap_err();
        let expected = Error::Range { record: None, feature: "lab_1".into(), least: "1".into(), greatest: "5".into() };
        assert_eq!(error, expected);
        assert!(!format!("{error} {error:?}").contains("98765"));
        let mut integers = [0; 2];
        features.encode(&[2.0, 98765.0], OutOfRange::Clamp, &mut integers).unwrap();
        assert_eq!(features.decode(&integers).unwrap(), [2.0, 5.0]);
        assert!(features.encode(&[2.0, f64::NAN], OutOfRange::Clamp, &mut integers).is_err());
    }

    #[test]
    fn records_of_another_length_are_refused() {
        let features = Features::new([Feature::run("p", 3, bit())]).unwrap();
        let count = |found| Err(Error::Count { what: "values of a record", expected: 3, found });
        assert_eq!(features.encode(&[0.0; 2], OutOfRange::Refuse, &mut [0; 3]), count(2));
        assert_eq!(features.encode(&[0.0; 4], OutOfRange::Refuse, &mut [0; 3]), count(4));
        assert!(features.encode(&[0.0; 3], OutOfRange::Refuse, &mut [0; 2]).is_err());
        assert!(features.decode(&[0; 2]).is_err());
    }

    #[test]
    fn names_that_clash_are_refused() {
        let run = |prefix, count| Feature::run(prefix, count, bit());
        let one = |name| Feature::new(name, bit());
        for clash in [
            vec![one("a"), one("a")],
            vec![run("a", 2), run("a", 3)],
            vec![run("a", 3), run("b", 3), one("a_2")],
            vec![one("a_b_0"), one("c"), run("a_b", 1)],
        ] {
            assert!(matches!(Features::new(clash), Err(Error::Argument(_))));
        }
        for distinct in [
            vec![one("a"), run("a", 2)],
            vec![run("a", 3), one("a_3"), one("a_02"), one("a_+1"), one("a_"), one("b_1")],
            vec![run("a", 2), run("a_0", 2)],
        ] {
            Features::new(distinct).unwrap();
        }
    }

    #[test]
    fn ill_formed_lists_are_refused() {
        let refused = |runs: Vec<Feature>| assert!(Features::new(runs).is_err());
        refused(vec![]);
        refused(vec![Feature::run("a", 0, bit()), Feature::new("b", bit())]);
        refused(vec![Feature::new("", bit())]);
        refused(vec![Feature::new("bell\u{7}", bit())]);
        refused(vec![Feature::new(&"n".repeat(257), bit())]);
        refused(vec![Feature::run("a", Features::MAX, bit()), Feature::new("b", bit())]);
        refused(vec![Feature::run("a", u32::MAX, bit()), Feature::run("b", u32::MAX, bit())]);
        assert_eq!(Features::new([Feature::run("a", Features::MAX, bit())]).unwrap().len(), 1_000_000);
    }
}
