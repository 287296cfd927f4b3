//! Integers modulo the square of m, by whichever engine was chosen: what the rest of the library sees of arithmetic.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::engine::{Engine, bundled};
use super::fixed_base::FixedBase;
use super::lanes::{Lanes, Pair};
use super::measure::{self, Kernel};
use super::montgomery::Montgomery;
use super::power::{pow_public, pow_public_and_pack, pow_public_apart, pow_secret};
use super::product::{Plan, Spare, pack};
use crate::error::Result;
use crate::secret::{Limbs, significant_bits, slices};

/// Integers modulo m^2.
///
/// Numbers come in as limbs, least significant first, and below m^2 unless a job says otherwise. Results stand in the order
/// of what came in, below m^2, in [`Montgomery::square_length`] limbs. A job of one number runs on the calling thread, a
/// longer one on all threads of its pool. Times depend on numbers only where the engine was chosen for
/// [variable time](super::Timing::Variable), or where a job says so.
pub(crate) trait Ring: Send + Sync {
    /// m.
    fn modulus(&self) -> &Montgomery;

    /// base^exponent, place by place, by exponents that everybody may know.
    fn powers(&self, bases: &[&[u64]], exponents: &[&[u64]]) -> Vec<Limbs>;

    /// base^exponent, place by place, by secret exponents of at most `bits` bits. The bases lie below 2^(4 |m|), |m| the bits
    /// of m, a multiple of 32: ciphertexts modulo n^2 come to the square of a prime this way.
    fn secret_powers(&self, bases: &[&[u64]], exponents: &[&[u64]], bits: u32) -> Vec<Pair>;

    /// x y, place by place.
    fn products(&self, x: &[&[u64]], y: &[&[u64]]) -> Vec<Limbs>;

    /// x (1 + k m), place by place, k < m.
    fn times_one_plus(&self, x: &[&[u64]], k: &[&[u64]]) -> Vec<Limbs>;

    /// x (1 + k m) y, place by place, k < m.
    fn conceal(&self, x: &[&[u64]], k: &[&[u64]], y: &[&[u64]]) -> Vec<Limbs>;

    /// For each part x_0, x_1, ... the product over j of x_j^(2^(shift j)): how several rows come to share one ciphertext.
    fn pack(&self, parts: &[&[Limbs]], shift: u32) -> Vec<Limbs>;

    /// The product of all modulo m, times some power of two: coprime to m if all of them are. The numbers lie below 4 m^2.
    fn product_up_to_units(&self, numbers: &[&[u64]]) -> Limbs;

    /// For each part of rows as [`pack`](Self::pack) takes them, what comes of them times root^exponent (1 + k m), k < m, by
    /// the same squarings.
    fn pack_and_conceal(&self, parts: &[&[Limbs]], shift: u32, concealment: &Concealment) -> Vec<Limbs>;

    /// The rows' products of powers of columns, each a unit, that the plan describes. The time depends on both.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::Error::Bug) if a column is not a unit.
    fn evaluate(&self, plan: &Plan, columns: &[&[u64]]) -> Result<Vec<Limbs>>;

    /// A table of the base's powers times `start` for exponents of at most `bits` bits, in about `memory` bytes at most. Each
    /// of the two comes with its inverse modulo m.
    fn fixed_base(&self, start: [&[u64]; 2], base: [&[u64]; 2], bits: u32, memory: usize) -> Box<dyn FixedBasePowers>;

    /// Tables of independent bases, each with a window of the exponent: at least `least` windows and `bits` bits in all, in
    /// about `memory` bytes at most. `bases` gives as many as it is asked for, each with its inverse modulo m.
    ///
    /// # Errors
    /// What `bases` gives.
    fn independent_bases(
        &self,
        bits: u32,
        least: u32,
        memory: usize,
        bases: &mut dyn FnMut(usize) -> Result<Vec<[Limbs; 2]>>,
    ) -> Result<Box<dyn FixedBasePowers>>;

