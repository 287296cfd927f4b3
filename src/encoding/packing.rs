//! Which value stands where in a plaintext.
//!
//! A plaintext is a row of slots, `spacing` bits apart. A request holds, for each batch of k' records, one ciphertext for
//! every t features: feature i of the t of record p has slot i k' + p. As a polynomial in X = 2^(k' spacing) that is
//! x_g(X), whose coefficients are the values of k' records side by side. The evaluator multiplies it by the weights in
//! reversed order,
//!
//! ```text
//! P_g(X) = sum over rows j of the response, sum over i < t of w(j, g t + i) X^(j t + t - 1 - i),
//! ```
//!
//! and adds up over g. Coefficient j t + t - 1 of the sum is row j's answer. All others are *junk*, dot products at a wrong
//! alignment: of row j below its answer, where its polynomial overlaps row j - 1's, and of row j - 1 above that one's
//! answer. J rows take ((J + 1) t - 1) k' slots.
//!
//! With t = 1 there is no junk, and rows stand side by side: the layout for many records. With larger t fewer ciphertexts
//! go up and, if rows no longer fit side by side, more come down: the layouts for few records.

use std::ops::Range;

use super::{Gap, Layout};
use crate::error::{Error, Result};

/// How integers share the plaintexts below a modulus of `key_bits` bits.
///
/// A plaintext is held in [`limbs`](Self::limbs) little-endian words, as many as the modulus has. Slot q stands at bit
/// `q * spacing`. At most `key_bits - 2` bits are used, so that every packed plaintext is below a quarter of
/// 2^key_bits and therefore below half the modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    key_bits: u32,
    slot_bits: u32,
    together: u32,
    spacing: u32,
}

/// Records that travel together, made by [`Packing::batches`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    packing: Packing,
    records: Range<usize>,
}

/// Rows whose answers for one batch come back in one ciphertext, made by [`Batch::responses`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponsePart {
    packing: Packing,
    rows: Range<usize>,
    records: usize,
}

impl Packing {
    /// Widest answer: what is in its slot, and half of it, fit an `i64`.
    pub const MAX_SLOT_BITS: u32 = 62;

    /// Bits by which slots are wider than junk, so that masks have room to hide it: see [`Gap`].
    pub const MARGIN_BITS: u32 = 8;

    /// One feature a ciphertext, in slots of `slot_bits` bits without space between.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `1 <= slot_bits <= 62` and one slot fits `key_bits - 2` bits.
    pub fn records(key_bits: u32, slot_bits: u32) -> Result<Self> {
        Self { key_bits, slot_bits, together: 1, spacing: slot_bits }.checked()
    }

    /// `together` features a ciphertext, in slots `spacing` bits apart. Junk must be of magnitude at most
    /// 2^(spacing - 9): the caller knows the weights, the layout does not.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `1 <= slot_bits <= 62`, `together` is at least 2, `spacing` is at least 9 and at least
    /// `slot_bits`, and `2 together - 1` slots fit `key_bits - 2` bits.
    pub fn features(key_bits: u32, slot_bits: u32, together: u32, spacing: u32) -> Result<Self> {
        if together < 2 || spacing <= Self::MARGIN_BITS {
            return Err(Error::Argument("a features layout has at least 2 features together, 9 bits apart".into()));
        }
        Self { key_bits, slot_bits, together, spacing }.checked()
    }

    fn checked(self) -> Result<Self> {
        let Self { key_bits, slot_bits, together, spacing } = self;
        let needed = (2 * u64::from(together) - 1).saturating_mul(spacing.into());
        if (1..=Self::MAX_SLOT_BITS).contains(&slot_bits)
            && spacing >= slot_bits
            && u64::from(key_bits.saturating_sub(2)) >= needed
        {
            return Ok(self);
        }
        Err(Error::Argument(format!(
            "{together} features in slots of {slot_bits} bits, {spacing} apart, do not fit a key of {key_bits} bits, \
             or slots are not of 1 to {} bits",
            Self::MAX_SLOT_BITS
        )))
    }

    /// Which of a spec's layouts this is.
    pub fn layout(&self) -> Layout {
        Layout::from_together(self.together)
    }

    /// Bits of the modulus.
    pub fn key_bits(&self) -> u32 {
        self.key_bits
    }

    /// Bits of an answer.
    pub fn slot_bits(&self) -> u32 {
        self.slot_bits
    }

