//! Powers of residues: by secret exponents in constant time, and by a public exponent.

use zeroize::Zeroizing;

use super::lanes::Lanes;
use crate::secret::significant_bits;

/// Bits of a secret exponent handled at once: 2^5 table entries, all of which are read for each window.
const SECRET_WINDOW: u32 = 5;

/// The longest window of a public exponent that pays: w bits take 2^(w - 1) products for the odd powers and one for every
/// w + 1 bits on average.
fn public_window(bits: u32) -> u32 {
    (1..=8).min_by_key(|window| (1 << (window - 1)) + bits / (window + 1)).unwrap_or(1)
}

/// base^exponent in every lane, lane i with exponent i, all of at most `bits` bits and the same number of limbs.
///
/// Neither branches nor addresses depend on base or exponent, if the lanes are constant-time.
pub(crate) fn pow_secret<L: Lanes>(
    lanes: &L,
    base: &L::Residues,
    exponents: &[&[u64]],
    bits: u32,
    scratch: &mut L::Scratch,
) -> L::Residues {
    let mut powers = vec![lanes.one()];
    for i in 1..1 << SECRET_WINDOW {
        let mut next = powers[i - 1].clone();
        lanes.mul(&mut next, base, scratch);
        powers.push(next);
    }
    let table = lanes.table(&powers);
    let mut result = lanes.one();
    let mut selected = lanes.one();
    let mut digits = Zeroizing::new(vec![0; exponents.len()]);
    for window in (0..bits.div_ceil(SECRET_WINDOW)).rev() {
        for _ in 0..SECRET_WINDOW {
            lanes.sqr(&mut result, scratch);
        }
        for (place, exponent) in digits.iter_mut().zip(exponents) {
            *place = digit(exponent, window * SECRET_WINDOW, SECRET_WINDOW);
        }
        lanes.select(&mut selected, &table, &digits);
        lanes.mul(&mut result, &selected, scratch);
    }
    result
}

/// base^exponent for an exponent that everybody may know; the base may be secret, if the lanes are constant-time.
///
/// Sliding windows over odd powers (Handbook of Applied Cryptography, algorithm 14.85).
pub(crate) fn pow_public<L: Lanes>(
    lanes: &L,
    base: &L::Residues,
    exponent: &[u64],
    scratch: &mut L::Scratch,
) -> L::Residues {
    let window = public_window(significant_bits(exponent));
    let mut square = base.clone();
    lanes.sqr(&mut square, scratch);
    let mut odd_powers = vec![base.clone()];
    for i in 1..1 << (window - 1) {
        let mut next = odd_powers[i - 1].clone();
        lanes.mul(&mut next, &square, scratch);
        odd_powers.push(next);
    }
    let mut result = lanes.one();
    let mut position = significant_bits(exponent);
    while position > 0 {
        if digit(exponent, position - 1, 1) == 0 {
            lanes.sqr(&mut result, scratch);
            position -= 1;
            continue;
        }
        // The longest window below `position` that ends in a one.
        let longest = window.min(position);
        let value = digit(exponent, position - longest, longest);
        let width = longest - value.trailing_zeros();
        for _ in 0..width {
            lanes.sqr(&mut result, scratch);
        }
        lanes.mul(&mut result, &odd_powers[(value >> value.trailing_zeros()) / 2], scratch);
        position -= width;
    }
    result
}

/// The `width` < 64 bits of `number` from bit `start` on; bits above its end are zero.
pub(super) fn digit(number: &[u64], start: u32, width: u32) -> usize {
    let (limb, shift) = ((start / 64) as usize, start % 64);
    let at = |i: usize| number.get(i).copied().unwrap_or(0);
    // Two shifts, because a shift by 64 is not defined.
    let bits = (at(limb) >> shift) | (at(limb + 1) << 1 << (63 - shift));
    (bits & ((1 << width) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::montgomery::Montgomery;
    use crate::arith::portable::{ConstantTime, Portable};
    use crate::arith::testing::{moduli, residues, samples};
    use crate::secret::{Limbs, integer};
    use rug::Integer;
    use std::sync::Arc;

    #[test]
    fn digits_cross_limb_borders() {
        let number = [0xF000_0000_0000_0001, 0x5];
        assert_eq!(digit(&number, 0, 5), 1);
        assert_eq!(digit(&number, 60, 6), 0b01_1111);
        assert_eq!(digit(&number, 64, 5), 5);
        assert_eq!(digit(&number, 126, 6), 0);
        assert_eq!(digit(&number, 200, 6), 0);
    }

    #[test]
    fn both_powers_agree_with_gmp() {
        for m in moduli() {
            let montgomery = Arc::new(Montgomery::new(&m));
            let engine = Portable::<ConstantTime>::new(montgomery.clone());
            let mut s = engine.scratch();
            let square = m.clone().square();
            for x in residues(&m) {
                let base = engine.enter(&[&Limbs::from_integer(&x, montgomery.square_length())], &mut s);
                for exponent in samples(&m) {
                    let length = exponent.significant_digits::<u64>() + 1;
                    let limbs = Limbs::from_integer(&exponent, length);
                    let expected = x.clone().pow_mod(&exponent, &square).unwrap();
                    let bits = exponent.significant_bits() + 3;
                    for power in [
                        pow_secret(&engine, &base, &[&limbs], bits, &mut s),
                        pow_public(&engine, &base, &limbs, &mut s),
                    ] {
                        let pair = &engine.leave(&power, &mut s)[0];
                        assert_eq!(integer(&pair.b) * &m + integer(&pair.a), expected, "{x}^{exponent}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_zeroth_power_of_zero_is_one() {
        let montgomery = Arc::new(Montgomery::new(&Integer::from(35)));
        let engine = Portable::<ConstantTime>::new(montgomery);
        let mut s = engine.scratch();
        let zero = engine.enter(&[&[0]], &mut s);
        let power = pow_secret(&engine, &zero, &[&[0]], 0, &mut s);
        assert_eq!(engine.leave(&power, &mut s)[0].a.to_integer(), 1);
    }
}