    /// Numbers that are computed side by side.
    fn width(&self) -> usize;

    /// Seconds that a kernel takes on one thread for numbers in all lanes.
    fn seconds(&self, kernel: Kernel) -> f64;
}

/// What hides a list of numbers: root^exponent (1 + k m), with a root and a k < m for each.
pub(crate) struct Concealment<'a> {
    pub(crate) k: &'a [&'a [u64]],
    pub(crate) roots: &'a [&'a [u64]],
    pub(crate) exponent: &'a [u64],
}

/// Powers of one base times a constant, or products of powers of independent ones.
pub(crate) trait FixedBasePowers: Send + Sync {
    /// Bits of an exponent.
    fn bits(&self) -> u32;

    /// start base^exponent for each exponent, as a [`Ring`]'s jobs give it, times 1 + k m if there is a k < m for each. The
    /// bits of an exponent are the bases' windows one behind the other, where there are several.
    fn powers(&self, exponents: &[&[u64]], k: Option<&[&[u64]]>) -> Vec<Limbs>;
}

impl<E: Engine> FixedBasePowers for FixedBase<E> {
    fn bits(&self) -> u32 {
        Self::bits(self)
    }

    fn powers(&self, exponents: &[&[u64]], k: Option<&[&[u64]]>) -> Vec<Limbs> {
        Self::powers(self, exponents, k)
    }
}

/// The ring of an engine.
pub(super) struct EngineRing<E: Engine> {
    engine: Arc<E>,
    sharers: usize,
    spare: Spare<E::Single>,
}

impl<E: Engine> EngineRing<E> {
    /// `sharers`: how many rings work at the same time, on the same threads.
    pub(super) fn new(engine: E, sharers: usize) -> Self {
        Self { engine: Arc::new(engine), sharers, spare: Spare::default() }
    }

    /// Threads for each of the rings that share them.
    fn threads(&self) -> usize {
        (rayon::current_num_threads() / self.sharers).max(1)
    }

    /// How many of `count` equal jobs go into bundles.
    fn bundled(&self, count: usize) -> usize {
        let threads = if count < 2 { 1 } else { self.threads() };
        bundled(count, <E::Wide as Lanes>::WIDTH, E::BUNDLE, threads)
    }

    /// A job for 0..count, in bundles as far as that is quicker.
    fn spread<J: Job<E::Single>>(&self, job: &J, count: usize) -> Vec<J::Out> {
        let bundled = self.bundled(count);
        let wide = || run(self.engine.wide(), job, 0..bundled);
        let narrow = || run(self.engine.narrow(), job, bundled..count);
        match bundled {
            0 => narrow(),
            _ if bundled == count => wide(),
            _ => {
                let (mut first, rest) = rayon::join(wide, narrow);
                first.extend(rest);
                first
            }
        }
    }
}

/// Work that is the same for many numbers, on lanes of any width.
trait Job<S>: Sync {
    type Out: Send;
    /// The results for a range of the numbers, at most a bundle; those of further lanes may follow.
    fn run<L: Lanes<Single = S>>(&self, lanes: &L, which: Range<usize>, scratch: &mut L::Scratch) -> Vec<Self::Out>;
}

/// A job for a range of numbers, bundles in parallel.
fn run<L: Lanes, J: Job<L::Single>>(lanes: &L, job: &J, range: Range<usize>) -> Vec<J::Out> {
    let bundle = |scratch: &mut L::Scratch, start: usize| {
        let which = start..range.end.min(start + L::WIDTH);
        let mut results = job.run(lanes, which.clone(), scratch);
        results.truncate(which.len());
        results
    };
    if range.len() <= L::WIDTH {
        return if range.is_empty() { Vec::new() } else { bundle(&mut lanes.scratch(), range.start) };
    }
    let starts: Vec<_> = range.clone().step_by(L::WIDTH).collect();
    let results: Vec<_> =
        starts.into_par_iter().map_init(|| lanes.scratch(), |scratch, start| bundle(scratch, start)).collect();
    results.into_iter().flatten().collect()
}

