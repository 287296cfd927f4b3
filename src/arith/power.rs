//! Powers of residues: by secret exponents in constant time, and by a public exponent.

use std::sync::{Mutex, PoisonError};

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

/// The longest window that pays where the windows of a public exponent are multiplied up from the lowest: 2^w products in the
/// end, which nobody shares.
fn public_window_apart(bits: u32) -> u32 {
    (1..=8).min_by_key(|window| (1 << window) + bits / (window + 1)).unwrap_or(1)
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
    let width = public_window(significant_bits(exponent));
    let odd_powers = odd_powers(lanes, base, width, scratch);
    // What comes in at which bit, the lowest first.
    let windows = sliding_windows(exponent, width);
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

/// Windows whose products are one piece of work for another thread.
const HANDFUL: usize = 8;

/// The same as [`pow_public`], from the lowest window to the highest (Yao 1976): this thread squares, and any thread that is
/// idle multiplies each base^(2^bit) into the product of those with the same window. For a bundle that would be the last to be
/// done: its way to the end is a sixth shorter.
pub(crate) fn pow_public_apart<L: Lanes>(
    lanes: &L,
    base: &L::Residues,
    exponent: &[u64],
    scratch: &mut L::Scratch,
) -> L::Residues {
    let width = public_window_apart(significant_bits(exponent));
    let products: Vec<_> = (0..1 << (width - 1)).map(|_| Mutex::new(None::<L::Residues>)).collect();
    let lock = |odd: usize| products[odd / 2].lock().unwrap_or_else(PoisonError::into_inner);
    let multiply = |powers: Vec<(usize, L::Residues)>| {
        let mut scratch = lanes.scratch();
        for (odd, mut power) in powers {
            // Nobody waits for a product: what is there is taken, and two that meet at an empty place go on with each other.
            loop {
                let mut product = lock(odd);
                let Some(other) = product.take() else {
                    *product = Some(power);
                    break;
                };
                drop(product);
                lanes.mul(&mut power, &other, &mut scratch);
            }
        }
    };
    let mut windows = sliding_windows(exponent, width);
    windows.reverse();
    let mut power = base.clone();
    let mut position = 0;
    rayon::scope(|scope| {
        for windows in windows.chunks(HANDFUL) {
            let mut powers = Vec::with_capacity(HANDFUL);
            for &(bit, odd) in windows {
                (position..bit).for_each(|_| lanes.sqr(&mut power, scratch));
                position = bit;
                powers.push((odd, power.clone()));
            }
            scope.spawn(|_| multiply(powers));
        }
    });
    // With P_i of window 2i + 1 and S_i the product of P_i, P_(i + 1), ...: the product of all P_i^(2i + 1) is that of all S_i
    // but S_0, squared, times S_0.
    let mut suffix = lanes.one();
    let mut result = lanes.one();
    for odd in (1..1 << width).step_by(2).rev() {
        if let Some(product) = lock(odd).take() {
            lanes.mul(&mut suffix, &product, scratch);
        }
        if odd > 1 {
            lanes.mul(&mut result, &suffix, scratch);
        }
    }
    lanes.sqr(&mut result, scratch);
    lanes.mul(&mut result, &suffix, scratch);
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
    fn all_powers_agree_with_gmp() {
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
                        let apart = pow_public_apart(lanes, &base, &exponent_limbs[e], &mut s);
                        let secret = pow_secret(lanes, &base, &secret, bits, &mut s);
                        let [public, apart, secret] = [public, apart, secret].map(|x| lanes.leave(&x, &mut s));
                        for i in 0..width {
                            for (pair, exponent) in [(&public[i], e), (&apart[i], e), (&secret[i], of_lane(i))] {
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
