//! The engine that runs everywhere: one residue at a time on GMP limbs.
//!
//! Pair form modulo m^2: x = a + b m. With REDC(t) = (t + q m) / R, q its quotient, the product of (a, b) and (c, d) is
//! u = REDC(a c) and REDC(a d + b c - q), q the quotient of the first: (a + b m)(c + d m) / R = u + m (a d + b c - q) / R
//! modulo m^2, because a c = u R - q m. For a, b, c, d < 2m and R > 16 m both are below 2m again
//! (see [`Montgomery::reduce`]), so no step depends on the data.

use std::marker::PhantomData;
use std::sync::Arc;

use rug::Integer;

use super::engine::Engine;
use super::lanes::{Lanes, Pair};
use super::montgomery::Montgomery;
use super::mpn;
use crate::secret::{Limbs, WipedInteger};

/// Which of GMP's multiplications an engine uses.
pub(crate) trait Multiplication: Send + Sync + 'static {
    /// Limbs of scratch for factors of n limbs.
    fn itch(n: usize) -> usize;
    /// out = x y.
    fn mul(out: &mut [u64], x: &[u64], y: &[u64], scratch: &mut [u64]);
    /// out = x^2.
    fn sqr(out: &mut [u64], x: &[u64], scratch: &mut [u64]);
}

/// Time depends on lengths only: for everything secret.
pub(crate) enum ConstantTime {}

impl Multiplication for ConstantTime {
    fn itch(n: usize) -> usize {
        mpn::sec_mul_itch(n)
    }
    fn mul(out: &mut [u64], x: &[u64], y: &[u64], scratch: &mut [u64]) {
        mpn::sec_mul(out, x, y, scratch);
    }
    fn sqr(out: &mut [u64], x: &[u64], scratch: &mut [u64]) {
        mpn::sec_sqr(out, x, scratch);
    }
}

/// Time may depend on the residues (GMP's Karatsuba compares halves): for ciphertexts, which are public.
pub(crate) enum VariableTime {}

impl Multiplication for VariableTime {
    fn itch(_: usize) -> usize {
        0
    }
    fn mul(out: &mut [u64], x: &[u64], y: &[u64], _: &mut [u64]) {
        mpn::mul_n(out, x, y);
    }
    fn sqr(out: &mut [u64], x: &[u64], _: &mut [u64]) {
        mpn::sqr(out, x);
    }
}

/// The portable engine modulo m^2.
pub(crate) struct Portable<T> {
    modulus: Arc<Montgomery>,
    /// The pair of R mod m^2: one in Montgomery form.
    one: Residue,
    /// The pair of R^3 mod m^2: as a Montgomery factor it multiplies by R^2.
    r3: Residue,
    /// 2^(2 |m|) in Montgomery form.
    shift: Residue,
    timing: PhantomData<T>,
}

/// a and b, L limbs each, one behind the other. Wiped on drop.
#[derive(Debug, Clone)]
pub(crate) struct Residue(Limbs);

impl Residue {
    fn from_pair(a: &[u64], b: &[u64]) -> Self {
        let mut limbs = Limbs::zero(a.len() + b.len());
        limbs[..a.len()].copy_from_slice(a);
        limbs[a.len()..].copy_from_slice(b);
        Self(limbs)
    }

    fn pair(&self) -> (&[u64], &[u64]) {
        self.0.split_at(self.0.len() / 2)
    }

    fn pair_mut(&mut self) -> (&mut [u64], &mut [u64]) {
        let half = self.0.len() / 2;
        self.0.split_at_mut(half)
    }
}

/// c (1 + f m).
pub(crate) struct Product {
    c: Residue,
    f: Limbs,
}

/// Working memory of one thread.
pub(crate) struct Scratch {
    /// The product that gives the new a; 2L limbs.
    t: Limbs,
    /// The products that give the new b; 2L limbs each.
    w: Limbs,
    v: Limbs,
    /// The quotient of the first reduction; L limbs and as many zeros above, so that it subtracts from 2L limbs.
    q: Limbs,
    /// The quotient of the second reduction, which nobody needs; L limbs.
    spent: Limbs,
    gmp: Limbs,
}

impl<T: Multiplication> Portable<T> {
    pub(crate) fn new(modulus: Arc<Montgomery>) -> Self {
        let pair = |number: WipedInteger| {
            let (a, b) = modulus.split(&number);
            Residue::from_pair(&a, &b)
        };
        let power = |power| WipedInteger(modulus.power_of_r(power));
        let shift = WipedInteger(power(1).0.clone() << (2 * modulus.bits()));
        let shift = WipedInteger(Integer::from(&shift.0 % &modulus.square_integer().0));
        Self { one: pair(power(1)), r3: pair(power(3)), shift: pair(shift), modulus, timing: PhantomData }
    }

