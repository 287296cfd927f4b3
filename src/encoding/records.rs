//! The records layout: slot p of a plaintext belongs to record p.
//!
//! A request holds one ciphertext a feature and batch, with that feature's value of every record of the batch in its
//! slots; a product with a weight multiplies all of them at once. In a response the rows of the model stand one after
//! the other: with k' records in the batch, row j of the part has slots j k' to (j + 1) k' - 1.

use std::ops::Range;

use crate::error::{Error, Result};

/// How slots of `slot_bits` bits share plaintexts below a modulus of `key_bits` bits.
///
/// A plaintext is held in [`limbs`](Self::limbs) little-endian words, as many as the modulus has. Slot q stands at bit
/// `q * slot_bits`. At most `key_bits - 2` bits are used, so that every packed plaintext is below a quarter of
/// 2^key_bits and therefore below half the modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordsLayout {
    key_bits: u32,
    slot_bits: u32,
}

/// Records that travel together, made by [`RecordsLayout::batches`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    layout: RecordsLayout,
    records: Range<usize>,
}

/// Rows whose answers for one batch come back in one ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponsePart {
    /// The rows of the model, in the order of the slots.
    pub rows: Range<usize>,
    /// Slots in use: rows times records, row by row.
    pub slots: usize,
    /// Bits in use, at most `key_bits - 2`. The response is masked from this bit on.
    pub used_bits: u32,
}

impl RecordsLayout {
    /// Widest slot: what is in it, and half of it, fit an `i64`.
    pub const MAX_SLOT_BITS: u32 = 62;

    /// A layout.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `1 <= slot_bits <= 62` and one slot fits `key_bits - 2` bits.
    pub fn new(key_bits: u32, slot_bits: u32) -> Result<Self> {
        if !(1..=Self::MAX_SLOT_BITS).contains(&slot_bits) || key_bits.saturating_sub(2) < slot_bits {
            return Err(Error::Argument(format!(
                "slots of {slot_bits} bits do not fit a key of {key_bits} bits, or are not of 1 to {} bits",
                Self::MAX_SLOT_BITS
            )));
        }
        Ok(Self { key_bits, slot_bits })
    }

    /// Bits of the modulus.
    pub fn key_bits(&self) -> u32 {
        self.key_bits
    }

    /// Bits of a slot.
    pub fn slot_bits(&self) -> u32 {
        self.slot_bits
    }

    /// Words of a plaintext, 64 bits each.
    pub fn limbs(&self) -> usize {
        self.key_bits.div_ceil(u64::BITS) as usize
    }

    /// Slots of a plaintext, at least 1: the records of a full batch.
    pub fn capacity(&self) -> usize {
        ((self.key_bits - 2) / self.slot_bits) as usize
    }

    /// What an output slot holds for an answer of 0, 2^(slot_bits - 1): a slot holds answer + centre.
    pub fn centre(&self) -> i64 {
        1 << (self.slot_bits - 1)
    }

    /// `records` in batches: all full but the last.
    pub fn batches(&self, records: usize) -> impl ExactSizeIterator<Item = Batch> + DoubleEndedIterator + use<> {
        let (layout, capacity) = (*self, self.capacity());
        (0..records.div_ceil(capacity)).map(move |batch| {
            let first = batch * capacity;
            Batch { layout, records: first..records.min(first.saturating_add(capacity)) }
        })
    }

    /// Number of ciphertexts in which the answers for `records` records of a model of `rows` rows come back, which is
    /// the number of [`responses`](Batch::responses) of all batches.
    pub fn response_ciphertexts(&self, records: usize, rows: usize) -> u64 {
        // A full batch has room for one row a ciphertext.
        let full = (records / self.capacity()) as u64 * rows as u64;
        full + self.batches(records % self.capacity()).map(|batch| batch.responses(rows).len() as u64).sum::<u64>()
    }

    /// Writes `slots` into a plaintext, from slot 0 on; the remaining slots are 0.
    ///
    /// Time and addresses depend on the number of slots, not on their content.
    ///
    /// # Errors
    /// [`Error::Count`] if `plaintext` is not [`limbs`](Self::limbs) long; [`Error::TooLarge`] if there are more slots
    /// than the [`capacity`](Self::capacity); [`Error::Argument`] if a number does not fit a slot.
    pub fn pack(&self, slots: &[u64], plaintext: &mut [u64]) -> Result<()> {
        self.check(slots.len(), plaintext.len())?;
        plaintext.fill(0);
        let mut excess = 0;
        for (slot, &content) in slots.iter().enumerate() {
            let (limb, shift) = self.place(slot);
            excess |= content >> self.slot_bits;
            plaintext[limb] |= content << shift;
            if shift + self.slot_bits > u64::BITS {
                plaintext[limb + 1] |= content >> (u64::BITS - shift);
            }
        }
        if excess == 0 { Ok(()) } else { Err(Error::Argument("a number does not fit its slot".into())) }
    }

