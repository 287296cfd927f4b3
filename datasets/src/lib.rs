//! Handwritten digits for tacita: the MNIST files, and a few digits drawn for this project.

#![deny(missing_docs)]

mod digit;
mod idx;
mod mnist;

pub use self::mnist::{Images, Mnist};
pub use digit::{Digit, ParseError};

/// Width and height of an image in pixels.
pub const SIDE: usize = 28;

/// Pixels of an image, row by row from the top left; 0 is the black ground, 255 the white stroke.
pub const PIXELS: usize = SIDE * SIDE;

/// The trained network of `assets/`, 784-128-64-10 for raw pixels: a safetensors file.
pub const NETWORK: &[u8] = include_bytes!("../../assets/mnist-784-128-64-10.safetensors");

/// Why a data set could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the set is not there.
    #[error("{folder}: there is no {name} here, nor {name}.gz")]
    Missing {
        /// Where it was looked for.
        folder: std::path::PathBuf,
        /// Its name.
        name: &'static str,
    },
    /// A file could not be read or expanded.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What the operating system or the gzip decoder said.
        why: std::io::Error,
    },
    /// A file is not what its name promises.
    #[error("{path}: {why}")]
    Content {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },
}
