//! What the single jobs cost.

use tacita::Backend;
use tacita::paillier::{KeySize, LinearLayer, NonceMethod, Plaintext, SecretKey, UnverifiedPublicKey};

use super::clock::Clock;
use super::facts::{Facts, Job};
use super::plans;
use crate::exit::Failure;

pub(super) fn measure(
    facts: &mut Facts,
    clock: Clock,
    backend: Backend,
    size: KeySize,
    key: &SecretKey,
) -> Result<(), Failure> {
    let threads = tacita::threads()?;
    let mut job = |job: &str, batch: usize, run: &mut dyn FnMut() -> Result<(), Failure>| {
        let us = clock.median(run)? * 1e6 / batch as f64;
        let (job, backend) = (job.into(), backend.name().into());
        facts.jobs.push(Job { job, bits: size.bits(), backend, threads, us, batch });
        Ok::<_, Failure>(())
    };
    let public = key.public_key();
    // Full lanes, so often that starting and stopping does not count.
    let full = |times: usize| (times / clock.thrift).max(1) * backend.lanes() * threads;

    let count = full(64);
    let plaintexts = (0..count).map(|value| Plaintext::new(value, public)).collect::<tacita::Result<Vec<_>>>()?;
    // Tables are made before the clock starts.
    key.encrypt(&plaintexts[0])?;
    public.encrypt(&plaintexts[0])?;
    job("encrypt_secret", count, &mut || {
        key.encrypt_batch(&plaintexts)?;
        Ok(())
    })?;
    job("encrypt_public", count, &mut || {
        public.encrypt_batch(&plaintexts)?;
        Ok(())
    })?;
    let count = full(16);
    let ciphertexts = key.encrypt_batch(&plaintexts[..count])?;
    job("decrypt_batch", count, &mut || {
        key.decrypt_batch(&ciphertexts)?;
        Ok(())
    })?;
    job("decrypt_one", 1, &mut || {
        key.decrypt(&ciphertexts[0])?;
        Ok(())
    })?;
    let count = full(8);
    job("nth_power", count, &mut || {
        public.nonces(NonceMethod::Power, count)?;
        Ok(())
    })?;

    let layer = LinearLayer::new(plans::COLUMNS, &plans::gaussian(8))?;
    let pixel = |i| Plaintext::new((i % 256) as u32, public);
    let pixels = (0..plans::COLUMNS).map(pixel).collect::<Result<Vec<_>, _>>()?;
    let x = key.encrypt_batch(&pixels)?;
    job("linear_layer", 1, &mut || {
        layer.apply(public, &x)?;
        Ok(())
    })?;

    job("keygen", 1, &mut || {
        SecretKey::generate(size)?;
        Ok(())
    })?;
    key.proof()?;
    let unverified = UnverifiedPublicKey::from(public);
    job("verify_key", 1, &mut || {
        unverified.clone().verify()?;
        Ok(())
    })?;
    let text = key.to_json()?;
    job("load_key", 1, &mut || {
        SecretKey::from_json(&text)?.nonces(key.nonce_method(), 1)?;
        Ok(())
    })
}