    /// Bits from the beginning of a slot to that of the next, at least [`slot_bits`](Self::slot_bits).
    pub fn spacing(&self) -> u32 {
        self.spacing
    }

    /// Features that share a ciphertext: t.
    pub fn together(&self) -> usize {
        self.together as usize
    }

    /// Words of a plaintext, 64 bits each.
    pub fn limbs(&self) -> usize {
        self.key_bits.div_ceil(u64::BITS) as usize
    }

    /// Slots of a plaintext, at least `2 t - 1`.
    pub fn slots(&self) -> usize {
        ((self.key_bits - 2) / self.spacing) as usize
    }

    /// Records of a full batch, at least 1: so many that one row of answers still fits.
    pub fn capacity(&self) -> usize {
        self.slots() / (2 * self.together() - 1)
    }

    /// Rows that share a response to a batch of `records` records, from 1 to [`capacity`](Self::capacity): the largest J with
    /// ((J + 1) t - 1) k' slots.
    pub fn rows_together(&self, records: usize) -> usize {
        (self.slots() / records + 1) / self.together() - 1
    }

    /// What an output slot holds for an answer of 0, 2^(slot_bits - 1): a slot holds answer + centre.
    pub fn centre(&self) -> i64 {
        1 << (self.slot_bits - 1)
    }

    /// `records` in batches: all full but the last.
    pub fn batches(&self, records: usize) -> impl ExactSizeIterator<Item = Batch> + DoubleEndedIterator + use<> {
        let (packing, capacity) = (*self, self.capacity());
        (0..records.div_ceil(capacity)).map(move |batch| {
            let first = batch * capacity;
            Batch { packing, records: first..records.min(first.saturating_add(capacity)) }
        })
    }

    /// Ciphertexts of one batch with `features` features, however many records it has.
    pub fn columns(&self, features: usize) -> usize {
        self.layout().columns(features)
    }

    /// Ciphertexts in which `records` records of `features` features go up. What is beyond a `u64` is its largest number.
    pub fn request_ciphertexts(&self, records: usize, features: usize) -> u64 {
        (self.batches(records).len() as u64).saturating_mul(self.columns(features) as u64)
    }

    /// Ciphertexts in which the answers for `records` records of a model of `rows` rows come down, which is the number of
    /// [`responses`](Batch::responses) of all batches. What is beyond a `u64` is its largest number.
    pub fn response_ciphertexts(&self, records: usize, rows: usize) -> u64 {
        let of = |records: usize| self.batches(records).map(|batch| batch.responses(rows).len() as u64).sum::<u64>();
        let full = (records / self.capacity()) as u64;
        full.saturating_mul(of(self.capacity())).saturating_add(of(records % self.capacity()))
    }

    /// Writes `slots` into a plaintext, from slot 0 on; the remaining slots are 0.
    ///
    /// Time and addresses depend on the number of slots, not on their content.
    ///
    /// # Errors
    /// [`Error::Count`] if `plaintext` is not [`limbs`](Self::limbs) long; [`Error::TooLarge`] if there are more slots
    /// than [`slots`](Self::slots); [`Error::Argument`] if a number has more than [`slot_bits`](Self::slot_bits) bits.
    pub fn pack(&self, slots: &[u64], plaintext: &mut [u64]) -> Result<()> {
        self.check(slots.len(), plaintext.len())?;
        plaintext.fill(0);
        let mut excess = 0;
        for (slot, &content) in slots.iter().enumerate() {
            let (limb, shift) = place(slot as u32 * self.spacing);
            excess |= content >> self.slot_bits;
            plaintext[limb] |= content << shift;
            if shift + self.slot_bits > u64::BITS {
                plaintext[limb + 1] |= content >> (u64::BITS - shift);
            }
        }
        if excess == 0 { Ok(()) } else { Err(Error::Argument("a number does not fit its slot".into())) }
    }

    /// Reads the first `slots.len()` slots of a plaintext. What stands above them is ignored.
    ///
    /// Time and addresses depend on the number of slots, not on their content.
    ///
    /// # Errors
    /// As [`pack`](Self::pack).
    pub fn unpack(&self, plaintext: &[u64], slots: &mut [u64]) -> Result<()> {
        self.check(slots.len(), plaintext.len())?;
        for (slot, content) in slots.iter_mut().enumerate() {
            *content = self.read(plaintext, slot as u32 * self.spacing);
        }
        Ok(())
    }