/// The plain numbers of a bundle.
fn leave<L: Lanes>(modulus: &Montgomery, lanes: &L, x: &L::Residues, scratch: &mut L::Scratch) -> Vec<Limbs> {
    lanes.leave(x, scratch).iter().map(|pair| modulus.number(pair)).collect()
}

struct Powers<'a> {
    modulus: &'a Montgomery,
    bases: &'a [&'a [u64]],
    exponents: &'a [&'a [u64]],
    /// Whether threads would be left idle.
    few: bool,
}

impl<S> Job<S> for Powers<'_> {
    type Out = Limbs;
    fn run<L: Lanes<Single = S>>(&self, lanes: &L, which: Range<usize>, s: &mut L::Scratch) -> Vec<Limbs> {
        let base = lanes.enter(&self.bases[which.clone()], s);
        let exponents = &self.exponents[which];
        let power = if exponents.iter().all(|exponent| exponent == &exponents[0]) {
            let power = if L::WIDTH > 1 && self.few { pow_public_apart } else { pow_public };
            power(lanes, &base, exponents[0], s)
        } else {
            let bits = exponents.iter().map(|exponent| significant_bits(exponent)).max().unwrap_or(0);
            pow_secret(lanes, &base, exponents, bits, s)
        };
        leave(self.modulus, lanes, &power, s)
    }
}

struct SecretPowers<'a> {
    bases: &'a [&'a [u64]],
    exponents: &'a [&'a [u64]],
    bits: u32,
}

impl<S> Job<S> for SecretPowers<'_> {
    type Out = Pair;
    fn run<L: Lanes<Single = S>>(&self, lanes: &L, which: Range<usize>, s: &mut L::Scratch) -> Vec<Pair> {
        let base = lanes.enter_long(&self.bases[which.clone()], s);
        let power = pow_secret(lanes, &base, &self.exponents[which], self.bits, s);
        lanes.leave(&power, s)
    }
}

/// x (1 + k m) y, each of the two factors if it is there.
struct Products<'a> {
    modulus: &'a Montgomery,
    x: &'a [&'a [u64]],
    k: Option<&'a [&'a [u64]]>,
    y: Option<&'a [&'a [u64]]>,
}

impl<S> Job<S> for Products<'_> {
    type Out = Limbs;
    fn run<L: Lanes<Single = S>>(&self, lanes: &L, which: Range<usize>, s: &mut L::Scratch) -> Vec<Limbs> {
        let mut product = lanes.enter(&self.x[which.clone()], s);
        if let Some(k) = self.k {
            lanes.mul_one_plus(&mut product, &lanes.scalars(&k[which.clone()]), s);
        }
        if let Some(y) = self.y {
            let y = lanes.enter(&y[which], s);
            lanes.mul(&mut product, &y, s);
        }
        leave(self.modulus, lanes, &product, s)
    }
}

struct Pack<'a> {
    modulus: &'a Montgomery,
    parts: &'a [&'a [Limbs]],
    shift: u32,
    concealment: Option<&'a Concealment<'a>>,
}

impl<S> Job<S> for Pack<'_> {
    type Out = Limbs;
    fn run<L: Lanes<Single = S>>(&self, lanes: &L, which: Range<usize>, s: &mut L::Scratch) -> Vec<Limbs> {
        let parts = &self.parts[which.clone()];
        let longest = parts.iter().map(|part| part.len()).max().unwrap_or(0);
        // Shorter parts of a bundle go on with ones.
        let row = |j: usize| parts.iter().map(|part| part.get(j).map_or(&[1][..], |x| x)).collect::<Vec<_>>();
        let rows: Vec<_> = (0..longest).map(|j| lanes.enter(&row(j), s)).collect();
        let packed = match self.concealment {
            None => pack(lanes, &rows, self.shift, s),
            Some(&Concealment { k, roots, exponent }) => {
                let roots = lanes.enter(&roots[which.clone()], s);
                let mut product = pow_public_and_pack(lanes, &roots, exponent, &rows, self.shift, s);
                lanes.mul_one_plus(&mut product, &lanes.scalars(&k[which]), s);
                product
            }
        };
        leave(self.modulus, lanes, &packed, s)
    }
}

