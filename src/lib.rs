//! Predictions on encrypted records.

#![deny(missing_docs)]

mod arith;
pub mod encoding;
mod entropy;
mod error;
pub mod ffi;
mod fingerprint;
pub mod inference;
pub mod model;
pub mod network;
pub mod paillier;
mod secret;
mod tensors;
mod threads;

pub use arith::Backend;
pub use error::{Error, KeyFault, Result};
pub use fingerprint::Fingerprint;
pub use threads::{set_threads, threads};
