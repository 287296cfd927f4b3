//! How long the kernels take: loops over lanes with nothing around them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::lanes::Lanes;
use super::montgomery::Montgomery;

/// What algorithms are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// A product of two residues.
    Product,
    /// The square of a residue.
    Square,
}

/// A run is this long, so that reading the clock does not count, and short enough to fall between interruptions.
const RUN: Duration = Duration::from_micros(200);
/// So many runs.
const RUNS: usize = 60;

/// The shortest of many runs in seconds a turn, for work of always the same time: what is above it was somebody else's.
pub(crate) fn shortest(mut turn: impl FnMut()) -> f64 {
    let mut time = |turns: usize| {
        let start = Instant::now();
        (0..turns).for_each(|_| turn());
        start.elapsed()
    };
    let mut turns = 1;
    while time(turns) < RUN {
        turns *= 2;
    }
    (0..RUNS).map(|_| time(turns)).min().unwrap_or_default().as_secs_f64() / turns as f64
}

/// Seconds for one bundle of the lanes.
pub(super) fn seconds<L: Lanes>(lanes: &L, modulus: &Montgomery, kernel: Kernel) -> f64 {
    let mut scratch = lanes.scratch();
    // Any number will do, as no time depends on it; m - 1 in the upper half and 3 in the lower are not special.
    let mut number = vec![0; modulus.square_length()];
    let half = number.len() / 2;
    number[half..].copy_from_slice(&modulus.modulus()[..half]);
    number[half] -= 1;
    number[0] = 3;
    let factor = lanes.enter(&vec![&number[..]; L::WIDTH], &mut scratch);
    let mut x = factor.clone();
    let seconds = match kernel {
        Kernel::Product => shortest(|| lanes.mul(&mut x, &factor, &mut scratch)),
        Kernel::Square => shortest(|| lanes.sqr(&mut x, &mut scratch)),
    };
    black_box(x);
    seconds
}

/// Seconds after which a 512-bit multiply-add can follow another; `None` where there are none.
pub(crate) fn multiply_add() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    return super::ifma::is_available().then(super::ifma::multiply_add);
    #[cfg(not(target_arch = "x86_64"))]
    None
}
