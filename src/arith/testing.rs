//! Moduli and numbers on which the arithmetic is compared with plain integers.

use rug::Integer;

use super::lanes::{Lanes, Pair};
use super::portable::{Portable, Residue, Scratch, VariableTime};
use crate::entropy::{Entropy, SeededEntropy};
use crate::secret::{Limbs, integer};

/// Odd moduli: tiny, around limb boundaries, and of the sizes that keys have; products of two primes and primes.
pub(crate) fn moduli() -> Vec<Integer> {
    let prime = |bits: u32| (Integer::from(1) << (bits - 1)) + (Integer::from(1) << (bits - 2));
    let prime = |bits: u32| prime(bits).next_prime();
    let mut moduli = vec![Integer::from(3), Integer::from(35)];
    moduli.extend([59, 60, 61, 63, 64, 65, 124, 128, 256, 1024].map(prime));
    moduli.push(prime(256) * prime(300).next_prime());
    moduli
}

/// Edge values and seeded random ones around m: 0, 1, m - 1, m, 2m - 1 and four random ones below m^2.
pub(crate) fn samples(m: &Integer) -> Vec<Integer> {
    let square = m.clone().square();
    let mut samples = vec![
        Integer::new(),
        Integer::from(1),
        Integer::from(m - 1),
        m.clone(),
        Integer::from(m + 1),
        Integer::from(m * 2) - 1,
        Integer::from(&square - 1),
    ];
    let mut entropy = SeededEntropy::new(m.to_string().as_bytes());
    samples.extend((0..4).map(|_| random_below(&square, &mut entropy)));
    samples
}

/// A uniform number below `bound`.
pub(crate) fn random_below(bound: &Integer, entropy: &mut impl Entropy) -> Integer {
    let bound = bound.to_digits::<u64>(rug::integer::Order::Lsf);
    let mut limbs = vec![0; bound.len()];
    entropy.below(&mut limbs, &bound).expect("a seeded stream does not fail");
    integer(&limbs)
}

/// [`samples`] as residues modulo m^2.
pub(crate) fn residues(m: &Integer) -> Vec<Integer> {
    let square = m.clone().square();
    samples(m).into_iter().map(|x| x % &square).collect()
}

/// Eight portable lanes side by side: shows on any machine how an algorithm fares with bundles of eight.
pub(crate) struct Octet(pub(crate) Portable<VariableTime>);

impl Octet {
    fn each<T, R>(x: &[T], f: impl FnMut(&T) -> R) -> Vec<R> {
        assert!((1..=Self::WIDTH).contains(&x.len()), "a slice has one element a lane");
        // Lanes beyond the slice hold something valid.
        x.iter().chain(std::iter::repeat(&x[0])).take(Self::WIDTH).map(f).collect()
    }

    fn lane<'a, T>(x: &'a [T], lane: usize) -> &'a T {
        x.get(lane).unwrap_or(&x[0])
    }
}

impl Lanes for Octet {
    const WIDTH: usize = 8;
    type Single = Residue;
    type Residues = Vec<Residue>;
    type Scalars = Vec<Limbs>;
    type Table = Vec<Limbs>;
    type SharedTable = Limbs;
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        self.0.scratch()
    }

    fn one(&self) -> Vec<Residue> {
        vec![self.0.one(); Self::WIDTH]
    }

    fn zero_scalars(&self) -> Vec<Limbs> {
        vec![self.0.zero_scalars(); Self::WIDTH]
    }

    fn scalars(&self, numbers: &[&[u64]]) -> Vec<Limbs> {
        Self::each(numbers, |number| self.0.scalars(&[number]))
    }

    fn enter_raw(&self, numbers: &[&[u64]], s: &mut Scratch) -> Vec<Residue> {
        Self::each(numbers, |number| self.0.enter_raw(&[number], s))
    }

    fn repair(&self, weight: i64, s: &mut Scratch) -> Vec<Residue> {
        vec![self.0.repair(weight, s); Self::WIDTH]
    }

    fn enter_long(&self, numbers: &[&[u64]], s: &mut Scratch) -> Vec<Residue> {
        Self::each(numbers, |number| self.0.enter_long(&[number], s))
    }

    fn enter(&self, numbers: &[&[u64]], s: &mut Scratch) -> Vec<Residue> {
        Self::each(numbers, |number| self.0.enter(&[number], s))
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

    fn mul_factored(&self, x: &mut Vec<Residue>, sum: &mut Vec<Limbs>, entry: &Vec<Residue>, s: &mut Scratch) {
        x.iter_mut().zip(sum).zip(entry).for_each(|((x, sum), entry)| self.0.mul_factored(x, sum, entry, s));
    }

    fn gather(&self, singles: &[&Residue]) -> Vec<Residue> {
        Self::each(singles, |&single| single.clone())
    }

    fn scatter(&self, x: &Vec<Residue>) -> Vec<Residue> {
        x.clone()
    }

    fn table(&self, entries: &[Vec<Residue>]) -> Vec<Limbs> {
        let lane = |lane: usize| entries.iter().map(|entry| entry[lane].clone()).collect::<Vec<_>>();
        (0..Self::WIDTH).map(|index| self.0.table(&lane(index))).collect()
    }

    fn select(&self, out: &mut Vec<Residue>, table: &Vec<Limbs>, which: &[usize]) {
        for (index, out) in out.iter_mut().enumerate() {
            self.0.select(out, &table[index], &[*Self::lane(which, index)]);
        }
    }

    fn shared_table(&self, entries: &[Residue]) -> Limbs {
        self.0.shared_table(entries)
    }

    fn select_shared(&self, out: &mut Vec<Residue>, table: &Limbs, which: &[usize]) {
        for (index, out) in out.iter_mut().enumerate() {
            self.0.select_shared(out, table, &[*Self::lane(which, index)]);
        }
    }
}
