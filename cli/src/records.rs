//! Records from CSV files and from MNIST. No message shows a cell of a file: it may be a value of a record.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use tacita::Error;
use tacita::encoding::{Features, OutOfRange};
use tacita_datasets::{Images, Mnist};

use crate::exit::{Exit, Failure, Of};
use crate::files::Source;

/// Training images that a calibration looks at: 63 MB in double precision.
const CALIBRATION_IMAGES: usize = 10_000;

/// Records in one piece of memory, with where each came from.
pub(crate) struct Records {
    columns: usize,
    values: Vec<f64>,
    places: Places,
}

/// How messages name a record.
enum Places {
    /// Lines of a file.
    Lines(Vec<u64>),
    /// Images from this position on.
    Images(usize),
}

/// Which records a command takes.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["csv", "mnist"])))]
pub(crate) struct RecordsArguments {
    /// Records as CSV: one a line, with or without a first line of feature names
    #[arg(long = "in", value_name = "FILE")]
    csv: Option<Source>,
    /// Test images of MNIST from this folder
    #[arg(long, value_name = "DIR")]
    mnist: Option<PathBuf>,
    /// The first image to take
    #[arg(long, default_value_t = 0, requires = "mnist", value_name = "N")]
    first: usize,
    /// How many images to take
    #[arg(long, default_value_t = 1, requires = "mnist", value_name = "M")]
    count: usize,
}

impl RecordsArguments {
    /// The records, each with as many values as there are features.
    pub(crate) fn load(&self, features: &Features) -> Result<Records, Failure> {
        match (&self.csv, &self.mnist) {
            (Some(source), _) => Records::from_csv(source, features),
            (None, Some(folder)) => Records::from_mnist_test(folder, features.len(), self.first, self.count),
            (None, None) => Err(Failure::new(Exit::Usage, "which records? give --in or --mnist")),
        }
    }
}

impl std::fmt::Display for RecordsArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.csv, &self.mnist) {
            (Some(source), _) => source.fmt(f),
            (None, folder) => folder.clone().unwrap_or_default().display().fmt(f),
        }
    }
}

impl Records {
    /// The records, in order.
    pub(crate) fn rows(&self) -> Vec<&[f64]> {
        self.values.chunks_exact(self.columns).collect()
    }

    /// Refuses a record with a value outside its feature's range, and says where it stands.
    pub(crate) fn check(&self, features: &Features, outside: OutOfRange) -> Result<(), Failure> {
        let mut integers = vec![0; features.len()];
        for (index, record) in self.rows().into_iter().enumerate() {
            features.encode(record, outside, &mut integers).map_err(|error| match &self.places {
                Places::Lines(lines) => Failure::from(error).of(format!("line {}", lines[index])),
                Places::Images(first) => Failure::from(error).of(format!("image {}", first + index)),
            })?;
        }
        Ok(())
    }

    /// `count` images of the test set from the one at `first` on.
    pub(crate) fn from_mnist_test(folder: &Path, columns: usize, first: usize, count: usize) -> Result<Self, Failure> {
        let images = Mnist::load_test(folder).map_err(dataset)?;
        Self::from_images(&images, columns, first, count).of(folder.display())
    }

    /// Images of the training set, as many as calibration makes use of.
    pub(crate) fn from_mnist_training(folder: &Path, columns: usize) -> Result<Self, Failure> {
        let images = Mnist::load(folder).map_err(dataset)?.train;
        Self::from_images(&images, columns, 0, CALIBRATION_IMAGES).of(folder.display())
    }

    fn from_images(images: &Images, columns: usize, first: usize, count: usize) -> Result<Self, Failure> {
        if columns != tacita_datasets::PIXELS {
            let (what, found) = ("pixels of an image", tacita_datasets::PIXELS);
            return Err(Error::Count { what, expected: columns, found }.into());
        }
        if count == 0 || first.checked_add(count).is_none_or(|end| end > images.len()) {
            let why = format!("there are {} images; {count} from number {first} on are not among them", images.len());
            return Err(Failure::new(Exit::Argument, why));
        }
        let pixels = images.pixels()[first * columns..][..count * columns].iter();
        Ok(Self { columns, values: pixels.map(|&pixel| pixel.into()).collect(), places: Places::Images(first) })
    }

    /// Reads a CSV file (RFC 4180, UTF-8) of one record a line. If a field of its first line is not a number, that line
    /// names the features; they may stand in any order and must be complete.
    pub(crate) fn from_csv(source: &Source, features: &Features) -> Result<Self, Failure> {
        read_csv(source.open()?, features).of(source)
    }
}

/// A data set that cannot be read.
pub(crate) fn dataset(error: tacita_datasets::Error) -> Failure {
    let exit = if matches!(error, tacita_datasets::Error::Io { .. }) { Exit::Io } else { Exit::Dataset };
    Failure::new(exit, error.to_string())
}

fn refuse(line: u64, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Record, format!("line {line}: {why}"))
}

