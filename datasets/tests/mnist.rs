//! Reading the four MNIST files: files of the right form with made-up content, damaged ones, and the real ones.

use flate2::{Compression, write::GzEncoder};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use tacita::network::Network;
use tacita_datasets::{Error, Images, Mnist, NETWORK, PIXELS};
use tempfile::TempDir;

const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// An IDX file whose byte `i` is `i * step`, modulo `modulus`.
fn idx(dimensions: &[u32], step: usize, modulus: usize) -> Vec<u8> {
    let length = dimensions.iter().product::<u32>() as usize;
    let header = dimensions.iter().flat_map(|dimension| dimension.to_be_bytes());
    [0, 0, 8, dimensions.len() as u8]
        .into_iter()
        .chain(header)
        .chain((0..length).map(|i| (i * step % modulus) as u8))
        .collect()
}

fn images(count: u32) -> Vec<u8> {
    idx(&[count, 28, 28], 7, 251)
}

fn labels(count: u32) -> Vec<u8> {
    idx(&[count], 1, 10)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(folder.path().join(name), bytes).unwrap());
    folder
}

fn assert_is_made_up(images: &Images, count: usize) {
    assert_eq!(images.len(), count);
    assert!(images.pixels().iter().enumerate().all(|(i, &pixel)| usize::from(pixel) == i * 7 % 251));
    assert!(images.labels().iter().enumerate().all(|(i, &label)| usize::from(label) == i % 10));
}

#[test]
fn the_test_set_is_read_alone_plain_or_gzipped_under_either_spelling() {
    let (images, labels) = (images(10_000), labels(10_000));
    let (packed_images, packed_labels) = (gzip(&images), gzip(&labels));
    let folders = [
        folder(&[(TEST_IMAGES, &images), (TEST_LABELS, &labels)]),
        folder(&[("t10k-images-idx3-ubyte.gz", &packed_images), ("t10k-labels-idx1-ubyte.gz", &packed_labels)]),
        folder(&[("t10k-images.idx3-ubyte", &images), ("t10k-labels.idx1-ubyte.gz", &packed_labels)]),
    ];
    for folder in &folders {
        assert_is_made_up(&Mnist::load_test(folder).unwrap(), 10_000);
    }
    let missing = Mnist::load(&folders[0]).err().unwrap();
    assert!(matches!(missing, Error::Missing { name: "train-images-idx3-ubyte", .. }), "{missing}");
}

