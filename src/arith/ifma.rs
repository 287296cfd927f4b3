//! The engine for processors with AVX-512 IFMA: products of 52-bit limbs, eight a cycle.
//!
//! [`Eight`] computes with eight residues side by side, one a lane; [`One`] spreads the limbs of one residue over the lanes,
//! for what cannot wait for eight. Both use R = 2^(52 L) > 16 m and the pair form of [`portable`](super::portable), and the
//! same [`Single`] stands in lists. No branch and no address depends on a residue.

mod columns;
mod eight;
mod karatsuba;
mod limit;
mod one;
mod radix;
mod reduction;
mod shared_table;

use std::arch::x86_64::__m512i;
use std::sync::Arc;

use rug::Integer;
use zeroize::Zeroizing;

use self::columns::{BLOCK, Block};
use self::radix::{BITS, LANES};
use self::reduction::Modulus;
use super::engine::Engine;
use super::montgomery::Montgomery;
use crate::secret::{Limbs, WipedInteger};

use eight::Eight;
pub(crate) use limit::multiply_add;
use one::One;
use shared_table::SharedTable;

/// Whether this processor has the instructions. AVX-512 VBMI, which picks bytes in tables, came together with IFMA.
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512ifma")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
}

/// The engine modulo the square of m.
pub(crate) struct Ifma {
    constants: Arc<Constants>,
    eight: Eight,
    one: One,
}

impl Ifma {
    /// The longest modulus: 16 m < R = 2^(52 * 80).
    pub(crate) const MAX_BITS: u32 = 52 * 80 - 4;

    /// # Panics
    /// If the processor lacks the instructions or the modulus is longer than [`MAX_BITS`](Self::MAX_BITS).
    pub(crate) fn new(modulus: Arc<Montgomery>) -> Self {
        let constants = Arc::new(Constants::new(modulus));
        Self { eight: Eight::new(constants.clone()), one: One::new(constants.clone()), constants }
    }
}

impl Engine for Ifma {
    type Single = Single;
    type Wide = Eight;
    type Narrow = One;

    // Five go in a bundle, four do not. On AMD Zen 4 the ratio is 5.6 for products and 4.1 (p) to 4.8 (n) for squares, on Intel
    // Emerald Rapids 3.4 for squares and 4.0 to 4.2 for whole powers.
    const BUNDLE: f64 = 4.5;

    fn wide(&self) -> &Eight {
        &self.eight
    }

    fn narrow(&self) -> &One {
        &self.one
    }

    fn modulus(&self) -> &Montgomery {
        &self.constants.montgomery
    }

    fn window_bytes(&self, width: u32) -> usize {
        2 * self.constants.length() * SharedTable::limb_bytes(width)
    }
}

/// One residue: the limbs of a, filled up to whole vectors with zeros, and those of b. Wiped on drop.
#[derive(Clone)]
pub(crate) struct Single(Zeroizing<Box<[__m512i]>>);

impl Single {
    fn zero(vectors: usize) -> Self {
        Self(zeroed(2 * vectors, radix::ZERO))
    }

    /// a + b m, each in `length` limbs.
    fn from_pair(a: &Integer, b: &Integer, length: usize) -> Self {
        let vectors = length.div_ceil(LANES);
        let mut single = Self::zero(vectors);
        single.0[..vectors].copy_from_slice(&vectors_of(&limbs_of(a, length)));
        single.0[vectors..].copy_from_slice(&vectors_of(&limbs_of(b, length)));
        single
    }
}

fn zeroed<T: Clone + zeroize::Zeroize>(count: usize, zero: T) -> Zeroizing<Box<[T]>> {
    Zeroizing::new(vec![zero; count].into())
}

fn zero_blocks(count: usize) -> Zeroizing<Box<[Block]>> {
    zeroed(count, [radix::ZERO; BLOCK])
}

