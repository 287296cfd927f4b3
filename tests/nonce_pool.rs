//! Nonces drawn ahead of time: each used once, across threads and across a fork.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::io::{Read, Seek, Write};
use std::sync::LazyLock;

use rug::Integer;
use tacita::Error;
use tacita::paillier::{Ciphertext, Nonce, NonceMethod, NoncePool, Plaintext, PublicKey, SecretKey};

static KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::generate_insecure_for_tests(512).unwrap());

fn public() -> &'static PublicKey {
    KEY.public_key()
}

/// The numbers of nonces: their encryptions of zero.
fn encryptions_of_zero(nonces: Vec<Nonce>) -> Vec<Ciphertext> {
    let zeros: Vec<_> = nonces.iter().map(|_| Plaintext::new(0, public()).unwrap()).collect();
    public().encrypt_batch_with(&zeros, nonces).unwrap()
}

fn numbers(nonces: Vec<Nonce>) -> Vec<Integer> {
    encryptions_of_zero(nonces).iter().map(Ciphertext::to_integer).collect()
}

/// Waits for what the background does.
fn until(done: impl Fn() -> bool) {
    while !done() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn a_pool_of_every_method_fills_itself_and_its_nonces_decrypt_to_zero() {
    for method in [NonceMethod::Power, NonceMethod::PublicBase, NonceMethod::SecretBase, NonceMethod::RandomBases] {
        let pool = NoncePool::with_secret_key(&KEY, method, 70).unwrap();
        assert_eq!((pool.method(), pool.key()), (method, public().fingerprint()));
        until(|| pool.statistics().filled == 70);
        let ciphertexts = encryptions_of_zero(pool.take(70).unwrap());
        assert!(KEY.decrypt_batch(&ciphertexts).unwrap().iter().all(|zero| zero.to_integer() == 0));
        let statistics = pool.statistics();
        assert_eq!((statistics.capacity, statistics.hits, statistics.misses), (70, 70, 0));
        until(|| pool.statistics().filled == 70);
        assert!(pool.statistics().precomputed >= 140);
    }
}

#[test]
fn what_the_pool_has_not_is_drawn_while_the_caller_waits() {
    let pool = NoncePool::with_public_key(public(), NonceMethod::PublicBase, 5).unwrap();
    pool.fill().unwrap();
    assert_eq!(pool.statistics().filled, 5);
    assert_eq!(pool.take(0).unwrap().len(), 0);
    let nonces = numbers(pool.take(40).unwrap());
    assert_eq!(nonces.iter().collect::<BTreeSet<_>>().len(), 40);
    let statistics = pool.statistics();
    assert_eq!((statistics.hits, statistics.misses), (5, 35));
    assert!(statistics.filled <= 5, "never more than its capacity");
}

#[test]
fn no_nonce_is_given_out_twice_to_eight_threads() {
    let pool = NoncePool::with_secret_key(&KEY, NonceMethod::SecretBase, 64).unwrap();
    pool.fill().unwrap();
    let takers: Vec<_> = (0..8)
        .map(|thread| {
            let pool = pool.clone();
            std::thread::spawn(move || {
                let mut taken = Vec::new();
                for round in 0..60 {
                    taken.extend(pool.take((thread + round) % 5).unwrap());
                    assert!(pool.statistics().filled <= 64);
                    if round % 20 == thread {
                        pool.fill().unwrap();
                    }
                }
                taken
            })
        })
        .collect();
    let taken: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
    assert_eq!(taken.len(), 8 * 60 * 2);
    let statistics = pool.statistics();
    assert_eq!(statistics.hits + statistics.misses, 960);
    assert!(statistics.hits >= 64);
    assert_eq!(numbers(taken).into_iter().collect::<BTreeSet<_>>().len(), 960);
}

#[test]
fn pools_that_are_dropped_while_they_fill_end_their_threads() {
    for method in [NonceMethod::Power, NonceMethod::RandomBases] {
        let pools: Vec<_> =
            (0..10).map(|_| NoncePool::with_public_key(public(), method, NoncePool::MAX_CAPACITY).unwrap()).collect();
        until(|| pools.iter().all(|pool| pool.statistics().filled > 0));
        let clone = pools[0].clone();
        drop(pools);
        // The last clone keeps the pool at work.
        let before = clone.statistics().precomputed;
        until(|| clone.statistics().precomputed > before);
    }
    #[cfg(target_os = "linux")]
    {
        // Other tests may have some of their own at this moment, but not always.
        let fillers = || {
            let threads = std::fs::read_dir("/proc/self/task").unwrap();
            let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm"));
            threads.filter_map(|thread| name(thread.unwrap()).ok()).filter(|name| name == "tacita-filler\n").count()
        };
        until(|| fillers() == 0);
    }
}

#[test]
fn pools_that_make_no_sense_are_refused() {
    let pool = |method, capacity| NoncePool::with_public_key(public(), method, capacity).map(drop);
    assert!(matches!(pool(NonceMethod::SecretBase, 1), Err(Error::Argument(_))));
    assert!(matches!(pool(NonceMethod::Power, 0), Err(Error::Argument(_))));
    assert!(matches!(pool(NonceMethod::Power, NoncePool::MAX_CAPACITY + 1), Err(Error::TooLarge { .. })));
    let shown = format!("{:?}", NoncePool::with_public_key(public(), NonceMethod::Power, 3).unwrap());
    assert!(shown.starts_with("NoncePool(") && shown.contains("of 3 nonces"), "{shown}");
}

/// What a child process does with the pool of its parent.
fn in_the_child(pool: NoncePool, file: &mut std::fs::File) {
    assert_eq!(pool.statistics().filled, 0, "the copy is given up");
    pool.fill().unwrap();
    assert_eq!(pool.statistics().filled, 0);
    let before = pool.statistics();
    for ciphertext in encryptions_of_zero(pool.take(20).unwrap()) {
        file.write_all(&ciphertext.to_bytes()).unwrap();
    }
    let after = pool.statistics();
    assert_eq!((after.hits - before.hits, after.misses - before.misses), (0, 20));
    drop(pool);
    // The library goes on in the child, with threads of its own; a new pool fills itself.
    let own = NoncePool::with_secret_key(&KEY, NonceMethod::SecretBase, 20).unwrap();
    until(|| own.statistics().filled == 20);
    for ciphertext in encryptions_of_zero(own.take(20).unwrap()) {
        file.write_all(&ciphertext.to_bytes()).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_child_process_draws_its_own_nonces() {
    let pool = NoncePool::with_secret_key(&KEY, NonceMethod::SecretBase, 20).unwrap();
    pool.fill().unwrap();
    // All of the parent's threads are there before the fork.
    pool.take(1).unwrap();
    until(|| pool.statistics().filled == 20);
    let hits = pool.statistics().hits;
    let mut files: Vec<_> = (0..2).map(|_| tempfile::tempfile().unwrap()).collect();
    for file in &mut files {
        let for_child = pool.clone();
        // SAFETY: the child touches nothing that another thread may have locked, and leaves by _exit; the allocator of
        // the C library and the standard library survive a fork.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            // SAFETY: plain calls; a child that hangs is ended by the alarm.
            unsafe { libc::alarm(100) };
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| in_the_child(for_child, file)));
            // SAFETY: nothing of the parent's is run on the way out.
            unsafe { libc::_exit(i32::from(outcome.is_err())) };
        }
        let mut status = -1;
        // SAFETY: `status` is room for an int.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child failed or hung");
    }
    // What the children would have found in their copies.
    until(|| pool.statistics().filled == 20);
    let mut all: BTreeSet<_> = numbers(pool.take(20).unwrap()).into_iter().collect();
    assert_eq!(pool.statistics().hits, hits + 20);
    for mut file in files {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        all.extend(public().ciphertexts_from_bytes(&bytes).unwrap().iter().map(Ciphertext::to_integer));
    }
    assert_eq!(all.len(), 20 + 2 * 40, "no two processes have one in common");
}
