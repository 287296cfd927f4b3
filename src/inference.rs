//! Encrypted inference: who encrypts, who evaluates, who decrypts, and what travels between them.
//!
//! | role | holds | makes |
//! |---|---|---|
//! | [`Encryptor`] | spec, public or secret key, records | [`Request`] |
//! | [`Evaluator`] | private model, public keys that were verified | [`Response`] |
//! | [`Decryptor`] | spec, secret key, the request's [`Header`] | [`Prediction`]s |
//!
//! [`UnitCosts`] measure what the machine can do, and [forecast](UnitCosts::forecasts) which layout is the quickest.
//! More records than should be in memory at once travel as a sequence of requests, see [`MessageReader`].

mod addend;
mod costs;
mod decryptor;
mod encryptor;
mod envelope;
mod evaluator;
mod forecast;
mod header;
mod records;
mod request;
mod response;
mod self_test;
mod sequence;
mod verified_keys;

pub use costs::{Cost, UnitCosts};
pub use decryptor::{Decryptor, Prediction};
pub use encryptor::Encryptor;
pub use evaluator::Evaluator;
pub use forecast::{Forecast, Nonces};
pub use header::Header;
pub use records::Records;
pub(crate) use records::fault;
pub use request::Request;
pub use response::Response;
pub use self_test::self_test;
pub use sequence::{Message, MessageReader, RequestReader, ResponseReader};
pub use verified_keys::VerifiedKeys;
pub(crate) use verified_keys::carried;