    /// Reads the first `slots.len()` slots of a plaintext. What stands above them is ignored: it may be a mask.
    ///
    /// Time and addresses depend on the number of slots, not on their content.
    ///
    /// # Errors
    /// As [`pack`](Self::pack).
    pub fn unpack(&self, plaintext: &[u64], slots: &mut [u64]) -> Result<()> {
        self.check(slots.len(), plaintext.len())?;
        for (slot, content) in slots.iter_mut().enumerate() {
            *content = self.read(plaintext, slot);
        }
        Ok(())
    }

    /// Reads the answers in the first `answers.len()` slots of a response's plaintext: slot content minus
    /// [`centre`](Self::centre). Otherwise as [`unpack`](Self::unpack).
    ///
    /// # Errors
    /// As [`pack`](Self::pack).
    pub fn unpack_answers(&self, plaintext: &[u64], answers: &mut [i64]) -> Result<()> {
        self.check(answers.len(), plaintext.len())?;
        for (slot, answer) in answers.iter_mut().enumerate() {
            *answer = self.read(plaintext, slot) as i64 - self.centre();
        }
        Ok(())
    }

    fn read(&self, plaintext: &[u64], slot: usize) -> u64 {
        let (limb, shift) = self.place(slot);
        let mut content = plaintext[limb] >> shift;
        if shift + self.slot_bits > u64::BITS {
            content |= plaintext[limb + 1] << (u64::BITS - shift);
        }
        content & ((1 << self.slot_bits) - 1)
    }

    /// Word and bit at which a slot begins.
    fn place(&self, slot: usize) -> (usize, u32) {
        let bit = slot * self.slot_bits as usize;
        (bit / u64::BITS as usize, (bit % u64::BITS as usize) as u32)
    }

    fn check(&self, slots: usize, limbs: usize) -> Result<()> {
        if limbs != self.limbs() {
            return Err(Error::Count { what: "words of a plaintext", expected: self.limbs(), found: limbs });
        }
        if slots > self.capacity() {
            let (found, limit) = (slots as u64, self.capacity() as u64);
            return Err(Error::TooLarge { what: "number of slots", found, limit });
        }
        Ok(())
    }
}

impl Batch {
    /// Positions of its records among all records of the request.
    pub fn records(&self) -> Range<usize> {
        self.records.clone()
    }

