//! What the fuzz targets share. Each target reads an input within the bound on memory, and goes on with what was accepted
//! as far as that costs little. The `read_` functions say whether they came to the end.

#[path = "../../tests/support/counting.rs"]
mod counting;
#[path = "../../tests/support/fixtures.rs"]
pub mod fixtures;
#[path = "../../tests/support/wire.rs"]
pub mod wire;

use std::io::Read;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use tacita::encoding::{Grid, Layout};
use tacita::inference::{Decryptor, Evaluator, Request, RequestReader, Response};
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
const SPEC_PREFIX: &str = "{\n  \"sha256\": \"";
/// What the header of every private model begins with, up to its SHA-256.
const MODEL_PREFIX: &str = "{\"__metadata__\":{\"tacita.sha256\":\"";
/// Length of a SHA-256 in digits.
const DIGITS: usize = 64;

/// A file that begins with `before` and ends with `after`, its SHA-256 between them.
fn sealed(before: &[u8], after: &[u8]) -> Vec<u8> {
    let digest: [u8; 32] = Sha256::new().chain_update(before).chain_update(after).finalize().into();
    [before, Fingerprint::from(digest).to_string().as_bytes(), after].concat()
}

/// A spec from what follows its SHA-256.
pub fn sealed_spec(after: &[u8]) -> Vec<u8> {
    sealed(SPEC_PREFIX.as_bytes(), after)
}

/// What follows the SHA-256 of a spec.
pub fn unsealed_spec(spec: &[u8]) -> &[u8] {
    &spec[SPEC_PREFIX.len() + DIGITS..]
}

/// A private model from its file without SHA-256 and what stands before that in the header. The spec, which is the last
/// tensor of what we write, gets its right SHA-256 too.
pub fn sealed_model(bytes: &[u8]) -> Vec<u8> {
    let Some((length, after)) = bytes.split_first_chunk::<8>() else { return Vec::new() };
    let mut after = after.to_vec();
    let spec = after.windows(SPEC_PREFIX.len()).rposition(|window| window == SPEC_PREFIX.as_bytes());
    if let Some(start) = spec.filter(|start| after.len() - start >= SPEC_PREFIX.len() + DIGITS) {
        let spec = sealed_spec(unsealed_spec(&after[start..]));
        after.truncate(start);
        after.extend(spec);
    }
    sealed(&[length, MODEL_PREFIX.as_bytes()].concat(), &after)
}

/// What [`sealed_model`] seals.
pub fn unsealed_model(model: &[u8]) -> Vec<u8> {
    [&model[..8], &model[8 + MODEL_PREFIX.len() + DIGITS..]].concat()
}

/// A private model whose header fits its tensors, whatever they say. The first three bytes tell rows, columns, and in the
/// lowest bit whether weights take two bytes; in its other bits, how many places the biases are shifted. What follows the
/// SHA-256 of the spec comes next, and after a zero byte the numbers, repeated as needed.
pub fn model_of_parts(bytes: &[u8]) -> Vec<u8> {
    let Some((&[rows, columns, kind], rest)) = bytes.split_first_chunk() else { return Vec::new() };
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    let (width, dtype) = if kind & 1 == 0 { (1, "I8") } else { (2, "I16") };
    let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
    let spec = sealed_spec(&rest[..end]);
    let numbers = rest.get(end + 1..).filter(|numbers| !numbers.is_empty()).unwrap_or(&[0]).iter().copied().cycle();
    let (bias_end, weights_end) = (8 * rows, 8 * rows + rows * columns * width);
    let header = format!(
        "\",\"tacita.format\":\"tacita-model/1\"}},\
         \"bias\":{{\"dtype\":\"I64\",\"shape\":[{rows}],\"data_offsets\":[0,{bias_end}]}},\
         \"weights\":{{\"dtype\":\"{dtype}\",\"shape\":[{rows},{columns}],\"data_offsets\":[{bias_end},{weights_end}]}},\
         \"spec\":{{\"dtype\":\"U8\",\"shape\":[{}],\"data_offsets\":[{weights_end},{}]}}}}",
        spec.len(),
        weights_end + spec.len(),
    );
    let length = ((MODEL_PREFIX.len() + DIGITS + header.len()) as u64).to_le_bytes();
    let bias =
        numbers.clone().take(rows).flat_map(|byte| (i64::from(byte.cast_signed()) << ((kind >> 1) % 64)).to_le_bytes());
    let weights = numbers.take(rows * columns * width);
    let after = [header.as_bytes(), &bias.chain(weights).collect::<Vec<u8>>(), &spec].concat();
    sealed(&[&length, MODEL_PREFIX.as_bytes()].concat(), &after)
}

/// Reads a request and goes on up to where an evaluator would multiply.
pub fn read_request(bytes: &[u8]) -> bool {
    let key = fixtures::KEY.public_key();
    let Ok(request) = bounded(bytes.len(), || Request::from_bytes(bytes)) else { return false };
    assert_eq!(request.to_bytes(), bytes, "there is one way to write a request");
    EVALUATOR.check_only(&request, key).is_ok()
}

/// Reads a sequence of requests, in one go and byte by byte.
pub fn read_sequence(bytes: &[u8]) -> bool {
    struct Trickle<'a>(&'a [u8]);
    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }
    let (mut written, mut failure) = (Vec::new(), None);
    let requests = bounded(bytes.len(), || RequestReader::new(bytes, 1 << 20).collect::<Vec<_>>());
    let slowly = RequestReader::new(Trickle(bytes), 1 << 20).map(|request| request.map(|request| *request.header()));
    assert!(
        requests
            .iter()
            .map(|request| request.as_ref().map(|request| *request.header()).map_err(Clone::clone))
            .eq(slowly)
    );
    for request in requests {
        assert!(failure.is_none(), "nothing comes after an error");
        match request {
            Ok(request) => written.extend(request.to_bytes()),
            Err(error) => failure = Some(error),
        }
    }
    assert!(bytes.starts_with(&written) && (failure.is_some() || bytes == written));
    failure.is_none()
}

/// Reads a response and decrypts it, should it answer the request that it says it answers.
pub fn read_response(bytes: &[u8]) -> bool {
    let Ok(response) = bounded(bytes.len(), || Response::from_bytes(bytes)) else { return false };
    assert_eq!(response.to_bytes(), bytes, "there is one way to write a response");
    let Ok(predictions) = DECRYPTOR.decrypt(&response, response.header()) else { return false };
    assert_eq!(predictions.len(), response.header().records());
    true
}

/// Reads a spec and asks it all that can be asked.
pub fn read_spec(bytes: &[u8]) -> bool {
    let Ok(spec) = bounded(bytes.len(), || PublicSpec::from_json(bytes)) else { return false };
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
        assert!(spec.packing(Layout::Records, key_bits).is_ok(), "every slot that is accepted fits every key");
    }
    assert!(spec.layouts().all(|layout| spec.packing(layout, 4096).is_ok()), "every layout fits the longest key");
    assert!(spec.logits(&[i64::MIN >> 2, i64::MAX >> 2]).iter().all(|logit| !logit.is_nan()));
    true
}

/// Reads a private model and evaluates the two ends of its grids in plain arithmetic.
pub fn read_model(bytes: &[u8]) -> bool {
    let Ok(model) = bounded(bytes.len(), || PrivateModel::from_bytes(bytes)) else { return false };
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
    true
}
