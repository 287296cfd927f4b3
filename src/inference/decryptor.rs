//! The hospital's way in: a response to predictions.

use std::fmt;

use zeroize::Zeroizing;

use super::{Header, Response};
use crate::encoding::Layout;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::model::PublicSpec;
use crate::paillier::SecretKey;
use crate::threads;

/// Decrypts responses of one model under one key.
#[derive(Debug)]
pub struct Decryptor {
    spec: PublicSpec,
    key: SecretKey,
}

/// What the model says of one record. Whether it is right is not proved: a cheating service can return anything.
/// `Debug` shows nothing of it.
#[derive(Clone, PartialEq)]
pub struct Prediction {
    /// The model's exact integer outputs, one a row.
    pub outputs: Vec<i64>,
    /// The outputs in real numbers: integers times the spec's scale.
    pub logits: Vec<f64>,
    /// The logits through the spec's activation.
    pub probabilities: Vec<f64>,
    /// Index of the class.
    pub class: usize,
}

impl fmt::Debug for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prediction(redacted)")
    }
}

impl Decryptor {
    /// A decryptor. `pin` is the spec's fingerprint, obtained apart from the service.
    ///
    /// # Errors
    /// [`Error::SpecMismatch`] if the spec is not the pinned one; [`Error::Model`] or [`Error::Argument`] if the model's
    /// slots do not fit the key.
    pub fn new(spec: PublicSpec, pin: Fingerprint, key: SecretKey) -> Result<Self> {
        spec.expect(pin)?;
        spec.packing(Layout::Records, key.public_key().bits())?;
        Ok(Self { spec, key })
    }

    /// The model's public spec.
    pub fn spec(&self) -> &PublicSpec {
        &self.spec
    }

    /// Decrypts the response to the request with header `request`: one prediction a record, in the request's order.
    ///
    /// # Errors
    /// Before anything is decrypted: [`Error::SpecMismatch`], [`Error::KeyMismatch`], [`Error::RequestMismatch`];
    /// [`Error::Malformed`] if the spec does not permit the request's layout, or there are not as many ciphertexts as there
    /// should be; [`Error::Ciphertext`] if one is
    /// invalid; [`Error::Threads`]. After that [`Error::Decryption`] alone: never send it back, never retry automatically.
    pub fn decrypt(&self, response: &Response, request: &Header) -> Result<Vec<Prediction>> {
        let public = self.key.public_key();
        request.expect(public.fingerprint(), self.spec.fingerprint())?;
        response.header.expect(public.fingerprint(), self.spec.fingerprint())?;
        if response.header != *request {
            return Err(Error::RequestMismatch);
        }
        let packing = request.packing(&self.spec, public.bits())?;
        let rows = self.spec.labels().len();
        let expected = packing.response_ciphertexts(request.records(), rows);
        if response.ciphertexts.len() as u64 != expected * public.ciphertext_bytes() as u64 {
            let found = response.ciphertexts.len();
            let why = format!("its records need {expected} ciphertexts; it holds {found} bytes of them");
            return Err(Error::malformed("response", why));
        }
        let ciphertexts = public.ciphertexts_from_bytes(&response.ciphertexts)?;
        // A machine that grants no threads has not decrypted anything.
        threads::threads()?;
        let plaintexts = self.key.decrypt_batch(&ciphertexts).map_err(|_| Error::Decryption)?;
        let mut plaintexts = plaintexts.iter();
        let mut outputs = Zeroizing::new(vec![0; request.records() * rows]);
        for batch in packing.batches(request.records()) {
            for (part, plaintext) in batch.responses(rows).zip(&mut plaintexts) {
                let mut answers = Zeroizing::new(vec![0; part.answers()]);
                part.unpack(plaintext.limbs(), &mut answers).map_err(|_| Error::Decryption)?;
                for (row, answers) in part.rows().zip(answers.chunks_exact(batch.len())) {
                    for (record, &answer) in batch.records().zip(answers) {
                        outputs[record * rows + row] = answer;
                    }
                }
            }
        }
        Ok(outputs.chunks_exact(rows).map(|outputs| self.predict(outputs)).collect())
    }

    /// Decrypts a sequence of responses, one by one, to the sequence of requests with these headers: the predictions of one
    /// request after another, as long as each response answers the request at its place.
    ///
    /// # Errors
    /// As items, after which nothing more comes: those of the two sequences; those of [`decrypt`](Self::decrypt);
    /// [`Error::CutOrPadded`] if there are fewer responses than requests, or more. Predictions that came before an error are
    /// right, and not all.
    pub fn decrypt_sequence<E: From<Error>>(
        &self,
        requests: impl IntoIterator<Item = Result<Header, E>>,
        responses: impl IntoIterator<Item = Result<Response, E>>,
    ) -> impl Iterator<Item = Result<Vec<Prediction>, E>> {
        let (mut requests, mut responses) = (requests.into_iter(), responses.into_iter());
        let mut next = move || match (requests.next().transpose()?, responses.next().transpose()?) {
            (Some(request), Some(response)) => Ok(Some(self.decrypt(&response, &request)?)),
            (None, None) => Ok(None),
            _ => Err(Error::CutOrPadded { what: "sequence of responses" }.into()),
        };
        let mut failed = false;
        std::iter::from_fn(move || {
            let item = if failed { None } else { next().transpose() };
            failed = matches!(item, Some(Err(_)));
            item
        })
        .fuse()
    }

    fn predict(&self, outputs: &[i64]) -> Prediction {
        let logits = self.spec.logits(outputs);
        let activation = self.spec.activation();
        Prediction {
            outputs: outputs.to_vec(),
            probabilities: activation.probabilities(&logits),
            class: activation.class(&logits),
            logits,
        }
    }
}
