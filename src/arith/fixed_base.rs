//! Powers of one base by many secret exponents, from a table made once.
//!
//! The exponent is cut into windows of w bits; the table holds h^(j 2^(w k)) for every window k and digit j, so that a power
//! is one product a window and no square (Brickell, Gordon, McCurley, Wilson 1992). Entries are kept as c (1 + f m), see
//! [`Lanes::mul_factored`], so that a factor 1 + k m costs an addition. Instead of h^(2^(w k)) each window may also have a base
//! of its own.

use std::cmp::Reverse;
use std::sync::Arc;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::engine::{Engine, bundled_powers};
use super::lanes::{LONGEST_WINDOW, Lanes, MOST_PAIRS};
use super::power::digit;
use crate::error::Result;
use crate::secret::Limbs;

/// Numbers that go through the table together, so that a window comes from memory once for all of them.
const PASS: usize = 800;

/// Bundles for which entries are read together: the 64 numbers that `ifma` selects bytes for at once.
const SELECTED: usize = 8;

/// Shorter windows are taken that cost less than this times what the cheapest do: their tables are made sooner, and one number
/// alone, for which a table is read as well, has less to read.
const NEAR: f64 = 1.05;

/// Powers of h modulo m^2, times a constant.
pub(crate) struct FixedBase<E: Engine> {
    engine: Arc<E>,
    /// Tables that are used at the same time, on the same threads.
    sharers: usize,
    /// w.
    width: u32,
    /// An even number.
    windows: Vec<<E::Wide as Lanes>::SharedTable>,
}

/// Windows for so many parts of an exponent, an even number: two at a time are multiplied in.
fn even(windows: u32) -> u32 {
    windows.next_multiple_of(2)
}

/// Bits of the exponent handled at once, `windows` the number of windows for so many: nearly the fewest products and readings
/// whose table fits `memory` bytes, or else the smallest table.
fn best_width<E: Engine>(engine: &E, windows: impl Fn(u32) -> u32, memory: usize) -> u32 {
    let bytes = |width: u32| windows(width) as usize * engine.window_bytes(width);
    let cost = |width: u32| f64::from(windows(width)) * (1.0 + f64::from(1 << width) * E::Wide::READ_SHARED);
    let possible = || (1..=LONGEST_WINDOW).filter(|&width| windows(width) <= 2 * MOST_PAIRS);
    let fitting = || possible().filter(|&width| bytes(width) <= memory);
    let least = fitting().map(cost).fold(f64::INFINITY, f64::min);
    fitting()
        .find(|&width| cost(width) <= NEAR * least)
        // Of tables of the same size the one with the longer windows.
        .or_else(|| possible().max_by_key(|&width| Reverse(bytes(width))))
        .expect("exponents have at most ten bits for each factor of the longest product")
}

impl<E: Engine> FixedBase<E> {
    /// The table for exponents of at most `bits` bits, of at most `memory` bytes where there is so small a one. `start`, with
    /// which every product begins, and the base come with their inverses modulo m.
    pub(crate) fn new(
        engine: Arc<E>,
        sharers: usize,
        start: [&[u64]; 2],
        base: [&[u64]; 2],
        bits: u32,
        memory: usize,
    ) -> Self {
        let windows = |width| even(bits.div_ceil(width));
        let width = best_width(&*engine, windows, memory);
        let ladder = |base| Self::ladder(&*engine, base, width, windows(width));
        let (bases, inverses) = rayon::join(|| ladder(base[0]), || ladder(base[1]));
        let bases: Vec<_> = bases.into_iter().zip(inverses).map(<[E::Single; 2]>::from).collect();
        let enter = |number| engine.narrow().enter(&[number], &mut engine.narrow().scratch());
        let start = start.map(enter);
        Self::from_bases(engine, sharers, width, &start, &bases)
    }

    /// The table for products of powers of independent bases, each of which has a window of the exponent: at least `least`
    /// windows and `bits` bits in all. `bases` gives as many bases as it is asked for, each with its inverse modulo m.
    ///
    /// # Errors
    /// What `bases` gives.
    pub(crate) fn independent(
        engine: Arc<E>,
        bits: u32,
        least: u32,
        memory: usize,
        bases: impl FnOnce(usize) -> Result<Vec<[Limbs; 2]>>,
    ) -> Result<Self> {
        let windows = |width| even(bits.div_ceil(width).max(least));
        let width = best_width(&*engine, windows, memory);
        let pairs = bases(windows(width) as usize)?;
        let lanes = engine.narrow();
        let enter =
            |scratch: &mut _, pair: &[Limbs; 2]| [0, 1].map(|which: usize| lanes.enter(&[&pair[which]], scratch));
        let bases: Vec<_> = pairs.par_iter().map_init(|| lanes.scratch(), enter).collect();
        let start = [lanes.one(), lanes.one()];
        Ok(Self::from_bases(engine, 1, width, &start, &bases))
    }