    fn length(&self) -> usize {
        self.modulus.length()
    }

    /// With a c in `s.t`, and a d + b c in `s.w`: the pair of the product, to `x`.
    fn finish(&self, x: &mut Residue, s: &mut Scratch) {
        let length = self.length();
        self.modulus.reduce(&mut s.t, &mut s.q[..length]);
        mpn::sub_assign(&mut s.w, &s.q);
        self.modulus.reduce(&mut s.w, &mut s.spent);
        let (a, b) = x.pair_mut();
        a.copy_from_slice(&s.t[length..]);
        b.copy_from_slice(&s.w[length..]);
    }

    /// `out` (L limbs) = REDC(x y).
    fn mul_scalar(&self, out: &mut [u64], x: &[u64], y: &[u64], s: &mut Scratch) {
        T::mul(&mut s.t, x, y, &mut s.gmp);
        self.modulus.reduce(&mut s.t, &mut s.spent);
        out.copy_from_slice(&s.t[self.length()..]);
    }

    fn padded(&self, number: &[u64], length: usize) -> Limbs {
        let mut limbs = Limbs::zero(length);
        limbs[..number.len()].copy_from_slice(number);
        limbs
    }
}

impl<T: Multiplication> Lanes for Portable<T> {
    const WIDTH: usize = 1;
    // mpn_sec_tabselect passes the 98 limbs of a residue modulo a square of 3072 bits in a small part of a product's time. How
    // small was not measured: the figure was chosen so that powers by secret exponents keep windows of five bits.
    const READ: f64 = 0.009;
    const READ_SHARED: f64 = Self::READ;
    type Single = Residue;
    type Residues = Residue;
    type Scalars = Limbs;
    type Product = Product;
    type Table = Limbs;
    type SharedTable = Limbs;
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        let length = self.length();
        Scratch {
            t: Limbs::zero(2 * length),
            w: Limbs::zero(2 * length),
            v: Limbs::zero(2 * length),
            q: Limbs::zero(2 * length),
            spent: Limbs::zero(length),
            gmp: Limbs::zero(T::itch(length).max(1)),
        }
    }

    fn one(&self) -> Residue {
        self.one.clone()
    }

    fn scalars(&self, numbers: &[&[u64]]) -> Limbs {
        self.padded(numbers[0], self.length())
    }

    fn enter_raw(&self, numbers: &[&[u64]], s: &mut Scratch) -> Residue {
        // One reduction of x < m^2 < R m gives x / R = u - q m / R: the pair (u, REDC(-q)).
        s.t.fill(0);
        s.t[..numbers[0].len()].copy_from_slice(numbers[0]);
        s.w.fill(0);
        let mut x = Residue(Limbs::zero(2 * self.length()));
        self.finish(&mut x, s);
        x
    }

    fn r_squared(&self) -> Residue {
        self.r3.clone()
    }

    fn r_inverse(&self) -> Residue {
        let mut limbs = Limbs::zero(2 * self.length());
        limbs[0] = 1;
        Residue(limbs)
    }

    fn enter(&self, numbers: &[&[u64]], s: &mut Scratch) -> Residue {
        let mut x = self.enter_raw(numbers, s);
        self.mul(&mut x, &self.r3, s);
        x
    }

    fn enter_long(&self, numbers: &[&[u64]], s: &mut Scratch) -> Residue {
        // x = low + high 2^k, k = 2 |m|: both parts are below 2^k < 4 m^2.
        let cut = self.modulus.bits() as usize / 32;
        let (low, high) = numbers[0].split_at(cut.min(numbers[0].len()));
        let mut sum = self.enter_raw(&[high], s);
        self.mul(&mut sum, &self.shift, s);
        let low = self.enter_raw(&[low], s);
        // Sums below 4m are fit for one product with a pair below 2m: (16 m^2 + R m) / R < 2m.
        mpn::add_assign(&mut sum.0, &low.0);
        self.mul(&mut sum, &self.r3, s);
        sum
    }

    fn leave(&self, x: &Residue, s: &mut Scratch) -> Vec<Pair> {
        // A Montgomery product with the plain pair (1, 0): a c = a and a d + b c = b.
        let length = self.length();
        let (a, b) = x.pair();
        s.t.fill(0);
        s.t[..length].copy_from_slice(a);
        s.w.fill(0);
        s.w[..length].copy_from_slice(b);
        let mut plain = x.clone();
        self.finish(&mut plain, s);
        // The reductions of numbers below R are at most m. What comes off a = m is one more m in b, so b <= m + 1.
        let (a, b) = plain.pair_mut();
        let mut carried = vec![0; length];
        carried[0] = self.modulus.normalise(a);
        mpn::add_assign(b, &carried);
        self.modulus.normalise(b);
        vec![Pair { a: Limbs::copy_of(a), b: Limbs::copy_of(b) }]
    }

    fn mul(&self, x: &mut Residue, y: &Residue, s: &mut Scratch) {
        let ((a, b), (c, d)) = (x.pair(), y.pair());
        T::mul(&mut s.t, a, c, &mut s.gmp);
        T::mul(&mut s.w, a, d, &mut s.gmp);
        T::mul(&mut s.v, b, c, &mut s.gmp);
        // Below 8 m^2 < R^2: no carry.
        mpn::add_assign(&mut s.w, &s.v);
        self.finish(x, s);
    }

    fn sqr(&self, x: &mut Residue, s: &mut Scratch) {
        let (a, b) = x.pair();
        T::sqr(&mut s.t, a, &mut s.gmp);
        T::mul(&mut s.w, a, b, &mut s.gmp);
        mpn::double(&mut s.w);
        self.finish(x, s);
    }

    fn mul_one_plus(&self, x: &mut Residue, k: &Limbs, s: &mut Scratch) {
        // (a + b m)(1 + k m) = a + (b + a k) m. The product a k goes through REDC twice, once with R^2.
        let length = self.length();
        let mut addend = Limbs::zero(length);
        self.mul_scalar(&mut addend, k, self.modulus.r2(), s);
        let k_r = addend.clone();
        self.mul_scalar(&mut addend, x.pair().0, &k_r, s);
        let (_, b) = x.pair_mut();
        self.modulus.normalise(&mut addend);
        self.modulus.normalise(b);
        mpn::add_assign(b, &addend);
    }

    fn factor(&self, x: &mut Residue, inverse: &Residue, s: &mut Scratch) {
        // Both in Montgomery form: b * a^-1 R^2 / R^2.
        let length = self.length();
        let (_, b) = x.pair();
        let mut f = Limbs::zero(length);
        self.mul_scalar(&mut f, b, inverse.pair().0, s);
        let mut one = Limbs::zero(length);
        one[0] = 1;
        let f_r = f.clone();
        self.mul_scalar(&mut f, &f_r, &one, s);
        self.modulus.normalise(&mut f);
        x.pair_mut().1.copy_from_slice(&f);
    }

    fn empty_product(&self) -> Product {
        Product { c: self.one(), f: Limbs::zero(self.length()) }
    }

    fn mul_factored(&self, product: &mut Product, entries: [&Residue; 2], s: &mut Scratch) {
        for entry in entries {
            let ((a, b), (c, f)) = (product.c.pair(), entry.pair());
            T::mul(&mut s.t, a, c, &mut s.gmp);
            T::mul(&mut s.w, b, c, &mut s.gmp);
            self.modulus.add_assign(&mut product.f, f);
            self.finish(&mut product.c, s);
        }
    }

    fn mul_one_plus_in(&self, product: &mut Product, k: &Limbs) {
        self.modulus.add_assign(&mut product.f, k);
    }

    fn expand(&self, mut product: Product, s: &mut Scratch) -> Residue {
        self.mul_one_plus(&mut product.c, &product.f, s);
        product.c
    }

    fn gather(&self, bundle: &mut Residue, singles: &[&Residue]) {
        bundle.0.copy_from_slice(&singles[0].0);
    }

    fn scatter(&self, x: &Residue) -> Vec<Residue> {
        vec![x.clone()]
    }

    fn scatter_to(&self, singles: &mut [Residue], x: &Residue) {
        singles[0].0.copy_from_slice(&x.0);
    }

    fn table(&self, entries: &[Residue]) -> Limbs {
        let mut table = Limbs::zero(entries.len() * 2 * self.length());
        for (place, entry) in table.chunks_exact_mut(2 * self.length()).zip(entries) {
            place.copy_from_slice(&entry.0);
        }
        table
    }

    fn select(&self, out: &mut Residue, table: &Limbs, which: &[usize]) {
        mpn::sec_tabselect(&mut out.0, table, which[0]);
    }

    fn shared_table(&self, entries: &[Residue]) -> Limbs {
        self.table(entries)
    }

    fn select_shared(&self, out: &mut [Residue], table: &Limbs, which: &[usize]) {
        out.iter_mut().zip(which).for_each(|(out, &which)| mpn::sec_tabselect(&mut out.0, table, which));
    }
}

