//! Makes a chain shorter by local search.
//!
//! A round takes a few vectors that are not points out of the chain, which leaves the vectors made of them open, and closes
//! these again with as few new vectors as it can. The chain that results is kept if it is not longer. Rounds without gain
//! matter: they move the chain about until a gain shows. The stream of choices is fixed, so equal points give equal chains.

use super::chain::{Chain, Map, Packing, distance, hash, norm};
use super::filter::Filter;
use super::places::Places;
use crate::error::Result;

/// Vectors that a round takes out. More find shorter chains in as many rounds, and in as much time up to about this many.
const VICTIMS: usize = 6;

/// In so many rounds of a hundred they are taken from one another's neighbourhood.
const RELATED: usize = 80;

/// Longest chain that is refined: rounds take time in proportion to its length, and gains are as seldom.
const VECTORS: usize = 3000;

/// No vector.
const NONE: u32 = u32::MAX;

/// The chain with the same points after so many rounds.
///
/// A chain that is too long stays as it is. `goes_on` hears how many rounds are done, and can fail to end the search.
pub(super) fn refine(
    chain: &Chain,
    points: &[&[i32]],
    rounds: usize,
    mut goes_on: impl FnMut(usize) -> Result<()>,
) -> Result<Chain> {
    if chain.vectors.len() > VECTORS {
        return goes_on(rounds).map(|()| chain.clone());
    }
    let mut net = Net::new(chain, points);
    for round in 0..rounds {
        goes_on(round)?;
        net.round();
    }
    goes_on(rounds).map(|()| net.into_chain())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unit,
    Point,
    /// A vector that is only there for others.
    Extra,
    /// An unused place.
    Free,
}

enum Change {
    Parts(u32, Option<[u32; 2]>),
    Joined(u32),
    Left(u32),
}

/// A chain whose vectors can leave.
struct Net {
    packing: Packing,
    coordinates: Vec<i32>,
    keys: Vec<i64>,
    norms: Vec<i64>,
    kinds: Vec<Kind>,
    parts: Vec<Option<[u32; 2]>>,
    users: Vec<Vec<u32>>,
    places: Places,
    free: Vec<u32>,
    length: usize,
    /// What the present round did, to take it back.
    log: Vec<Change>,
    sums: Filter,
    random: u64,
    /// Marks the vectors that depend on the one at hand with its number.
    marks: Vec<u32>,
    mark: u32,
    /// Empty; memory for the search for those that depend on a vector.
    stack: Vec<u32>,
}

impl Net {
    fn new(chain: &Chain, points: &[&[i32]]) -> Self {
        let dimension = chain.vectors[0].len();
        let longest = chain.vectors.iter().map(|vector| norm(vector)).max().unwrap_or(1);
        let packing = Packing::new(dimension, longest).expect("the chain was found in this packing");
        let is_point: Map<()> = points.iter().map(|point| (packing.pack(point), ())).collect();
        let mut net = Self {
            packing,
            coordinates: Vec::new(),
            keys: Vec::new(),
            norms: Vec::new(),
            kinds: Vec::new(),
            parts: Vec::new(),
            users: Vec::new(),
            places: Places::default(),
            free: Vec::new(),
            length: 0,
            log: Vec::new(),
            sums: Filter::new(chain.vectors.len() * chain.vectors.len() / 2),
            random: 0,
            marks: Vec::new(),
            mark: 0,
            stack: Vec::new(),
        };
        for (vector, parts) in chain.vectors.iter().zip(&chain.parts) {
            let kind = match parts {
                None => Kind::Unit,
                Some(_) if is_point.contains_key(&packing.pack(vector)) => Kind::Point,
                Some(_) => Kind::Extra,
            };
            let place = net.join(vector, kind);
            net.set_parts(place, *parts);
        }
        net
    }

