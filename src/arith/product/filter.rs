//! A set of numbers that may say yes too often.

/// Bloom's filter (1970) with one hash.
pub(super) struct Filter {
    words: Vec<u64>,
    bits: u32,
    inserted: usize,
}

impl Filter {
    /// Room for so many numbers and as many again, before it is full.
    pub(super) fn new(numbers: usize) -> Self {
        let bits = (16 * numbers.max(64)).ilog2() + 1;
        Self { words: vec![0; 1 << (bits - 6)], bits, inserted: 0 }
    }

    /// Whether one answer in eight may be wrong.
    pub(super) fn is_full(&self) -> bool {
        self.inserted > 1 << (self.bits - 3)
    }

    fn place(&self, number: i64) -> (usize, u64) {
        let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> (64 - self.bits);
        (hash as usize / 64, 1 << (hash % 64))
    }

    pub(super) fn insert(&mut self, number: i64) {
        let (word, bit) = self.place(number);
        self.words[word] |= bit;
        self.inserted += 1;
    }

    pub(super) fn may_contain(&self, number: i64) -> bool {
        let (word, bit) = self.place(number);
        self.words[word] & bit != 0
    }
}