/// Line by line, so that a message can name the line: no field has a reason to run over several.
fn read_csv(input: impl Read, features: &Features) -> Result<Records, Failure> {
    let columns = features.len();
    let mut order: Option<Vec<usize>> = None;
    let (mut values, mut lines) = (Vec::new(), Vec::new());
    for (line, bytes) in (1..).zip(BufReader::new(input).split(b'\n')) {
        let bytes = bytes.map_err(|error| Failure::new(Exit::Io, error.to_string()))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| refuse(line, "it is not UTF-8"))?;
        // Some programs put a mark before the first line.
        let text = text.strip_prefix('\u{feff}').filter(|_| line == 1).unwrap_or(text);
        if text.trim().is_empty() {
            continue;
        }
        let record = fields(text).ok_or_else(|| refuse(line, "it is not CSV"))?;
        if record.len() != columns {
            let count = Error::Count { what: "fields of a line", expected: columns, found: record.len() };
            return Err(Failure::from(count).of(format!("line {line}")));
        }
        if order.is_none() && lines.is_empty() && record.iter().any(|field| number(field).is_none()) {
            order = Some(header(&record, features).map_err(|why| refuse(line, why))?);
            continue;
        }
        let start = values.len();
        values.resize(start + columns, 0.0);
        for (column, field) in record.iter().enumerate() {
            let index = order.as_ref().map_or(column, |order| order[column]);
            values[start + index] = number(field).ok_or_else(|| {
                refuse(line, format!("column {}, feature `{}`: it is not a number", column + 1, features.name(index)))
            })?;
        }
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(Failure::new(Exit::Record, "it has no records"));
    }
    Ok(Records { columns, values, places: Places::Lines(lines) })
}

/// The fields of one line.
fn fields(line: &str) -> Option<csv::StringRecord> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).trim(csv::Trim::All).buffer_capacity(line.len());
    let mut records = builder.from_reader(line.as_bytes()).into_records();
    match (records.next(), records.next()) {
        (Some(Ok(record)), None) => Some(record),
        _ => None,
    }
}

fn number(field: &str) -> Option<f64> {
    field.parse().ok()
}

/// The feature that each column names.
fn header(names: &csv::StringRecord, features: &Features) -> Result<Vec<usize>, String> {
    let mut known: HashMap<String, usize> = (0..features.len()).map(|index| (features.name(index), index)).collect();
    if let Some(column) = names.iter().position(|name| number(name).is_none() && !known.contains_key(name)) {
        return Err(format!("column {} is neither a number nor the name of a feature", column + 1));
    }
    let mut find = |(column, name): (usize, &str)| {
        known.remove(name).ok_or_else(|| format!("column {} is no name, or one that stood before", column + 1))
    };
    names.iter().enumerate().map(&mut find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacita::encoding::{Feature, Grid};

    fn features() -> Features {
        let grid = Grid::new(0.0, 0.5, 0, 200).unwrap();
        Features::new([Feature::new("age", grid), Feature::run("lab", 2, grid)]).unwrap()
    }

    fn rows(text: &str) -> Result<Vec<Vec<f64>>, String> {
        let records = read_csv(text.as_bytes(), &features()).map_err(|failure| failure.message)?;
        Ok(records.rows().into_iter().map(<[f64]>::to_vec).collect())
    }

    #[test]
    fn columns_go_by_their_names_or_in_order() {
        let expected = vec![vec![60.0, 1.5, 2.0], vec![61.0, 2.5, 3e1]];
        assert_eq!(rows("60,1.5,2\n61,2.5,3e1\n").unwrap(), expected);
        assert_eq!(rows("\u{feff}60, 1.5 ,2\r\n\r\n\"61\",2.5,3e1").unwrap(), expected);
        assert_eq!(rows("lab_1,age,lab_0\n2,60,1.5\n3e1,61,2.5\n").unwrap(), expected);
    }

    #[test]
    fn messages_name_line_column_and_feature_and_never_a_cell() {
        for (text, expected) in [
            ("1,2,3\n1,2,987x\n", "line 2: column 3, feature `lab_1`: it is not a number"),
            ("lab_1,age,lab_0\n\n1,987x,3\n", "line 3: column 2, feature `age`: it is not a number"),
            ("987x,2,3\n", "line 1: column 1 is neither a number nor the name of a feature"),
            ("1,987x,3\n", "line 1: column 2 is neither a number nor the name of a feature"),
            ("1,age,3\n", "line 1: column 1 is no name, or one that stood before"),
            ("age,age,lab_0\n", "line 1: column 2 is no name, or one that stood before"),
            ("1,2,3\n1,987\n", "line 2: fields of a line: expected 3, found 2"),
            ("age,lab_0\n", "line 1: fields of a line: expected 3, found 2"),
            ("1,2,3\r1,2,3\n", "line 1: it is not CSV"),
            ("", "it has no records"),
            ("age,lab_0,lab_1\n", "it has no records"),
        ] {
            assert_eq!(rows(text).unwrap_err(), expected);
        }
        let failure = read_csv(&b"1,2,3\n1,\xff987,3\n"[..], &features()).map(|_| ()).unwrap_err();
        assert_eq!(failure.message, "line 2: it is not UTF-8");
        let records = read_csv(&b"1,2,3\n\n1,2,987\n"[..], &features()).map_err(|failure| failure.message).unwrap();
        let failure = records.check(&features(), OutOfRange::Refuse).unwrap_err();
        assert_eq!(failure.message, "line 3: feature `lab_1` is outside its range 0 to 100");
    }
}
