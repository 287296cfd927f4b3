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
mod request;
mod response;
mod sequence;
mod verified_keys;

pub use costs::{Cost, UnitCosts};
pub use decryptor::{Decryptor, Prediction};
pub use encryptor::Encryptor;
pub use evaluator::Evaluator;
pub use forecast::{Forecast, Nonces};
pub use header::Header;
pub use request::Request;
pub use response::Response;
pub use sequence::{Message, MessageReader, RequestReader, ResponseReader};
pub use verified_keys::VerifiedKeys;

/// How far a long piece of work is, in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Batches that are done.
    pub done: usize,
    /// All batches.
    pub total: usize,
}

/// Called after every batch; breaking cancels the work.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> std::ops::ControlFlow<()>;

/// Goes on whatever the progress is.
fn go_on(_: Progress) -> std::ops::ControlFlow<()> {
    std::ops::ControlFlow::Continue(())
}