    /// The `slot_bits` bits of a plaintext from `bit` on.
    fn read(&self, plaintext: &[u64], bit: u32) -> u64 {
        let (limb, shift) = place(bit);
        let mut content = plaintext[limb] >> shift;
        if shift + self.slot_bits > u64::BITS {
            content |= plaintext[limb + 1] << (u64::BITS - shift);
        }
        content & ((1 << self.slot_bits) - 1)
    }

    fn check(&self, slots: usize, limbs: usize) -> Result<()> {
        self.check_limbs(limbs)?;
        if slots > self.slots() {
            let (found, limit) = (slots as u64, self.slots() as u64);
            return Err(Error::TooLarge { what: "number of slots", found, limit });
        }
        Ok(())
    }

    fn check_limbs(&self, limbs: usize) -> Result<()> {
        let (what, expected) = ("words of a plaintext", self.limbs());
        if limbs == expected { Ok(()) } else { Err(Error::Count { what, expected, found: limbs }) }
    }
}

/// Word and shift of a bit.
fn place(bit: u32) -> (usize, u32) {
    ((bit / u64::BITS) as usize, bit % u64::BITS)
}

impl Batch {
    /// Positions of its records among all records of the request.
    pub fn records(&self) -> Range<usize> {
        self.records.clone()
    }

    /// Number of its records, from 1 to the packing's capacity: k'.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Bits of X: by so many a coefficient of a response is shifted against the one before.
    pub fn shift(&self) -> u32 {
        self.len() as u32 * self.packing.spacing
    }

    /// How the answers of a model of `rows` rows come back: as many rows a ciphertext as fit.
    pub fn responses(&self, rows: usize) -> impl ExactSizeIterator<Item = ResponsePart> + use<> {
        let (packing, records) = (self.packing, self.len());
        let together = packing.rows_together(records);
        (0..rows.div_ceil(together)).map(move |part| {
            let first = part * together;
            ResponsePart { packing, rows: first..rows.min(first + together), records }
        })
    }
}

impl ResponsePart {
    /// The rows of the model, in the order of their answers.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The rows of the [`matrix`](Layout::matrix), t for each row of the model: coefficient after coefficient.
    pub fn coefficients(&self) -> Range<usize> {
        let t = self.packing.together();
        self.rows.start * t..self.rows.end * t
    }

    /// Number of answers: rows times records, row by row.
    pub fn answers(&self) -> usize {
        self.rows.len() * self.records
    }

    /// The bit at which an answer begins.
    ///
    /// # Panics
    /// If `answer` is not below [`answers`](Self::answers).
    pub fn place(&self, answer: usize) -> u32 {
        assert!(answer < self.answers());
        let (row, record) = (answer / self.records, answer % self.records);
        self.slot(((row + 1) * self.packing.together() - 1) * self.records + record)
    }

    /// The bits at which slots with junk begin.
    pub fn junk(&self) -> impl Iterator<Item = u32> {
        let t = self.packing.together();
        let is_junk = move |coefficient: &usize| coefficient % t != t - 1;
        let slots = move |coefficient| (0..self.records).map(move |record| coefficient * self.records + record);
        (0..(self.rows.len() + 1) * t - 1).filter(is_junk).flat_map(slots).map(|slot| self.slot(slot))
    }

    /// Bits in use by answers and junk, at most `key_bits - 2`.
    pub fn used_bits(&self) -> u32 {
        self.slot(((self.rows.len() + 1) * self.packing.together() - 1) * self.records)
    }

    fn slot(&self, slot: usize) -> u32 {
        slot as u32 * self.packing.spacing
    }

