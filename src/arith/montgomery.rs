//! Numbers modulo an odd m in Montgomery form on GMP limbs (Montgomery 1985), in constant time.
//!
//! R = 2^(64 L) > 16 m. With that slack the reduction of any t < 8 m^2 is below 2m without a final subtraction, which is
//! what the pair form in [`portable`](super::portable) lives on.

use rug::Integer;
use zeroize::Zeroize;

use super::lanes::Pair;
use super::mpn;
use crate::secret::{Limbs, WipedInteger, integer, significant_bits};

/// An odd modulus m with its Montgomery constants. Wiped on drop, because m may be a secret prime.
pub(crate) struct Montgomery {
    /// m in L limbs; R > 16 m leaves the top bits zero.
    modulus: Limbs,
    /// m^2 in exactly as many limbs as it needs.
    square: Limbs,
    /// -m^-1 mod 2^64.
    negated_inverse: u64,
    /// R^2 mod m, which brings a number into Montgomery form.
    r2: Limbs,
}

impl Montgomery {
    /// # Panics
    /// If m is even or below 3.
    pub(crate) fn new(m: &Integer) -> Self {
        assert!(m.is_odd() && *m >= 3, "a Montgomery modulus is odd and at least 3");
        let length = (m.significant_bits() as usize + 4).div_ceil(64);
        let modulus = Limbs::from_integer(m, length);
        let square = WipedInteger(m.clone().square());
        let square = Limbs::from_integer(&square, square.significant_digits::<u64>());
        // Newton's iteration doubles the valid bits; m * m = 1 mod 8 starts with three.
        let mut inverse = modulus[0];
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(modulus[0].wrapping_mul(inverse)));
        }
        let r2 = WipedInteger((Integer::from(1) << (128 * length as u32)) % m);
        let r2 = Limbs::from_integer(&r2, length);
        Self { modulus, square, negated_inverse: inverse.wrapping_neg(), r2 }
    }

    /// L, the limbs of a residue.
    pub(crate) fn length(&self) -> usize {
        self.modulus.len()
    }

    /// |m|, the bits of m.
    pub(crate) fn bits(&self) -> u32 {
        significant_bits(&self.modulus)
    }

    /// m^2. Not constant-time: for constants.
    pub(super) fn square_integer(&self) -> WipedInteger {
        WipedInteger(integer(&self.square))
    }

    /// m in L limbs.
    pub(crate) fn modulus(&self) -> &Limbs {
        &self.modulus
    }

    /// R^2 mod m in L limbs.
    pub(super) fn r2(&self) -> &Limbs {
        &self.r2
    }

    /// Limbs of a number below m^2.
    pub(crate) fn square_length(&self) -> usize {
        self.square.len()
    }

    /// Montgomery's reduction of `t` (2L limbs, a number t modulo R^2 that may stand for a negative one above -R):
    /// writes q = -t/m mod R to `quotient` and leaves u = (t + q m) / R in the upper half of `t`. The lower half is spent.
    ///
    /// For 0 <= t < 8 m^2 + R the result is below 2m: (8 m^2 + R + R m) / R < m/2 + 1 + m, as R > 16 m. For -R < t < 0 it is
    /// an integer above -1, so it is nonnegative too; the sums modulo R^2 come out right because it fits.
    pub(super) fn reduce(&self, t: &mut [u64], quotient: &mut [u64]) {
        let length = self.length();
        for i in 0..length {
            quotient[i] = t[i].wrapping_mul(self.negated_inverse);
            // The lowest limb becomes zero; its place keeps the carry, which belongs L limbs higher.
            t[i] = mpn::addmul_1(&mut t[i..i + length], &self.modulus, quotient[i]);
        }
        let (carries, upper) = t.split_at_mut(length);
        mpn::add_assign(upper, carries);
    }

    /// Brings x < 2m below m; returns how often m was taken off, 0 or 1.
    pub(super) fn normalise(&self, x: &mut [u64]) -> u64 {
        let below = mpn::sub_assign(x, &self.modulus);
        mpn::cnd_add_assign(below, x, &self.modulus);
        1 - below
    }

    /// x += a word.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn add_word(&self, x: &mut [u64], word: u64) {
        let mut addend = Limbs::zero(self.length());
        addend[0] = word;
        mpn::add_assign(x, &addend);
    }

    /// x * y mod m for x, y < m, in L limbs.
    pub(crate) fn mul(&self, x: &[u64], y: &[u64]) -> Limbs {
        let mut t = Limbs::zero(2 * self.length());
        mpn::sec_mul(&mut t, x, y, &mut Limbs::zero(mpn::sec_mul_itch(self.length()).max(1)));
        self.mul_long(&t, &self.r2)
    }

    /// x y mod m for x < 8 m^2 in at most 2L limbs and y in the form of [`long_factor`](Self::long_factor), in L limbs.
    pub(crate) fn mul_long(&self, x: &[u64], y: &[u64]) -> Limbs {
        let length = self.length();
        let mut t = Limbs::zero(2 * length);
        let mut quotient = Limbs::zero(length);
        t[..x.len()].copy_from_slice(x);
        self.reduce(&mut t, &mut quotient);
        let over_r = Limbs::copy_of(&t[length..]);
        mpn::sec_mul(&mut t, &over_r, y, &mut Limbs::zero(mpn::sec_mul_itch(length).max(1)));
        self.reduce(&mut t, &mut quotient);
        let mut product = Limbs::copy_of(&t[length..]);
        self.normalise(&mut product);
        product
    }

    /// y R^2 mod m for y < m.
    pub(crate) fn long_factor(&self, y: &[u64]) -> Limbs {
        self.mul(y, &self.r2)
    }

    /// x - y mod m for x, y < m, in L limbs.
    pub(crate) fn sub(&self, x: &[u64], y: &[u64]) -> Limbs {
        let mut difference = Limbs::copy_of(x);
        let borrow = mpn::sub_assign(&mut difference, y);
        mpn::cnd_add_assign(borrow, &mut difference, &self.modulus);
        difference
    }

    /// `sum` += x modulo m for both below m.
    pub(crate) fn add_assign(&self, sum: &mut [u64], x: &[u64]) {
        mpn::add_assign(sum, x);
        self.normalise(sum);
    }

    /// x mod m in L limbs, for x of any length. GMP looks up the top bits of m in a table: for a modulus that is public.
    pub(crate) fn rem(&self, x: &[u64]) -> Limbs {
        let significant = self.modulus.iter().rposition(|&limb| limb != 0).expect("m is at least 3") + 1;
        let mut dividend = Limbs::zero(x.len().max(significant));
        dividend[..x.len()].copy_from_slice(x);
        let mut scratch = Limbs::zero(mpn::sec_rem_itch(dividend.len(), significant));
        mpn::sec_rem(&mut dividend, &self.modulus[..significant], &mut scratch);
        let mut remainder = Limbs::zero(self.length());
        remainder[..significant].copy_from_slice(&dividend[..significant]);
        remainder
    }

    /// x mod m for x < 2m in L limbs: a residue modulo another prime of the same length.
    pub(crate) fn rem_near(&self, x: &[u64]) -> Limbs {
        let mut remainder = Limbs::copy_of(x);
        self.normalise(&mut remainder);
        remainder
    }

    /// x + y * m for a number x of at most L limbs and y of L limbs, in `length` limbs, which must hold it.
    pub(crate) fn add_multiple(&self, x: &[u64], y: &[u64], length: usize) -> Limbs {
        let mut product = Limbs::zero(2 * y.len());
        mpn::sec_mul(&mut product, y, &self.modulus, &mut Limbs::zero(mpn::sec_mul_itch(y.len()).max(1)));
        let mut addend = Limbs::zero(2 * y.len());
        addend[..x.len()].copy_from_slice(x);
        mpn::add_assign(&mut product, &addend);
        let mut sum = Limbs::zero(length);
        let shared = length.min(product.len());
        sum[..shared].copy_from_slice(&product[..shared]);
        debug_assert!(product[shared..].iter().all(|&limb| limb == 0), "the sum does not fit");
        sum
    }

    /// u x + v y mod m^2 for two products below m^2, whose factors have half of
    /// [`square_length`](Self::square_length) limbs.
    pub(crate) fn sum_of_products(&self, [[u, x], [v, y]]: [[&[u64]; 2]; 2]) -> Limbs {
        let mut scratch = Limbs::zero(mpn::sec_mul_itch(u.len()));
        let [mut sum, mut product] = [0, 1].map(|_| Limbs::zero(self.square_length()));
        mpn::sec_mul(&mut sum, u, x, &mut scratch);
        mpn::sec_mul(&mut product, v, y, &mut scratch);
        let carry = mpn::add_assign(&mut sum, &product);
        // What overflowed the limbs is at least m^2, so then the difference borrows.
        let borrow = mpn::sub_assign(&mut sum, &self.square);
        mpn::cnd_add_assign(borrow - carry, &mut sum, &self.square);
        sum
    }

    /// The number a + b m of a pair that left the lanes, in [`square_length`](Self::square_length) limbs.
    pub(super) fn number(&self, pair: &Pair) -> Limbs {
        self.add_multiple(&pair.a, &pair.b, self.square_length())
    }

    /// R^power mod m^2, for the constants of the pair form.
    pub(super) fn power_of_r(&self, power: u32) -> Integer {
        (Integer::from(1) << (64 * self.length() as u32 * power)) % &self.square_integer().0
    }

    /// The number x < m^2 as (x mod m, x / m), each in L limbs. Not constant-time: for constants.
    pub(super) fn split(&self, x: &Integer) -> (Limbs, Limbs) {
        let (upper, lower) = x.clone().div_rem(integer(&self.modulus));
        (Limbs::from_integer(&lower, self.length()), Limbs::from_integer(&upper, self.length()))
    }
}

