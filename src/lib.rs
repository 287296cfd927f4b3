//! Predictions on encrypted records.

#![deny(missing_docs)]

mod arith;
mod entropy;
mod error;
mod fingerprint;
pub mod network;
pub mod paillier;
mod secret;
mod threads;

pub use error::{Error, KeyFault, Result};
pub use fingerprint::Fingerprint;
pub use threads::{set_threads, threads};
