//! Records from CSV files and from MNIST. No message shows a cell of a file: it may be a value of a record.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Split};
use std::ops::Range;
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
    pub(crate) fn open<'a>(&self, features: &'a Features) -> Result<RecordStream<'a>, Failure> {
        let input = match (&self.csv, &self.mnist) {
            (Some(source), _) => Input::Csv(Csv::new(source.open()?, features)),
            (None, Some(folder)) => {
                let images = Mnist::load_test(folder).map_err(dataset)?;
                check_images(&images, features.len(), self.first, self.count).of(folder.display())?;
                Input::Images { images, rest: self.first..self.first + self.count }
            }
            (None, None) => return Err(Failure::new(Exit::Usage, "which records? give --in or --mnist")),
        };
        Ok(RecordStream { input, name: self.to_string() })
    }
}

/// Records that come piece by piece.
pub(crate) struct RecordStream<'a> {
    input: Input<'a>,
    name: String,
}

enum Input<'a> {
    Csv(Csv<'a>),
    Images { images: Images, rest: Range<usize> },
}

impl RecordStream<'_> {
    /// The next records, `most` of them or what is left: none at the end, but one or more at first.
    pub(crate) fn next(&mut self, most: usize) -> Result<Records, Failure> {
        match &mut self.input {
            Input::Csv(csv) => csv.next(most).of(&self.name),
            Input::Images { images, rest } => {
                let end = rest.end.min(rest.start.saturating_add(most));
                let records = Records::of_images(images, rest.start..end);
                rest.start = end;
                Ok(records)
            }
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

    /// Images of the training set, as many as calibration makes use of.
    pub(crate) fn from_mnist_training(folder: &Path, columns: usize) -> Result<Self, Failure> {
        let images = Mnist::load(folder).map_err(dataset)?.train;
        check_images(&images, columns, 0, CALIBRATION_IMAGES).of(folder.display())?;
        Ok(Self::of_images(&images, 0..CALIBRATION_IMAGES))
    }

    fn of_images(images: &Images, which: Range<usize>) -> Self {
        let columns = tacita_datasets::PIXELS;
        let pixels = images.pixels()[which.start * columns..which.end * columns].iter();
        Self { columns, values: pixels.map(|&pixel| pixel.into()).collect(), places: Places::Images(which.start) }
    }

    /// Reads a CSV file (RFC 4180, UTF-8) of one record a line. If a field of its first line is not a number, that line
    /// names the features; they may stand in any order and must be complete.
    pub(crate) fn from_csv(source: &Source, features: &Features) -> Result<Self, Failure> {
        Csv::new(source.open()?, features).next(usize::MAX).of(source)
    }
}

/// Whether there are images as large as a record, and so many of them.
fn check_images(images: &Images, columns: usize, first: usize, count: usize) -> Result<(), Failure> {
    if columns != tacita_datasets::PIXELS {
        let (what, found) = ("pixels of an image", tacita_datasets::PIXELS);
        return Err(Error::Count { what, expected: columns, found }.into());
    }
    if count == 0 || first.checked_add(count).is_none_or(|end| end > images.len()) {
        let why = format!("there are {} images; {count} from number {first} on are not among them", images.len());
        return Err(Failure::new(Exit::Argument, why));
    }
    Ok(())
}

/// A data set that cannot be read.
pub(crate) fn dataset(error: tacita_datasets::Error) -> Failure {
    let exit = if matches!(error, tacita_datasets::Error::Io { .. }) { Exit::Io } else { Exit::Dataset };
    Failure::new(exit, error.to_string())
}

fn refuse(line: u64, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Record, format!("line {line}: {why}"))
}

/// A CSV file, read line by line, so that a message can name the line: no field has a reason to run over several.
struct Csv<'a> {
    features: &'a Features,
    lines: Split<BufReader<Box<dyn Read>>>,
    /// The number of the line read last, from 1.
    line: u64,
    /// Which feature a column is of, where the first line says so.
    order: Option<Vec<usize>>,
    is_begun: bool,
}

impl<'a> Csv<'a> {
    fn new(input: Box<dyn Read>, features: &'a Features) -> Self {
        Self { features, lines: BufReader::new(input).split(b'\n'), line: 0, order: None, is_begun: false }
    }

    /// See [`RecordStream::next`].
    fn next(&mut self, most: usize) -> Result<Records, Failure> {
        let columns = self.features.len();
        let (mut values, mut lines) = (Vec::new(), Vec::new());
        while lines.len() < most
            && let Some(bytes) = self.lines.next()
        {
            let bytes = bytes.map_err(|error| Failure::new(Exit::Io, error.to_string()))?;
            self.line += 1;
            let line = self.line;
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
            let is_first = self.order.is_none() && !self.is_begun;
            if is_first && record.iter().any(|field| number(field).is_none()) {
                self.order = Some(header(&record, self.features).map_err(|why| refuse(line, why))?);
                continue;
            }
            self.is_begun = true;
            let start = values.len();
            values.resize(start + columns, 0.0);
            for (column, field) in record.iter().enumerate() {
                let index = self.order.as_ref().map_or(column, |order| order[column]);
                values[start + index] = number(field).ok_or_else(|| {
                    let name = self.features.name(index);
                    refuse(line, format!("column {}, feature `{name}`: it is not a number", column + 1))
                })?;
            }
            lines.push(line);
        }
        if !self.is_begun {
            return Err(Failure::new(Exit::Record, "it has no records"));
        }
        Ok(Records { columns, values, places: Places::Lines(lines) })
    }
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
        let records = read(text.as_bytes()).map_err(|failure| failure.message)?;
        Ok(records.rows().into_iter().map(<[f64]>::to_vec).collect())
    }

    fn read(text: &[u8]) -> Result<Records, Failure> {
        Csv::new(Box::new(std::io::Cursor::new(text.to_vec())), &features()).next(usize::MAX)
    }

    #[test]
    fn records_come_in_pieces_and_lines_are_counted_on() {
        let (features, text) = (features(), "age,lab_0,lab_1\n1,2,3\n\n4,5,6\n7,8,9\n1,2\n");
        let mut csv = Csv::new(Box::new(text.as_bytes()), &features);
        let mut next = |most| csv.next(most).map(|records| records.values).map_err(|failure| failure.message);
        assert_eq!(next(2), Ok(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(next(1), Ok(vec![7.0, 8.0, 9.0]));
        assert_eq!(next(1), Err("line 6: fields of a line: expected 3, found 2".into()));
        let mut csv = Csv::new(Box::new(&b"1,2,3\n"[..]), &features);
        let mut count = |most| csv.next(most).map(|records| records.rows().len()).map_err(|failure| failure.message);
        assert_eq!([count(1), count(1), count(1)], [Ok(1), Ok(0), Ok(0)]);
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
        let failure = read(b"1,2,3\n1,\xff987,3\n").map(|_| ()).unwrap_err();
        assert_eq!(failure.message, "line 2: it is not UTF-8");
        let records = read(b"1,2,3\n\n1,2,987\n").map_err(|failure| failure.message).unwrap();
        let failure = records.check(&features(), OutOfRange::Refuse).unwrap_err();
        assert_eq!(failure.message, "line 3: feature `lab_1` is outside its range 0 to 100");
    }
}
