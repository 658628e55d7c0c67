//! Which texts there have been: 64 bits a text.

use std::hash::{DefaultHasher, Hash, Hasher};

/// 64 bits of a text, never 0. Two of `n` texts share them with probability below `n² / 2⁶⁵`; all
/// that follows is that a copy is drawn anew.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish().max(1)
}

/// A set of hashes by open addressing: 10 bytes a text where the number is known beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// 0 where free.
    slots: Vec<u64>,
    len: usize,
}

impl Seen {
    /// A set that takes `n` hashes before it grows.
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self {
            slots: vec![0; n + n / 4 + 1],
            len: 0,
        }
    }

    fn slot(&self, hash: u64) -> usize {
        let n = self.slots.len();
        let mut at = ((u128::from(hash) * n as u128) >> 64) as usize;
        while self.slots[at] != 0 && self.slots[at] != hash {
            at += 1;
            if at == n {
                at = 0;
            }
        }
        at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn contains(&self, hash: u64) -> bool {
        self.len > 0 && self.slots[self.slot(hash)] == hash
    }

    /// Puts a hash in; false where it is there already.
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        if self.slots.len() - self.slots.len() / 5 <= self.len + 1 {
            let mut larger = Self::with_capacity(self.len * 2 + 8);
            let old = self.slots.iter().filter(|&&old| old != 0);
            old.for_each(|&old| {
                larger.insert(old);
            });
            *self = larger;
        }
        let at = self.slot(hash);
        let new = self.slots[at] == 0;
        self.slots[at] = hash;
        self.len += usize::from(new);
        new
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn agrees_with_the_standard_set() {
        let (mut ours, mut std) = (Seen::default(), HashSet::new());
        for i in 0..5_000u64 {
            let text = (i * i % 3_001).to_string();
            assert_eq!(ours.contains(hash(&text)), std.contains(&text), "{i}");
            assert_eq!(ours.insert(hash(&text)), std.insert(text), "{i}");
        }
        assert_eq!(ours.len, std.len());
        // Neighbours that wrap around the end.
        let mut small = Seen::with_capacity(8);
        assert!((0..8).all(|i| small.insert(u64::MAX - i)));
        assert!((0..8).all(|i| small.contains(u64::MAX - i)) && !small.contains(5));
    }

    #[test]
    fn takes_ten_bytes_a_text() {
        let mut set = Seen::with_capacity(1_000);
        let before = set.slots.len();
        (0..1_000).for_each(|i: u32| assert!(set.insert(hash(&i.to_string()))));
        assert_eq!((set.slots.len(), before), (1_251, 1_251));
    }
}
