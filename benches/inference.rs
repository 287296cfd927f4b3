//! The whole job on a 10 x 784 model with pixels as features: `step/layout/bits/backend/records`, with every engine that the
//! machine has, or the one that `TACITA_BACKEND` asks for.
#![allow(missing_docs)]

#[path = "support/engines.rs"]
mod engines;
#[path = "../tests/support/fixtures.rs"]
mod fixtures;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tacita::encoding::Grid;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response};
use tacita::paillier::{KeySize, SecretKey};

fn whole_job(c: &mut Criterion) {
    let grid = Grid::new(0.0, 1.0, 0, 255).expect("a grid of pixels");
    let model = fixtures::random_model(10, 784, grid, 1);
    let spec = model.spec().clone();
    let pin = spec.fingerprint();
    let evaluator = Evaluator::new(model);
    let random = &mut SmallRng::seed_from_u64(2);
    let (engines, sizes) = (engines::engines(), [KeySize::Bits2048, KeySize::Bits3072]);
    for (size, &backend) in sizes.into_iter().flat_map(|size| engines.iter().map(move |backend| (size, backend))) {
        let key = SecretKey::generate(size).and_then(|key| key.on(backend)).expect("the engine is available");
        let public = key.public_key().clone();
        let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone()).expect("the slots fit");
        let decryptor = Decryptor::new(spec.clone(), pin, key).expect("the slots fit");
        let capacity = encryptor.capacity();
        let records: Vec<Vec<f64>> =
            (0..capacity).map(|_| (0..784).map(|_| f64::from(random.random_range(0..256))).collect()).collect();
        for count in [1, capacity] {
            let records = &records[..count];
            let id = BenchmarkId::from_parameter(format!("records/{}/{backend}/{count:04}", size.bits()));
            let encrypt = || encryptor.encrypt(records).expect("the records are in range");
            let evaluate = |request: &Request| evaluator.evaluate(request, &public).expect("the request fits");
            let decrypt = |request: &Request, response: &Response| {
                decryptor.decrypt(response, request.header()).expect("the response fits")
            };
            // Also builds the tables before the clock starts.
            let request = encrypt();
            let response = evaluate(&request);
            let mut bench = |name: &str, job: &dyn Fn()| {
                let mut group = c.benchmark_group(name);
                group.sample_size(10).measurement_time(Duration::from_secs(8));
                group.throughput(Throughput::Elements(count as u64));
                group.bench_function(id.clone(), |b| b.iter(job));
                group.finish();
            };
            bench("encrypt_records", &|| drop(encrypt()));
            bench("evaluate", &|| drop(evaluate(&request)));
            bench("decrypt_records", &|| drop(decrypt(&request, &response)));
            bench("whole_job", &|| {
                let request = encrypt();
                let request = Request::from_bytes(&request.to_bytes()).expect("our own bytes");
                let response = Response::from_bytes(&evaluate(&request).to_bytes()).expect("our own bytes");
                drop(decrypt(&request, &response));
            });
        }
    }
}

criterion_group!(benches, whole_job);
criterion_main!(benches);
