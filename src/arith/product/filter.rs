//! A set of numbers that may say yes too often.

/// 8 MB.
const BITS: u32 = 26;

/// Bloom's filter (1970) with one hash.
pub(super) struct Filter {
    words: Vec<u64>,
    inserted: usize,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { words: vec![0; 1 << (BITS - 6)], inserted: 0 }
    }

    /// Whether one answer in eight may be wrong.
    pub(super) fn is_full(&self) -> bool {
        self.inserted > 1 << (BITS - 3)
    }

    fn place(number: i64) -> (usize, u64) {
        let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> (64 - BITS);
        (hash as usize / 64, 1 << (hash % 64))
    }

    pub(super) fn insert(&mut self, number: i64) {
        let (word, bit) = Self::place(number);
        self.words[word] |= bit;
        self.inserted += 1;
    }

    pub(super) fn may_contain(&self, number: i64) -> bool {
        let (word, bit) = Self::place(number);
        self.words[word] & bit != 0
    }
}