impl<T: Multiplication> Engine for Portable<T> {
    type Single = Residue;
    type Wide = Self;
    type Narrow = Self;
    const BUNDLE: f64 = 1.0;

    fn wide(&self) -> &Self {
        self
    }

    fn narrow(&self) -> &Self {
        self
    }

    fn modulus(&self) -> &Montgomery {
        &self.modulus
    }

    fn window_bytes(&self, width: u32) -> usize {
        (16 * self.length()) << width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::testing::{moduli, residues};

    fn value(engine: &impl Lanes<Residues = Residue, Scratch = Scratch>, m: &Integer, x: &Residue) -> Integer {
        let pair = &engine.leave(x, &mut engine.scratch())[0];
        let (a, b) = (pair.a.to_integer(), pair.b.to_integer());
        assert!(a < *m && b < *m, "a pair that leaves is unique");
        a + b * m
    }

    /// Pairs at the edges of the permitted range a, b < 2m, and the residue each stands for.
    fn edge_pairs(engine: &Portable<impl Multiplication>, m: &Integer) -> Vec<(Residue, Integer)> {
        let square = m.clone().square();
        let r_inverse = engine.modulus.power_of_r(1).invert(&square).unwrap();
        let edges = [Integer::new(), Integer::from(1), Integer::from(m - 1), m.clone(), Integer::from(m * 2) - 1];
        let mut pairs = Vec::new();
        for a in &edges {
            for b in &edges {
                let length = engine.length();
                let pair = Residue::from_pair(&Limbs::from_integer(a, length), &Limbs::from_integer(b, length));
                pairs.push((pair, (Integer::from(b * m) + a) * &r_inverse % &square));
            }
        }
        pairs
    }

    fn agrees_with_integers<T: Multiplication>() {
        for m in moduli() {
            let engine = Portable::<T>::new(Arc::new(Montgomery::new(&m)));
            let mut s = engine.scratch();
            let square = m.clone().square();
            let mut all = edge_pairs(&engine, &m);
            for x in residues(&m) {
                let limbs = Limbs::from_integer(&x, engine.modulus.square_length());
                all.push((engine.enter(&[&limbs], &mut s), x));
            }
            for (x, expected_x) in &all {
                assert_eq!(value(&engine, &m, x), *expected_x, "enter and leave");
                let mut squared = x.clone();
                engine.sqr(&mut squared, &mut s);
                assert_eq!(value(&engine, &m, &squared), Integer::from(expected_x * expected_x) % &square, "sqr");
                for (y, expected_y) in &all {
                    let mut product = x.clone();
                    engine.mul(&mut product, y, &mut s);
                    assert_eq!(value(&engine, &m, &product), Integer::from(expected_x * expected_y) % &square, "mul");
                    let k = Integer::from(expected_y % &m);
                    let mut shifted = x.clone();
                    engine.mul_one_plus(&mut shifted, &Limbs::from_integer(&k, engine.length()), &mut s);
                    assert_eq!(value(&engine, &m, &shifted), (k * &m + 1u32) * expected_x % &square, "mul_one_plus");
                    // What one operation leaves must be fit for the next.
                    engine.mul(&mut shifted, &product, &mut s);
                    engine.mul(&mut product, &shifted, &mut s);
                    let (a, b) = product.pair();
                    let limit = Integer::from(&m * 2);
                    assert!(crate::secret::integer(a) < limit && crate::secret::integer(b) < limit);
                }
            }
        }
    }

    #[test]
    fn constant_time_arithmetic_agrees_with_integers() {
        agrees_with_integers::<ConstantTime>();
    }

    #[test]
    fn variable_time_arithmetic_agrees_with_integers() {
        agrees_with_integers::<VariableTime>();
    }

    #[test]
    fn raw_entries_are_repaired_for_positive_and_negative_weights() {
        for m in moduli() {
            let engine = Portable::<VariableTime>::new(Arc::new(Montgomery::new(&m)));
            let mut s = engine.scratch();
            let square = m.clone().square();
            for x in residues(&m) {
                let limbs = Limbs::from_integer(&x, engine.modulus.square_length());
                for weight in [0i64, 1, 2, 5, 1000, -1, -2, -77] {
                    let Ok(power) = x.clone().pow_mod(&Integer::from(weight), &square) else { continue };
                    let raw = engine.enter_raw(&[&limbs], &mut s);
                    // x R^-2 to the weight, taken from the integers, times the repair.
                    let raw_value = value(&engine, &m, &raw).pow_mod(&Integer::from(weight), &square).unwrap();
                    let raw_power = Limbs::from_integer(&raw_value, engine.modulus.square_length());
                    let mut product = engine.enter(&[&raw_power], &mut s);
                    engine.mul(&mut product, &engine.repair(weight, &mut s), &mut s);
                    assert_eq!(value(&engine, &m, &product), power);
                }
            }
        }
    }
}
