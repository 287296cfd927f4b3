//! A look at whether the library computes rightly where it is installed.

use super::{Decryptor, Encryptor, Evaluator, Prediction, Request, Response};
use crate::arith::Backend;
use crate::encoding::{Layout, OutOfRange};
use crate::error::{Error, Result};
use crate::model::PrivateModel;
use crate::paillier::{LinearLayer, SecretKey};

/// The known answers, from the vectors that every implementation can be tested with.
const KEY: &str = include_str!("../../tests/vectors/secret-key.json");
const MODEL: &[u8] = include_bytes!("../../tests/vectors/model.safetensors");
const RECORDS: &str = include_str!("../../tests/vectors/records.txt");
const REQUEST: &[u8] = include_bytes!("../../tests/vectors/request.cbor");
const RESPONSE: &[u8] = include_bytes!("../../tests/vectors/response.cbor");

/// Tests every engine that this machine has, in some tenths of a second: a recorded response must decrypt to its known
/// answers; fresh records, encrypted with either half of a key and in two layouts, must come back as the model in plain
/// computes them; and all engines must compute the same ciphertexts from the same ones. For whoever has to show, when a
/// service starts, that it works on this very machine. The key is a published one.
///
/// ```
/// tacita::inference::self_test()?;
/// # Ok::<(), tacita::Error>(())
/// ```
///
/// # Errors
/// [`Error::SelfTest`] if anything comes out wrong, or what the part that failed has failed with: do not use this
/// installation then. [`Error::Randomness`], [`Error::Threads`]; [`Error::Backend`] if the environment asks
/// for an engine that is not there.
pub fn self_test() -> Result<()> {
    let model = PrivateModel::from_bytes(MODEL)?;
    let (features, spec, pin) = (model.spec().features(), model.spec(), model.spec().fingerprint());
    let number = |text: &str| text.parse::<f64>().map_err(|_| Error::Bug("a recorded value is no number"));
    let record = |line: &str| line.split_whitespace().map(number).collect::<Result<Vec<_>>>();
    let records = RECORDS.lines().map(record).collect::<Result<Vec<_>>>()?;
    let expected = |record: &Vec<f64>| {
        let mut integers = vec![0; features.len()];
        features.encode(record, OutOfRange::Refuse, &mut integers)?;
        model.evaluate(&integers)
    };
    let expected = records.iter().map(expected).collect::<Result<Vec<_>>>()?;
    let evaluator = Evaluator::new(model.clone());
    let mut rows = None;
    for engine in Backend::available() {
        let check =
            |holds: bool, what| if holds { Ok(()) } else { Err(Error::SelfTest { engine: engine.name(), what }) };
        let right = |predictions: &[Prediction]| {
            predictions.len() == expected.len()
                && predictions.iter().zip(&expected).all(|(found, expected)| found.outputs == *expected)
        };
        let key = SecretKey::from_json(KEY)?.on(engine)?;
        let decryptor = Decryptor::new(spec.clone(), pin, key.clone())?;
        let (request, response) = (Request::from_bytes(REQUEST)?, Response::from_bytes(RESPONSE)?);
        check(right(&decryptor.decrypt(&response, request.header())?), "a recorded response")?;

        for layout in [Layout::Records, Layout::Features { together: 2 }] {
            let secret = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?;
            let public = Encryptor::with_public_key(spec.clone(), pin, key.public_key().clone())?;
            for encryptor in [secret, public] {
                let request = encryptor.layout(layout)?.encrypt(&records)?;
                let response = evaluator.evaluate(&request, key.public_key())?;
                check(right(&decryptor.decrypt(&response, request.header())?), "a fresh request")?;
            }
        }

        let ciphertexts = key.public_key().ciphertexts_from_bytes(&request.ciphertexts[..])?;
        let layer = LinearLayer::new(ciphertexts.len(), &(1..=ciphertexts.len() as i32).collect::<Vec<_>>())?;
        let found: Vec<_> = layer.apply(key.public_key(), &ciphertexts)?.iter().map(|row| row.to_bytes()).collect();
        check(rows.get_or_insert_with(|| found.clone()) == &found, "a linear layer")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_build_passes() {
        self_test().unwrap();
    }
}
