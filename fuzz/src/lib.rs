//! What the fuzz targets share. Each target reads an input within the bound on memory, and goes on with what was accepted
//! as far as that costs little.

#[path = "../../tests/support/counting.rs"]
mod counting;
#[path = "../../tests/support/fixtures.rs"]
pub mod fixtures;
#[path = "../../tests/support/wire.rs"]
pub mod wire;

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use tacita::encoding::Grid;
use tacita::inference::{Decryptor, Evaluator, Request, Response};
use tacita::model::{PrivateModel, PublicSpec};
use tacita::{Error, Fingerprint};

pub use counting::bounded;

/// The model that requests in the corpus are for: two features, two outputs.
pub static MODEL: LazyLock<PrivateModel> =
    LazyLock::new(|| fixtures::random_model(2, 2, Grid::new(0.0, 1.0, 0, 255).expect("pixels are a grid"), 1));

/// Its evaluator.
pub static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| Evaluator::new(MODEL.clone()));

static DECRYPTOR: LazyLock<Decryptor> = LazyLock::new(|| {
    let spec = MODEL.spec().clone();
    let pin = spec.fingerprint();
    Decryptor::new(spec, pin, fixtures::KEY.clone()).expect("the spec is the pinned one")
});

/// What every spec begins with, up to its SHA-256.
pub const SPEC_PREFIX: &str = "{\n  \"sha256\": \"";
/// What the header of every private model begins with, up to its SHA-256.
pub const MODEL_PREFIX: &str = "{\"__metadata__\":{\"tacita.sha256\":\"";
/// Length of a SHA-256 in digits.
pub const DIGITS: usize = 64;

/// A file that begins with `before` and ends with `after`, its SHA-256 between them.
pub fn sealed(before: &[u8], after: &[u8]) -> Vec<u8> {
    let digest: [u8; 32] = Sha256::new().chain_update(before).chain_update(after).finalize().into();
    [before, Fingerprint::from(digest).to_string().as_bytes(), after].concat()
}

/// Reads a request and goes on up to where an evaluator would multiply.
pub fn read_request(bytes: &[u8]) {
    let key = fixtures::KEY.public_key();
    let Ok(request) = bounded(bytes.len(), || Request::from_bytes(bytes)) else { return };
    assert_eq!(request.to_bytes(), bytes, "there is one way to write a request");
    let _ = EVALUATOR.check_only(&request, key);
}

/// Reads a response and decrypts it, should it answer the request that it says it answers.
pub fn read_response(bytes: &[u8]) {
    let Ok(response) = bounded(bytes.len(), || Response::from_bytes(bytes)) else { return };
    assert_eq!(response.to_bytes(), bytes, "there is one way to write a response");
    if let Ok(predictions) = DECRYPTOR.decrypt(&response, response.header()) {
        assert_eq!(predictions.len(), response.header().records());
    }
}

/// Reads a spec and asks it all that can be asked.
pub fn read_spec(bytes: &[u8]) {
    let Ok(spec) = bounded(bytes.len(), || PublicSpec::from_json(bytes)) else { return };
    assert_eq!(spec.as_json().as_bytes(), bytes);
    assert!(spec.labels().count() > 0);
    let features = spec.features();
    let last = features.len() - 1;
    let grid = features.grid(last);
    assert!(!features.name(last).is_empty() && features.grids().last() == Some(grid));
    for end in [grid.least(), grid.greatest()] {
        assert_eq!(grid.encode(grid.decode(end)), Some(end));
    }
    for key_bits in [2048, 3072, 4096] {
        assert!(spec.layout(key_bits).is_ok(), "every slot that is accepted fits every key");
    }
    assert!(spec.logits(&[i64::MIN >> 2, i64::MAX >> 2]).iter().all(|logit| !logit.is_nan()));
}

/// Reads a private model and evaluates the two ends of its grids in plain arithmetic.
pub fn read_model(bytes: &[u8]) {
    let Ok(model) = bounded(bytes.len(), || PrivateModel::from_bytes(bytes)) else { return };
    let limit = 1_i64 << (model.spec().slot_bits() - 1);
    let ends: [Vec<i64>; 2] =
        model.spec().features().grids().map(|grid| (grid.least(), grid.greatest())).unzip().into();
    for record in &ends {
        match model.evaluate(record) {
            Ok(outputs) => assert!(outputs.iter().all(|output| -limit <= *output && *output < limit)),
            Err(error) => panic!("the ends of the grids are on the grids: {error}"),
        }
    }
    let written = model.to_bytes();
    match PrivateModel::from_bytes(&written) {
        Ok(again) => assert_eq!(again.to_bytes(), written),
        Err(Error::TooLarge { .. }) => {}
        Err(error) => panic!("what was written is not read: {error}"),
    }
}
