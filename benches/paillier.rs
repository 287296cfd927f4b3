//! The cryptosystem's operations: `operation/bits/backend/variant`.
//!
//! With every engine that the machine has, or the one that `TACITA_BACKEND` asks for. Keys are made once, tables are built
//! before the clock starts; a batch uses all cores.
#![allow(missing_docs)]

#[path = "support/engines.rs"]
mod engines;

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tacita::paillier::{
    Ciphertext, KeySize, LinearLayer, NonceMethod, Plaintext, PublicKey, SecretKey, UnverifiedPublicKey,
};

const SIZES: [KeySize; 2] = [KeySize::Bits2048, KeySize::Bits3072];
const METHODS: [(&str, NonceMethod); 4] = [
    ("power", NonceMethod::Power),
    ("random-bases", NonceMethod::RandomBases),
    ("public-base", NonceMethod::PublicBase),
    ("secret-base", NonceMethod::SecretBase),
];
/// Ciphertexts of a batch.
const BATCH: usize = 32;

/// A key of each length, on every engine.
static KEYS: LazyLock<Vec<SecretKey>> = LazyLock::new(|| {
    let engines = engines::engines();
    let key = |size| SecretKey::generate(size).expect("randomness and threads are there");
    let on = |key: SecretKey| engines.iter().map(move |&engine| key.on(engine).expect("it is available"));
    SIZES.into_iter().map(key).flat_map(on).collect()
});

fn id(key: &SecretKey, variant: &str) -> BenchmarkId {
    let public = key.public_key();
    BenchmarkId::from_parameter(format!("{}/{}/{variant}", public.bits(), public.backend()))
}

fn plaintexts(key: &SecretKey, count: i32) -> Vec<Plaintext> {
    (0..count).map(|i| Plaintext::new(i * 1_000_003, key.public_key()).expect("a small number")).collect()
}

fn ciphertexts(key: &SecretKey, count: usize) -> Vec<Ciphertext> {
    key.encrypt_batch(&plaintexts(key, count as i32)).expect("randomness is there")
}

fn keys(c: &mut Criterion) {
    let mut group = c.benchmark_group("keygen");
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    // Whoever makes or verifies a key has not chosen an engine for it yet.
    let backend = engines::selected();
    for size in SIZES {
        group.bench_function(BenchmarkId::from_parameter(format!("{}/{backend}", size.bits())), |b| {
            b.iter(|| SecretKey::generate(size));
        });
    }
    group.finish();

    let mut group = c.benchmark_group("verify_key");
    group.sample_size(10);
    for key in KEYS.iter().filter(|key| key.public_key().backend() == backend) {
        key.proof().expect("two primes have a proof");
        let public = UnverifiedPublicKey::from(key.public_key());
        group.bench_function(id(key, "proof"), |b| b.iter(|| public.clone().verify()));
    }
    group.finish();
}

fn encrypt(c: &mut Criterion) {
    let mut group = c.benchmark_group("encrypt");
    group.sample_size(10).measurement_time(Duration::from_secs(8)).throughput(Throughput::Elements(BATCH as u64));
    for key in KEYS.iter() {
        let plaintexts = plaintexts(key, BATCH as i32);
        key.encrypt(&plaintexts[0]).expect("the table is built before the clock starts");
        group.bench_function(id(key, "secret-key"), |b| b.iter(|| key.encrypt_batch(&plaintexts)));
        let public = key.public_key();
        public.encrypt(&plaintexts[0]).expect("the table is built before the clock starts");
        group.bench_function(id(key, "public-key"), |b| b.iter(|| public.encrypt_batch(&plaintexts)));
        for (name, method) in METHODS {
            key.nonces(method, 1).expect("the table is built before the clock starts");
            group.bench_function(id(key, &format!("nonces-{name}")), |b| {
                b.iter(|| {
                    let nonces = key.nonces(method, BATCH).expect("randomness is there");
                    public.encrypt_batch_with(&plaintexts, nonces)
                });
            });
        }
    }
    group.finish();
}

/// A single nonce, as a response takes it.
fn nonce(c: &mut Criterion) {
    let mut group = c.benchmark_group("nonce");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    for key in KEYS.iter() {
        for (name, method) in METHODS {
            key.nonces(method, 1).expect("the table is built before the clock starts");
            group.bench_function(id(key, name), |b| b.iter(|| key.nonces(method, 1)));
        }
        group.bench_function(id(key, "make-random-bases"), |b| {
            let memory = PublicKey::DEFAULT_TABLE_MEMORY;
            let anew = || key.public_key().with_table_memory(memory);
            b.iter_batched(anew, |key| key.nonces(NonceMethod::RandomBases, 1), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn decrypt(c: &mut Criterion) {
    let mut group = c.benchmark_group("decrypt");
    group.sample_size(10);
    for key in KEYS.iter() {
        let batch = ciphertexts(key, BATCH);
        group.throughput(Throughput::Elements(1));
        group.bench_function(id(key, "one"), |b| b.iter(|| key.decrypt(black_box(&batch[0]))));
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(id(key, "batch"), |b| b.iter(|| key.decrypt_batch(black_box(&batch))));
    }
    group.finish();
}

fn operations(c: &mut Criterion) {
    for key in KEYS.iter() {
        let public = key.public_key();
        let [x, y] = <[Ciphertext; 2]>::try_from(ciphertexts(key, 2)).expect("two ciphertexts");
        let plain = Plaintext::new(123_456_789, public).expect("a small number");
        let mut group = c.benchmark_group("add");
        group.bench_function(id(key, "ciphertexts"), |b| b.iter(|| public.add(black_box(&x), black_box(&y))));
        group.bench_function(id(key, "plain"), |b| b.iter(|| public.add_plain(black_box(&x), black_box(&plain))));
        group.finish();
        let mut group = c.benchmark_group("multiply");
        for (name, factor) in [("8-bit", 113), ("negative-8-bit", -113), ("31-bit", i32::MAX)] {
            let factor = factor.into();
            group.bench_function(id(key, name), |b| b.iter(|| public.mul_plain(black_box(&x), &factor)));
        }
        group.finish();
        let mut group = c.benchmark_group("rerandomise");
        group.sample_size(10);
        group.bench_function(id(key, "power"), |b| b.iter(|| public.rerandomise(black_box(&x))));
        group.finish();
    }
}

fn linear_layer(c: &mut Criterion) {
    const ROWS: usize = 10;
    const COLUMNS: usize = 784;
    let random = &mut SmallRng::seed_from_u64(1);
    // Rounded normal deviates (the sum of twelve uniform ones), the largest of them at about 127.
    let weight = |_| ((0..12).map(|_| random.random_range(-0.5..0.5)).sum::<f64>() * 34.0).round().clamp(-127.0, 127.0);
    let weights: Vec<i32> = (0..ROWS * COLUMNS).map(weight).map(|weight| weight as i32).collect();
    let layer = LinearLayer::new(COLUMNS, &weights).expect("whole rows");
    let mut group = c.benchmark_group("linear_layer");
    group.sample_size(10).throughput(Throughput::Elements((ROWS * COLUMNS) as u64));
    for key in KEYS.iter() {
        let x = ciphertexts(key, COLUMNS);
        group.bench_function(id(key, "10x784-int8"), |b| b.iter(|| layer.apply(key.public_key(), black_box(&x))));
    }
    group.finish();
}

criterion_group!(benches, keys, nonce, encrypt, decrypt, operations, linear_layer);
criterion_main!(benches);
