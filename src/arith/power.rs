//! Powers of residues: by secret exponents in constant time, and by a public exponent.

use zeroize::Zeroizing;

use super::lanes::Lanes;
use crate::secret::significant_bits;

/// Bits of a secret exponent of `bits` bits that are best handled at once: 2^w table entries, all of which are made once and
/// read for each window.
fn secret_window<L: Lanes>(bits: u32) -> u32 {
    let products = |window: &u32| {
        let entries = f64::from(1 << window);
        entries + f64::from(bits.div_ceil(*window)) * (1.0 + entries * L::READ)
    };
    (1..=8).min_by(|x, y| products(x).total_cmp(&products(y))).unwrap_or(1)
}

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
    let width = secret_window::<L>(bits);
    let mut powers = vec![lanes.one()];
    for i in 1..1 << width {
        let mut next = powers[i - 1].clone();
        lanes.mul(&mut next, base, scratch);
        powers.push(next);
    }
    let table = lanes.table(&powers);
    let mut result = lanes.one();
    let mut selected = lanes.one();
    let mut digits = Zeroizing::new(vec![0; exponents.len()]);
    for window in (0..bits.div_ceil(width)).rev() {
        for _ in 0..width {
            lanes.sqr(&mut result, scratch);
        }
        for (place, exponent) in digits.iter_mut().zip(exponents) {
            *place = digit(exponent, window * width, width);
        }
        lanes.select(&mut selected, &table, &digits);
        lanes.mul(&mut result, &selected, scratch);
    }
    result
}

/// base^exponent for an exponent that everybody may know; the base may be secret, if the lanes are constant-time.
pub(crate) fn pow_public<L: Lanes>(
    lanes: &L,
    base: &L::Residues,
    exponent: &[u64],
    scratch: &mut L::Scratch,
) -> L::Residues {
    pow_public_and_pack(lanes, base, exponent, &[], 0, scratch)
}

/// base^exponent times the product over j of rows[j]^(2^(shift j)), by the same squarings: sliding windows over odd powers
/// for the one (Handbook of Applied Cryptography, algorithm 14.85), Horner's scheme for the other.
pub(crate) fn pow_public_and_pack<L: Lanes>(
    lanes: &L,
    base: &L::Residues,
    exponent: &[u64],
    rows: &[L::Residues],
    shift: u32,
    scratch: &mut L::Scratch,
) -> L::Residues {
    let odd_powers = odd_powers(lanes, base, public_window(significant_bits(exponent)), scratch);
    // What comes in at which bit, the lowest first.
    let windows = sliding_windows(exponent, public_window(significant_bits(exponent)));
    let powers = windows.into_iter().map(|(bit, odd)| (bit, &odd_powers[odd / 2]));
    let mut factors: Vec<_> = powers.chain((0..).map(|j| shift * j).zip(rows)).collect();
    factors.sort_by_key(|&(bit, _)| bit);
    let Some((mut position, first)) = factors.pop() else { return lanes.one() };
    let mut result = first.clone();
    for (bit, factor) in factors.into_iter().rev() {
        (bit..position).for_each(|_| lanes.sqr(&mut result, scratch));
        position = bit;
        lanes.mul(&mut result, factor, scratch);
    }
    (0..position).for_each(|_| lanes.sqr(&mut result, scratch));
    result
}

/// base^1, base^3, ... up to windows of `width` bits.
fn odd_powers<L: Lanes>(lanes: &L, base: &L::Residues, width: u32, scratch: &mut L::Scratch) -> Vec<L::Residues> {
    let mut square = base.clone();
    lanes.sqr(&mut square, scratch);
    let mut odd_powers = vec![base.clone()];
    for i in 1..1 << (width - 1) {
        let mut next = odd_powers[i - 1].clone();
        lanes.mul(&mut next, &square, scratch);
        odd_powers.push(next);
    }
    odd_powers
}

/// A number as a sum of odd numbers of at most `width` bits times powers of two: (exponent of two, odd number).
fn sliding_windows(number: &[u64], width: u32) -> Vec<(u32, usize)> {
    let mut windows = Vec::new();
    let mut position = significant_bits(number);
    while position > 0 {
        if digit(number, position - 1, 1) == 0 {
            position -= 1;
            continue;
        }
        let longest = width.min(position);
        let value = digit(number, position - longest, longest);
        let zeros = value.trailing_zeros();
        position -= longest - zeros;
        windows.push((position, value >> zeros));
    }
    windows
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
    use crate::arith::testing::{moduli, on_all_lanes, residues, samples};
    use crate::secret::{Limbs, integer};
    use rug::Integer;

    fn width<L: Lanes>(_: &L) -> usize {
        L::WIDTH
    }

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
            on_all_lanes!(&m, |lanes| {
                let mut s = lanes.scratch();
                let square = m.clone().square();
                let numbers: Vec<_> = residues(&m);
                let limbs: Vec<_> =
                    numbers.iter().map(|x| Limbs::from_integer(x, 2 * m.significant_digits::<u64>())).collect();
                let exponents = samples(&m);
                let bits = exponents.iter().map(Integer::significant_bits).max().unwrap() + 3;
                let exponent_limbs: Vec<_> =
                    exponents.iter().map(|x| Limbs::from_integer(x, bits as usize / 64 + 1)).collect();
                // Each lane has a base of its own, and an exponent of its own where it is secret.
                for start in 0..numbers.len() {
                    let lane = |i: usize| (start + i) % numbers.len();
                    let width = width(lanes);
                    let bases: Vec<_> = (0..width).map(|i| &limbs[lane(i)][..]).collect();
                    let base = lanes.enter(&bases, &mut s);
                    for e in 0..exponents.len() {
                        let of_lane = |i: usize| (e + i) % exponents.len();
                        let secret: Vec<_> = (0..width).map(|i| &exponent_limbs[of_lane(i)][..]).collect();
                        let public = pow_public(lanes, &base, &exponent_limbs[e], &mut s);
                        let secret = pow_secret(lanes, &base, &secret, bits, &mut s);
                        let (public, secret) = (lanes.leave(&public, &mut s), lanes.leave(&secret, &mut s));
                        for i in 0..width {
                            for (pair, exponent) in [(&public[i], e), (&secret[i], of_lane(i))] {
                                let (x, exponent) = (&numbers[lane(i)], &exponents[exponent]);
                                let expected = x.clone().pow_mod(exponent, &square).unwrap();
                                assert_eq!(integer(&pair.b) * &m + integer(&pair.a), expected, "{x}^{exponent}");
                            }
                        }
                    }
                }
            });
        }
    }

    #[test]
    fn the_zeroth_power_of_zero_is_one() {
        on_all_lanes!(&Integer::from(35), |lanes| {
            let mut s = lanes.scratch();
            let zero = lanes.enter(&[&[0]], &mut s);
            let power = pow_secret(lanes, &zero, &[&[0]], 0, &mut s);
            assert_eq!(lanes.leave(&power, &mut s)[0].a.to_integer(), 1);
        });
    }
}