    /// The table of the powers 0 to 2^width - 1 of a base for each window, those of the first times `start`; each with its
    /// inverse.
    fn from_bases(
        engine: Arc<E>,
        sharers: usize,
        width: u32,
        start: &[E::Single; 2],
        bases: &[[E::Single; 2]],
    ) -> Self {
        let one = engine.narrow().one();
        let one = [one.clone(), one];
        let tables = |(chunk, bases): (usize, &[[E::Single; 2]])| {
            let starts: Vec<_> = (0..bases.len()).map(|i| if chunk == 0 && i == 0 { start } else { &one }).collect();
            Self::tables(engine.wide(), &starts, bases, width)
        };
        let windows: Vec<_> = bases.par_chunks(<E::Wide as Lanes>::WIDTH).enumerate().map(tables).collect();
        let windows = windows.into_iter().flatten().collect();
        Self { engine, sharers, width, windows }
    }

    /// Bits of an exponent.
    pub(crate) fn bits(&self) -> u32 {
        self.width * self.windows.len() as u32
    }

    /// base^(2^(width k)) for `count` k from 0 on.
    fn ladder(engine: &E, base: &[u64], width: u32, count: u32) -> Vec<E::Single> {
        let lanes = engine.narrow();
        let mut scratch = lanes.scratch();
        let mut power = lanes.enter(&[base], &mut scratch);
        let mut rungs = Vec::with_capacity(count as usize);
        for _ in 0..count {
            rungs.push(power.clone());
            (0..width).for_each(|_| lanes.sqr(&mut power, &mut scratch));
        }
        rungs
    }

    /// For each base its start times the powers 0 to 2^width - 1, factored; at most as many bases as there are lanes.
    fn tables(
        lanes: &E::Wide,
        starts: &[&[E::Single; 2]],
        bases: &[[E::Single; 2]],
        width: u32,
    ) -> Vec<<E::Wide as Lanes>::SharedTable> {
        let mut scratch = lanes.scratch();
        let [base, inverse] = [0, 1].map(|i| lanes.gathered(&bases.iter().map(|base| &base[i]).collect::<Vec<_>>()));
        let [mut power, mut inverse_power] =
            [0, 1].map(|i| lanes.gathered(&starts.iter().map(|start| &start[i]).collect::<Vec<_>>()));
        let mut entries = vec![Vec::with_capacity(1 << width); bases.len()];
        for _ in 0..1 << width {
            let mut entry = power.clone();
            lanes.factor(&mut entry, &inverse_power, &mut scratch);
            entries.iter_mut().zip(lanes.scatter(&entry)).for_each(|(entries, entry)| entries.push(entry));
            lanes.mul(&mut power, &base, &mut scratch);
            lanes.mul(&mut inverse_power, &inverse, &mut scratch);
        }
        entries.iter().map(|entries| lanes.shared_table(entries)).collect()
    }

    /// See [`FixedBasePowers`](super::ring::FixedBasePowers). Constant-time if the lanes are. A single one is computed on the
    /// calling thread, more on all threads of its pool.
    pub(crate) fn powers(&self, exponents: &[&[u64]], k: Option<&[&[u64]]>) -> Vec<Limbs> {
        assert!(k.is_none_or(|k| k.len() == exponents.len()));
        if exponents.is_empty() {
            return Vec::new();
        }
        let threads = if exponents.len() < 2 { 1 } else { (rayon::current_num_threads() / self.sharers).max(1) };
        let width = <E::Wide as Lanes>::WIDTH;
        let wide = bundled_powers(exponents.len(), width, E::BUNDLE, threads) > 0;
        // Passes of equal length, as many as there are threads or a multiple of them.
        let pass = if wide {
            let bundles = exponents.len().div_ceil(width);
            let passes = bundles.div_ceil(PASS.div_ceil(width) * threads) * threads;
            bundles.div_ceil(passes) * width
        } else {
            exponents.len().div_ceil(threads)
        };
        let run = |start: usize| {
            let range = start..exponents.len().min(start + pass);
            let (exponents, k) = (&exponents[range.clone()], k.map(|k| &k[range]));
            if wide { self.wide_pass(exponents, k) } else { self.narrow_pass(exponents, k) }
        };
        if exponents.len() <= pass {
            return run(0);
        }
        let starts: Vec<_> = (0..exponents.len()).step_by(pass).collect();
        starts.into_par_iter().flat_map_iter(run).collect()
    }

