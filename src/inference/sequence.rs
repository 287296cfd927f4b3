//! Many messages, one after another: CBOR sequences (RFC 8742).
//!
//! To write one is to write messages, each as it is; no message looks any different in a sequence, and a sequence of one is
//! that message.

use std::io::Read;
use std::marker::PhantomData;

use super::envelope::{self, Next};
use super::{Request, Response};
use crate::error::{Error, Result};

/// What can stand in a sequence: [`Request`]s or [`Response`]s.
pub trait Message: sealed::Message {}

impl Message for Request {}
impl Message for Response {}

pub(super) mod sealed {
    use crate::error::Result;

    pub trait Message: Sized {
        const WHAT: &'static str;
        const KIND: &'static str;
        fn read(bytes: &[u8]) -> Result<Self>;
    }
}

/// Reads messages one by one, each checked as [`Request::from_bytes`] or [`Response::from_bytes`] would, so that only one is
/// in memory: at most three times its length, and no more than has arrived, whatever length it claims.
///
/// An input without any message, or with anything but further messages of its kind behind the first, is an error. After an
/// error nothing more comes. Which requests and responses belong together is for
/// [`Decryptor::decrypt_sequence`](super::Decryptor::decrypt_sequence) to see: a sequence cut between two messages is a
/// sequence.
///
/// ```
/// # use tacita::encoding::{Feature, Features, Grid};
/// # use tacita::model::{PrivateModel, QuantiseOptions};
/// # use tacita::network::{Activation, Affine};
/// # use tacita::paillier::{KeySize, SecretKey};
/// use tacita::inference::{Decryptor, Encryptor, Evaluator, RequestReader, ResponseReader};
/// # let affine = Affine::new(2, vec![0.5, -1.0], vec![0.0])?;
/// # let features = Features::new([Feature::run("x", 2, Grid::new(0.0, 1.0, 0, 255)?)])?;
/// # let options = QuantiseOptions::default();
/// # let (model, _) = PrivateModel::compile(&affine, features, &["y"], Activation::Identity, "line", options)?;
/// # let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
/// # let key = SecretKey::generate(KeySize::Bits2048)?;
/// const LIMIT: u64 = 64 << 20; // bytes of one message
///
/// // Files or sockets in earnest, as are the records.
/// let (mut requests, mut responses) = (Vec::new(), Vec::new());
/// let records = vec![[3.0, 1.0]; 300];
///
/// let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?;
/// for some in records.chunks(encryptor.records_per_request().min(200)) {
///     requests.extend(encryptor.encrypt(some)?.to_bytes());
/// }
///
/// let evaluator = Evaluator::new(model);
/// # let public_key = key.public_key();
/// for request in RequestReader::new(&requests[..], LIMIT) {
///     responses.extend(evaluator.evaluate(&request?, public_key)?.to_bytes());
/// }
///
/// let decryptor = Decryptor::new(spec, pin, key)?;
/// let headers = RequestReader::new(&requests[..], LIMIT).map(|request| Ok(*request?.header()));
/// let mut count = 0;
/// for predictions in decryptor.decrypt_sequence(headers, ResponseReader::new(&responses[..], LIMIT)) {
///     count += predictions?.len();
/// }
/// assert_eq!(count, 300);
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Debug)]
pub struct MessageReader<T, R> {
    input: R,
    max_bytes: u64,
    position: u64,
    place: Place,
    message: PhantomData<fn() -> T>,
}

/// Reads a sequence of requests.
pub type RequestReader<R> = MessageReader<Request, R>;

/// Reads a sequence of responses.
pub type ResponseReader<R> = MessageReader<Response, R>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Later,
    End,
}

impl<T: Message, R: Read> MessageReader<T, R> {
    /// Reads from `input`, which need not be buffered, and refuses messages of more than `max_bytes` bytes.
    pub fn new(input: R, max_bytes: u64) -> Self {
        Self { input, max_bytes, position: 0, place: Place::Start, message: PhantomData }
    }

    /// Bytes of the messages read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn read(&mut self) -> Result<Option<T>> {
        let first = std::mem::replace(&mut self.place, Place::Later) == Place::Start;
        match envelope::next(T::WHAT, T::KIND, &mut self.input, self.max_bytes)? {
            Next::Item(bytes) => {
                self.position += bytes.len() as u64;
                T::read(&bytes).map(Some)
            }
            // Says what is wrong, with nothing as well.
            Next::Other(bytes) if first => T::read(&bytes).map(Some),
            Next::Other(bytes) if bytes.is_empty() => Ok(None),
            Next::Other(_) => Err(Error::CutOrPadded { what: T::WHAT }),
        }
    }
}

impl<T: Message, R: Read> Iterator for MessageReader<T, R> {
    type Item = Result<T>;

    /// # Errors
    /// Those of the message's `from_bytes`; [`Error::TooLarge`] above the limit; [`Error::Io`]; [`Error::CutOrPadded`] also if
    /// what follows a message is no other one of its kind.
    fn next(&mut self) -> Option<Self::Item> {
        if self.place == Place::End {
            return None;
        }
        let next = self.read().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.place = Place::End;
        }
        next
    }
}
