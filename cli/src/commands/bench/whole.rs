//! Records to predictions: encrypt, evaluate, decrypt.

use tacita::Backend;
use tacita::encoding::Layout;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Nonces, Request, Response, UnitCosts};
use tacita::paillier::{NonceMethod, NoncePool, SecretKey};
use tacita_datasets::Digit;

use super::clock::Clock;
use super::facts::{Facts, Lengths, Times, Whole};
use crate::exit::Failure;

/// Layouts in which one record is measured, beside `records`: the quickest by the planner.
const LAYOUTS: usize = 2;

/// One record in the best layouts, without and with nonces at hand, and full batches in `records`.
pub(super) fn measure(
    facts: &mut Facts,
    clock: Clock,
    backend: Backend,
    key: &SecretKey,
    evaluator: &Evaluator,
    more: Option<usize>,
) -> Result<(), Failure> {
    let (bits, threads, spec) = (key.public_key().bits(), tacita::threads()?, evaluator.spec());
    let capacity = spec.packing(Layout::Records, bits)?.capacity();
    let costs = UnitCosts::measure(key)?;
    let mut cases = Vec::new();
    for pool in [false, true] {
        let nonces = if pool { Nonces::Pool } else { Nonces::Secret };
        // To choose among layouts it is enough to estimate: a plan takes seconds.
        let estimate = |_| Ok(UnitCosts::estimated_multiplications(spec));
        let quickest = costs.forecasts(spec, 1, nonces, estimate)?.into_iter().map(|forecast| forecast.layout);
        let others = quickest.filter(|&layout| layout != Layout::Records).take(LAYOUTS.div_ceil(clock.thrift));
        cases.extend(others.chain([Layout::Records]).map(|layout| (layout, 1, pool)));
        cases.push((Layout::Records, capacity, pool));
    }
    cases.extend(more.filter(|&records| records > 1 && records != capacity).map(|more| (Layout::Records, more, false)));
    for (layout, records, pool) in cases {
        let digits: Vec<_> = Digit::embedded().iter().map(|digit| digit.pixels.map(f64::from)).collect();
        let records: Vec<_> = digits.iter().cycle().take(records).collect();
        let (ms, bytes, peak_memory_mb) = whole(clock, key, evaluator, layout, &records, pool)?;
        let (layout, records, backend) = (layout.to_string(), records.len(), backend.name().into());
        facts.whole.push(Whole { layout, records, bits, backend, threads, pool, ms, bytes, peak_memory_mb });
    }
    Ok(())
}

/// The medians for one request. Tables and plans are made before the clock starts; so are nonces, if there is a `pool`.
pub(in crate::commands) fn whole<R: AsRef<[f64]>>(
    clock: Clock,
    key: &SecretKey,
    evaluator: &Evaluator,
    layout: Layout,
    records: &[R],
    pool: bool,
) -> Result<(Times, Lengths, Option<f64>), Failure> {
    let (spec, pin, public) = (evaluator.spec().clone(), evaluator.spec().fingerprint(), key.public_key());
    evaluator.prepare(layout)?;
    key.nonces(key.nonce_method(), 1)?;
    let packing = spec.packing(layout, public.bits())?;
    let mut encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?.layout(layout)?;
    let mut pools = Vec::new();
    if pool {
        let up = packing.request_ciphertexts(records.len(), spec.features().len()) as usize;
        let down = packing.response_ciphertexts(records.len(), spec.labels().len()) as usize;
        pools.push(NoncePool::with_secret_key(key, key.nonce_method(), up)?);
        pools.push(NoncePool::with_public_key(public, NonceMethod::Power, down)?);
        encryptor = encryptor.with_pool(pools[0].clone())?;
        evaluator.set_pool(pools[1].clone())?;
    }
    let filled = || pools.iter().try_for_each(NoncePool::fill).map_err(Failure::from);
    let decryptor = Decryptor::new(spec, pin, key.clone())?;
    forget_peak_memory();

    let mut request = Vec::new();
    let encrypt = clock.median_after(filled, || {
        request = encryptor.encrypt(records)?.to_bytes();
        Ok(())
    })?;
    let mut response = Vec::new();
    let evaluate = clock.median_after(filled, || {
        let request = Request::from_bytes(&request)?;
        response = evaluator.evaluate(&request, public)?.to_bytes();
        Ok(())
    })?;
    evaluator.remove_pool(public.fingerprint());
    let header = *Request::from_bytes(&request)?.header();
    let decrypt = clock.median(|| {
        decryptor.decrypt(&Response::from_bytes(&response)?, &header)?;
        Ok(())
    })?;
    let times = Times { encrypt: encrypt * 1e3, evaluate: evaluate * 1e3, decrypt: decrypt * 1e3 };
    Ok((times, Lengths { request: request.len(), response: response.len() }, peak_memory()))
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
