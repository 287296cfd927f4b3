//! Trained networks in floating point. Knows no cryptography.

mod affine;

pub use affine::Affine;