/// What both kinds of lanes need of a modulus m. It exists only where [`is_available`]. Wiped on drop.
struct Constants {
    montgomery: Arc<Montgomery>,
    modulus: Modulus,
    /// R, R^3 and R 2^(2 |m|) modulo m^2: one, R^2 and 2^(2 |m|) in Montgomery form. Of one both numbers are above m.
    one: Single,
    r3: Single,
    shift: Single,
    /// 1: R^-1 in Montgomery form.
    unit: Single,
    /// R^3 mod m, which takes k / R to the Montgomery form of k.
    r3_mod_m: Zeroizing<Box<[__m512i]>>,
    /// The limbs of 5m.
    five_m: Zeroizing<Vec<u64>>,
    /// b / a mod m of one, a + b m = a (1 + start m): what a product that begins with a alone still lacks.
    start: Zeroizing<Vec<u64>>,
    /// The limbs of m in vectors.
    m: Zeroizing<Box<[__m512i]>>,
    /// A multiple of m below R + m whose limbs are all at least 2^52 - 1, so that a number of L limbs can be subtracted from
    /// it limb by limb. After a reduction it has added 1 at most.
    reserve: Zeroizing<Box<[__m512i]>>,
}

impl Constants {
    fn new(montgomery: Arc<Montgomery>) -> Self {
        assert!(is_available(), "the engine is made where its instructions are");
        assert!(montgomery.bits() <= Ifma::MAX_BITS, "a modulus has at most {} bits", Ifma::MAX_BITS);
        let length = ((montgomery.bits() + 4).div_ceil(BITS) as usize).next_multiple_of(BLOCK);
        let m = WipedInteger(montgomery.modulus().to_integer());
        let square = montgomery.square_integer();
        let r_bits = BITS * length as u32;
        let power = |bits: u32| WipedInteger((Integer::from(1) << bits) % &square.0);
        let limbs = limbs_of(&m, length);
        let mut inverse = limbs[0];
        for _ in 0..5 {
            // Newton's iteration doubles the valid bits; m * m = 1 mod 8 starts with three.
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(limbs[0].wrapping_mul(inverse)));
        }
        let blocks = limbs.as_chunks::<BLOCK>().0.to_vec();
        let full = WipedInteger((Integer::from(1) << r_bits) - 1u32);
        // R - 1 rounded up to a multiple of m: R - 1 + rest.
        let rest = WipedInteger(Integer::from(-&full.0).modulo(&m));
        let mut reserve = limbs_of(&rest, length);
        reserve.iter_mut().for_each(|limb| *limb += columns::MASK as u64);
        let r3_mod_m = WipedInteger((Integer::from(1) << (3 * r_bits)) % &m.0);
        let pair = |number: &Integer| {
            let (upper, lower) = number.clone().div_rem(m.0.clone());
            Single::from_pair(&WipedInteger(lower), &WipedInteger(upper), length)
        };
        // One, though not as a + b m with its short b: a processor's clock may follow how many bits it works on, and a secret
        // power multiplies by one for each window of zeros. (a + m) + (b - 1 + m) m is the same modulo m^2.
        let (b, a) = power(r_bits).0.clone().div_rem(m.0.clone());
        let (a, b) = (WipedInteger(a + &m.0), WipedInteger(b + &m.0 - 1u32));
        let inverse_of_r = WipedInteger(a.0.clone().invert(&m.0).expect("R is a power of two and m is odd"));
        let start = WipedInteger(Integer::from(&b.0 * &inverse_of_r.0) % &m.0);
        Self {
            five_m: limbs_of(&WipedInteger(Integer::from(&m.0 * 5u32)), length),
            start: limbs_of(&start, length),
            one: Single::from_pair(&a, &b, length),
            r3: pair(&power(3 * r_bits)),
            shift: pair(&power(r_bits + 2 * montgomery.bits())),
            unit: pair(&Integer::from(1)),
            r3_mod_m: vectors_of(&limbs_of(&r3_mod_m, length)),
            m: vectors_of(&limbs),
            reserve: vectors_of(&reserve),
            modulus: Modulus::new(blocks, inverse.wrapping_neg()),
            montgomery,
        }
    }

    /// L.
    fn length(&self) -> usize {
        BLOCK * self.blocks()
    }

    /// L in blocks of five.
    fn blocks(&self) -> usize {
        self.modulus.limbs.len()
    }

    /// Vectors of L limbs.
    fn vectors(&self) -> usize {
        self.m.len()
    }

    /// Words of 64 bits at which a number is cut to take in a long one: 2 |m| bits.
    fn cut(&self) -> usize {
        self.montgomery.bits() as usize / 32
    }

    /// A number in limbs that is at most m + 1, as one below m and how often m was taken off.
    fn settle(&self, limbs: &[u64], addend: u64) -> (Limbs, u64) {
        let mut words = Limbs::zero(self.montgomery.length());
        radix::to_words(&mut words, limbs);
        self.montgomery.add_word(&mut words, addend);
        let taken = self.montgomery.normalise(&mut words);
        (words, taken)
    }
}