    /// Bundle after bundle through each two windows.
    fn wide_pass(&self, exponents: &[&[u64]], k: Option<&[&[u64]]>) -> Vec<Limbs> {
        let lanes = self.engine.wide();
        let mut scratch = lanes.scratch();
        let mut digits = [0, 1].map(|_| Zeroizing::new(vec![0; exponents.len()]));
        let mut entries = [0, 1].map(|_| vec![lanes.one(); SELECTED]);
        let width = <E::Wide as Lanes>::WIDTH;
        let mut products: Vec<_> = exponents.chunks(width).map(|_| lanes.empty_product()).collect();
        for (product, k) in products.iter_mut().zip(k.into_iter().flat_map(|k| k.chunks(width))) {
            lanes.mul_one_plus_in(product, &lanes.scalars(k));
        }
        for (pair, tables) in self.windows.as_chunks::<2>().0.iter().enumerate() {
            for (i, digits) in digits.iter_mut().enumerate() {
                self.digits(digits, exponents, 2 * pair + i);
            }
            for (group, products) in products.chunks_mut(SELECTED).enumerate() {
                let start = group * SELECTED * width;
                let end = exponents.len().min(start + SELECTED * width);
                for ((entries, table), digits) in entries.iter_mut().zip(tables).zip(&digits) {
                    lanes.select_shared(entries, table, &digits[start..end]);
                }
                let [first, second] = &entries;
                for ((product, first), second) in products.iter_mut().zip(first).zip(second) {
                    lanes.mul_factored(product, [first, second], &mut scratch);
                }
            }
        }
        let mut powers = Vec::with_capacity(exponents.len() + width);
        for product in products {
            let power = lanes.expand(product, &mut scratch);
            powers.extend(lanes.leave(&power, &mut scratch).iter().map(|pair| self.engine.modulus().number(pair)));
        }
        powers.truncate(exponents.len());
        powers
    }

    /// At most a bundle of numbers, which share the reading of the table.
    fn narrow_pass(&self, exponents: &[&[u64]], k: Option<&[&[u64]]>) -> Vec<Limbs> {
        let (wide, lanes) = (self.engine.wide(), self.engine.narrow());
        let mut scratch = lanes.scratch();
        let mut digits = Zeroizing::new(vec![0; exponents.len()]);
        let mut products: Vec<_> = exponents.iter().map(|_| lanes.empty_product()).collect();
        for (product, k) in products.iter_mut().zip(k.into_iter().flatten()) {
            lanes.mul_one_plus_in(product, &lanes.scalars(&[k]));
        }
        let mut select = |window, table: &_| {
            self.digits(&mut digits, exponents, window);
            let mut entries = [wide.one()];
            wide.select_shared(&mut entries, table, &digits);
            wide.scatter(&entries[0])
        };
        for (pair, [first, second]) in self.windows.as_chunks::<2>().0.iter().enumerate() {
            let (first, second) = (select(2 * pair, first), select(2 * pair + 1, second));
            for ((product, first), second) in products.iter_mut().zip(&first).zip(&second) {
                lanes.mul_factored(product, [first, second], &mut scratch);
            }
        }
        let finish = |product| {
            let power = lanes.expand(product, &mut scratch);
            self.engine.modulus().number(&lanes.leave(&power, &mut scratch)[0])
        };
        products.into_iter().map(finish).collect()
    }

