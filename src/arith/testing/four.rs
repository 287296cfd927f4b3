//! An engine of four lanes made of portable ones, so that what wide lanes need is tested on every machine.

use std::sync::Arc;

use super::super::engine::Engine;
use super::super::lanes::{Lanes, Pair};
use super::super::portable::{ConstantTime, Portable, Product, Residue, Scratch};
use super::Montgomery;
use crate::secret::Limbs;

type One = Portable<ConstantTime>;

/// Four lanes, and the portable engine beside them.
pub(in super::super) struct Four {
    wide: FourLanes,
    narrow: One,
}

impl Four {
    pub(in super::super) fn new(modulus: Arc<Montgomery>) -> Self {
        Self { wide: FourLanes(One::new(modulus.clone())), narrow: One::new(modulus) }
    }
}

impl Engine for Four {
    type Single = Residue;
    type Wide = FourLanes;
    type Narrow = One;
    const BUNDLE: f64 = 2.5;

    fn wide(&self) -> &FourLanes {
        &self.wide
    }

    fn narrow(&self) -> &One {
        &self.narrow
    }

    fn modulus(&self) -> &Montgomery {
        self.narrow.modulus()
    }

    fn window_bytes(&self, width: u32) -> usize {
        self.narrow.window_bytes(width)
    }
}

/// Residues of four lanes, one behind the other.
pub(in super::super) struct FourLanes(One);

impl FourLanes {
    /// What each element that came in becomes, and what `rest` makes for the lanes beyond.
    fn fill<X, Y>(&self, list: &[X], mut each: impl FnMut(&X) -> Y, mut rest: impl FnMut() -> Y) -> Vec<Y> {
        assert!(list.len() <= Self::WIDTH);
        (0..Self::WIDTH).map(|i| list.get(i).map_or_else(&mut rest, &mut each)).collect()
    }
}

impl Lanes for FourLanes {
    const WIDTH: usize = 4;
    const READ: f64 = 0.005;
    const READ_SHARED: f64 = Self::READ;
    type Single = Residue;
    type Residues = Vec<Residue>;
    type Scalars = Vec<Limbs>;
    type Product = Vec<Product>;
    type Table = Vec<Vec<Residue>>;
    type SharedTable = Vec<Residue>;
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        self.0.scratch()
    }

    fn one(&self) -> Vec<Residue> {
        vec![self.0.one(); 4]
    }

    fn scalars(&self, numbers: &[&[u64]]) -> Vec<Limbs> {
        self.fill(numbers, |number| self.0.scalars(&[number]), || self.0.scalars(&[&[0]]))
    }

    fn enter_raw(&self, numbers: &[&[u64]], s: &mut Scratch) -> Vec<Residue> {
        self.fill(numbers, |number| self.0.enter_raw(&[number], s), || self.0.one())
    }

    fn r_squared(&self) -> Vec<Residue> {
        vec![self.0.r_squared(); 4]
    }

    fn r_inverse(&self) -> Vec<Residue> {
        vec![self.0.r_inverse(); 4]
    }

    fn enter_long(&self, numbers: &[&[u64]], s: &mut Scratch) -> Vec<Residue> {
        self.fill(numbers, |number| self.0.enter_long(&[number], s), || self.0.one())
    }

    fn enter(&self, numbers: &[&[u64]], s: &mut Scratch) -> Vec<Residue> {
        self.fill(numbers, |number| self.0.enter(&[number], s), || self.0.one())
    }

    fn leave(&self, x: &Vec<Residue>, s: &mut Scratch) -> Vec<Pair> {
        x.iter().flat_map(|x| self.0.leave(x, s)).collect()
    }

    fn mul(&self, x: &mut Vec<Residue>, y: &Vec<Residue>, s: &mut Scratch) {
        x.iter_mut().zip(y).for_each(|(x, y)| self.0.mul(x, y, s));
    }

    fn sqr(&self, x: &mut Vec<Residue>, s: &mut Scratch) {
        x.iter_mut().for_each(|x| self.0.sqr(x, s));
    }

    fn mul_one_plus(&self, x: &mut Vec<Residue>, k: &Vec<Limbs>, s: &mut Scratch) {
        x.iter_mut().zip(k).for_each(|(x, k)| self.0.mul_one_plus(x, k, s));
    }

    fn factor(&self, x: &mut Vec<Residue>, inverse: &Vec<Residue>, s: &mut Scratch) {
        x.iter_mut().zip(inverse).for_each(|(x, inverse)| self.0.factor(x, inverse, s));
    }

    fn empty_product(&self) -> Vec<Product> {
        (0..Self::WIDTH).map(|_| self.0.empty_product()).collect()
    }

    fn mul_factored(&self, product: &mut Vec<Product>, entries: [&Vec<Residue>; 2], s: &mut Scratch) {
        for (i, product) in product.iter_mut().enumerate() {
            self.0.mul_factored(product, entries.map(|entry| &entry[i]), s);
        }
    }

    fn mul_one_plus_in(&self, product: &mut Vec<Product>, k: &Vec<Limbs>) {
        product.iter_mut().zip(k).for_each(|(product, k)| self.0.mul_one_plus_in(product, k));
    }

    fn expand(&self, product: Vec<Product>, s: &mut Scratch) -> Vec<Residue> {
        product.into_iter().map(|product| self.0.expand(product, s)).collect()
    }

    fn gather(&self, bundle: &mut Vec<Residue>, singles: &[&Residue]) {
        *bundle = self.fill(singles, |&single| single.clone(), || self.0.one());
    }

    fn scatter(&self, x: &Vec<Residue>) -> Vec<Residue> {
        x.clone()
    }

    fn scatter_to(&self, singles: &mut [Residue], x: &Vec<Residue>) {
        singles.iter_mut().zip(x).for_each(|(single, x)| *single = x.clone());
    }

    fn table(&self, entries: &[Vec<Residue>]) -> Vec<Vec<Residue>> {
        entries.to_vec()
    }

    fn select(&self, out: &mut Vec<Residue>, table: &Vec<Vec<Residue>>, which: &[usize]) {
        for (i, &which) in which.iter().enumerate() {
            out[i] = table[which][i].clone();
        }
    }

    fn shared_table(&self, entries: &[Residue]) -> Vec<Residue> {
        entries.to_vec()
    }

    fn select_shared(&self, out: &mut [Vec<Residue>], table: &Vec<Residue>, which: &[usize]) {
        for (out, which) in out.iter_mut().zip(which.chunks(Self::WIDTH)) {
            *out = self.fill(which, |&which| table[which].clone(), || self.0.one());
        }
    }
}
