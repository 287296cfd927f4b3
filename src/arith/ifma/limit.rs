//! How many multiply-adds the processor can start: what bounds every kernel.

use std::arch::x86_64::*;
use std::hint::black_box;

use crate::arith::measure::shortest;

/// Sums that grow side by side: more than a multiply-add takes cycles, so that none waits for another.
const SUMS: usize = 16;
/// Multiply-adds to each sum in a burst.
const BURST: usize = 256;

/// Seconds after which a 512-bit multiply-add can follow another.
#[allow(unsafe_code)]
pub(crate) fn multiply_add() -> f64 {
    assert!(super::is_available(), "the instructions are there");
    // SAFETY: the processor has AVX-512 IFMA, as was just seen.
    shortest(|| unsafe { burst() }) / (SUMS * BURST) as f64
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn burst() {
    let (x, y) = (black_box(_mm512_set1_epi64(0x000f_edcb_a987)), black_box(_mm512_set1_epi64(0x0001_2345_6789)));
    let mut sums = [_mm512_setzero_si512(); SUMS];
    for _ in 0..BURST {
        for sum in &mut sums {
            *sum = _mm512_madd52lo_epu64(*sum, x, y);
        }
    }
    black_box(sums);
}
