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
        // More features together need as much space from slot to slot as two, or more.
        let bound = ((key_bits - 2) / self.spacing(2) + 1) as usize / (rows + 1);
        let features = self.features.len();
        let mut fits = |together| self.rows(key_bits, together).is_some_and(|found| found >= rows);
        let most = (2..=bound.min(features)).rev().find(|&together| fits(together))?;
        let fewest = features.div_ceil(features.div_ceil(most)).max(2);
        Some(if fits(fewest) { fewest } else { most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Feature, Grid};
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    fn model(random: &mut SmallRng, rows: usize, columns: usize) -> (IntegerMap, Features) {
        let weights = (0..rows * columns).map(|_| random.random_range(-127..=127)).collect();
        let map = IntegerMap { columns, weights, bias: vec![0; rows] };
        let half = columns as u32 / 2;
        let grids = [255, 1000].map(|greatest| Grid::new(0.0, 1.0, 0, greatest).unwrap());
        let runs = [Feature::run("a", columns as u32 - half, grids[0]), Feature::run("b", half, grids[1])];
        (map, Features::new(runs.into_iter().take(1 + usize::from(half > 0))).unwrap())
    }

    #[test]
    fn no_layout_that_is_left_out_would_have_needed_fewer_ciphertexts() {
        let random = &mut SmallRng::seed_from_u64(1);
        for (rows, columns) in [(10, 784), (3, 120), (1, 300), (26, 200), (12, 40)] {
            let (map, features) = model(random, rows, columns);
            let slot_bits = map.slot_bits(&features).unwrap();
            let chosen = choose(&map, &features, slot_bits);
            assert!(chosen.len() <= MOST && chosen.is_sorted_by(|one, next| one.together < next.together));
            for size in KeySize::ALL {
                let packing =
                    |entry: &Entry| Packing::features(size.bits(), slot_bits, entry.together, entry.spacing).ok();
                let entry = |t| Entry { together: t as u32, spacing: map.spacing(&features, t, slot_bits) };
                let all: Vec<Entry> = (2..=columns.min(227)).map(entry).collect();
                for down in 1..=RESPONSES as u64 {
                    let fewest = |entries: &[Entry]| {
                        let found = entries.iter().filter_map(packing);
                        let fits = found.filter(|packing| packing.response_ciphertexts(1, rows) <= down);
                        fits.map(|packing| packing.request_ciphertexts(1, columns)).min()
                    };
                    assert_eq!(fewest(&chosen), fewest(&all), "{rows} x {columns}, {} bits, {down}", size.bits());
                }
            }
            assert!(SMALL.into_iter().filter(|&t| t <= columns).all(|t| chosen.iter().any(|e| e.together == t as u32)));
        }
    }

    #[test]
    fn one_feature_has_nobody_to_be_together_with_and_a_list_stays_short() {
        let random = &mut SmallRng::seed_from_u64(2);
        let (map, features) = model(random, 3, 1);
        assert_eq!(choose(&map, &features, 20), []);
        let (map, features) = model(random, 300, 2000);
        let chosen = choose(&map, &features, map.slot_bits(&features).unwrap());
        assert!((10..=MOST).contains(&chosen.len()), "{chosen:?}");
        // Answers as long as can be, and not even two features fit the shortest key with such numbers.
        let grid = Grid::new(0.0, 1.0, 0, 1 << 31).unwrap();
        let features = Features::new([Feature::run("a", 4, grid)]).unwrap();
        let map = IntegerMap { columns: 4, weights: vec![1 << 15; 4], bias: vec![0] };
        for Entry { together, spacing } in choose(&map, &features, 62) {
            assert!(Packing::features(4096, 62, together, spacing).is_ok());
        }
    }
}
