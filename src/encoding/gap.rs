//! What stands between the answers of a response.

use rug::Integer;

use super::Packing;

/// A run of bits of a response that belongs to no answer. It may hold junk, and always holds a mask.
///
/// The mask is 2^start R, R uniform in [0, K), and never carries into the next answer or, in the last gap, beyond the
/// modulus. Honest junk and its offset make up less than 2^(spacing - 8) in each slot, so less than
/// 2^(junk_end - 8) altogether, and a multiple of 2^start; with B for 2^end, or for the modulus in the last gap,
///
/// ```text
/// K = floor(B / 2^start) - 2^(junk_end - 8 - start),    or K = floor(B / 2^start) in a gap without junk.
/// ```
///
/// So K depends on nothing but layout, number of records and modulus. Over its response a mask hides all but
/// log2(B / 2^start) - log2 K < 0.006 bits; `docs/threat-model.md` has the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The bit at which it begins.
    pub start: u32,
    /// The bit at which the next answer begins; `None` in the last gap, which the modulus ends.
    pub end: Option<u32>,
    /// The bit at which the last slot with junk ends, if any has.
    pub junk_end: Option<u32>,
}

impl Gap {
    /// K: the number of masks. Never 0.
    pub fn masks(&self, modulus: &Integer) -> Integer {
        let room = match self.end {
            Some(end) => Integer::from(1) << (end - self.start),
            None => Integer::from(modulus >> self.start),
        };
        match self.junk_end {
            Some(end) => room - (Integer::from(1) << (end - Packing::MARGIN_BITS - self.start)),
            None => room,
        }
    }
}
