//! Products and squares alone, against what the processor's multiply-adds permit.

use tacita::Backend;
use tacita::measure::{self, Kernel};
use tacita::paillier::KeySize;

use super::clock::Clock;
use super::facts::{self, Facts};
use crate::exit::Failure;

/// Rounds of limit and kernel: half a second, in which both find quiet moments beside what else the machine does.
const ROUNDS: usize = 25;

pub(super) fn measure(facts: &mut Facts, clock: Clock, backend: Backend, size: KeySize) -> Result<(), Failure> {
    let bits = size.bits();
    for (modulus, modulus_bits) in [("n2", bits), ("p2", bits / 2)] {
        for (op, kernel) in [("mul", Kernel::Product), ("sqr", Kernel::Square)] {
            // Limit and kernel under the same clock of the processor.
            let (mut limit, mut seconds) = (None, f64::INFINITY);
            for _ in 0..ROUNDS.div_ceil(clock.thrift) {
                limit = limit.into_iter().chain(measure::multiply_add()).reduce(f64::min);
                seconds = seconds.min(measure::kernel(backend, kernel, modulus_bits)?);
            }
            let ns_per_lane = seconds * 1e9 / backend.lanes() as f64;
            let schoolbook = |limit: f64| measure::schoolbook(kernel, modulus_bits) as f64 * limit * 1e9 / 8.0;
            facts.kernels.push(facts::Kernel {
                op: op.into(),
                modulus: modulus.into(),
                bits,
                backend: backend.name().into(),
                ns_per_lane,
                share_of_schoolbook_limit: limit.map(|limit| ns_per_lane / schoolbook(limit)),
            });
        }
    }
    Ok(())
}

/// The limit itself.
pub(super) fn limit(facts: &mut Facts) {
    facts.limit.madd52_ns = measure::multiply_add().map(|seconds| seconds * 1e9);
    if facts.limit.madd52_ns.is_none() {
        facts.skipped.push("the limit and the engine `ifma`: this processor has no AVX-512 IFMA and VBMI".into());
    }
}
