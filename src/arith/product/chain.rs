//! Vector addition chains: all given vectors, each a sum of two others of the chain, down to plus and minus unit vectors.
//!
//! The search is a greedy cover. An open vector v is closed by a pair u + d of vectors of the chain, both shorter than v.
//! Where none has such a pair, the difference d = v - u that closes the most open vectors at once joins the chain, the
//! shortest among equals, and is open itself until it is closed in the same way. Where vectors are few and far between, so that
//! differences are no shorter than they are, half a vector joins the chain instead.

use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Most differences that a search looks at, before it gives up: each takes some 50 bytes.
const DIFFERENCES: usize = 1_500_000;

/// Squared length from which on it pays to halve a vector that has no near neighbour.
const FAR: i64 = 64;

/// Vectors of a chain, each behind the two that it is the sum of; unit vectors have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) vectors: Vec<Vec<i32>>,
    pub(super) parts: Vec<Option<[u32; 2]>>,
}

impl Chain {
    /// A chain with all the points, which have `dimension` coordinates each; `None` if their coordinates are too large for
    /// the search, or the points too many.
    pub(super) fn search(dimension: usize, points: &[&[i32]]) -> Option<Self> {
        let longest = points.iter().map(|point| norm(point)).max().unwrap_or(0).max(1);
        let packing = Packing::new(dimension, longest)?;
        let mut search = Search::new(packing);
        for unit in 0..dimension {
            for sign in [1, -1] {
                let mut vector = vec![0; dimension];
                vector[unit] = sign;
                search.add(&vector);
            }
        }
        let mut points: Vec<_> = points.iter().map(|point| (norm(point), *point)).filter(|point| point.0 > 1).collect();
        points.sort_unstable();
        points.dedup();
        for (_, point) in points {
            search.add(point);
            if search.looked > DIFFERENCES {
                return None;
            }
        }
        search.close_all().then(|| search.into_chain())
    }

    /// The place of each vector.
    pub(super) fn index(&self) -> HashMap<&[i32], u32> {
        self.vectors.iter().zip(0..).map(|(vector, place)| (vector.as_slice(), place)).collect()
    }
}

/// The squared length.
pub(super) fn norm(vector: &[i32]) -> i64 {
    vector.iter().map(|&x| i64::from(x) * i64::from(x)).fold(0, i64::saturating_add)
}

pub(super) fn distance(x: &[i32], y: &[i32]) -> i64 {
    x.iter().zip(y).map(|(&x, &y)| i64::from(x - y) * i64::from(x - y)).sum()
}

/// Vectors as single numbers, so that numbers add up as vectors do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packing {
    pub(super) dimension: usize,
    bits: u32,
}

impl Packing {
    /// For vectors up to a squared length, and for telling whether the difference of two is a third.
    pub(super) fn new(dimension: usize, longest: i64) -> Option<Self> {
        // With coordinates up to M = sqrt(longest) a difference, up to 2M, must not pass for another vector, up to M.
        let bits = i64::BITS - (3 * longest.isqrt()).leading_zeros();
        (bits as usize * dimension <= 64 && bits < 24).then_some(Self { dimension, bits })
    }

    pub(super) fn pack(self, vector: &[i32]) -> i64 {
        vector.iter().rev().fold(0, |sum, &x| (sum << self.bits).wrapping_add(i64::from(x)))
    }

    pub(super) fn unpack(self, mut number: i64, vector: &mut Vec<i32>) {
        let unused = 64 - self.bits;
        vector.clear();
        for _ in 0..self.dimension {
            let coordinate = number << unused >> unused;
            vector.push(coordinate as i32);
            number = number.wrapping_sub(coordinate) >> self.bits;
        }
    }
}

/// A fixed hash, so that nothing depends on the run; for numbers that nobody chooses against us but to slow himself down. Both
/// halves of a product, as numbers that are sums of one another come in heaps from one half. Its low bits are the best.
#[inline]
pub(super) fn hash(number: i64) -> u64 {
    let product = u128::from(number as u64) * 0x9e37_79b9_7f4a_7c15;
    (product ^ product >> 64) as u64
}

/// Hashes keys of a map, which asks for good high bits, too.
#[derive(Debug, Default, Clone)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_i64(byte.into()));
    }
    fn write_i64(&mut self, number: i64) {
        let mixed = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        self.0 = mixed ^ mixed >> 32;
    }
}

pub(super) type Map<V> = HashMap<i64, V, BuildHasherDefault<Mixer>>;

/// A chain in the making. Vectors are numbered in the order in which they come.
struct Search {
    packing: Packing,
    coordinates: Vec<i32>,
    keys: Vec<i64>,
    norms: Vec<i64>,
    parts: Vec<Option<[u32; 2]>>,
    places: Map<u32>,
    /// Vectors without parts, unit vectors aside.
    open: Vec<u32>,
    /// Of each difference that is not in the chain, how many open vectors it would close.
    covers: Map<u32>,
    /// The same by cover, then shortness, with one of those open vectors. Entries that `covers` contradicts are out of date.
    candidates: BinaryHeap<(u32, i64, i64, u32)>,
    /// Differences that were counted.
    looked: usize,
}

