//! Predictions on encrypted records.

#![deny(missing_docs)]

mod error;
mod fingerprint;
pub mod network;
mod tensors;

pub use error::{Error, KeyFault, Result};
pub use fingerprint::Fingerprint;