/// Strand i is the product of every `count`-th number from the i-th on.
struct Strands<'a> {
    numbers: &'a [&'a [u64]],
    count: usize,
}

impl<S> Job<S> for Strands<'_> {
    type Out = Limbs;
    fn run<L: Lanes<Single = S>>(&self, lanes: &L, which: Range<usize>, s: &mut L::Scratch) -> Vec<Limbs> {
        let mut product = lanes.one();
        for row in self.numbers.chunks(self.count) {
            // The last row may be shorter, and lanes that nobody asks for may hold anything.
            let factors: Vec<_> = which.clone().map(|i| row.get(i).map_or(&[1][..], |x| x)).collect();
            lanes.mul(&mut product, &lanes.enter_raw(&factors, s), s);
        }
        lanes.leave(&product, s).into_iter().map(|pair| pair.a).collect()
    }
}

struct Leave<'a, S> {
    modulus: &'a Montgomery,
    residues: &'a [S],
}

impl<S: Sync> Job<S> for Leave<'_, S> {
    type Out = Limbs;
    fn run<L: Lanes<Single = S>>(&self, lanes: &L, which: Range<usize>, s: &mut L::Scratch) -> Vec<Limbs> {
        let residues = lanes.gathered(&self.residues[which].iter().collect::<Vec<_>>());
        leave(self.modulus, lanes, &residues, s)
    }
}

impl<E: Engine> Ring for EngineRing<E> {
    fn modulus(&self) -> &Montgomery {
        self.engine.modulus()
    }

    fn powers(&self, bases: &[&[u64]], exponents: &[&[u64]]) -> Vec<Limbs> {
        let bundles = self.bundled(bases.len()).div_ceil(<E::Wide as Lanes>::WIDTH);
        let few = bases.len() > 1 && bundles < self.threads();
        self.spread(&Powers { modulus: self.modulus(), bases, exponents, few }, bases.len())
    }

    fn secret_powers(&self, bases: &[&[u64]], exponents: &[&[u64]], bits: u32) -> Vec<Pair> {
        self.spread(&SecretPowers { bases, exponents, bits }, bases.len())
    }

    fn products(&self, x: &[&[u64]], y: &[&[u64]]) -> Vec<Limbs> {
        self.spread(&Products { modulus: self.modulus(), x, k: None, y: Some(y) }, x.len())
    }

    fn times_one_plus(&self, x: &[&[u64]], k: &[&[u64]]) -> Vec<Limbs> {
        self.spread(&Products { modulus: self.modulus(), x, k: Some(k), y: None }, x.len())
    }

    fn conceal(&self, x: &[&[u64]], k: &[&[u64]], y: &[&[u64]]) -> Vec<Limbs> {
        self.spread(&Products { modulus: self.modulus(), x, k: Some(k), y: Some(y) }, x.len())
    }

    fn pack(&self, parts: &[&[Limbs]], shift: u32) -> Vec<Limbs> {
        self.spread(&Pack { modulus: self.modulus(), parts, shift, concealment: None }, parts.len())
    }

    fn pack_and_conceal(&self, parts: &[&[Limbs]], shift: u32, concealment: &Concealment) -> Vec<Limbs> {
        self.spread(&Pack { modulus: self.modulus(), parts, shift, concealment: Some(concealment) }, parts.len())
    }

