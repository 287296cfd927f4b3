//! Predictions on encrypted records.

#![deny(missing_docs)]

mod arith;
mod entropy;
mod error;
mod fingerprint;
pub mod network;
mod secret;

pub use error::{Error, KeyFault, Result};
pub use fingerprint::Fingerprint;
