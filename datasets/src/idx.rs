//! The IDX files of MNIST, plain or gzipped, checked before anything relies on them.
//!
//! Format: two zero bytes, the type (8 = unsigned bytes), the number of dimensions, each dimension as a big-endian
//! 32-bit number, the bytes.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::{Error, SIDE};

/// One of the four files.
#[derive(Clone, Copy)]
pub(crate) struct Idx {
    /// Its customary name; some copies have a dot in place of the second dash.
    pub(crate) name: &'static str,
    pub(crate) count: u32,
    images: bool,
}

pub(crate) const TRAIN: [Idx; 2] = [
    Idx { name: "train-images-idx3-ubyte", count: 60_000, images: true },
    Idx { name: "train-labels-idx1-ubyte", count: 60_000, images: false },
];

pub(crate) const TEST: [Idx; 2] = [
    Idx { name: "t10k-images-idx3-ubyte", count: 10_000, images: true },
    Idx { name: "t10k-labels-idx1-ubyte", count: 10_000, images: false },
];

impl Idx {
    /// The header that the file must begin with.
    pub(crate) fn header(self) -> Vec<u8> {
        let side = SIDE as u32;
        let dimensions: &[u32] = if self.images { &[self.count, side, side] } else { &[self.count] };
        let magic = [0, 0, 8, dimensions.len() as u8];
        magic.into_iter().chain(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes())).collect()
    }

    /// The whole file, expanded, with its header; exactly as long as that says, labels from 0 to 9.
    pub(crate) fn read(self, folder: &Path) -> Result<Vec<u8>, Error> {
        let path = self.find(folder)?;
        let header = self.header();
        let length = header.len() + self.count as usize * if self.images { SIDE * SIDE } else { 1 };
        let bytes = expand(&path, length + 1).map_err(|why| Error::Io { path: path.clone(), why })?;
        let fault = if !bytes.starts_with(&header[..4]) {
            let what = if self.images { "images" } else { "labels" };
            Some(format!("is not an IDX file of {what}"))
        } else if !bytes.starts_with(&header) {
            let shape = if self.images { " images of 28 x 28 pixels" } else { " labels" };
            Some(format!("does not hold {}{shape}", self.count))
        } else if bytes.len() != length {
            let how = if bytes.len() < length { "cut short" } else { "longer than its header says" };
            Some(format!("is {how}: expected {length} bytes when expanded"))
        } else if !self.images && bytes[header.len()..].iter().any(|&label| label > 9) {
            Some("holds a label above 9".into())
        } else {
            None
        };
        fault.map_or(Ok(bytes), |why| Err(Error::Content { path, why }))
    }

    fn find(self, folder: &Path) -> Result<PathBuf, Error> {
        let dotted = self.name.replace("-idx", ".idx");
        [self.name, &dotted]
            .into_iter()
            .flat_map(|name| [name.to_string(), format!("{name}.gz")])
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
            .ok_or(Error::Missing { folder: folder.into(), name: self.name })
    }
}

/// At most `limit` bytes of the file, or of what it expands to if it is gzipped.
fn expand(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(file).take(limit as u64).read_to_end(&mut bytes)?;
    } else {
        file.take(limit as u64).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