impl Search {
    fn new(packing: Packing) -> Self {
        Self {
            packing,
            coordinates: Vec::new(),
            keys: Vec::new(),
            norms: Vec::new(),
            parts: Vec::new(),
            places: Map::default(),
            open: Vec::new(),
            covers: Map::default(),
            candidates: BinaryHeap::new(),
            looked: 0,
        }
    }

    fn vector(&self, place: usize) -> &[i32] {
        &self.coordinates[place * self.packing.dimension..][..self.packing.dimension]
    }

    /// The pair that closes a vector together with the given part, if the chain has the other.
    fn pair(&self, vector: usize, part: usize) -> Option<[u32; 2]> {
        let other = *self.places.get(&self.keys[vector].wrapping_sub(self.keys[part]))?;
        let longest = self.norms[part].max(self.norms[other as usize]);
        (longest < self.norms[vector]).then_some([part as u32, other])
    }

    /// The difference of a vector and a shorter one, if it is shorter too, with its squared length.
    fn difference(&self, vector: usize, part: usize) -> Option<(i64, i64)> {
        if self.norms[part] >= self.norms[vector] {
            return None;
        }
        let length = distance(self.vector(vector), self.vector(part));
        (length < self.norms[vector]).then(|| (self.keys[vector].wrapping_sub(self.keys[part]), length))
    }

    fn count(&mut self, vector: u32, (difference, length): (i64, i64)) {
        if self.places.contains_key(&difference) {
            return;
        }
        self.looked += 1;
        let cover = self.covers.entry(difference).or_insert(0);
        *cover += 1;
        self.candidates.push((*cover, -length, difference, vector));
    }

    /// A new vector, closed at once if it can be, and everything closed that it closes.
    fn add(&mut self, vector: &[i32]) {
        let key = self.packing.pack(vector);
        if self.places.contains_key(&key) {
            return;
        }
        let place = self.keys.len();
        self.coordinates.extend(vector);
        self.keys.push(key);
        self.norms.push(norm(vector));
        self.parts.push(None);
        self.places.insert(key, place as u32);
        self.covers.remove(&key);

        let closed: Vec<_> =
            self.open.iter().filter_map(|&open| Some((open, self.pair(open as usize, place)?))).collect();
        for i in 0..self.open.len() {
            if let Some(difference) = self.difference(self.open[i] as usize, place) {
                self.count(self.open[i], difference);
            }
        }
        for (vector, parts) in closed {
            self.close(vector, parts);
        }
        if self.norms[place] == 1 {
            return;
        }
        self.parts[place] = (0..place).find_map(|part| self.pair(place, part));
        if self.parts[place].is_none() {
            self.open.push(place as u32);
            for part in 0..place {
                if let Some(difference) = self.difference(place, part) {
                    self.count(place as u32, difference);
                }
            }
        }
    }

    fn close(&mut self, vector: u32, parts: [u32; 2]) {
        self.parts[vector as usize] = Some(parts);
        self.open.retain(|&open| open != vector);
        for part in 0..self.keys.len() {
            if let Some((difference, _)) = self.difference(vector as usize, part)
                && let Some(cover) = self.covers.get_mut(&difference)
            {
                *cover -= 1;
            }
        }
    }

    /// Whether everything could be closed.
    fn close_all(&mut self) -> bool {
        let mut vector = Vec::new();
        while !self.open.is_empty() {
            if self.looked > DIFFERENCES {
                return false;
            }
            // An open vector of any length above 1 is a unit vector more than a shorter one, so there is a candidate.
            let candidate = self.candidates.pop().expect("an open vector has differences");
            let (cover, length, difference, open) = candidate;
            match self.covers.get(&difference).copied().unwrap_or(0) {
                0 => {}
                now if now < cover => self.candidates.push((now, length, difference, open)),
                1 if self.halve(open, -length) => self.candidates.push(candidate),
                _ => {
                    self.packing.unpack(difference, &mut vector);
                    self.add(&vector);
                }
            }
        }
        true
    }

    /// For a vector far from all others: adds its half, rounded towards zero. Whether there is something new.
    fn halve(&mut self, vector: u32, shortest: i64) -> bool {
        let norm = self.norms[vector as usize];
        if self.parts[vector as usize].is_some() || norm < FAR || 4 * shortest < 3 * norm {
            return false;
        }
        let half: Vec<_> = self.vector(vector as usize).iter().map(|x| x / 2).collect();
        let before = self.keys.len();
        self.add(&half);
        self.keys.len() > before
    }

    fn into_chain(self) -> Chain {
        let mut order: Vec<_> = (0..self.keys.len() as u32).collect();
        order.sort_by_key(|&place| self.norms[place as usize]);
        let mut rank = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&place, position)| rank[place as usize] = position);
        let parts = |&place: &u32| self.parts[place as usize].map(|parts| parts.map(|part| rank[part as usize]));
        Chain {
            vectors: order.iter().map(|&place| self.vector(place as usize).to_vec()).collect(),
            parts: order.iter().map(parts).collect(),
        }
    }
}
