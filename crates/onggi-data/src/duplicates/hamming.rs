//! All pairs of 64-bit hashes that differ in few bits, without comparing all with all.

use std::collections::HashMap;

/// Pairs of places in `hashes`, which are all different, that differ in at most `most` bits, and
/// whether the search ended early, after `budget` comparisons.
///
/// The bits are cut into `most + 1` bands: two hashes that differ in at most `most` bits agree in one
/// band at least. Only those that share a band are compared, so of `n` random hashes some
/// `(most + 1) n² / 2^(64 / (most + 1) + 1)` pairs: 100,000 hashes and 6 bits take 70 million, less than
/// a second. Every such pair is found, and given once.
pub(super) fn near_pairs(hashes: &[u64], most: u32, budget: u64) -> (Vec<(usize, usize)>, bool) {
    let bands = most.min(63) + 1;
    let edge = |band: u32| 64 * band / bands;
    let mut compared = 0;
    let mut pairs = Vec::new();
    for band in 0..bands {
        let (from, to) = (edge(band), edge(band + 1));
        let mask = |from: u32, to: u32| (u64::MAX >> (64 - (to - from).max(1))) << from;
        let band_mask = mask(from, to);
        let mut buckets: HashMap<u64, Vec<usize>> = HashMap::new();
        for (i, hash) in hashes.iter().enumerate() {
            buckets.entry(hash & band_mask).or_default().push(i);
        }
        let mut shared: Vec<Vec<usize>> = buckets.into_values().filter(|b| b.len() > 1).collect();
        // A hash map has no order; what is found before the budget ends must not depend on that.
        shared.sort_unstable();
        for bucket in shared {
            for (place, &a) in bucket.iter().enumerate() {
                compared += (bucket.len() - place - 1) as u64;
                if compared > budget {
                    return (pairs, true);
                }
                for &b in &bucket[place + 1..] {
                    let differing = hashes[a] ^ hashes[b];
                    // A pair that shares an earlier band was found there.
                    let earlier = |band: u32| differing & mask(edge(band), edge(band + 1)) == 0;
                    if differing.count_ones() <= most && !(0..band).any(earlier) {
                        pairs.push((a, b));
                    }
                }
            }
        }
    }
    pairs.sort_unstable();
    (pairs, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_comparing_all_with_all(
            seeds in prop::collection::hash_set(any::<u64>(), 1..20),
            flips in prop::collection::vec((0..64u32, 0..64u32, 0..64u32), 0..40),
            most in 0..20u32,
        ) {
            let mut hashes: Vec<u64> = seeds.iter().copied().collect();
            for (i, (a, b, c)) in flips.into_iter().enumerate() {
                hashes.push(hashes[i % hashes.len()] ^ (1 << a) ^ (1 << b) ^ (1 << c));
            }
            hashes.sort_unstable();
            hashes.dedup();
            let mut expected = Vec::new();
            for a in 0..hashes.len() {
                for b in a + 1..hashes.len() {
                    if (hashes[a] ^ hashes[b]).count_ones() <= most {
                        expected.push((a, b));
                    }
                }
            }
            prop_assert_eq!(near_pairs(&hashes, most, u64::MAX), (expected, false));
        }
    }

    /// Of 100,000 random hashes far fewer are compared than the five thousand million pairs.
    #[test]
    fn the_work_is_bounded() {
        let mut state = 1u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state ^ state >> 29
        };
        let mut hashes: Vec<u64> = (0..100_000).map(|_| next()).collect();
        hashes[99_999] = hashes[5] ^ 0b1011;
        let (pairs, cut) = near_pairs(&hashes, 6, 150_000_000);
        assert!(!cut && pairs.contains(&(5, 99_999)));
        assert!(pairs.len() < 10, "{pairs:?}");
        assert!(near_pairs(&hashes, 6, 1000).1);
    }
}
