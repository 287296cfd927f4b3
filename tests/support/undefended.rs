//! An evaluator that lacks one of the two defences of the real one, to show that attacks work which the real one withstands.
//!
//! It is written from the public operations on ciphertexts, so it shares no code with the real evaluator.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rug::Integer;
use rug::integer::Order;
use tacita::encoding::{Batch, RecordsLayout, ResponsePart};
use tacita::inference::{Request, Response};
use tacita::model::PrivateModel;
use tacita::paillier::{Ciphertext, Plaintext, PublicKey};

use crate::wire::Message;

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Without {
    Mask,
    Rerandomisation,
}

/// A request to a response.
pub(crate) fn evaluate(model: &PrivateModel, key: &PublicKey, request: &Request, without: Without) -> Response {
    let layout = model.spec().layout(key.bits()).unwrap();
    let columns = key.ciphertexts_from_bytes(&Message::of_request(request).ciphertexts).unwrap();
    // Nobody but the tests must be kept from guessing this mask.
    let random = &mut SmallRng::seed_from_u64(1);
    let mut response = Vec::new();
    for (batch, columns) in layout.batches(request.header().records()).zip(columns.chunks_exact(model.columns())) {
        let rows: Vec<_> = (0..model.rows()).map(|row| product(key, columns, model.weights_row(row))).collect();
        for part in batch.responses(model.rows()) {
            let shift = Integer::from(1) << (batch.len() as u32 * layout.slot_bits());
            let above = |sum: Ciphertext, row: &Ciphertext| key.add(&key.mul_plain(&sum, &shift)?, row);
            let mut rows = rows[part.rows.clone()].iter().rev();
            let last = rows.next().unwrap().clone();
            let packed = rows.try_fold(last, above).unwrap();
            let mut addend = constants(model, &layout, &batch, &part);
            if without != Without::Mask {
                let number: [u64; 80] = std::array::from_fn(|_| random.random());
                let bound = Integer::from(key.modulus() >> part.used_bits);
                addend += (Integer::from_digits(&number, Order::Lsf) % bound) << part.used_bits;
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

/// One row: the sum of weight times feature.
fn product(key: &PublicKey, columns: &[Ciphertext], weights: &[i32]) -> Ciphertext {
    let zero = key.ciphertext(&Integer::from(1)).unwrap();
    let add = |sum, (column, &weight): (&Ciphertext, &i32)| key.add(&sum, &key.mul_plain(column, &weight.into())?);
    columns.iter().zip(weights).try_fold(zero, add).unwrap()
}

/// Bias and centre in each slot.
pub(crate) fn constants(model: &PrivateModel, layout: &RecordsLayout, batch: &Batch, part: &ResponsePart) -> Integer {
    let slots = model.slot_bias()[part.rows.clone()].iter().flat_map(|bias| std::iter::repeat_n(bias, batch.len()));
    let above = |sum: Integer, bias: &i64| (sum << layout.slot_bits()) + layout.centre() + bias;
    slots.rev().fold(Integer::new(), above)
}
