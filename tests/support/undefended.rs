//! An evaluator that lacks one of the defences of the real one, to show that attacks work which the real one withstands.
//!
//! It is written from the public operations on ciphertexts, so it shares no code with the real evaluator but the geometry
//! of the layouts.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rug::Integer;
use rug::integer::Order;
use tacita::encoding::{Packing, ResponsePart};
use tacita::inference::{Request, Response};
use tacita::model::PrivateModel;
use tacita::paillier::{Ciphertext, Plaintext, PublicKey};

use crate::wire::Message;

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Without {
    Nothing,
    Mask,
    /// The masks of all gaps but the one above the last answer.
    InnerMasks,
    /// The upper 16 bits of every mask but the last.
    TopOfMasks,
    Rerandomisation,
}

/// A request to a response. The mask follows from `seed`.
pub(crate) fn evaluate(
    model: &PrivateModel,
    key: &PublicKey,
    request: &Request,
    without: Without,
    seed: u64,
) -> Response {
    let packing = model.spec().packing(request.header().layout(), key.bits()).unwrap();
    let matrix = packing.layout().matrix(model.columns(), model.weights());
    let width = packing.columns(model.columns());
    let columns = key.ciphertexts_from_bytes(&Message::of_request(request).ciphertexts).unwrap();
    // Nobody but the tests must be kept from guessing this mask.
    let random = &mut SmallRng::seed_from_u64(seed);
    let mut response = Vec::new();
    for (batch, columns) in packing.batches(request.header().records()).zip(columns.chunks_exact(width)) {
        let rows: Vec<_> = matrix.chunks_exact(width).map(|weights| product(key, columns, weights)).collect();
        for part in batch.responses(model.rows()) {
            let shift = Integer::from(1) << batch.shift();
            let above = |sum: Ciphertext, row: &Ciphertext| key.add(&key.mul_plain(&sum, &shift)?, row);
            let mut rows = rows[part.coefficients()].iter().rev();
            let last = rows.next().unwrap().clone();
            let packed = rows.try_fold(last, above).unwrap();
            let mut addend = constants(model, &packing, &part);
            for gap in part.gaps() {
                let masks = gap.masks(key.modulus());
                let bound: Integer = match (without, gap.end) {
                    (Without::Mask, _) | (Without::InnerMasks, Some(_)) => 1.into(),
                    (Without::TopOfMasks, Some(_)) => Ord::max(masks >> 16, 1.into()),
                    _ => masks,
                };
                let number: [u64; 80] = std::array::from_fn(|_| random.random());
                addend += (Integer::from_digits(&number, Order::Lsf) % bound) << gap.start;
            }
            let addend = Plaintext::new(addend, key).unwrap();
            let mut answer = key.add_plain(&packed, &addend).unwrap();
            if without != Without::Rerandomisation {
                answer = key.rerandomise(&answer).unwrap();
            }
            response.extend(answer.to_bytes());
        }
    }
    let response = Message::new("tacita.response", request.header(), response);
    Response::from_bytes(&response.to_bytes()).unwrap()
}

/// One row: the sum of weight times column.
fn product(key: &PublicKey, columns: &[Ciphertext], weights: &[i32]) -> Ciphertext {
    let zero = key.ciphertext(&Integer::from(1)).unwrap();
    let add = |sum, (column, &weight): (&Ciphertext, &i32)| key.add(&sum, &key.mul_plain(column, &weight.into())?);
    columns.iter().zip(weights).try_fold(zero, add).unwrap()
}

/// Bias and centre in each answer's slot, offsets in those of junk.
fn constants(model: &PrivateModel, packing: &Packing, part: &ResponsePart) -> Integer {
    let records = part.answers() / part.rows().len();
    let biases = part.rows().flat_map(|row| vec![model.slot_bias()[row]; records]);
    let answers = biases.enumerate().map(|(answer, bias)| Integer::from(bias + packing.centre()) << part.place(answer));
    let offsets = part.junk().map(|bit| Integer::from(1) << (bit + packing.spacing() - 9));
    answers.chain(offsets).fold(Integer::new(), |sum, term| sum + term)
}
