//! MNIST: 60,000 handwritten digits to train with and 10,000 to test with.

use mnist::MnistBuilder;
use std::fs;
use std::path::Path;

use crate::idx::{Idx, TEST, TRAIN};
use crate::{Error, PIXELS};

/// Images with the digits they show.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    /// Images from their pixels, [`PIXELS`] each, and their labels.
    ///
    /// # Panics
    /// If there is not one label for each image.
    pub fn new(pixels: Vec<u8>, labels: Vec<u8>) -> Self {
        assert_eq!(pixels.len(), labels.len() * PIXELS, "one label for each image");
        Self { pixels, labels }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of all images, one image after the other.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The labels, 0 to 9.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The pixels of one image.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * PIXELS..][..PIXELS]
    }

    /// That many of the images at even distances, beginning with the first; all of them if there are not so many.
    ///
    /// The order of MNIST's test set is not random: its halves come from two groups of writers. So the first few images
    /// stand for the whole set less well than a sample from all over it.
    pub fn sample(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let chosen = (0..count).map(|i| i * self.len() / count);
        Self {
            pixels: chosen.clone().flat_map(|index| self.image(index)).copied().collect(),
            labels: chosen.map(|index| self.labels[index]).collect(),
        }
    }

    /// Each image with its label.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], u8)> {
        self.pixels.chunks_exact(PIXELS).zip(self.labels.iter().copied())
    }
}

/// The two sets of MNIST.
pub struct Mnist {
    /// 60,000 images to train with.
    pub train: Images,
    /// 10,000 images to test with.
    pub test: Images,
}

impl Mnist {
    /// Reads both sets from a folder with the four files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    /// `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, each as it is or gzipped as `.gz`.
    ///
    /// # Errors
    /// A file that is missing, cannot be read, or is not the one that belongs there.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let found = through_mnist(folder.as_ref(), &[TRAIN, TEST].concat())?;
        Ok(Self { train: Images::new(found.trn_img, found.trn_lbl), test: Images::new(found.tst_img, found.tst_lbl) })
    }

    /// Reads the test set alone; the training files need not be there.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_test(folder: impl AsRef<Path>) -> Result<Images, Error> {
        let found = through_mnist(folder.as_ref(), &TEST)?;
        Ok(Images::new(found.tst_img, found.tst_lbl))
    }
}

/// Hands the wanted files to the `mnist` crate, which reads plain files of four fixed names, opens all four, and panics
/// at anything unexpected. So it is given checked copies, and for a set that is not wanted the headers alone.
fn through_mnist(folder: &Path, wanted: &[Idx]) -> Result<mnist::Mnist, Error> {
    let staging = tempfile::tempdir().map_err(|why| Error::Io { path: std::env::temp_dir(), why })?;
    for file in [TRAIN, TEST].as_flattened() {
        let is_wanted = wanted.iter().any(|other| other.name == file.name);
        let bytes = if is_wanted { file.read(folder)? } else { file.header() };
        let path = staging.path().join(file.name);
        fs::write(&path, bytes).map_err(|why| Error::Io { path, why })?;
    }
    let count = |set: [Idx; 2]| if wanted.iter().any(|file| file.name == set[0].name) { set[0].count } else { 0 };
    let base = staging.path().to_str().ok_or_else(|| Error::Content {
        path: staging.path().into(),
        why: "the temporary folder's name is not UTF-8".into(),
    })?;
    Ok(MnistBuilder::new().base_path(base).training_set_length(count(TRAIN)).test_set_length(count(TEST)).finalize())
}