    /// All bits that belong to no answer, in order. They are masked.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        let answers = self.answers();
        let gap = move |next: usize| {
            let start = if next == 0 { 0 } else { self.place(next - 1) + self.packing.slot_bits };
            let end = (next < answers).then(|| self.place(next));
            // The answers of one row stand side by side for all records; junk is below, between and above rows.
            let with_junk = self.packing.together() > 1 && next.is_multiple_of(self.records);
            Gap { start, end, junk_end: with_junk.then(|| end.unwrap_or(self.used_bits())) }
        };
        (0..=answers).map(gap).filter(|gap| gap.end != Some(gap.start))
    }

    /// Reads the answers of a response's plaintext, row by row: slot content minus [`centre`](Packing::centre). What stands
    /// in the gaps is ignored.
    ///
    /// Time and addresses depend on the number of answers, not on their content.
    ///
    /// # Errors
    /// [`Error::Count`] if `plaintext` is not [`limbs`](Packing::limbs) or `answers` not [`answers`](Self::answers) long.
    pub fn unpack(&self, plaintext: &[u64], answers: &mut [i64]) -> Result<()> {
        self.packing.check_limbs(plaintext.len())?;
        if answers.len() != self.answers() {
            return Err(Error::Count { what: "answers", expected: self.answers(), found: answers.len() });
        }
        for (answer, found) in answers.iter_mut().enumerate() {
            *found = self.packing.read(plaintext, self.place(answer)) as i64 - self.packing.centre();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};
    use rug::Integer;
    use rug::integer::Order;

    const KEYS: [u32; 7] = [3, 64, 65, 192, 2048, 3072, 4096];

    fn records_packings() -> impl Iterator<Item = Packing> {
        KEYS.into_iter().flat_map(|key| (1..=62).filter_map(move |slot| Packing::records(key, slot).ok()))
    }

    fn features_packings() -> impl Iterator<Item = Packing> {
        let shapes =
            [2, 3, 4, 9, 16, 49, 227].into_iter().flat_map(|t| [9, 22, 31, 62, 70].map(|spacing| (t, spacing)));
        let slots = |(t, spacing)| [1, 9, 22, 62].map(|slot| (t, spacing, slot));
        KEYS.into_iter().flat_map(move |key| {
            let packing = move |(t, spacing, slot)| Packing::features(key, slot, t, spacing).ok();
            shapes.clone().flat_map(slots).filter_map(packing)
        })
    }

    fn packings() -> impl Iterator<Item = Packing> {
        records_packings().chain(features_packings())
    }

    #[test]
    fn a_packed_plaintext_is_the_sum_of_its_slots() {
        let random = &mut SmallRng::seed_from_u64(1);
        for packing in packings() {
            let largest = (1_u64 << packing.slot_bits) - 1;
            for count in [0, 1, packing.slots() / 2, packing.slots()] {
                for fill in [0, largest, 1] {
                    let slot = |_| if fill == 1 { random.random_range(0..=largest) } else { fill };
                    let slots: Vec<u64> = (0..count).map(slot).collect();
                    let mut plaintext = vec![u64::MAX; packing.limbs()];
                    packing.pack(&slots, &mut plaintext).unwrap();
                    let sum = slots.iter().rev().fold(Integer::new(), |sum, &slot| (sum << packing.spacing) + slot);
                    assert_eq!(Integer::from_digits(&plaintext, Order::Lsf), sum, "{packing:?}");
                    assert!(sum.significant_bits() <= packing.key_bits - 2);

                    let mut found = vec![0; count];
                    packing.unpack(&plaintext, &mut found).unwrap();
                    assert_eq!(found, slots, "{packing:?}");
                }
            }
        }
    }

    #[test]
    fn answers_of_both_signs_survive_whatever_fills_the_gaps() {
        let random = &mut SmallRng::seed_from_u64(2);
        for packing in packings() {
            let centre = packing.centre();
            for records in [1, packing.capacity()] {
                let batch = Batch { packing, records: 0..records };
                let part = batch.responses(1000).next().unwrap();
                let mut answers: Vec<i64> = (0..part.answers()).map(|_| random.random_range(-centre..centre)).collect();
                (answers[0], *answers.last_mut().unwrap()) = (-centre, centre - 1);
                let mut bits = Integer::new();
                for (answer, value) in answers.iter().enumerate() {
                    bits += Integer::from(value + centre) << part.place(answer);
                }
                for gap in part.gaps() {
                    let end = gap.end.unwrap_or(packing.key_bits);
                    bits += ((Integer::from(1) << (end - gap.start)) - 1u32) << gap.start;
                }
                let mut plaintext = vec![0; packing.limbs()];
                bits.write_digits(&mut plaintext, Order::Lsf);
                let mut found = vec![0; answers.len()];
                part.unpack(&plaintext, &mut found).unwrap();
                assert_eq!(found, answers, "{packing:?}");
            }
        }
    }

    #[test]
    fn answers_and_gaps_take_every_bit_once() {
        for packing in packings() {
            let k = packing.capacity();
            for records in [1, 2, k / 2, k - 1, k] {
                if !(1..=k).contains(&records) {
                    continue;
                }
                let batch = Batch { packing, records: 0..records };
                for part in batch.responses(7) {
                    let gaps: Vec<Gap> = part.gaps().collect();
                    let mut runs: Vec<_> = (0..part.answers()).map(|a| part.place(a)).collect();
                    runs = runs.iter().flat_map(|&start| [start, start + packing.slot_bits]).collect();
                    runs.extend(gaps.iter().flat_map(|gap| [gap.start, gap.end.unwrap_or(packing.key_bits)]));
                    let mut pairs: Vec<_> = runs.chunks_exact(2).collect();
                    pairs.sort_unstable();
                    assert_eq!((pairs[0][0], pairs[pairs.len() - 1][1]), (0, packing.key_bits), "{packing:?}");
                    assert!(pairs.windows(2).all(|pair| pair[0][1] == pair[1][0]), "{packing:?}");
                    // A gap without end is the last one.
                    assert!(gaps.iter().rev().skip(1).all(|gap| gap.end.is_some()));
                    assert!(gaps.last().is_some_and(|gap| gap.end.is_none()));
                    for junk in part.junk() {
                        let holder = gaps.iter().find(|gap| {
                            gap.start <= junk && gap.junk_end.is_some_and(|end| junk + packing.spacing <= end)
                        });
                        let end = holder.and_then(|gap| gap.end).unwrap_or(packing.key_bits - 2);
                        assert!(holder.is_some() && junk + packing.spacing <= end, "{packing:?}");
                    }
                    assert_eq!(part.junk().count() + part.answers(), (part.used_bits() / packing.spacing) as usize);
                }
            }
        }
    }

    #[test]
    fn masks_never_carry_and_hide_all_but_a_hundredth_of_a_bit_a_gap() {
        for packing in packings().filter(|packing| packing.key_bits >= 64) {
            for modulus in [Integer::from(1) << (packing.key_bits - 1), (Integer::from(1) << packing.key_bits) - 1] {
                for records in [1, packing.capacity()] {
                    let batch = Batch { packing, records: 0..records };
                    for part in batch.responses(12) {
                        // All answers and, with its offset, all junk as large as can be.
                        let mut most = Integer::new();
                        for answer in 0..part.answers() {
                            most += ((Integer::from(1) << packing.slot_bits) - 1) << part.place(answer);
                        }
                        let mut junk: Vec<_> = part.junk().collect();
                        junk.sort_unstable();
                        let mut hidden = 0.0;
                        for gap in part.gaps() {
                            let here = junk.iter().filter(|&&bit| gap.start <= bit && Some(bit) < gap.junk_end);
                            let largest: Integer = (Integer::from(1) << packing.spacing.saturating_sub(8)) - 1;
                            let content = here.fold(Integer::new(), |sum, &bit| sum + (largest.clone() << bit));
                            let masks = gap.masks(&modulus);
                            assert!(masks > 0);
                            hidden += log2(&masks);
                            let filled = content + ((masks - 1u32) << gap.start);
                            let end = gap.end.map_or(modulus.clone(), |end| Integer::from(1) << end);
                            assert!(filled < end, "{packing:?}");
                            most += filled;
                        }
                        assert!(most < modulus, "{packing:?}");
                        // In the records layout K may be as small as 2, and its rounding down counts.
                        let rows = part.rows.len() as f64;
                        let rest = if packing.together == 1 { 0.6 } else { 0.006 * (rows + 1.0) };
                        let answers = part.answers() as f64 * f64::from(packing.slot_bits);
                        let leak = log2(&modulus) - hidden;
                        assert!(answers < leak + 1e-6 && leak < answers + rest, "{leak} {answers} {packing:?}");
                    }
                }
            }
        }
    }

    fn log2(number: &Integer) -> f64 {
        let (mantissa, exponent) = number.to_f64_exp();
        mantissa.log2() + f64::from(exponent)
    }

    #[test]
    fn a_number_too_large_for_its_slot_is_refused() {
        for packing in [Packing::records(192, 22).unwrap(), Packing::features(192, 22, 2, 23).unwrap()] {
            let mut plaintext = [0; 3];
            packing.pack(&[(1 << 22) - 1; 8], &mut plaintext).unwrap();
            for position in 0..8 {
                for excess in [1 << 22, u64::MAX] {
                    let mut slots = [0; 8];
                    slots[position] = excess;
                    assert!(matches!(packing.pack(&slots, &mut plaintext), Err(Error::Argument(_))));
                }
            }
        }
    }

    #[test]
    fn too_many_slots_or_another_number_of_words_are_refused() {
        let packing = Packing::records(192, 22).unwrap();
        assert_eq!((packing.slots(), packing.capacity(), packing.limbs()), (8, 8, 3));
        for (slots, limbs) in [(9, 3), (8, 2), (8, 4), (usize::MAX, 3)] {
            let mut plaintext = vec![0; limbs];
            let slots = slots.min(1000);
            assert!(packing.pack(&vec![0; slots], &mut plaintext).is_err());
            assert!(packing.unpack(&plaintext, &mut vec![0; slots]).is_err());
        }
        let part = packing.batches(4).next().unwrap().responses(2).next().unwrap();
        for (answers, limbs) in [(8, 2), (8, 4), (7, 3), (9, 3), (0, 3)] {
            assert!(part.unpack(&vec![0; limbs], &mut vec![0; answers]).is_err());
        }
        assert!(part.unpack(&[0; 3], &mut [0; 8]).is_ok());
    }

    #[test]
    fn slots_that_do_not_fit_are_refused() {
        for (key_bits, slot_bits) in [(3072, 0), (3072, 63), (3072, u32::MAX), (23, 22), (0, 1), (2, 1), (1, 0)] {
            assert!(Packing::records(key_bits, slot_bits).is_err(), "{key_bits} {slot_bits}");
        }
        assert_eq!(Packing::records(24, 22).unwrap().capacity(), 1);
        for (slot_bits, together, spacing) in [
            (22, 0, 31),
            (22, 1, 31),
            (22, 2, 21),
            (8, 2, 8),
            (0, 2, 31),
            (63, 2, 64),
            (22, 51, 31),
            (22, u32::MAX, 31),
            (22, 2, u32::MAX),
            (22, u32::MAX, u32::MAX),
        ] {
            assert!(Packing::features(3072, slot_bits, together, spacing).is_err(), "{together} {spacing}");
        }
        // 2 t - 1 slots: exactly as many bits as there are.
        assert_eq!(Packing::features(95, 22, 2, 31).unwrap().slots(), 3);
        assert!(Packing::features(94, 22, 2, 31).is_err());
    }

    #[test]
    fn batches_take_every_record_once_and_responses_every_row_once() {
        for packing in packings() {
            let k = packing.capacity();
            for records in [0, 1, 2, k - 1, k, k + 1, 2 * k, 5 * k / 2 + 1] {
                let batches: Vec<Batch> = packing.batches(records).collect();
                assert_eq!(batches.len(), records.div_ceil(k));
                assert!(batches.iter().flat_map(Batch::records).eq(0..records));
                assert!(batches.iter().rev().skip(1).all(|batch| batch.len() == k));
                for rows in [0, 1, 10, k + 1] {
                    let ciphertexts: usize = batches.iter().map(|batch| batch.responses(rows).len()).sum();
                    assert_eq!(packing.response_ciphertexts(records, rows), ciphertexts as u64);
                }
                for batch in &batches {
                    for rows in [0, 1, 2, 10, k, k + 1, 1000] {
                        let parts: Vec<ResponsePart> = batch.responses(rows).collect();
                        assert!(parts.iter().flat_map(ResponsePart::rows).eq(0..rows));
                        assert!(parts.iter().flat_map(ResponsePart::coefficients).eq(0..rows * packing.together()));
                        for part in &parts {
                            assert_eq!(part.answers(), part.rows.len() * batch.len());
                            assert!(0 < part.used_bits() && part.used_bits() <= packing.key_bits - 2);
                        }
                        let row = packing.together * batch.shift();
                        let full = parts.first().map_or(0, |part| part.used_bits() + row);
                        assert!(parts.len() <= 1 || full > packing.key_bits - 2, "one more row would have fitted");
                    }
                }
            }
        }
    }

    #[test]
    fn claims_of_many_records_cost_nothing_and_do_not_overflow() {
        let packing = Packing::records(2048, 62).unwrap();
        assert_eq!(packing.capacity(), 33);
        for records in [u32::MAX as usize, usize::MAX] {
            let mut batches = packing.batches(records);
            assert_eq!(batches.len(), records.div_ceil(33));
            let rest = records % 33;
            assert_eq!(batches.next_back().map(|batch| batch.len()), Some(if rest == 0 { 33 } else { rest }));
        }
        let expected = u64::from(u32::MAX / 33) * 65_536 + 65_536_u64.div_ceil(33 / u64::from(u32::MAX % 33));
        assert_eq!(packing.response_ciphertexts(u32::MAX as usize, 65_536), expected);
        assert_eq!(packing.request_ciphertexts(usize::MAX, 1_000_000), u64::MAX);
        assert_eq!(packing.response_ciphertexts(usize::MAX, 65_536), u64::MAX);
        let packing = Packing::features(2048, 62, 2, 70).unwrap();
        assert_eq!(
            packing.request_ciphertexts(u32::MAX as usize, 1_000_000),
            u64::from(u32::MAX).div_ceil(9) * 500_000
        );
    }

    /// A request and a response on plain integers: what stands in the slots is what the formulas of the module say.
    #[test]
    fn polynomials_give_answers_where_they_are_read() {
        let random = &mut SmallRng::seed_from_u64(3);
        for (key_bits, together, features, rows, records) in
            [(512, 3, 7, 2, 2), (512, 2, 4, 3, 2), (700, 5, 5, 4, 1), (700, 4, 9, 5, 1), (512, 6, 4, 1, 1)]
        {
            let packing = Packing::features(key_bits, 14, together, 24).unwrap();
            let weights: Vec<i32> = (0..rows * features).map(|_| random.random_range(-20..=20)).collect();
            let values: Vec<Vec<u64>> =
                (0..records).map(|_| (0..features).map(|_| random.random_range(0..30)).collect()).collect();
            let matrix = packing.layout().matrix(features, &weights);
            let (t, columns) = (packing.together(), packing.columns(features));
            assert_eq!(matrix.len(), rows * t * columns);
            assert!(records <= packing.capacity());
            let batch = packing.batches(records).next().unwrap();
            let column = |g: usize| {
                let slot = |slot: usize| values[slot % records].get(g * t + slot / records).copied().unwrap_or(0);
                let mut limbs = vec![0; packing.limbs()];
                packing.pack(&(0..t * records).map(slot).collect::<Vec<_>>(), &mut limbs).unwrap();
                Integer::from_digits(&limbs, Order::Lsf)
            };
            let inputs: Vec<Integer> = (0..columns).map(column).collect();
            for part in batch.responses(rows) {
                let mut sum = Integer::new();
                for (power, coefficient) in (0_u32..).zip(part.coefficients()) {
                    for (weight, input) in matrix[coefficient * columns..][..columns].iter().zip(&inputs) {
                        sum += Integer::from(input * weight) << (power * batch.shift());
                    }
                }
                part.junk().for_each(|bit| sum += Integer::from(1 << 15) << bit);
                (0..part.answers()).for_each(|answer| sum += Integer::from(packing.centre()) << part.place(answer));
                let mut limbs = vec![0; packing.limbs()];
                sum.write_digits(&mut limbs, Order::Lsf);
                let mut answers = vec![0; part.answers()];
                part.unpack(&limbs, &mut answers).unwrap();
                let expected = part.rows().flat_map(|row| {
                    let row = &weights[row * features..][..features];
                    let answer =
                        |record: &Vec<u64>| row.iter().zip(record).map(|(w, &x)| i64::from(*w) * x as i64).sum();
                    values.iter().map(answer).collect::<Vec<i64>>()
                });
                assert!(answers.iter().copied().eq(expected), "{packing:?}");
            }
        }
    }

    #[test]
    fn the_numbers_of_the_handwritten_digits() {
        let packing = Packing::records(3072, 22).unwrap();
        assert_eq!(packing.capacity(), 139);
        assert_eq!(packing.batches(140).map(|batch| batch.len()).collect::<Vec<_>>(), [139, 1]);
        let one: Vec<_> = packing.batches(1).flat_map(|batch| batch.responses(10)).collect();
        assert_eq!((one.len(), one[0].rows(), one[0].answers(), one[0].used_bits()), (1, 0..10, 10, 220));
        assert_eq!(packing.batches(139).flat_map(|batch| batch.responses(10)).count(), 10);
        assert_eq!(packing.batches(69).flat_map(|batch| batch.responses(10)).count(), 5);
        for (together, up, down) in [(49, 16, 10), (16, 49, 2), (9, 88, 1), (4, 196, 1)] {
            let packing = Packing::features(3072, 22, together, 31).unwrap();
            assert_eq!((packing.request_ciphertexts(1, 784), packing.response_ciphertexts(1, 10)), (up, down));
        }
    }
}