    /// SplitMix64 (Steele, Lea, Flood 2014), brought below a bound.
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ mixed >> 31) * bound as u128) >> 64) as usize
    }

    fn vector(&self, place: u32) -> &[i32] {
        &self.coordinates[place as usize * self.packing.dimension..][..self.packing.dimension]
    }

    fn join(&mut self, vector: &[i32], kind: Kind) -> u32 {
        let key = self.packing.pack(vector);
        let place = match self.free.pop() {
            Some(place) => {
                let start = place as usize * self.packing.dimension;
                self.coordinates[start..start + vector.len()].copy_from_slice(vector);
                place
            }
            None => {
                self.coordinates.extend(vector);
                self.keys.push(0);
                self.norms.push(0);
                self.kinds.push(Kind::Free);
                self.parts.push(None);
                self.users.push(Vec::new());
                self.marks.push(0);
                self.keys.len() as u32 - 1
            }
        };
        self.keys[place as usize] = key;
        self.norms[place as usize] = norm(vector);
        self.enter(place, kind);
        self.insert_sums(place, self.keys.len());
        self.log.push(Change::Joined(place));
        place
    }

    /// The sums of a vector and those at the first `others` places.
    fn insert_sums(&mut self, place: u32, others: usize) {
        for other in 0..others {
            if self.kinds[other] != Kind::Free {
                self.sums.insert(self.keys[place as usize].wrapping_add(self.keys[other]));
            }
        }
    }

    fn enter(&mut self, place: u32, kind: Kind) {
        self.kinds[place as usize] = kind;
        self.places.insert(self.keys[place as usize], place);
        self.length += 1;
    }

    fn leave(&mut self, place: u32) {
        self.kinds[place as usize] = Kind::Free;
        self.places.remove(self.keys[place as usize]);
        self.length -= 1;
    }

    fn write_parts(&mut self, place: u32, parts: Option<[u32; 2]>) {
        for part in distinct(self.parts[place as usize]) {
            let users = &mut self.users[part as usize];
            let position = users.iter().position(|&user| user == place).expect("users and parts agree");
            users.swap_remove(position);
        }
        self.parts[place as usize] = parts;
        for part in distinct(parts) {
            self.users[part as usize].push(place);
        }
    }

    fn set_parts(&mut self, place: u32, parts: Option<[u32; 2]>) {
        self.log.push(Change::Parts(place, self.parts[place as usize]));
        self.write_parts(place, parts);
    }

    fn take_out(&mut self, place: u32) {
        self.set_parts(place, None);
        self.leave(place);
        self.log.push(Change::Left(place));
    }

    fn take_back(&mut self) {
        while let Some(change) = self.log.pop() {
            match change {
                Change::Parts(place, parts) => self.write_parts(place, parts),
                Change::Left(place) => self.enter(place, Kind::Extra),
                Change::Joined(place) => {
                    self.leave(place);
                    self.free.push(place);
                }
            }
        }
    }

    fn accept(&mut self) {
        while let Some(change) = self.log.pop() {
            if let Change::Left(place) = change {
                self.free.push(place);
            }
        }
    }

    /// Marks a vector and all that depend on it: they cannot be parts of it.
    fn mark_dependents(&mut self, place: u32) {
        self.mark += 1;
        let (mark, marks, stack) = (self.mark, &mut self.marks[..], &mut self.stack);
        stack.push(place);
        marks[place as usize] = mark;
        while let Some(next) = stack.pop() {
            for &user in &self.users[next as usize] {
                if marks[user as usize] != mark {
                    marks[user as usize] = mark;
                    stack.push(user);
                }
            }
        }
    }

    /// Whether the vector at this place is there and does not depend on the one marked last.
    fn usable(&self, place: usize) -> bool {
        self.kinds[place] != Kind::Free && self.marks[place] != self.mark
    }

    /// Two vectors with this one as their sum, which do not depend on it.
    fn parts_of(&mut self, place: u32) -> Option<[u32; 2]> {
        let sum = self.keys[place as usize];
        if !self.sums.may_contain(sum) {
            return None;
        }
        self.mark_dependents(place);
        self.pair(sum)
    }

    /// Two usable vectors with this sum.
    fn pair(&self, sum: i64) -> Option<[u32; 2]> {
        if !self.sums.may_contain(sum) {
            return None;
        }
        (0..).zip(&self.keys).find_map(|(part, &key)| {
            let other = self.places.get(sum.wrapping_sub(key))?;
            (self.usable(part as usize) && self.usable(other as usize)).then_some([part, other])
        })
    }

    fn victims(&mut self) -> Vec<u32> {
        let extras: Vec<u32> =
            (0..self.keys.len() as u32).filter(|&place| self.kinds[place as usize] == Kind::Extra).collect();
        if extras.is_empty() {
            return extras;
        }
        let count = VICTIMS.min(extras.len());
        let related = self.below(100) < RELATED;
        let mut victims = vec![extras[self.below(extras.len())]];
        for _ in 1..count {
            let mut near = Vec::new();
            if related {
                // Vectors that share a sum, or a part, with one that goes.
                let victim = victims[self.below(victims.len())];
                for &user in &self.users[victim as usize] {
                    near.push(user);
                    near.extend(distinct(self.parts[user as usize]));
                    for &next in &self.users[user as usize] {
                        near.extend(distinct(self.parts[next as usize]));
                    }
                }
                for part in distinct(self.parts[victim as usize]) {
                    near.push(part);
                    near.extend(&self.users[part as usize]);
                }
                near.retain(|&place| self.kinds[place as usize] == Kind::Extra);
            }
            let from = if near.is_empty() { &extras } else { &near };
            let victim = from[self.below(from.len())];
            if !victims.contains(&victim) {
                victims.push(victim);
            }
        }
        victims
    }

    fn round(&mut self) {
        self.log.clear();
        if self.sums.is_full() {
            self.sums = Filter::new(self.length * self.length / 2);
            for place in 0..self.keys.len() {
                self.insert_sums(place as u32, place + 1);
            }
        }
        let before = self.length;
        let victims = self.victims();
        let mut open: Vec<u32> = victims.iter().flat_map(|&victim| self.users[victim as usize].clone()).collect();
        open.sort_unstable();
        open.dedup();
        open.retain(|place| !victims.contains(place));
        victims.iter().for_each(|&victim| self.take_out(victim));
        open.iter().for_each(|&place| self.set_parts(place, None));
        loop {
            self.close(&mut open);
            if open.is_empty() {
                break;
            }
            if self.length == before || !self.extend(&mut open, before - self.length) {
                return self.take_back();
            }
        }
        self.drop_unused();
        self.accept();
    }

    /// Closes what vectors of the chain close.
    fn close(&mut self, open: &mut Vec<u32>) {
        let mut i = 0;
        while i < open.len() {
            if let Some(parts) = self.parts_of(open[i]) {
                self.set_parts(open[i], Some(parts));
                open.swap_remove(i);
            } else {
                i += 1;
            }
        }
    }

    /// Adds the difference that closes the most open vectors, if possible one that is a sum of two and so closed itself; the
    /// shortest among equals, as short vectors are of use to more others. `false` if there is none, or if so many vectors are
    /// open that as good ones, as many as there is room for, would hardly close them.
    fn extend(&mut self, open: &mut Vec<u32>, room: usize) -> bool {
        let usable = self.usable_parts(open);
        let covers = self.common_differences(open, &usable);
        let most = covers.iter().map(|&(cover, ..)| cover).max().unwrap_or(0);
        if open.len() > room * most.max(1) {
            return false;
        }
        let mut best: Vec<_> = covers.into_iter().filter(|&(cover, ..)| cover == most).collect();
        best.sort_unstable();
        self.mark += 1;
        let ready = best.iter().find(|&&(.., difference)| self.pair(difference).is_some());
        let chosen = match ready.or(best.first()) {
            Some(&(.., difference)) => difference,
            None => match self.single_difference(open, &usable) {
                Some(difference) => difference,
                None => return false,
            },
        };
        let mut vector = Vec::new();
        self.packing.unpack(chosen, &mut vector);
        open.push(self.join(&vector, Kind::Extra));
        true
    }

    /// For each of the open vectors those that can be parts of it.
    fn usable_parts(&mut self, open: &[u32]) -> Vec<Vec<u32>> {
        let usable = |&place: &u32| {
            self.mark_dependents(place);
            let mut parts = vec![0; self.keys.len()];
            let mut count = 0;
            for part in 0..parts.len() {
                // Written in any case, so that the processor has nothing to guess.
                parts[count] = part as u32;
                count += usize::from(self.usable(part));
            }
            parts.truncate(count);
            parts
        };
        open.iter().map(usable).collect()
    }

    /// Differences that would close two open vectors or more: how many, squared length, difference.
    fn common_differences(&self, open: &[u32], usable: &[Vec<u32>]) -> Vec<(usize, i64, i64)> {
        if open.len() < 2 {
            return Vec::new();
        }
        // Two differences at one place, one in eight or fewer, are told apart afterwards.
        let bits = (open.len() * self.keys.len()).ilog2() + 4;
        let slot = |difference: i64| hash(difference) as usize & ((1 << bits) - 1);
        let mut counters = vec![0_u8; 1 << bits];
        for (&place, parts) in open.iter().zip(usable) {
            for &part in parts {
                let counter = &mut counters[slot(self.keys[place as usize].wrapping_sub(self.keys[part as usize]))];
                *counter = counter.saturating_add(1);
            }
        }
        let mut seen = Vec::new();
        for (&place, parts) in open.iter().zip(usable) {
            for &part in parts {
                let difference = self.keys[place as usize].wrapping_sub(self.keys[part as usize]);
                if counters[slot(difference)] > 1 {
                    let length = distance(self.vector(place), self.vector(part));
                    if length < self.norms[place as usize] {
                        seen.push((length, difference));
                    }
                }
            }
        }
        seen.sort_unstable();
        seen.chunk_by(|x, y| x == y).filter(|x| x.len() > 1).map(|x| (x.len(), x[0].0, x[0].1)).collect()
    }

    /// The shortest difference that is a sum of two, or else the shortest one.
    fn single_difference(&self, open: &[u32], usable: &[Vec<u32>]) -> Option<i64> {
        let mut ready = Vec::new();
        let mut shortest = None;
        for (&place, parts) in open.iter().zip(usable) {
            for &part in parts {
                let length = distance(self.vector(place), self.vector(part));
                if length < self.norms[place as usize] {
                    let difference = self.keys[place as usize].wrapping_sub(self.keys[part as usize]);
                    if self.sums.may_contain(difference) {
                        ready.push((length, difference));
                    }
                    if shortest.is_none_or(|shortest| (length, difference) < shortest) {
                        shortest = Some((length, difference));
                    }
                }
            }
        }
        ready.sort_unstable();
        let ready = ready.into_iter().find(|&(_, difference)| self.pair(difference).is_some());
        ready.or(shortest).map(|(_, difference)| difference)
    }

    fn drop_unused(&mut self) {
        let mut places: Vec<_> = (0..self.keys.len() as u32).collect();
        while let Some(place) = places.pop() {
            if self.kinds[place as usize] == Kind::Extra && self.users[place as usize].is_empty() {
                places.extend(distinct(self.parts[place as usize]));
                self.take_out(place);
            }
        }
    }

    /// In an order in which parts come first.
    fn into_chain(self) -> Chain {
        let mut rank = vec![NONE; self.keys.len()];
        let mut chain = Chain { vectors: Vec::new(), parts: Vec::new() };
        let alive = |place: &u32| self.kinds[*place as usize] != Kind::Free;
        let mut stack: Vec<u32> = (0..self.keys.len() as u32).rev().filter(alive).collect();
        stack.sort_by_key(|&place| std::cmp::Reverse(self.norms[place as usize]));
        while let Some(&place) = stack.last() {
            let waiting: Vec<_> =
                distinct(self.parts[place as usize]).filter(|&part| rank[part as usize] == NONE).collect();
            if rank[place as usize] != NONE {
                stack.pop();
            } else if waiting.is_empty() {
                rank[place as usize] = chain.vectors.len() as u32;
                chain.vectors.push(self.vector(place).to_vec());
                chain.parts.push(self.parts[place as usize].map(|parts| parts.map(|part| rank[part as usize])));
            } else {
                stack.extend(waiting);
            }
        }
        chain
    }
}

fn distinct(parts: Option<[u32; 2]>) -> impl Iterator<Item = u32> {
    let [left, right] = parts.unwrap_or([NONE; 2]);
    [(left != NONE).then_some(left), (right != left).then_some(right)].into_iter().flatten()
}