impl Drop for Montgomery {
    /// The other members wipe themselves; this one is the low limb of a secret prime in another form.
    fn drop(&mut self) {
        self.negated_inverse.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::testing::{moduli, samples};

    #[test]
    fn numbers_modulo_m_agree_with_integers() {
        for m in moduli() {
            let montgomery = Montgomery::new(&m);
            let length = montgomery.length();
            assert!(Integer::from(1) << (64 * length as u32) > Integer::from(&m * 16u32));
            let numbers: Vec<_> = samples(&m).into_iter().map(|x| x % &m).collect();
            for x in &numbers {
                for y in &numbers {
                    let (lx, ly) = (Limbs::from_integer(x, length), Limbs::from_integer(y, length));
                    assert_eq!(montgomery.mul(&lx, &ly).to_integer(), Integer::from(x * y) % &m);
                    let difference = Integer::from(x - y).modulo(&m);
                    assert_eq!(montgomery.sub(&lx, &ly).to_integer(), difference);
                    let factor = montgomery.long_factor(&ly);
                    for long in [Integer::from(x * y), Integer::from(&m * &m) * 8u32 - 1u32 - x] {
                        let limbs = Limbs::from_integer(&long, 2 * length);
                        assert_eq!(montgomery.mul_long(&limbs, &factor).to_integer(), long * y % &m);
                    }
                    let mut sum = lx.clone();
                    montgomery.add_assign(&mut sum, &ly);
                    assert_eq!(sum.to_integer(), Integer::from(x + y) % &m);
                }
            }
        }
    }

    #[test]
    fn remainders_of_long_numbers_agree_with_integers() {
        for m in moduli() {
            let montgomery = Montgomery::new(&m);
            for x in samples(&m) {
                let wide = Integer::from(&x * &x) * &x + &x;
                let limbs = Limbs::from_integer(&wide, wide.significant_digits::<u64>());
                assert_eq!(montgomery.rem(&limbs).to_integer(), Integer::from(&wide % &m));
            }
        }
    }

    #[test]
    fn remainders_of_numbers_that_are_near_agree_with_integers() {
        for m in moduli() {
            let montgomery = Montgomery::new(&m);
            for x in samples(&m) {
                let near = Integer::from(&x % &m) + &m;
                for near in [Integer::from(&near - &m), near] {
                    let limbs = Limbs::from_integer(&near, montgomery.length());
                    assert_eq!(montgomery.rem_near(&limbs).to_integer(), Integer::from(&near % &m));
                }
            }
        }
    }

    #[test]
    fn sums_of_two_products_agree_with_integers() {
        for m in moduli() {
            let (montgomery, square) = (Montgomery::new(&m), m.clone().square());
            if montgomery.square_length() % 2 == 1 {
                continue;
            }
            let limbs = |x: &Integer| Limbs::from_integer(x, montgomery.square_length() / 2);
            let root = Integer::from(1) << (32 * montgomery.square_length() as u32);
            let numbers: Vec<_> = samples(&m).into_iter().map(|x| x % &root).chain([root.clone() - 1u32]).collect();
            // With the largest factor that keeps the product below m^2, so that sums lie on both sides of it.
            let largest = |x: &Integer| {
                if *x == 0 { root.clone() - 1u32 } else { (Integer::from(&square - 1u32) / x).min(root.clone() - 1u32) }
            };
            for u in &numbers {
                for v in &numbers {
                    let (x, y) = (largest(u), largest(v));
                    let expected = (Integer::from(u * &x) + Integer::from(v * &y)) % &square;
                    let [u, x, v, y] = [u, &x, v, &y].map(limbs);
                    assert_eq!(montgomery.sum_of_products([[&u, &x], [&v, &y]]).to_integer(), expected);
                }
            }
        }
    }
}