    fn product_up_to_units(&self, numbers: &[&[u64]]) -> Limbs {
        let full = if numbers.len() < 2 { 1 } else { <E::Wide as Lanes>::WIDTH * self.threads() };
        let count = if numbers.len() > 2 * full { full } else { 1 };
        let mut strands = self.spread(&Strands { numbers, count }, count);
        if count == 1 { strands.swap_remove(0) } else { self.product_up_to_units(&slices(&strands)) }
    }

    fn evaluate(&self, plan: &Plan, columns: &[&[u64]]) -> Result<Vec<Limbs>> {
        let rows = plan.evaluate(self.engine.wide(), &self.modulus().modulus().to_integer(), columns, &self.spare)?;
        Ok(self.spread(&Leave { modulus: self.modulus(), residues: &rows }, rows.len()))
    }

    fn fixed_base(&self, start: [&[u64]; 2], base: [&[u64]; 2], bits: u32, memory: usize) -> Box<dyn FixedBasePowers> {
        Box::new(FixedBase::new(self.engine.clone(), self.sharers, start, base, bits, memory))
    }

    fn independent_bases(
        &self,
        bits: u32,
        least: u32,
        memory: usize,
        bases: &mut dyn FnMut(usize) -> Result<Vec<[Limbs; 2]>>,
    ) -> Result<Box<dyn FixedBasePowers>> {
        Ok(Box::new(FixedBase::independent(self.engine.clone(), bits, least, memory, bases)?))
    }

    fn width(&self) -> usize {
        <E::Wide as Lanes>::WIDTH
    }

