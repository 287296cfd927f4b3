//! Where the vector with a key is.

use super::chain::{Map, hash};

/// Slots for each key, or more, once they have grown; they grow when there are fewer than half as many.
const SLOTS: usize = 32;

/// Places by key. Nearly all keys that are asked for are not there: most of these meet a slot without any, which the processor
/// foresees, in some ten kilobytes of them.
#[derive(Default)]
pub(super) struct Places {
    map: Map<u32>,
    /// Keys in each of 2^n slots; 255 stands for more, too.
    slots: Vec<u8>,
}

impl Places {
    fn slot(&self, key: i64) -> usize {
        hash(key) as usize & self.slots.len().wrapping_sub(1)
    }

    #[inline]
    pub(super) fn get(&self, key: i64) -> Option<u32> {
        match self.slots.get(self.slot(key)) {
            None | Some(0) => None,
            _ => self.map.get(&key).copied(),
        }
    }

    /// A key's place, in the stead of the one before.
    pub(super) fn insert(&mut self, key: i64, place: u32) {
        if self.map.insert(key, place).is_some() {
            return;
        }
        if SLOTS / 2 * self.map.len() > self.slots.len() {
            self.slots = vec![0; (SLOTS * self.map.len()).next_power_of_two()];
            let map = std::mem::take(&mut self.map);
            map.keys().for_each(|&key| self.count(key));
            self.map = map;
        } else {
            self.count(key);
        }
    }

    fn count(&mut self, key: i64) {
        let slot = self.slot(key);
        self.slots[slot] = self.slots[slot].saturating_add(1);
    }

    /// Forgets a key.
    pub(super) fn remove(&mut self, key: i64) {
        if self.map.remove(&key).is_some() {
            let slot = self.slot(key);
            if self.slots[slot] < u8::MAX {
                self.slots[slot] -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_a_map_whatever_comes_and_goes() {
        let (mut places, mut map) = (Places::default(), Map::default());
        assert_eq!(places.get(0), None);
        let mut random = 1_u64;
        for step in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // More and more keys, far apart and near, negative ones too.
            let key = ((random >> 40) as i64 % (step + 1) - 500) << (random >> 33 & 32);
            if random >> 62 == 0 {
                places.remove(key);
                map.remove(&key);
            } else {
                places.insert(key, step as u32);
                map.insert(key, step as u32);
            }
            for near in key - 2..key + 3 {
                assert_eq!(places.get(near), map.get(&near).copied(), "{near}");
            }
        }
        assert!(map.len() > 1000 && map.iter().all(|(&key, &place)| places.get(key) == Some(place)));
    }

    #[test]
    fn a_slot_with_more_keys_than_it_can_count_forgets_none() {
        let mut places = Places { map: (0..300).map(|key| (key, key as u32)).collect(), slots: vec![0; 1] };
        (0..300).for_each(|key| places.count(key));
        (0..299).for_each(|key| places.remove(key));
        assert_eq!((places.get(299), places.get(298)), (Some(299), None));
    }
}