    /// Number of its records, from 1 to the layout's capacity.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// How the answers of a model of `rows` rows come back: as many rows a ciphertext as fit.
    pub fn responses(&self, rows: usize) -> impl ExactSizeIterator<Item = ResponsePart> + use<> {
        let (records, slot_bits) = (self.len(), self.layout.slot_bits);
        let together = self.layout.capacity() / records;
        (0..rows.div_ceil(together)).map(move |part| {
            let first = part * together;
            let rows = first..rows.min(first + together);
            let slots = rows.len() * records;
            ResponsePart { rows, slots, used_bits: slots as u32 * slot_bits }
        })
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

    fn layouts() -> impl Iterator<Item = RecordsLayout> {
        KEYS.into_iter().flat_map(|key| (1..=62).filter_map(move |slot| RecordsLayout::new(key, slot).ok()))
    }

    #[test]
    fn a_packed_plaintext_is_the_sum_of_its_slots() {
        let random = &mut SmallRng::seed_from_u64(1);
        for layout in layouts() {
            let largest = (1_u64 << layout.slot_bits) - 1;
            for count in [0, 1, layout.capacity() / 2, layout.capacity()] {
                for fill in [0, largest, 1] {
                    let slot = |_| if fill == 1 { random.random_range(0..=largest) } else { fill };
                    let slots: Vec<u64> = (0..count).map(slot).collect();
                    let mut plaintext = vec![u64::MAX; layout.limbs()];
                    layout.pack(&slots, &mut plaintext).unwrap();
                    let sum = slots.iter().rev().fold(Integer::new(), |sum, &slot| (sum << layout.slot_bits) + slot);
                    assert_eq!(Integer::from_digits(&plaintext, Order::Lsf), sum, "{layout:?}");
                    assert!(sum.significant_bits() <= layout.key_bits - 2);

                    let mut found = vec![0; count];
                    layout.unpack(&plaintext, &mut found).unwrap();
                    assert_eq!(found, slots, "{layout:?}");
                }
            }
        }
    }

    #[test]
    fn answers_of_both_signs_survive_packing_and_a_mask_above_them() {
        let random = &mut SmallRng::seed_from_u64(2);
        for layout in layouts() {
            let centre = layout.centre();
            let mut answers: Vec<i64> = (0..layout.capacity()).map(|_| random.random_range(-centre..centre)).collect();
            (answers[0], *answers.last_mut().unwrap()) = (-centre, centre - 1);
            answers.truncate(random.random_range(1..=layout.capacity()));
            let slots: Vec<u64> = answers.iter().map(|answer| (answer + centre) as u64).collect();
            let mut plaintext = vec![0; layout.limbs()];
            layout.pack(&slots, &mut plaintext).unwrap();

            let used = slots.len() as u32 * layout.slot_bits;
            let mask = Integer::from(random.random::<u64>()) << used;
            let masked = (Integer::from_digits(&plaintext, Order::Lsf) + mask).keep_bits(layout.key_bits);
            plaintext.fill(0);
            masked.write_digits(&mut plaintext, Order::Lsf);
            let mut found = vec![0; answers.len()];
            layout.unpack_answers(&plaintext, &mut found).unwrap();
            assert_eq!(found, answers, "{layout:?}");
        }
    }

    #[test]
    fn a_number_too_large_for_its_slot_is_refused() {
        let layout = RecordsLayout::new(192, 22).unwrap();
        let mut plaintext = [0; 3];
        layout.pack(&[(1 << 22) - 1; 8], &mut plaintext).unwrap();
        for position in 0..8 {
            for excess in [1 << 22, u64::MAX] {
                let mut slots = [0; 8];
                slots[position] = excess;
                assert!(matches!(layout.pack(&slots, &mut plaintext), Err(Error::Argument(_))));
            }
        }
    }

    #[test]
    fn too_many_slots_or_another_number_of_words_are_refused() {
        let layout = RecordsLayout::new(192, 22).unwrap();
        assert_eq!((layout.capacity(), layout.limbs()), (8, 3));
        for (slots, limbs) in [(9, 3), (8, 2), (8, 4), (usize::MAX, 3)] {
            let mut plaintext = vec![0; limbs];
            let slots = slots.min(1000);
            assert!(layout.pack(&vec![0; slots], &mut plaintext).is_err());
            assert!(layout.unpack(&plaintext, &mut vec![0; slots]).is_err());
            assert!(layout.unpack_answers(&plaintext, &mut vec![0; slots]).is_err());
        }
    }

    #[test]
    fn slots_that_do_not_fit_are_refused() {
        for (key_bits, slot_bits) in [(3072, 0), (3072, 63), (3072, u32::MAX), (23, 22), (0, 1), (2, 1), (1, 0)] {
            assert!(RecordsLayout::new(key_bits, slot_bits).is_err(), "{key_bits} {slot_bits}");
        }
        assert_eq!(RecordsLayout::new(24, 22).unwrap().capacity(), 1);
    }

    #[test]
    fn batches_take_every_record_once_and_responses_every_row_once() {
        for layout in layouts() {
            let k = layout.capacity();
            for records in [0, 1, 2, k - 1, k, k + 1, 2 * k, 5 * k / 2 + 1] {
                let batches: Vec<Batch> = layout.batches(records).collect();
                assert_eq!(batches.len(), records.div_ceil(k));
                assert!(batches.iter().flat_map(Batch::records).eq(0..records));
                assert!(batches.iter().rev().skip(1).all(|batch| batch.len() == k));
                for rows in [0, 1, 10, k + 1] {
                    let ciphertexts: usize = batches.iter().map(|batch| batch.responses(rows).len()).sum();
                    assert_eq!(layout.response_ciphertexts(records, rows), ciphertexts as u64);
                }
                for batch in &batches {
                    for rows in [0, 1, 2, 10, k, k + 1, 1000] {
                        let parts: Vec<ResponsePart> = batch.responses(rows).collect();
                        assert!(parts.iter().flat_map(|part| part.rows.clone()).eq(0..rows));
                        for part in &parts {
                            assert_eq!(part.slots, part.rows.len() * batch.len());
                            assert_eq!(part.used_bits, part.slots as u32 * layout.slot_bits);
                            assert!(0 < part.used_bits && part.used_bits <= layout.key_bits - 2);
                        }
                        let full =
                            parts.first().map_or(0, |part| part.used_bits + batch.len() as u32 * layout.slot_bits);
                        assert!(parts.len() <= 1 || full > layout.key_bits - 2, "one more row would have fitted");
                    }
                }
            }
        }
    }

    #[test]
    fn claims_of_many_records_cost_nothing_and_do_not_overflow() {
        let layout = RecordsLayout::new(2048, 62).unwrap();
        assert_eq!(layout.capacity(), 33);
        for records in [u32::MAX as usize, usize::MAX] {
            let mut batches = layout.batches(records);
            assert_eq!(batches.len(), records.div_ceil(33));
            let rest = records % 33;
            assert_eq!(batches.next_back().map(|batch| batch.len()), Some(if rest == 0 { 33 } else { rest }));
        }
        let expected = u64::from(u32::MAX / 33) * 65_536 + 65_536_u64.div_ceil(33 / u64::from(u32::MAX % 33));
        assert_eq!(layout.response_ciphertexts(u32::MAX as usize, 65_536), expected);
    }

    #[test]
    fn the_numbers_of_the_handwritten_digits() {
        let layout = RecordsLayout::new(3072, 22).unwrap();
        assert_eq!(layout.capacity(), 139);
        assert_eq!(layout.batches(140).map(|batch| batch.len()).collect::<Vec<_>>(), [139, 1]);
        let one: Vec<_> = layout.batches(1).flat_map(|batch| batch.responses(10)).collect();
        assert_eq!(one, [ResponsePart { rows: 0..10, slots: 10, used_bits: 220 }]);
        assert_eq!(layout.batches(139).flat_map(|batch| batch.responses(10)).count(), 10);
        assert_eq!(layout.batches(69).flat_map(|batch| batch.responses(10)).count(), 5);
    }
}
