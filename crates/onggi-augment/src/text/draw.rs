//! Draws from the generator of a sample, spelled out so that they stay the same from release to
//! release.

use rand::Rng;

use crate::Draw;

/// A number in `0..n`; 0 for `n = 0`. The bias is at most `n / 2³²`.
pub(crate) fn below(rng: &mut Draw, n: usize) -> usize {
    ((u64::from(rng.next_u32()) * n as u64) >> 32) as usize
}

/// True with probability `p`.
pub(crate) fn chance(rng: &mut Draw, p: f64) -> bool {
    f64::from(rng.next_u32()) < p * 4_294_967_296.0
}

/// One of a list; `None` of an empty one.
pub(crate) fn one<'a, T>(rng: &mut Draw, list: &'a [T]) -> Option<&'a T> {
    if list.is_empty() {
        return None;
    }
    list.get(below(rng, list.len()))
}

/// Items in random order, drawn as they are asked for: the first `k` steps of Fisher and Yates.
pub(crate) struct Picker {
    items: Vec<usize>,
    taken: usize,
}

impl Picker {
    pub(crate) fn new(items: Vec<usize>) -> Self {
        Self { items, taken: 0 }
    }

    /// The number of items, drawn or not.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Starts again with other items, in the same memory.
    pub(crate) fn refill(&mut self, items: impl Iterator<Item = usize>) {
        self.items.clear();
        self.items.extend(items);
        self.taken = 0;
    }

    pub(crate) fn next(&mut self, rng: &mut Draw) -> Option<usize> {
        let left = self.items.len() - self.taken;
        if left == 0 {
            return None;
        }
        let other = self.taken + below(rng, left);
        self.items.swap(self.taken, other);
        self.taken += 1;
        Some(self.items[self.taken - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picker_gives_every_item_once() {
        for index in 0..20 {
            let mut picker = Picker::new((0..7).collect());
            let mut rng = Draw::new(0, 0, index);
            let mut got: Vec<usize> = std::iter::from_fn(|| picker.next(&mut rng)).collect();
            got.sort_unstable();
            assert_eq!(got, [0, 1, 2, 3, 4, 5, 6]);
        }
    }

    #[test]
    fn draws_are_even_and_bounded() {
        let mut rng = Draw::new(1, 2, 3);
        let mut seen = [0; 5];
        for _ in 0..5000 {
            seen[below(&mut rng, 5)] += 1;
        }
        assert!(seen.iter().all(|&n| (880..1120).contains(&n)), "{seen:?}");
        assert_eq!(below(&mut rng, 0), 0);
        let heads = (0..1000).filter(|_| chance(&mut rng, 0.25)).count();
        assert!((200..300).contains(&heads), "{heads}");
        assert!(!chance(&mut rng, 0.0) && chance(&mut rng, 1.0));
    }
}
