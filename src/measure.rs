//! What the engines do on this machine, apart from keys and messages: for benches and for those who ask whether a processor is used
//! as well as it can be.
//!
//! ```
//! use tacita::Backend;
//! use tacita::measure::{self, Kernel};
//!
//! for backend in Backend::available() {
//!     let ns = measure::kernel(backend, Kernel::Product, 3072)? * 1e9 / backend.lanes() as f64;
//!     println!("{backend}: {ns:.0} ns a product modulo the square of a 3072-bit number");
//! }
//! if let Some(seconds) = measure::multiply_add() {
//!     let limit = measure::schoolbook(Kernel::Product, 3072) as f64 * seconds / 8.0;
//!     println!("at least {:.0} ns by the schoolbook", limit * 1e9);
//! }
//! # Ok::<(), tacita::Error>(())
//! ```

use std::sync::Arc;

use rug::Integer;

use crate::arith::{Backend, Montgomery, Timing};
use crate::error::{Error, Result};

pub use crate::arith::Kernel;

/// Seconds that an engine takes for a kernel modulo the square of an odd number of `bits` bits, on one thread, for a full
/// bundle of [`lanes`](Backend::lanes) residues. The shortest of many runs. `Portable` is measured in the variable time that ciphertexts permit.
///
/// # Errors
/// [`Error::Backend`] if this machine lacks what the engine needs; [`Error::Argument`] unless `bits` is from 64 to 4096.
pub fn kernel(backend: Backend, kernel: Kernel, bits: u32) -> Result<f64> {
    if !(64..=4096).contains(&bits) {
        return Err(Error::Argument(format!("kernels are for moduli of 64 to 4096 bits, not {bits}")));
    }
    // Kernels do the same for every odd modulus of a length.
    let modulus = (Integer::from(1) << bits) - 0x1234_5677u32;
    let ring = backend.ring(Arc::new(Montgomery::new(&modulus)), Timing::Variable, 1)?;
    Ok(ring.seconds(kernel))
}

/// Seconds after which a 512-bit multiply-add of 52-bit numbers can follow another, measured here and now; `None` on
/// processors without AVX-512 IFMA and VBMI.
pub fn multiply_add() -> Option<f64> {
    crate::arith::measure::multiply_add()
}

/// Multiply-adds of eight lanes that the kernel takes by the schoolbook modulo the square of a number of `bits` bits: with L
/// limbs of 52 bits, a multiple of 5, 10 L^2 for a product of pairs (five half-size products of two multiply-adds each) and 7 L^2 + L for a
/// square.
pub fn schoolbook(kernel: Kernel, bits: u32) -> u64 {
    let limbs = u64::from((bits + 4).div_ceil(52)).next_multiple_of(5);
    match kernel {
        Kernel::Product => 10 * limbs * limbs,
        Kernel::Square => 7 * limbs * limbs + limbs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schoolbook_counts_are_those_of_the_pair_form() {
        assert_eq!(schoolbook(Kernel::Product, 3072), 36_000);
        assert_eq!(schoolbook(Kernel::Square, 3072), 25_260);
        assert_eq!(schoolbook(Kernel::Product, 1024), 4_000);
        assert_eq!(schoolbook(Kernel::Square, 2048), 11_240);
    }

    #[test]
    fn every_engine_is_measured_and_others_are_refused() {
        for backend in Backend::available() {
            for what in [Kernel::Product, Kernel::Square] {
                assert!(kernel(backend, what, 256).is_ok_and(|seconds| seconds > 0.0));
            }
            assert!(kernel(backend, Kernel::Product, 63).is_err());
        }
        assert_eq!(multiply_add().is_some(), Backend::available().any(|backend| backend.name() == "ifma"));
    }
}
