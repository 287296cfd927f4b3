//! Nonce pools: the slow part of an encryption or a response, done ahead of time.

use std::ffi::c_void;

use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::room;
use super::progress::{Listener, tacita_progress};
use super::public_key::tacita_public_key;
use super::secret_key::tacita_secret_key;
use super::status::{Failure, tacita_status};
use crate::error::Error;
use crate::paillier::{NonceMethod, NoncePool, PoolStatistics};

/// Method for nonces: the quickest that the key permits.
pub const TACITA_NONCES_QUICKEST: u32 = 0;
/// Method for nonces: r^n. Rests on Paillier's assumption alone.
pub const TACITA_NONCES_POWER: u32 = 1;
/// Method for nonces: a table of powers of a public base, with short exponents. Wants a key that declares it, as those of this
/// library do.
pub const TACITA_NONCES_PUBLIC_BASE: u32 = 2;
/// Method for nonces: two tables that need the secret key. Rests on Paillier's assumption alone.
pub const TACITA_NONCES_SECRET_BASE: u32 = 3;
/// Method for nonces: a table of secret random bases, which takes seconds to make and pays from some thousand nonces on.
/// Rests on Paillier's assumption alone.
pub const TACITA_NONCES_RANDOM_BASES: u32 = 4;

/// A method from its number.
pub(super) fn method(number: u32, quickest: NonceMethod) -> Result<NonceMethod, Failure> {
    match number {
        TACITA_NONCES_QUICKEST => Ok(quickest),
        TACITA_NONCES_POWER => Ok(NonceMethod::Power),
        TACITA_NONCES_PUBLIC_BASE => Ok(NonceMethod::PublicBase),
        TACITA_NONCES_SECRET_BASE => Ok(NonceMethod::SecretBase),
        TACITA_NONCES_RANDOM_BASES => Ok(NonceMethod::RandomBases),
        _ => {
            Err(Error::Argument(format!("there is no method {number} for nonces: take one of TACITA_NONCES_..."))
                .into())
        }
    }
}

/// Nonces of one key, made in the background while the library has nothing else to do, and used once each: whoever finds
/// them there encrypts in a tenth of the time. Encryptors and evaluators can share it. It lives on in a child process after
/// `fork` as an empty one.
pub struct tacita_nonce_pool {
    _opaque: [u8; 0],
}

impl Handle for tacita_nonce_pool {
    const ROLE: Role = Role::NoncePool;
    type Value = NoncePool;
}

/// Makes a pool of up to `capacity` nonces, at most 1,048,576, each of a quarter of the key's length. `method` is one of
/// TACITA_NONCES_...; a pool for an evaluator has to be of POWER or RANDOM_BASES. Tables that the method needs are made now.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the key does not permit the method or the capacity is 0, TOO_LARGE,
/// KEY_HASH, RANDOMNESS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_nonce_pool_new_with_public_key(
    key: *const tacita_public_key,
    method: u32,
    capacity: usize,
    pool_out: *mut *mut tacita_nonce_pool,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("pool_out", pool_out, 1)?) };
        out.give(NoncePool::with_public_key(key, self::method(method, key.nonce_method())?, capacity)?)
    })
}

/// Makes a pool that draws with the secret key, in six to nine tenths of the time.
///
/// Threads: any number may share `key`.
/// Fails with: as `tacita_nonce_pool_new_with_public_key`: NULL_POINTER, WRONG_HANDLE, ARGUMENT, TOO_LARGE, KEY_HASH,
/// RANDOMNESS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_nonce_pool_new_with_secret_key(
    key: *const tacita_secret_key,
    method: u32,
    capacity: usize,
    pool_out: *mut *mut tacita_nonce_pool,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("pool_out", pool_out, 1)?) };
        out.give(NoncePool::with_secret_key(key, self::method(method, key.nonce_method())?, capacity)?)
    })
}

/// Fills a pool now, on all threads, instead of leaving it to the background. A fill that is cancelled keeps the nonces that
/// are there.
///
/// `progress` is told how many of the pool's nonces are there, and may be NULL. `user_data` is handed to it, and may be NULL.
/// Threads: any number may share `pool`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, CANCELLED, RANDOMNESS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_nonce_pool_fill(
    pool: *const tacita_nonce_pool,
    progress: tacita_progress,
    user_data: *mut c_void,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (pool, listener) = unsafe { (borrow("pool", pool)?, Listener::new(progress, user_data)) };
        Ok(pool.fill_with_progress(&mut listener.here())?)
    })
}

/// Tells how many nonces a pool has now, and how many it can have.
///
/// Threads: any number may share `pool`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_nonce_pool_size(
    pool: *const tacita_nonce_pool,
    filled_out: *mut usize,
    capacity_out: *mut usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (pool, filled, capacity) = unsafe {
            (borrow("pool", pool)?, room("filled_out", filled_out, 1)?, room("capacity_out", capacity_out, 1)?)
        };
        let statistics = pool.statistics();
        filled.write(statistics.filled)?;
        capacity.write(statistics.capacity)
    })
}

/// Tells how many nonces were made for a pool ahead of time so far, how many of them were used, and how many were made while
/// somebody waited, because it had too few.
///
/// Threads: any number may share `pool`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_nonce_pool_statistics(
    pool: *const tacita_nonce_pool,
    precomputed_out: *mut u64,
    hits_out: *mut u64,
    misses_out: *mut u64,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (pool, made, used, missed) = unsafe {
            (
                borrow("pool", pool)?,
                room("precomputed_out", precomputed_out, 1)?,
                room("hits_out", hits_out, 1)?,
                room("misses_out", misses_out, 1)?,
            )
        };
        let PoolStatistics { precomputed, hits, misses, .. } = pool.statistics();
        made.write(precomputed)?;
        used.write(hits)?;
        missed.write(misses)
    })
}

/// Frees a pool, as soon as no encryptor and no evaluator uses it any more; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `pool`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_nonce_pool_free(pool: *mut tacita_nonce_pool) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(pool) }
    })
}
