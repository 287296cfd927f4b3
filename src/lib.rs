//! Predictions on records that the predictor may not see.
//!
//! A hospital holds a record and a secret key, a cloud service holds a trained network whose layers are affine up to a final
//! softmax or sigmoid. tacita turns the network into y = Wx + b in integers, lets the hospital encrypt x under Paillier's
//! cryptosystem, lets the service compute on the ciphertexts, and lets only the hospital decrypt y and read the class.
//!
//! ```
//! use tacita::encoding::{Feature, Features, Grid};
//! use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response};
//! use tacita::model::{PrivateModel, PublicSpec, QuantiseOptions};
//! use tacita::network::{Activation, Affine};
//! use tacita::paillier::{KeySize, SecretKey};
//!
//! // The model's owner: real weights to a private model and a public spec.
//! let affine = Affine::new(2, vec![0.04, -0.7], vec![-1.5])?;
//! let features = Features::new([
//!     Feature::new("age", Grid::new(0.0, 1.0, 0, 120)?),
//!     Feature::new("discharged home", Grid::new(0.0, 1.0, 0, 1)?),
//! ])?;
//! let options = QuantiseOptions::default();
//! let (model, report) =
//!     PrivateModel::compile(&affine, features, &["readmission"], Activation::Sigmoid, "30 days", options)?;
//! let spec_file = model.spec().as_json().to_owned();
//! let pin = model.spec().fingerprint(); // published apart from the service
//!
//! // The hospital: a key, the pinned spec, an encrypted record.
//! let key = SecretKey::generate(KeySize::Bits2048)?;
//! let spec = PublicSpec::from_json(spec_file.as_bytes())?;
//! let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?;
//! let request = encryptor.encrypt(&[[71.0, 1.0]])?;
//! let to_the_cloud: Vec<u8> = request.to_bytes();
//!
//! // The cloud: it sees bytes, verifies the key once, and answers.
//! let received = Request::from_bytes(&to_the_cloud)?;
//! let public_key = received.public_key().expect("it came along").clone().verify()?;
//! let answer: Vec<u8> = Evaluator::new(model).evaluate(&received, &public_key)?.to_bytes();
//!
//! // The hospital again.
//! let decryptor = Decryptor::new(spec, pin, key)?;
//! let predictions = decryptor.decrypt(&Response::from_bytes(&answer)?, request.header())?;
//! let expected = 0.04 * 71.0 - 0.7 - 1.5;
//! assert!((predictions[0].logits[0] - expected).abs() <= report.logit_error);
//! assert_eq!(predictions[0].class, 1); // likely
//! # Ok::<(), tacita::Error>(())
//! ```
//!
//! | module | what is in it |
//! |---|---|
//! | [`inference`] | encryptor, evaluator, decryptor, and the messages between them |
//! | [`model`] | quantised private model, public spec |
//! | [`network`] | trained networks in floating point, collapsed to one affine map |
//! | [`encoding`] | real numbers to integers, integers to slots of a plaintext |
//! | [`paillier`] | keys, key proof, encryption, decryption, operations on ciphertexts |
//! | [`measure`] | what the engines do on this machine |
//!
//! | engine | chosen | needs |
//! |---|---|---|
//! | [`Backend::Ifma`] | where there is AVX-512 IFMA and VBMI; `TACITA_BACKEND=ifma` | Intel since Ice Lake, AMD since Zen 4 |
//! | [`Backend::Portable`] | elsewhere; `TACITA_BACKEND=portable` | a 64-bit processor |
//!
//! Long operations run in a thread pool of the library's own; see [`set_threads`].
//!
//! # Safety
//! Nothing that depends on a secret key, a nonce or a plaintext branches or addresses memory by it, from encoded integers to
//! ciphertexts and from responses to integers. Keys, nonces and plaintexts are wiped when dropped. Key generation and loading,
//! float encoding and softmax are not covered. Results are private, not verified: a cheating service can answer anything.
//! `docs/threat-model.md` says all of it.

#![deny(missing_docs)]

mod arith;
pub mod encoding;
mod entropy;
mod error;
pub mod ffi;
mod fingerprint;
pub mod inference;
mod json;
pub mod measure;
pub mod model;
pub mod network;
pub mod paillier;
mod progress;
mod secret;
mod tensors;
mod threads;

pub use arith::Backend;
pub use error::{CiphertextFault, Error, KeyFault, RecordFault, Result};
pub use fingerprint::Fingerprint;
pub use progress::{OnProgress, OnSharedProgress, Progress};
pub use threads::{set_threads, threads};

/// The README's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
