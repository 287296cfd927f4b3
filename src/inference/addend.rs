//! What an evaluator adds to a response: bias and offsets, so that nothing is negative, and the masks.

use rug::integer::Order;

use crate::encoding::{Packing, ResponsePart};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::paillier::PublicKey;
use crate::secret::Limbs;

/// The number to add to a response plaintext, below n: in each answer's slot bias and centre, so that the slot holds a number of
/// `slot_bits` bits; in each slot with junk 2^(spacing - 9), so that it holds one of `spacing - 8` bits; in each gap a fresh
/// [mask](crate::encoding::Gap). Constant-time. `bias` has one number a row of the model.
pub(super) fn addend(
    packing: &Packing,
    part: &ResponsePart,
    bias: &[i64],
    key: &PublicKey,
    entropy: &mut dyn Entropy,
) -> Result<Limbs> {
    let mut sum = Limbs::zero(packing.limbs());
    let records = part.answers() / part.rows().len();
    for (row, bias) in bias[part.rows()].iter().enumerate() {
        for record in 0..records {
            add(&mut sum, &[(bias + packing.centre()) as u64], part.place(row * records + record));
        }
    }
    for bit in part.junk() {
        add(&mut sum, &[1], bit + packing.spacing() - Packing::MARGIN_BITS - 1);
    }
    for gap in part.gaps() {
        let bound = gap.masks(key.modulus()).to_digits::<u64>(Order::Lsf);
        let mut mask = Limbs::zero(bound.len());
        entropy.below(&mut mask, &bound)?;
        add(&mut sum, &mask, gap.start);
    }
    Ok(sum)
}

/// sum += number * 2^bit, which is known not to pass the end. Constant-time.
fn add(sum: &mut [u64], number: &[u64], bit: u32) {
    let (first, shift) = ((bit / u64::BITS) as usize, bit % u64::BITS);
    let (mut low_bits, mut carry) = (0, false);
    for (i, limb) in sum[first..].iter_mut().enumerate() {
        let word = number.get(i).copied().unwrap_or(0);
        let shifted = word << shift | low_bits;
        // The bits that the next limb takes: none without a shift.
        low_bits = (word >> 1) >> (u64::BITS - 1 - shift);
        let (partial, one) = limb.overflowing_add(shifted);
        let (total, other) = partial.overflowing_add(carry.into());
        (*limb, carry) = (total, one | other);
    }
    debug_assert!(!carry && low_bits == 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{SeededEntropy, SystemEntropy};
    use crate::paillier::SecretKey;
    use crate::secret::integer;
    use rug::Integer;

    #[test]
    fn shifted_numbers_are_added_with_all_carries() {
        let mut entropy = SeededEntropy::new(b"add");
        for bit in 0..200 {
            for words in 0..4 {
                let mut numbers = [[0; 8], [0; 8]];
                entropy.bits(&mut numbers[0], 509).unwrap();
                entropy.bits(&mut numbers[1][..words], 64 * words as u32).unwrap();
                if bit % 3 == 0 {
                    numbers[0] = [u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, 0];
                }
                let expected = integer(&numbers[0]) + (integer(&numbers[1]) << bit);
                let [mut sum, number] = numbers;
                add(&mut sum, &number[..words], bit);
                assert_eq!(integer(&sum), expected);
            }
        }
    }

    #[test]
    fn an_addend_has_bias_and_offset_below_its_masks_and_stays_below_the_modulus() {
        let key = SecretKey::generate_insecure_for_tests(512).unwrap();
        let key = key.public_key();
        let bias = [-200, 255, 0, -256, 17];
        for packing in [
            Packing::records(512, 9).unwrap(),
            Packing::features(512, 9, 2, 17).unwrap(),
            Packing::features(512, 9, 5, 20).unwrap(),
        ] {
            for records in [1, 2, packing.capacity()] {
                let Some(batch) = packing.batches(records).next() else { continue };
                for part in batch.responses(bias.len()) {
                    let mut plain = Integer::new();
                    for (answer, bias) in part.rows().flat_map(|row| vec![bias[row]; batch.len()]).enumerate() {
                        plain += Integer::from(bias + packing.centre()) << part.place(answer);
                    }
                    for bit in part.junk() {
                        plain += Integer::from(1) << (bit + packing.spacing() - 9);
                    }
                    let number = addend(&packing, &part, &bias, key, &mut SystemEntropy).unwrap();
                    let mut rest = integer(&number) - plain;
                    assert!(integer(&number) < *key.modulus());
                    // Nothing but multiples of 2^start below K for each gap is left.
                    let gaps: Vec<_> = part.gaps().collect();
                    for gap in gaps.iter().rev() {
                        let mask = Integer::from(&rest >> gap.start);
                        assert!(mask >= 0 && mask < gap.masks(key.modulus()));
                        rest -= mask << gap.start;
                    }
                    assert_eq!(rest, 0);
                }
            }
        }
    }
}
