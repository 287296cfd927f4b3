//! What `c-examples/bench.c` measures, in Rust: the medians of encrypting one record, evaluating and decrypting it, in
//! milliseconds, with a key of 3072 bits and one thread. `scripts/bench-c` runs both.
//!
//! ```text
//! call_cost MODEL ROUNDS
//! ```

use std::error::Error;
use std::time::Instant;

use tacita::inference::{Decryptor, Encryptor, Evaluator};
use tacita::model::PrivateModel;
use tacita::paillier::{KeySize, SecretKey};

/// A call and what becomes of its result.
fn timed<T>(times: &mut Vec<f64>, call: impl FnOnce() -> tacita::Result<T>) -> tacita::Result<()> {
    let start = Instant::now();
    drop(call()?);
    times.push(start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Without the first, which makes tables and fills caches.
fn median(times: &mut Vec<f64>) -> f64 {
    times.remove(0);
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, model, rounds] = arguments.as_slice() else { return Err("usage: call_cost MODEL ROUNDS".into()) };
    let rounds: usize = rounds.parse()?;
    tacita::set_threads(1)?;
    let model = PrivateModel::from_bytes(&std::fs::read(model)?)?;
    let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
    let record: Vec<_> = spec.features().grids().map(|grid| grid.decode(grid.least())).collect();
    let key = SecretKey::generate(KeySize::Bits3072)?;
    let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?;
    let evaluator = Evaluator::new(model);
    let decryptor = Decryptor::new(spec, pin, key.clone())?;
    let request = encryptor.encrypt(&[&record])?;
    let response = evaluator.evaluate(&request, key.public_key())?;
    let [mut encrypt, mut evaluate, mut decrypt] = [const { Vec::new() }; 3];
    for _ in 0..=rounds.max(1) {
        timed(&mut encrypt, || encryptor.encrypt(&[&record]))?;
        timed(&mut evaluate, || evaluator.evaluate(&request, key.public_key()))?;
        timed(&mut decrypt, || decryptor.decrypt(&response, request.header()))?;
    }
    let [encrypt, evaluate, decrypt] = [&mut encrypt, &mut evaluate, &mut decrypt].map(median);
    let backend = key.public_key().backend();
    print!(r#"{{"bits":3072,"threads":1,"backend":"{backend}","rounds":{rounds},"#);
    println!(r#""ms":{{"encrypt":{encrypt:.4},"evaluate":{evaluate:.4},"decrypt":{decrypt:.4}}}}}"#);
    Ok(())
}