    fn digits(&self, digits: &mut [usize], exponents: &[&[u64]], window: usize) {
        for (place, exponent) in digits.iter_mut().zip(exponents) {
            *place = digit(exponent, window as u32 * self.width, self.width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::testing::{moduli, on_every_engine, residues, samples};
    use rug::Integer;
    use std::ops::Range;

    fn width<E: Engine>(_: &E) -> usize {
        <E::Wide as Lanes>::WIDTH
    }

    #[test]
    fn powers_of_a_fixed_base_agree_with_gmp() {
        for m in moduli() {
            on_every_engine!(&m, |engine| {
                let square = m.clone().square();
                let bits = square.significant_bits();
                let limbs = |x: &Integer| Limbs::from_integer(x, engine.modulus().square_length());
                let exponents: Vec<_> = samples(&m).into_iter().map(|x| x % &square).collect();
                let exponent_limbs: Vec<_> = exponents.iter().map(limbs).collect();
                let slices: Vec<_> = exponent_limbs.iter().map(|x| &x[..]).collect();
                let k: Vec<_> = exponents.iter().rev().map(|x| Integer::from(x % &m)).collect();
                let k_limbs: Vec<_> = k.iter().map(|k| Limbs::from_integer(k, engine.modulus().length())).collect();
                let k_slices: Vec<_> = k_limbs.iter().map(|k| &k[..]).collect();
                let units: Vec<_> = residues(&m).into_iter().filter(|x| x.clone().invert(&m).is_ok()).collect();
                for (start, h) in units.iter().rev().zip(&units) {
                    let with_inverse = |x: &Integer| [limbs(x), limbs(&x.clone().invert(&m).unwrap())];
                    let ([start_limbs, start_inverse], [base, inverse]) = (with_inverse(start), with_inverse(h));
                    let (starts, bases) = ([&start_limbs[..], &start_inverse], [&base[..], &inverse]);
                    let base = FixedBase::new(engine.clone(), 1, starts, bases, bits, 1 << 20);
                    let power = |x| h.clone().pow_mod(x, &square).unwrap() * start % &square;
                    let expected: Vec<_> = exponents.iter().map(power).collect();
                    let with_k: Vec<_> =
                        expected.iter().zip(&k).map(|(x, k)| (Integer::from(k * &m) + 1u32) * x % &square).collect();
                    let agree = |powers: Vec<Limbs>, expected: &[Integer]| {
                        let powers: Vec<_> = powers.iter().map(Limbs::to_integer).collect();
                        assert_eq!(powers, expected);
                    };
                    let few = slices.len().min(width(&*engine));
                    for (k, expected) in [(None, expected), (Some(&k_slices[..]), with_k)] {
                        let of = |range: Range<usize>| k.map(|k| &k[range]);
                        agree(base.powers(&slices, k), &expected);
                        agree(base.powers(&slices[1..2], of(1..2)), &expected[1..2]);
                        agree(base.wide_pass(&slices, k), &expected);
                        agree(base.narrow_pass(&slices[..few], of(0..few)), &expected[..few]);
                        agree(base.powers(&[], of(0..0)), &[]);
                    }
                }
            });
        }
    }

    #[test]
    fn less_memory_makes_shorter_windows() {
        let m = (Integer::from(1) << 1023u32) + 1u32;
        on_every_engine!(&m, |engine| {
            let width = |memory| best_width(&*engine, |width| 1024u32.div_ceil(width), memory);
            let windows = |width| 1024u32.div_ceil(width);
            let bytes = |width: u32| windows(width) as usize * engine.window_bytes(width);
            assert!((1..=LONGEST_WINDOW).all(|other| bytes(width(0)) <= bytes(other)));
            let widths: Vec<_> = [22, 21, 18, 16].map(|log| width(1 << log)).into();
            assert!(widths.is_sorted_by(|more, less| more >= less) && widths[0] > widths[3], "{widths:?}");
            assert!((5..=8).contains(&width(usize::MAX)), "{}", width(usize::MAX));
            // No more windows than the lanes can add up.
            let windows = |width| (6 * MOST_PAIRS).div_ceil(width);
            let bytes = |width: &u32| windows(*width) as usize * engine.window_bytes(*width);
            assert_eq!(Some(best_width(&*engine, windows, 0)), (3..=LONGEST_WINDOW).min_by_key(bytes));
        });
    }

    #[test]
    fn independent_bases_each_have_a_window_of_the_exponent() {
        let m = moduli().into_iter().max().unwrap();
        let square = m.clone().square();
        let units = residues(&m).into_iter().filter(|x| x.clone().invert(&m).is_ok()).collect::<Vec<_>>();
        on_every_engine!(&m, |engine| {
            let limbs = |x: &Integer| Limbs::from_integer(x, engine.modulus().square_length());
            for (bits, least, memory) in [(90, 0, 1 << 20), (90, 40, 1 << 20), (90, 0, 0), (1, 1, 0)] {
                let bases = |count| {
                    assert!(count >= least as usize);
                    let pair = |x: &Integer| [limbs(x), limbs(&x.clone().invert(&m).unwrap())];
                    Ok(units.iter().cycle().take(count).map(pair).collect())
                };
                let table = FixedBase::independent(engine.clone(), bits, least, memory, bases).unwrap();
                assert!(table.bits() >= bits);
                let exponents: Vec<_> =
                    samples(&m).iter().map(|x| Integer::from(x.keep_bits_ref(table.bits()))).collect();
                let expected: Vec<_> = exponents
                    .iter()
                    .map(|exponent| {
                        let digit = |window: usize| {
                            Integer::from(exponent >> (window as u32 * table.width)).keep_bits(table.width)
                        };
                        let powers = units.iter().cycle().zip(0..table.windows.len());
                        powers.fold(Integer::from(1), |product, (base, window)| {
                            product * base.clone().pow_mod(&digit(window), &square).unwrap() % &square
                        })
                    })
                    .collect();
                let exponents: Vec<_> = exponents.iter().map(limbs).collect();
                let slices: Vec<_> = exponents.iter().map(|x| &x[..]).collect();
                let found: Vec<_> = table.powers(&slices, None).iter().map(Limbs::to_integer).collect();
                assert_eq!(found, expected);
                assert_eq!(table.powers(&slices[3..4], None)[0].to_integer(), expected[3]);
            }
            let failing = |_| Err(crate::Error::Randomness);
            assert!(FixedBase::independent(engine.clone(), 90, 0, 0, failing).is_err());
        });
    }
}