    fn seconds(&self, kernel: Kernel) -> f64 {
        measure::seconds(self.engine.wide(), self.modulus(), kernel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::testing::{moduli, random_below, rings, samples};
    use crate::entropy::SeededEntropy;
    use rug::Integer;

    /// Numbers modulo m^2 as limbs, more than one bundle of them.
    fn limbs(numbers: &[Integer], m: &Integer) -> Vec<Limbs> {
        let length = m.clone().square().significant_digits::<u64>();
        numbers.iter().map(|x| Limbs::from_integer(x, length)).collect()
    }

    fn agree(found: &[Limbs], expected: &[Integer]) {
        assert_eq!(found.iter().map(Limbs::to_integer).collect::<Vec<_>>(), expected);
    }

    /// Runs jobs on so many of the edge values and random numbers modulo m^2, on every engine.
    fn agrees_with_integers(m: &Integer, length: usize) {
        let square = m.clone().square();
        let numbers: Vec<_> = samples(m).into_iter().map(|x| x % &square).collect();
        let (x, y) = (&numbers[..length], &numbers[numbers.len() - length..]);
        let k: Vec<_> = y.iter().map(|y| Integer::from(y % m)).collect();
        let (x_limbs, y_limbs) = (limbs(x, m), limbs(y, m));
        let k_limbs: Vec<_> = k.iter().map(|k| Limbs::from_integer(k, m.significant_digits::<u64>())).collect();
        let (xs, ys, ks) = (slices(&x_limbs), slices(&y_limbs), slices(&k_limbs));
        let each = |f: &dyn Fn(&Integer, &Integer, &Integer) -> Integer| -> Vec<_> {
            x.iter().zip(y).zip(&k).map(|((x, y), k)| f(x, y, k) % &square).collect()
        };
        let one_plus = |k: &Integer| Integer::from(k * m) + 1u32;
        let power = |x: &Integer, k: &Integer| x.clone().pow_mod(k, &square).unwrap();
        let same = vec![&[0x1234_5678_9ABC][..]; length];
        let powers = each(&|x, _, k| power(x, k));
        for ring in rings(m) {
            agree(&ring.products(&xs, &ys), &each(&|x, y, _| Integer::from(x * y)));
            agree(&ring.times_one_plus(&xs, &ks), &each(&|x, _, k| one_plus(k) * x));
            agree(&ring.conceal(&xs, &ks, &ys), &each(&|x, y, k| one_plus(k) * x * y));
            agree(&ring.powers(&xs, &ks), &powers);
            agree(&ring.powers(&xs, &same), &each(&|x, _, _| power(x, &0x1234_5678_9ABC_u64.into())));
        }
    }

    #[test]
    fn every_job_agrees_with_integers_for_lists_of_every_length() {
        for m in moduli() {
            (0..samples(&m).len()).for_each(|length| agrees_with_integers(&m, length));
        }
    }

    /// The moduli of keys of 2048, 3072 and 4096 bits, and their primes.
    #[test]
    fn every_job_agrees_with_integers_modulo_what_keys_have() {
        for bits in [1024_u32, 1536, 2048, 3072, 4096] {
            let m = ((Integer::from(3) << (bits - 2)) + bits).next_prime();
            [1, 11].into_iter().for_each(|length| agrees_with_integers(&m, length));
            let (h, exponents) =
                (samples(&m).pop().unwrap(), [Integer::new(), 1.into(), m.clone(), samples(&m)[10].clone()]);
            let square = m.clone().square();
            let pair = limbs(&[h.clone(), h.clone().invert(&square).unwrap()], &m);
            let expected: Vec<_> = exponents.iter().map(|x| h.clone().pow_mod(x, &square).unwrap()).collect();
            for ring in rings(&m) {
                let base = [&pair[0][..], &pair[1]];
                let table = ring.fixed_base([&[1]; 2], base, square.significant_bits(), 1 << 20);
                agree(&table.powers(&slices(&limbs(&exponents, &m)), None), &expected);
            }
        }
    }

    #[test]
    fn one_product_has_every_factor_that_any_number_shares_with_the_modulus() {
        let primes = [61u32, 64].map(|bits| (Integer::from(1) << bits).next_prime());
        let m = Integer::from(&primes[0] * &primes[1]);
        let mut entropy = SeededEntropy::new(b"units");
        let bound = m.clone().square() * 4u32;
        for ring in rings(&m) {
            let shared = |numbers: &[Integer]| {
                let limbs: Vec<_> = numbers.iter().map(|x| Limbs::from_integer(x, 5)).collect();
                ring.product_up_to_units(&slices(&limbs)).to_integer().gcd(&m)
            };
            assert_eq!(shared(&[]), 1);
            for count in [1, 2, 3, 7, 8, 9, 17, 40, 67] {
                let units: Vec<_> = (0..count).map(|_| random_below(&bound, &mut entropy)).collect();
                assert_eq!(
                    shared(&units),
                    1,
                    "{count} random numbers, none of which is a multiple of so large a prime"
                );
                for prime in &primes {
                    // Wherever the one number stands.
                    for place in 0..count {
                        let mut numbers = units.clone();
                        numbers[place] = Integer::from(&numbers[place] % &m) * prime;
                        assert_eq!(shared(&numbers), *prime);
                    }
                }
                let mut numbers = units.clone();
                numbers[0] = Integer::new();
                assert_eq!(shared(&numbers), m);
            }
        }
    }

    #[test]
    fn secret_powers_take_ciphertexts_of_twice_the_length() {
        for m in moduli().into_iter().filter(|m| m.significant_bits().is_multiple_of(32)) {
            let (square, bits) = (m.clone().square(), m.significant_bits());
            let mut entropy = SeededEntropy::new(b"long");
            let bound = Integer::from(1) << (4 * bits);
            let mut bases: Vec<_> = (0..6).map(|_| random_below(&bound, &mut entropy)).collect();
            bases.extend([Integer::from(&bound - 1), Integer::new(), square.clone(), m.clone()]);
            let exponents: Vec<_> = (0..10).map(|_| random_below(&m, &mut entropy)).collect();
            let fill = |x: &Integer, bits: u32| Limbs::from_integer(x, bits.div_ceil(64) as usize);
            let base_limbs: Vec<_> = bases.iter().map(|x| fill(x, 4 * bits)).collect();
            let exponent_limbs: Vec<_> = exponents.iter().map(|x| fill(x, bits)).collect();
            for ring in rings(&m) {
                for length in [0, 1, 2, 5, 10] {
                    let pairs =
                        ring.secret_powers(&slices(&base_limbs)[..length], &slices(&exponent_limbs)[..length], bits);
                    assert_eq!(pairs.len(), length);
                    for ((x, exponent), pair) in bases.iter().zip(&exponents).zip(&pairs) {
                        let number = pair.b.to_integer() * &m + pair.a.to_integer();
                        assert_eq!(number, x.clone().pow_mod(exponent, &square).unwrap());
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_packed_in_parts_of_different_length() {
        let m = (Integer::from(1) << 120u32).next_prime();
        let square = m.clone().square();
        let numbers: Vec<_> = samples(&m).into_iter().map(|x| x % &square).collect();
        let rows = limbs(&numbers, &m);
        let parts = [0..3, 3..6, 6..9, 9..10, 10..11, 11..11, 0..11, 2..4];
        for ring in rings(&m) {
            let packed = ring.pack(&parts.clone().map(|part| &rows[part]), 22);
            let expected = parts.clone().map(|part| {
                (0u32..).zip(&numbers[part]).fold(Integer::from(1), |product, (j, x)| {
                    product * x.clone().pow_mod(&(Integer::from(1) << (22 * j)), &square).unwrap() % &square
                })
            });
            agree(&packed, &expected);
            let roots: Vec<_> = numbers.iter().cycle().skip(3).take(8).cloned().collect();
            let k: Vec<_> = roots.iter().rev().map(|k| Integer::from(k % &m)).collect();
            let exponent = 0xFEDC_BA98_7654_3210_u64;
            let expected: Vec<_> = expected
                .into_iter()
                .zip(&roots)
                .zip(&k)
                .map(|((packed, root), k)| {
                    let power = root.clone().pow_mod(&exponent.into(), &square).unwrap();
                    packed * power * (Integer::from(k * &m) + 1u32) % &square
                })
                .collect();
            let roots = limbs(&roots, &m);
            let k: Vec<_> = k.iter().map(|k| Limbs::from_integer(k, m.significant_digits::<u64>())).collect();
            let concealment = Concealment { k: &slices(&k), roots: &slices(&roots), exponent: &[exponent] };
            agree(&ring.pack_and_conceal(&parts.clone().map(|part| &rows[part]), 22, &concealment), &expected);
        }
    }

    #[test]
    fn plans_and_tables_give_plain_numbers() {
        let m = (Integer::from(1) << 120u32).next_prime();
        let square = m.clone().square();
        let mut entropy = SeededEntropy::new(b"plain");
        let numbers: Vec<_> = (0..3).map(|_| random_below(&square, &mut entropy)).collect();
        let columns = limbs(&numbers, &m);
        let weights = [1, -2, 3, 0, 0, 0, 127, 0, -127, 5, 5, 5, -1, -1, -1];
        let rows: Vec<_> = weights
            .chunks(3)
            .map(|row| {
                row.iter().zip(&numbers).fold(Integer::from(1), |product, (&w, x)| {
                    product * x.clone().pow_mod(&Integer::from(w), &square).unwrap() % &square
                })
            })
            .collect();
        let inverse = limbs(&[numbers[0].clone().invert(&square).unwrap()], &m);
        for ring in rings(&m) {
            agree(&ring.evaluate(&Plan::of(3, &weights), &slices(&columns)).unwrap(), &rows);
            let table = ring.fixed_base([&[1]; 2], [&columns[0], &inverse[0]], 240, 1 << 20);
            let powers: Vec<_> = numbers.iter().map(|x| numbers[0].clone().pow_mod(x, &square).unwrap()).collect();
            agree(&table.powers(&slices(&columns), None), &powers);
        }
    }
}
