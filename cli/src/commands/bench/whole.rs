//! Records to predictions: encrypt, evaluate, decrypt.

use tacita::Backend;
use tacita::encoding::Layout;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response};
use tacita::model::{PrivateModel, PublicSpec};
use tacita::paillier::SecretKey;
use tacita_datasets::{Digit, PIXELS};

use super::clock::Clock;
use super::facts::{Facts, Lengths, Times, Whole};
use crate::exit::Failure;

/// One record in the layouts worth having, and full batches in `records`.
pub(super) fn measure(
    facts: &mut Facts,
    clock: Clock,
    backend: Backend,
    key: &SecretKey,
    model: &PrivateModel,
    more: Option<usize>,
) -> Result<(), Failure> {
    let bits = key.public_key().bits();
    let capacity = model.spec().packing(Layout::Records, bits)?.capacity();
    let mut layouts = worthy(model.spec(), bits);
    layouts.truncate(if clock.is_quick() { 2 } else { layouts.len() });
    let mut cases: Vec<_> = layouts.into_iter().map(|layout| (layout, 1)).collect();
    cases.push((Layout::Records, capacity));
    cases.extend(more.filter(|&records| records > 1 && records != capacity).map(|records| (Layout::Records, records)));
    let evaluator = Evaluator::new(model.clone()).max_records(usize::MAX);
    for (layout, records) in cases {
        // Here rows with a pool of nonces would join in.
        let pool = false;
        let (ms, bytes, peak_memory_mb) = whole(clock, key, &evaluator, layout, records)?;
        let (layout, backend) = (layout.to_string(), backend.name().into());
        let threads = tacita::threads()?;
        facts.whole.push(Whole { layout, records, bits, backend, threads, pool, ms, bytes, peak_memory_mb });
    }
    Ok(())
}

/// The layouts for one record that no other one beats in both requests and responses.
fn worthy(spec: &PublicSpec, bits: u32) -> Vec<Layout> {
    let (features, rows) = (spec.features().len(), spec.labels().len());
    let ciphertexts = |layout| {
        let packing = spec.packing(layout, bits).ok()?;
        Some((layout, packing.request_ciphertexts(1, features), packing.response_ciphertexts(1, rows)))
    };
    let all: Vec<_> = spec.layouts().filter_map(ciphertexts).collect();
    let beaten = |&&(layout, up, down): &&(Layout, u64, u64)| {
        !all.iter().any(|&(other, u, d)| other != layout && u <= up && d <= down && (u, d) != (up, down))
    };
    let mut worthy: Vec<_> = all.iter().filter(beaten).map(|found| found.0).collect();
    if !worthy.contains(&Layout::Records) {
        worthy.insert(0, Layout::Records);
    }
    worthy
}

/// The medians for one request.
fn whole(
    clock: Clock,
    key: &SecretKey,
    evaluator: &Evaluator,
    layout: Layout,
    count: usize,
) -> Result<(Times, Lengths, Option<f64>), Failure> {
    let records = records(count);
    let (spec, pin) = (evaluator.spec().clone(), evaluator.spec().fingerprint());
    let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?.layout(layout)?;
    evaluator.prepare(layout)?;
    let decryptor = Decryptor::new(spec, pin, key.clone())?;
    // Tables are made before the clock starts.
    key.nonces(key.nonce_method(), 1)?;
    forget_peak_memory();

    let mut request = Vec::new();
    let encrypt = clock.median(|| {
        request = encryptor.encrypt(&records)?.to_bytes();
        Ok(())
    })?;
    let mut response = Vec::new();
    let evaluate = clock.median(|| {
        let request = Request::from_bytes(&request)?;
        response = evaluator.evaluate(&request, key.public_key())?.to_bytes();
        Ok(())
    })?;
    let header = *Request::from_bytes(&request)?.header();
    let decrypt = clock.median(|| {
        decryptor.decrypt(&Response::from_bytes(&response)?, &header)?;
        Ok(())
    })?;
    let times = Times { encrypt: encrypt * 1e3, evaluate: evaluate * 1e3, decrypt: decrypt * 1e3 };
    Ok((times, Lengths { request: request.len(), response: response.len() }, peak_memory()))
}

/// So many records, the drawn digits over and over.
fn records(count: usize) -> Vec<[f64; PIXELS]> {
    Digit::embedded().iter().map(|digit| digit.pixels.map(f64::from)).cycle().take(count).collect()
}

/// Linux starts the peak anew when told so.
fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// In MB, where Linux tells it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0 / 1e6)
}