#[test]
fn both_sets_are_read() {
    let folder = folder(&[
        ("train-images-idx3-ubyte", &images(60_000)),
        ("train-labels-idx1-ubyte.gz", &gzip(&labels(60_000))),
        (TEST_IMAGES, &images(10_000)),
        (TEST_LABELS, &labels(10_000)),
    ]);
    let mnist = Mnist::load(&folder).unwrap();
    assert_is_made_up(&mnist.train, 60_000);
    assert_is_made_up(&mnist.test, 10_000);
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_refused_by_name() {
    let (images, labels) = (images(10_000), labels(10_000));
    let edited = |bytes: &[u8], at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = byte;
        bytes
    };
    let long = [&images[..], &[0]].concat();
    let cases: [(&str, &[u8], &str); 12] = [
        (TEST_IMAGES, &[], "is not an IDX file of images"),
        (TEST_IMAGES, b"PK\x03\x04 something else", "is not an IDX file of images"),
        (TEST_IMAGES, &labels, "is not an IDX file of images"),
        (TEST_IMAGES, &edited(&images, 6, 0x28), "does not hold 10000 images of 28 x 28 pixels"),
        (TEST_IMAGES, &edited(&images, 11, 27), "does not hold 10000 images of 28 x 28 pixels"),
        (TEST_IMAGES, &images[..12], "does not hold 10000 images of 28 x 28 pixels"),
        (TEST_IMAGES, &images[..images.len() - 1], "cut short"),
        (TEST_IMAGES, &long, "longer than its header says"),
        (TEST_LABELS, &images, "is not an IDX file of labels"),
        (TEST_LABELS, &idx(&[60_000], 1, 10), "does not hold 10000 labels"),
        (TEST_LABELS, &edited(&labels, 5000, 10), "label above 9"),
        (TEST_LABELS, &gzip(&labels).repeat(2), "longer than its header says"),
    ];
    for (name, bytes, part) in cases {
        let folder = folder(&[(TEST_IMAGES, &images), (TEST_LABELS, &labels), (name, bytes)]);
        let message = Mnist::load_test(&folder).err().unwrap().to_string();
        assert!(message.contains(name) && message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn a_damaged_gzip_file_is_refused_by_name() {
    let packed = gzip(&labels(10_000));
    let mut flipped = packed.clone();
    let checksum = packed.len() - 8;
    flipped[checksum] ^= 1;
    for damaged in [&packed[..10], &packed[..packed.len() / 2], &packed[..packed.len() - 1], &flipped] {
        let folder = folder(&[(TEST_IMAGES, &images(10_000)), (TEST_LABELS, damaged)]);
        let error = Mnist::load_test(&folder).err().unwrap();
        assert!(matches!(&error, Error::Io { path, .. } if path.ends_with(TEST_LABELS)), "{error}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    assert!(matches!(Mnist::load_test(Path::new("/nonexistent")), Err(Error::Missing { name: TEST_IMAGES, .. })));
}

#[test]
fn a_sample_is_spread_evenly() {
    let images = Images::new((0..6).flat_map(|i| [i; PIXELS]).collect(), vec![0, 1, 2, 3, 4, 5]);
    assert_eq!(images.sample(3).labels(), [0, 2, 4]);
    assert_eq!(images.sample(4).labels(), [0, 1, 3, 4]);
    assert_eq!(images.sample(3).image(2), [4; PIXELS]);
    assert!(images.sample(6) == images && images.sample(99) == images && images.sample(0).is_empty());
}

/// The folder with the real files, or a line that says what is skipped without them.
fn real_folder() -> Option<OsString> {
    let folder = std::env::var_os("TACITA_MNIST_DIR");
    if folder.is_none() {
        // Not eprintln!, which the test harness keeps to itself.
        let _ = writeln!(std::io::stderr(), "skipped: TACITA_MNIST_DIR does not name a folder with MNIST");
    }
    folder
}

#[test]
fn the_real_files_are_read() {
    let Some(folder) = real_folder() else { return };
    let mnist = Mnist::load(folder).unwrap();
    let count = |images: &Images, label| images.labels().iter().filter(|&&other| other == label).count();
    // How often each digit occurs in the published sets, and the first labels of each.
    let train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    let test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    for label in 0..10 {
        assert_eq!(count(&mnist.train, label), train[usize::from(label)]);
        assert_eq!(count(&mnist.test, label), test[usize::from(label)]);
    }
    assert_eq!(mnist.train.labels()[..5], [5, 0, 4, 1, 9]);
    assert_eq!(mnist.test.labels()[..5], [7, 2, 1, 0, 4]);
    let mean =
        mnist.train.pixels().iter().map(|&pixel| u64::from(pixel)).sum::<u64>() as f64 / (60_000 * PIXELS) as f64;
    assert!((mean / 255.0 - 0.1307).abs() < 1e-4, "the training set's mean is known to be 0.1307");
}

#[test]
fn the_trained_network_reads_93_of_100_real_test_images() {
    let Some(folder) = real_folder() else { return };
    let network = Network::from_safetensors(NETWORK, None).unwrap();
    let collapsed = network.collapse().unwrap();
    let test = Mnist::load_test(folder).unwrap();
    let right = |images: &Images| {
        let record = |pixels: &[u8]| pixels.iter().map(|&pixel| pixel.into()).collect::<Vec<f64>>();
        let class = |pixels| network.activation().class(&collapsed.apply(&record(pixels)).unwrap());
        images.iter().filter(|&(pixels, label)| class(pixels) == usize::from(label)).count()
    };
    assert!(right(&test) >= 9300, "{} of {}", right(&test), test.len());
    assert!(right(&test.sample(2000)) >= 1840, "{} of 2000", right(&test.sample(2000)));
}
