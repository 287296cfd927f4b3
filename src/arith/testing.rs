//! Engines, moduli and numbers on which the arithmetic is compared with plain integers.

mod four;

use std::sync::Arc;

use rug::Integer;

pub(super) use four::Four;

use super::{Backend, Montgomery, Ring, Timing};

use crate::entropy::{Entropy, SeededEntropy};
use crate::secret::integer;

/// Odd moduli: tiny ones, primes around limb boundaries and up to the length that those of keys have, a product of two primes.
pub(crate) fn moduli() -> Vec<Integer> {
    let prime = |bits: u32| (Integer::from(1) << (bits - 1)) + (Integer::from(1) << (bits - 2));
    let prime = |bits: u32| prime(bits).next_prime();
    let mut moduli = vec![Integer::from(3), Integer::from(35)];
    moduli.extend([59, 60, 61, 63, 64, 65, 124, 128, 256, 1024].map(prime));
    moduli.push(prime(256) * prime(300).next_prime());
    moduli
}

/// Edge values: 0, 1, those around m, 2m - 1, m^2 - 1; and four seeded random ones below m^2.
pub(crate) fn samples(m: &Integer) -> Vec<Integer> {
    let square = m.clone().square();
    let mut samples = vec![
        Integer::new(),
        Integer::from(1),
        Integer::from(m - 1),
        m.clone(),
        Integer::from(m + 1),
        Integer::from(m * 2) - 1,
        Integer::from(&square - 1),
    ];
    let mut entropy = SeededEntropy::new(m.to_string().as_bytes());
    samples.extend((0..4).map(|_| random_below(&square, &mut entropy)));
    samples
}

/// A uniform number below `bound`.
pub(crate) fn random_below(bound: &Integer, entropy: &mut impl Entropy) -> Integer {
    let bound = bound.to_digits::<u64>(rug::integer::Order::Lsf);
    let mut limbs = vec![0; bound.len()];
    entropy.below(&mut limbs, &bound).expect("a seeded stream does not fail");
    integer(&limbs)
}

/// [`samples`] as residues modulo m^2.
pub(crate) fn residues(m: &Integer) -> Vec<Integer> {
    let square = m.clone().square();
    samples(m).into_iter().map(|x| x % &square).collect()
}

/// Whether the engine for AVX-512 IFMA can be tested; says so once if not.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_ifma() -> bool {
    static SAID: std::sync::Once = std::sync::Once::new();
    let available = super::ifma::is_available();
    if !available {
        SAID.call_once(|| eprintln!("skipped: tests of the engine `ifma`, whose instructions this processor lacks"));
    }
    available
}

/// Runs a block for every engine modulo the square of `$m`, with `$engine` an `Arc` of it. A new engine is a few lines more.
macro_rules! on_every_engine {
    ($m:expr, |$engine:ident| $check:block) => {{
        let modulus = std::sync::Arc::new($crate::arith::Montgomery::new($m));
        {
            type One = $crate::arith::portable::Portable<$crate::arith::portable::ConstantTime>;
            let $engine = std::sync::Arc::new(One::new(modulus.clone()));
            $check
        }
        {
            type One = $crate::arith::portable::Portable<$crate::arith::portable::VariableTime>;
            let $engine = std::sync::Arc::new(One::new(modulus.clone()));
            $check
        }
        #[cfg(target_arch = "x86_64")]
        if $crate::arith::testing::has_ifma() {
            let $engine = std::sync::Arc::new($crate::arith::ifma::Ifma::new(modulus.clone()));
            $check
        }
        {
            let $engine = std::sync::Arc::new($crate::arith::testing::Four::new(modulus));
            $check
        }
    }};
}
pub(super) use on_every_engine;

/// Runs a block for the lanes of every engine, the wide and the narrow ones, with `$lanes` a reference to them.
macro_rules! on_all_lanes {
    ($m:expr, |$lanes:ident| $check:block) => {
        $crate::arith::testing::on_every_engine!($m, |engine| {
            use $crate::arith::engine::Engine;
            {
                let $lanes = engine.wide();
                $check
            }
            {
                let $lanes = engine.narrow();
                $check
            }
        })
    };
}
pub(super) use on_all_lanes;

/// The rings that keys may have, of every engine that this machine has, and one that mixes wide and narrow lanes everywhere.
pub(crate) fn rings(m: &Integer) -> Vec<Arc<dyn Ring>> {
    let modulus = Arc::new(Montgomery::new(m));
    let mut rings: Vec<Arc<dyn Ring>> = vec![Arc::new(super::ring::EngineRing::new(Four::new(modulus.clone()), 1))];
    for backend in Backend::available() {
        let ring = |timing| backend.ring(modulus.clone(), timing, 1).expect("it is available");
        rings.extend([Timing::Constant, Timing::Variable].map(ring));
    }
    rings
}
