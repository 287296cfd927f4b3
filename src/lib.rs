//! Predictions on encrypted records.

#![deny(missing_docs)]

pub mod encoding;
mod error;
mod fingerprint;
pub mod model;
pub mod network;
mod tensors;

pub use error::{Error, KeyFault, Result};
pub use fingerprint::Fingerprint;
