//! The features layouts that a model's owner publishes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::integer::IntegerMap;
use crate::encoding::{Features, Packing};
use crate::error::Result;
use crate::paillier::KeySize;

/// A features layout in a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Features that share a ciphertext.
    pub(super) together: u32,
    /// Bits from slot to slot.
    pub(super) spacing: u32,
}

/// Small numbers of features together, which pay where nonces are at hand and responses are dear, and of rows.
const SMALL: [usize; 5] = [2, 3, 4, 6, 8];
/// Most response ciphertexts for which a layout is looked for that does with so few.
const RESPONSES: usize = 12;
/// Most layouts in a spec that we write.
const MOST: usize = 24;

/// The layouts worth having, few features together first: for every key size, and for 1 to 12 response ciphertexts a
/// record and for 1, 2, 3, 4, 6 or 8 rows in each, the one with the fewest request ciphertexts; and those with 2, 3, 4, 6 and
/// 8 features together. Of more than 24, those nearest to a smaller one are left out.
pub(super) fn choose(map: &IntegerMap, features: &Features, slot_bits: u32) -> Vec<Entry> {
    let mut search = Search { map, features, slot_bits, spacings: BTreeMap::new() };
    let rows = map.bias.len();
    let mut chosen = BTreeMap::new();
    for size in KeySize::ALL {
        let by_responses = (1..=RESPONSES).map(|responses| rows.div_ceil(responses));
        let mut counts: Vec<usize> = by_responses.chain([1]).chain(SMALL).filter(|&count| count <= rows).collect();
        counts.sort_unstable();
        counts.dedup();
        let found: Vec<_> = counts.into_iter().filter_map(|count| search.most(size.bits(), count)).collect();
        chosen.extend(found.into_iter().map(|together| (together, search.spacing(together))));
        for together in SMALL.into_iter().filter(|&together| together <= features.len()) {
            let spacing = search.spacing(together);
            if search.rows(size.bits(), together).is_some() {
                chosen.insert(together, spacing);
            }
        }
    }
    while chosen.len() > MOST {
        let all: Vec<usize> = chosen.keys().copied().collect();
        let nearness = |pair: &&[usize]| pair[1] * 1000 / pair[0];
        let Some(pair) = all.windows(2).min_by_key(nearness) else { break };
        chosen.remove(&pair[1]);
    }
    chosen.into_iter().map(|(together, spacing)| Entry { together: together as u32, spacing }).collect()
}

struct Search<'a> {
    map: &'a IntegerMap,
    features: &'a Features,
    slot_bits: u32,
    spacings: BTreeMap<usize, u32>,
}

impl Search<'_> {
    fn spacing(&mut self, together: usize) -> u32 {
        let Self { map, features, slot_bits, spacings } = self;
        *spacings.entry(together).or_insert_with(|| map.spacing(features, together, *slot_bits))
    }

    /// Rows that share a response to one record.
    fn rows(&mut self, key_bits: u32, together: usize) -> Option<usize> {
        let spacing = self.spacing(together);
        let packing: Result<_> = Packing::features(key_bits, self.slot_bits, together as u32, spacing);
        Some(packing.ok()?.rows_together(1))
    }

    /// The most features that can be together with `rows` rows in a response; of equally good ones, the fewest.
    fn most(&mut self, key_bits: u32, rows: usize) -> Option<usize> {
        // With more features together slots can only need more space, or nearly so: the number found is an upper bound
        // which is lowered until its own spacing fits.
        let mut together = self.features.len();
        let mut spacing = self.spacing(2);
        loop {
            together = together.min(((key_bits - 2) / spacing + 1) as usize / (rows + 1));
            if together < 2 {
                return None;
            }
            if self.rows(key_bits, together).is_some_and(|found| found >= rows) {
                break;
            }
            spacing = self.spacing(together);
        }
        let fewest = self.features.len().div_ceil(self.features.len().div_ceil(together)).max(2);
        Some(if self.rows(key_bits, fewest).is_some_and(|found| found >= rows) { fewest } else { together })
    }
}
