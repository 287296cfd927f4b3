//! Powers of one base by many secret exponents, from a table made once.
//!
//! The exponent is cut into windows of w bits; the table holds h^(j 2^(w k)) for every window k and digit j, so that a power
//! is one product a window and no square (Brickell, Gordon, McCurley, Wilson 1992). Entries are kept as c (1 + f m), see
//! [`Lanes::mul_factored`].

use std::sync::Arc;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::lanes::Lanes;
use super::power::digit;

/// Bits of the exponent handled at once. Reading a window costs its whole table, so five beats six on GMP limbs.
const WINDOW: u32 = 5;

/// Powers of h modulo m^2.
pub(crate) struct FixedBase<L: Lanes> {
    lanes: Arc<L>,
    windows: Vec<L::SharedTable>,
}

impl<L: Lanes> FixedBase<L> {
    /// The table for exponents of at most `bits` bits, from the base and its inverse modulo m^2.
    pub(crate) fn new(lanes: Arc<L>, base: &[u64], inverse: &[u64], bits: u32) -> Self {
        let mut scratch = lanes.scratch();
        let mut base = lanes.enter(&vec![base; L::WIDTH], &mut scratch);
        let mut inverse = lanes.enter(&vec![inverse; L::WIDTH], &mut scratch);
        let bases: Vec<_> = (0..bits.div_ceil(WINDOW))
            .map(|_| {
                let window = (base.clone(), inverse.clone());
                for _ in 0..WINDOW {
                    lanes.sqr(&mut base, &mut scratch);
                    lanes.sqr(&mut inverse, &mut scratch);
                }
                window
            })
            .collect();
        let windows = bases.par_iter().map(|(base, inverse)| Self::window(&*lanes, base, inverse)).collect();
        Self { lanes, windows }
    }

    /// The powers 0 to 2^WINDOW - 1 of `base`, factored.
    fn window(lanes: &L, base: &L::Residues, inverse: &L::Residues) -> L::SharedTable {
        let mut scratch = lanes.scratch();
        let (mut power, mut inverse_power) = (lanes.one(), lanes.one());
        let entries: Vec<_> = (0..1 << WINDOW)
            .map(|_| {
                let mut entry = power.clone();
                lanes.factor(&mut entry, &inverse_power, &mut scratch);
                lanes.mul(&mut power, base, &mut scratch);
                lanes.mul(&mut inverse_power, inverse, &mut scratch);
                lanes.scatter(&entry).swap_remove(0)
            })
            .collect();
        lanes.shared_table(&entries)
    }

    /// The engine.
    pub(crate) fn lanes(&self) -> &L {
        &self.lanes
    }

    /// h^exponent in every lane, lane i with exponent i. Constant-time if the lanes are.
    pub(crate) fn pow(&self, exponents: &[&[u64]], scratch: &mut L::Scratch) -> L::Residues {
        let mut result = self.lanes.one();
        let mut sum = self.lanes.zero_scalars();
        let mut entry = self.lanes.one();
        let mut digits = Zeroizing::new(vec![0; exponents.len()]);
        for (window, table) in (0u32..).zip(&self.windows) {
            for (place, exponent) in digits.iter_mut().zip(exponents) {
                *place = digit(exponent, window * WINDOW, WINDOW);
            }
            self.lanes.select_shared(&mut entry, table, &digits);
            self.lanes.mul_factored(&mut result, &mut sum, &entry, scratch);
        }
        self.lanes.mul_one_plus(&mut result, &sum, scratch);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::montgomery::Montgomery;
    use crate::arith::portable::{ConstantTime, Portable};
    use crate::arith::testing::{moduli, residues, samples};
    use crate::secret::{Limbs, integer};
    use rug::Integer;

    #[test]
    fn powers_of_a_fixed_base_agree_with_gmp() {
        for m in moduli() {
            let montgomery = Arc::new(Montgomery::new(&m));
            let lanes = Arc::new(Portable::<ConstantTime>::new(montgomery.clone()));
            let square = m.clone().square();
            let bits = square.significant_bits();
            for h in residues(&m) {
                let Ok(inverse) = h.clone().invert(&square) else { continue };
                let limbs = |x: &Integer| Limbs::from_integer(x, montgomery.square_length());
                let base = FixedBase::new(lanes.clone(), &limbs(&h), &limbs(&inverse), bits);
                let mut s = lanes.scratch();
                for exponent in samples(&m) {
                    let exponent = exponent % &square;
                    let exponent_limbs = limbs(&exponent);
                    let power = base.pow(&[&exponent_limbs], &mut s);
                    let pair = &lanes.leave(&power, &mut s)[0];
                    let expected = h.clone().pow_mod(&exponent, &square).unwrap();
                    assert_eq!(integer(&pair.b) * &m + integer(&pair.a), expected);
                }
            }
        }
    }
}