/// A number in `length` limbs.
fn limbs_of(number: &Integer, length: usize) -> Zeroizing<Vec<u64>> {
    let words = Limbs::from_integer(number, number.significant_digits::<u64>().max(1));
    Zeroizing::new((0..length).map(|i| radix::limb(&words, i)).collect())
}

/// Limbs in vectors, filled up with zeros.
fn vectors_of(limbs: &[u64]) -> Zeroizing<Box<[__m512i]>> {
    let vector = |chunk: &[u64]| {
        let mut words = Zeroizing::new([0; LANES]);
        words[..chunk.len()].copy_from_slice(chunk);
        radix::vector(*words)
    };
    Zeroizing::new(limbs.chunks(LANES).map(vector).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::lanes::{Lanes, MOST_PAIRS};
    use crate::arith::testing::{has_ifma, moduli, random_below, residues};
    use crate::entropy::SeededEntropy;
    use crate::secret::integer;

    /// Those of every test, and the sizes between and above on which the lanes' blocks and vectors have other numbers.
    fn all_moduli() -> Vec<Integer> {
        let more = [100, 500, 1150, 1536, 1800, 2048, 2300, 2500, 2800, 3072, 3300, 3500, 3800, 4096, Ifma::MAX_BITS];
        let prime = |bits: u32| ((Integer::from(3) << (bits - 2)) + bits).next_prime();
        moduli().into_iter().chain(more.map(prime)).collect()
    }

    /// Pairs with a, b at the ends of 0..2m and at random, with the numbers they stand for.
    fn pairs(constants: &Constants, m: &Integer) -> Vec<(Single, Integer)> {
        let square = m.clone().square();
        let r_inverse = (Integer::from(1) << (BITS * constants.length() as u32)).invert(&square).unwrap();
        let mut entropy = SeededEntropy::new(b"pairs");
        let mut parts = vec![Integer::new(), 1.into(), Integer::from(m - 1), m.clone(), Integer::from(m * 2) - 1];
        // All ones: the sum of Karatsuba's halves carries, through every limb. Below 2m, as m is above half of it.
        parts.push((Integer::from(1) << m.significant_bits()) - 1u32);
        parts.extend((0..2).map(|_| random_below(&Integer::from(m * 2), &mut entropy)));
        let mut pairs = Vec::new();
        for a in &parts {
            for b in &parts {
                let value = (Integer::from(b * m) + a) * &r_inverse % &square;
                pairs.push((Single::from_pair(a, b, constants.length()), value));
            }
        }
        pairs
    }

    fn values<L: Lanes<Single = Single>>(lanes: &L, m: &Integer, x: &L::Residues) -> Vec<Integer> {
        let number = |pair: &crate::arith::lanes::Pair| {
            let (a, b) = (integer(&pair.a), integer(&pair.b));
            assert!(a < *m && b < *m, "a pair that leaves is unique");
            a + b * m
        };
        lanes.leave(x, &mut lanes.scratch()).iter().map(number).collect()
    }

    /// What an operation leaves is below 2m and in limbs of 52 bits, fit for the next.
    fn check_range<L: Lanes<Single = Single>>(lanes: &L, m: &Integer, x: &L::Residues) {
        for single in lanes.scatter(x) {
            let words: Vec<u64> = single.0.iter().flat_map(|&vector| radix::words(vector)).collect();
            for half in words.chunks_exact(words.len() / 2) {
                assert!(half.iter().all(|limb| limb >> BITS == 0));
                let number = half.iter().rev().fold(Integer::new(), |number, limb| (number << BITS) + limb);
                assert!(number < Integer::from(m * 2));
            }
        }
    }

    fn agrees_with_integers<L: Lanes<Single = Single>>(lanes: &L, constants: &Constants, m: &Integer) {
        let square = m.clone().square();
        let mut s = lanes.scratch();
        let all = pairs(constants, m);
        let words = |x: &Integer| Limbs::from_integer(x, x.significant_digits::<u64>().max(1));
        for (first, chunk) in all.chunks(L::WIDTH).enumerate() {
            let singles: Vec<_> = chunk.iter().map(|x| &x.0).collect();
            let x = lanes.gathered(&singles);
            let expected: Vec<_> = chunk.iter().map(|x| x.1.clone()).collect();
            let is = |y: &L::Residues, what: &str, value: &dyn Fn(usize) -> Integer| {
                check_range(lanes, m, y);
                for (i, found) in values(lanes, m, y).into_iter().take(chunk.len()).enumerate() {
                    assert_eq!(found, value(i) % &square, "{what}, m of {} bits", m.significant_bits());
                }
            };
            is(&x, "gather and leave", &|i| expected[i].clone());
            let mut y = x.clone();
            lanes.sqr(&mut y, &mut s);
            is(&y, "sqr", &|i| Integer::from(&expected[i] * &expected[i]));
            // Against every pair, shifted so that each meets each.
            for shift in 0..all.len() {
                let partner = |i: usize| &all[(first * L::WIDTH + i + shift) % all.len()];
                let partners: Vec<_> = (0..chunk.len()).map(|i| &partner(i).0).collect();
                let y = lanes.gathered(&partners);
                let mut product = x.clone();
                lanes.mul(&mut product, &y, &mut s);
                is(&product, "mul", &|i| Integer::from(&expected[i] * &partner(i).1));
                if shift % 7 != 0 {
                    continue;
                }
                let k: Vec<_> = (0..chunk.len()).map(|i| Integer::from(&partner(i).1 % m)).collect();
                let k_words: Vec<_> = k.iter().map(words).collect();
                let k_slices: Vec<_> = k_words.iter().map(|k| &k[..]).collect();
                let mut shifted = x.clone();
                lanes.mul_one_plus(&mut shifted, &lanes.scalars(&k_slices), &mut s);
                is(&shifted, "mul_one_plus", &|i| (Integer::from(&k[i] * m) + 1u32) * &expected[i]);
            }
        }
    }

    fn enters<L: Lanes<Single = Single>>(lanes: &L, m: &Integer) {
        let (square, bits) = (m.clone().square(), m.significant_bits());
        let mut s = lanes.scratch();
        let mut numbers = residues(m);
        numbers.push(Integer::from(&square * 4u32) - 1u32);
        let words: Vec<_> = numbers.iter().map(|x| Limbs::from_integer(x, x.significant_digits::<u64>())).collect();
        for (numbers, words) in numbers.chunks(L::WIDTH).zip(words.chunks(L::WIDTH)) {
            let slices: Vec<_> = words.iter().map(|x| &x[..]).collect();
            let x = lanes.enter(&slices, &mut s);
            check_range(lanes, m, &x);
            for (found, x) in values(lanes, m, &x).iter().zip(numbers) {
                assert_eq!(*found, Integer::from(x % &square));
            }
            for weight in [0i64, 1, 5, 1000, -1, -77] {
                let raw = lanes.enter_raw(&slices, &mut s);
                let repair = lanes.repair(weight, &mut s);
                for ((raw, repair), x) in values(lanes, m, &raw).iter().zip(values(lanes, m, &repair)).zip(numbers) {
                    let weight = Integer::from(weight);
                    let Ok(expected) = x.clone().pow_mod(&weight, &square) else { continue };
                    assert_eq!(raw.clone().pow_mod(&weight, &square).unwrap() * repair % &square, expected);
                }
            }
        }
        if bits.is_multiple_of(32) {
            let long = Integer::from(1) << (4 * bits);
            let mut entropy = SeededEntropy::new(b"long");
            let mut longs = vec![Integer::new(), Integer::from(&long - 1), Integer::from(&square - 1)];
            longs.push(random_below(&long, &mut entropy));
            let words: Vec<_> = longs.iter().map(|x| Limbs::from_integer(x, bits as usize / 16)).collect();
            for (longs, words) in longs.chunks(L::WIDTH).zip(words.chunks(L::WIDTH)) {
                let x = lanes.enter_long(&words.iter().map(|x| &x[..]).collect::<Vec<_>>(), &mut s);
                check_range(lanes, m, &x);
                for (found, x) in values(lanes, m, &x).iter().zip(longs) {
                    assert_eq!(*found, Integer::from(x % &square), "enter_long");
                }
            }
        }
    }

    fn tables_agree<L: Lanes<Single = Single>>(lanes: &L, constants: &Constants, m: &Integer) {
        let square = m.clone().square();
        let mut s = lanes.scratch();
        let all = pairs(constants, m);
        let units: Vec<_> = all.iter().filter(|x| x.1.clone().invert(&square).is_ok()).collect();
        let Some(unit) = units.last() else { return };
        for entries in [1, 2, 8, 16, 17, 32] {
            let singles: Vec<_> = all.iter().map(|x| x.0.clone()).cycle().take(entries).collect();
            let (shared, which) =
                (lanes.shared_table(&singles), [0, entries - 1, entries / 2, entries / 3, 0, 0, 0, 0]);
            let bundles: Vec<_> = singles.iter().map(|x| lanes.gathered(&vec![x; L::WIDTH])).collect();
            let own = lanes.table(&bundles);
            for first in 0..4 {
                let which: Vec<_> = which.iter().cycle().skip(first).take(L::WIDTH).copied().collect();
                let reversed: Vec<_> = which.iter().rev().copied().collect();
                let mut out = [lanes.one(), lanes.one()];
                lanes.select_shared(&mut out, &shared, &[&which[..], &reversed].concat());
                let mut own_out = lanes.one();
                lanes.select(&mut own_out, &own, &which);
                let expected = |which: &[usize]| which.iter().map(|i| all[i % all.len()].1.clone()).collect::<Vec<_>>();
                assert_eq!(values(lanes, m, &out[0]), expected(&which));
                assert_eq!(values(lanes, m, &out[1]), expected(&reversed));
                assert_eq!(values(lanes, m, &own_out), expected(&which));
            }
        }
        // c (1 + f m) for the same unit as many times over as a product may have factors.
        let inverse = unit.1.clone().invert(&square).unwrap();
        let inverse = lanes.enter(&vec![&Limbs::from_integer(&inverse, 130)[..]; L::WIDTH], &mut s);
        let mut entry = lanes.gathered(&vec![&unit.0; L::WIDTH]);
        lanes.factor(&mut entry, &inverse, &mut s);
        let mut product = lanes.empty_product();
        let k = Integer::from(m - 1);
        lanes.mul_one_plus_in(
            &mut product,
            &lanes.scalars(&vec![&Limbs::from_integer(&k, m.significant_digits::<u64>())[..]; L::WIDTH]),
        );
        for _ in 0..MOST_PAIRS {
            lanes.mul_factored(&mut product, [&entry; 2], &mut s);
        }
        let product = lanes.expand(product, &mut s);
        let expected = unit.1.clone().pow_mod(&Integer::from(2 * MOST_PAIRS), &square).unwrap();
        let expected = (k * m + 1u32) * expected % &square;
        assert!(values(lanes, m, &product).iter().all(|found| *found == expected));
    }

    #[test]
    fn eight_and_one_agree_with_integers() {
        if !has_ifma() {
            return;
        }
        for m in all_moduli() {
            let constants = Arc::new(Constants::new(Arc::new(Montgomery::new(&m))));
            let (eight, one) = (Eight::new(constants.clone()), One::new(constants.clone()));
            agrees_with_integers(&eight, &constants, &m);
            agrees_with_integers(&one, &constants, &m);
            enters(&eight, &m);
            enters(&one, &m);
            tables_agree(&eight, &constants, &m);
            tables_agree(&one, &constants, &m);
        }
    }

    #[test]
    fn bundles_come_apart_as_they_were_put_together() {
        if !has_ifma() {
            return;
        }
        for m in all_moduli() {
            let constants = Arc::new(Constants::new(Arc::new(Montgomery::new(&m))));
            let eight = Eight::new(constants.clone());
            let singles: Vec<_> = pairs(&constants, &m).into_iter().map(|pair| pair.0).collect();
            let words = |x: &Single| x.0.iter().flat_map(|&vector| radix::words(vector)).collect::<Vec<_>>();
            for chunk in singles.chunks_exact(LANES) {
                let bundle = eight.gathered(&chunk.iter().collect::<Vec<_>>());
                assert!(eight.scatter(&bundle).iter().map(words).eq(chunk.iter().map(words)));
            }
        }
    }
}
