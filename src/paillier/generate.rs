//! Key generation: a parallel search for two primes.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use rug::Integer;
use rug::integer::IsPrime;

use super::SecretKey;
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::secret::{Limbs, WipedInteger};
use crate::threads;

/// Length of the modulus n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum KeySize {
    /// 2048 bits, 112 bits of strength (NIST SP 800-57 part 1, table 2).
    Bits2048,
    /// 3072 bits, 128 bits of strength.
    #[default]
    Bits3072,
    /// 4096 bits, about 152 bits of strength.
    Bits4096,
}

impl KeySize {
    /// All sizes, shortest first.
    pub const ALL: [Self; 3] = [Self::Bits2048, Self::Bits3072, Self::Bits4096];

    /// Length of n in bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }
}

impl TryFrom<u32> for KeySize {
    type Error = Error;

    fn try_from(bits: u32) -> Result<Self> {
        let fits = Self::ALL.into_iter().find(|size| size.bits() == bits);
        fits.ok_or(Error::Key(crate::KeyFault::Size { bits }))
    }
}

/// How far a search for a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeygenProgress {
    /// Candidates tested for primality so far.
    pub candidates: u64,
    /// Candidates that the search takes on average, by the prime number theorem.
    pub expected_candidates: u64,
    /// Primes found so far.
    pub primes: usize,
}

impl SecretKey {
    /// A new key, searched for on all cores: n = pq, p and q of half its length with the top two bits set,
    /// p = q = 3 mod 4, gcd(p - 1, q - 1) = 2, |p - q| > 2^(bits / 2 - 100).
    ///
    /// # Errors
    /// [`Error::Randomness`], [`Error::Threads`].
    pub fn generate(size: KeySize) -> Result<Self> {
        Self::generate_with_progress(size, &|_| ControlFlow::Continue(()))
    }

    /// [`generate`](Self::generate) that calls `progress` after each candidate, from several threads; breaking stops it.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`generate`](Self::generate).
    pub fn generate_with_progress(
        size: KeySize,
        progress: &(dyn Fn(KeygenProgress) -> ControlFlow<()> + Sync),
    ) -> Result<Self> {
        search(size.bits(), progress)
    }

    /// A key that is too short to protect anything: `bits` a multiple of 128 from 256 to 2048.
    ///
    /// # Errors
    /// [`Error::Argument`] for another length.
    pub fn generate_insecure_for_tests(bits: u32) -> Result<Self> {
        if !(256..=2048).contains(&bits) || !bits.is_multiple_of(128) {
            return Err(Error::Argument("an insecure key has a multiple of 128 bits from 256 to 2048".into()));
        }
        search(bits, &|_| ControlFlow::Continue(()))
    }
}

/// The primes of a search.
#[derive(Default)]
struct Found {
    /// Those that fit no other yet; hardly ever more than one.
    single: Vec<WipedInteger>,
    pair: Option<(WipedInteger, WipedInteger)>,
}

impl Found {
    fn add(&mut self, prime: WipedInteger) {
        if self.pair.is_some() {
            return;
        }
        match self.single.iter().position(|other| fit(&prime, other)) {
            Some(partner) => self.pair = Some((self.single.swap_remove(partner), prime)),
            None => self.single.push(prime),
        }
    }

    fn primes(&self) -> usize {
        if self.pair.is_some() { 2 } else { self.single.len().min(1) }
    }
}

fn search(bits: u32, progress: &(dyn Fn(KeygenProgress) -> ControlFlow<()> + Sync)) -> Result<SecretKey> {
    let half = bits / 2;
    // One in ln(2^half) / 2 numbers that are 3 mod 4 is a prime; two are wanted.
    let expected_candidates = (f64::from(half) * std::f64::consts::LN_2) as u64;
    let found = Mutex::new(Found::default());
    let candidates = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    threads::run(|| {
        (0..rayon::current_num_threads()).into_par_iter().try_for_each(|_| {
            while !done.load(Ordering::Relaxed) {
                let candidate = candidate(half)?;
                let is_prime = candidate.is_probably_prime(PRIMALITY_ROUNDS) != IsPrime::No;
                let mut found = found.lock().map_err(|_| Error::Bug("a thread of the prime search panicked"))?;
                if is_prime {
                    found.add(candidate);
                }
                let (candidates, primes) = (candidates.fetch_add(1, Ordering::Relaxed) + 1, found.primes());
                if primes == 2 {
                    done.store(true, Ordering::Relaxed);
                }
                if progress(KeygenProgress { candidates, expected_candidates, primes }).is_break() {
                    done.store(true, Ordering::Relaxed);
                    return Err(Error::Cancelled);
                }
            }
            Ok(())
        })
    })??;
    let found = found.into_inner().map_err(|_| Error::Bug("a thread of the prime search panicked"))?;
    let (p, q) = found.pair.ok_or(Error::Bug("the prime search ended without primes"))?;
    SecretKey::from_checked_factors(p, q, None)
}

/// GMP runs one Baillie-PSW test and this number less 24 rounds of Miller-Rabin: an error below 2^-100 for random numbers
/// of 1024 bits already without the rounds (Damgard, Landrock, Pomerance 1993).
pub(super) const PRIMALITY_ROUNDS: u32 = 40;

/// A uniform number of `bits` bits with the top two bits set that is 3 modulo 4.
fn candidate(bits: u32) -> Result<WipedInteger> {
    let mut limbs = Limbs::zero(bits as usize / 64);
    SystemEntropy.bits(&mut limbs, bits)?;
    limbs[0] |= 3;
    if let Some(top) = limbs.last_mut() {
        *top |= 3 << 62;
    }
    Ok(WipedInteger(limbs.to_integer()))
}

/// Whether two primes make a key together.
fn fit(p: &Integer, q: &Integer) -> bool {
    let difference = WipedInteger(Integer::from(p - q));
    let far_apart = difference.significant_bits() > p.significant_bits().saturating_sub(100);
    far_apart && permits_short_nonces(p, q)
}

/// p = q = 3 mod 4 and gcd(p - 1, q - 1) = 2.
pub(super) fn permits_short_nonces(p: &Integer, q: &Integer) -> bool {
    let other = WipedInteger(Integer::from(q - 1));
    let common = WipedInteger(Integer::from(p - 1).gcd(&other));
    p.mod_u(4) == 3 && q.mod_u(4) == 3 && common.0 == 2
}
