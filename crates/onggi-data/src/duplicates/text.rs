//! Texts that are the same, or nearly: MinHash finds candidates, their shingles decide.

use std::collections::HashMap;

use rand::Rng;

use super::{Duplicates, content, find, firsts};
use crate::DataError;

/// Characters of a shingle.
const SHINGLE: usize = 5;

/// Characters of a text that near duplicates are judged by: its beginning.
const MOST_CHARS: usize = 20_000;

/// Bands of the signature, and values in each. Two texts of Jaccard similarity `s` share a band with
/// probability `1 − (1 − s⁴)³²`: 99.99999 % at 0.8, 87 % at 0.5, 5 % at 0.2.
const BANDS: usize = 32;
const ROWS: usize = 4;

/// Texts of one bucket that a further one is compared with.
const MOST_ALIKE: usize = 32;

/// How far below the threshold an estimated similarity may lie for the shingles to be counted: four
/// standard errors of 128 values.
const SLACK: f64 = 0.15;

/// When two texts are nearly the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextOptions {
    /// Jaccard similarity of their shingles from which they are: a fraction from 0.5 to 1, 0.8 by
    /// default. A word changed in a sentence of twenty leaves some 0.8.
    pub similarity: f64,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { similarity: 0.8 }
    }
}

/// Texts with the same words, and texts that share most of their runs of five characters.
///
/// Case, punctuation and spacing do not count. The similarity of two texts is the Jaccard index of
/// their sets of shingles, `|A ∩ B| / |A ∪ B|`, over the first 20,000 characters; it is computed, not
/// estimated, for all pairs that a MinHash signature of 128 values proposes. Texts of less than five
/// characters are compared as wholes. Memory: 512 bytes a text beside the texts.
///
/// # Errors
/// [`DataError::Range`] for a similarity outside of 0.5 to 1.
///
/// # Example
/// ```
/// use onggi_data::duplicates::{TextOptions, texts};
///
/// let one = "The quick brown fox jumps over the lazy dog near the river bank today";
/// let other = one.replace("today", "tonight");
/// let found = texts(&[one, "Something else entirely, of other words", other.as_str()], &TextOptions::default())?;
/// assert_eq!(found.groups()[0].samples, [0, 2]);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
///
/// # Reference
/// Broder, "On the resemblance and containment of documents", 1997; Indyk & Motwani, "Approximate
/// nearest neighbors: towards removing the curse of dimensionality", STOC 1998.
pub fn texts<S: AsRef<str>>(texts: &[S], options: &TextOptions) -> Result<Duplicates, DataError> {
    let wanted = options.similarity;
    if !(0.5..=1.0).contains(&wanted) {
        return Err(DataError::Range {
            what: "similarity",
            expected: "0.5 to 1",
            got: wanted.to_string(),
        });
    }
    let first = firsts(
        texts
            .iter()
            .map(|text| content(&normalised(text.as_ref(), usize::MAX))),
    );
    let hashes = multipliers();
    let mut signatures: Vec<[u32; BANDS * ROWS]> = Vec::new();
    let mut owners = Vec::new();
    let mut buckets: HashMap<(usize, [u32; ROWS]), Vec<usize>> = HashMap::new();
    let mut root: Vec<usize> = (0..texts.len()).collect();
    let mut near = Vec::new();
    let mut truncated = false;
    for i in (0..texts.len()).filter(|&i| first[i] == i) {
        let own = shingles(texts[i].as_ref());
        if own.is_empty() {
            continue;
        }
        let signature = signature(&own, &hashes);
        let place = owners.len();
        let mut candidates = Vec::new();
        for (band, key) in signature.chunks_exact(ROWS).enumerate() {
            let Ok(key) = key.try_into() else { continue };
            let bucket = buckets.entry((band, key)).or_default();
            candidates.extend_from_slice(bucket);
            if bucket.len() < MOST_ALIKE {
                bucket.push(place);
            } else {
                truncated = true;
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        for candidate in candidates {
            let j: usize = owners[candidate];
            if find(&mut root, i) == find(&mut root, j) {
                continue;
            }
            let pairs = signature.iter().zip(&signatures[candidate]);
            let equal = pairs.filter(|(a, b)| a == b).count() as f64;
            if equal / signature.len() as f64 + SLACK < wanted {
                continue;
            }
            if jaccard(&own, &shingles(texts[j].as_ref())) >= wanted {
                let (a, b) = (find(&mut root, i), find(&mut root, j));
                root[a.max(b)] = a.min(b);
                near.push((j, i));
            }
        }
        signatures.push(signature);
        owners.push(i);
    }
    Ok(Duplicates::join(first, &near, truncated))
}

/// Lower case, runs of anything but letters and digits as one space, none at the ends; at most `most`
/// characters.
fn normalised(text: &str, most: usize) -> String {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut out = String::new();
    let mut length = 0;
    for word in words {
        if length > 0 {
            out.push(' ');
            length += 1;
        }
        for c in word.chars().flat_map(char::to_lowercase) {
            out.push(c);
            length += 1;
            if length >= most {
                return out;
            }
        }
    }
    out
}

/// Hashes of a text's shingles, ascending, each once.
fn shingles(text: &str) -> Vec<u64> {
    let chars: Vec<u64> = normalised(text, MOST_CHARS)
        .chars()
        .map(u64::from)
        .collect();
    let hash = |run: &[u64]| mix(run.iter().fold(0, |h, c| mix(h ^ c)));
    if chars.len() < SHINGLE {
        return if chars.is_empty() {
            Vec::new()
        } else {
            vec![hash(&chars)]
        };
    }
    let mut all: Vec<u64> = chars.windows(SHINGLE).map(hash).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of `x`.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Odd multipliers and summands of the 128 hash functions, always the same.
fn multipliers() -> Vec<(u64, u64)> {
    let mut draw = onggi_augment::Draw::new(0, 0, 0);
    (0..BANDS * ROWS)
        .map(|_| (draw.next_u64() | 1, draw.next_u64()))
        .collect()
}

/// Of each hash function the smallest value over the shingles; its upper half.
fn signature(shingles: &[u64], hashes: &[(u64, u64)]) -> [u32; BANDS * ROWS] {
    let mut out = [u32::MAX; BANDS * ROWS];
    for (out, &(a, b)) in out.iter_mut().zip(hashes) {
        let values = shingles
            .iter()
            .map(|x| (x.wrapping_mul(a).wrapping_add(b) >> 32) as u32);
        *out = values.min().unwrap_or(u32::MAX);
    }
    out
}

/// `|A ∩ B| / |A ∪ B|` of ascending lists.
fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        both += usize::from(a[i] == b[j]);
        let (x, y) = (a[i], b[j]);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

#[cfg(test)]
mod tests {
    use onggi_augment::Draw;
    use proptest::prelude::*;
    use rand::RngExt;

    use super::*;

    const WORDS: [&str; 24] = [
        "onggi", "clay", "kiln", "jar", "river", "winter", "salt", "glaze", "hand", "wheel",
        "fire", "ash", "market", "soup", "garden", "stone", "lid", "breath", "summer", "earth",
        "village", "song", "rain", "path",
    ];

    fn sentence(rng: &mut Draw, words: usize) -> String {
        let all: Vec<_> = (0..words)
            .map(|_| WORDS[rng.random_range(0..WORDS.len())])
            .collect();
        all.join(" ")
    }

    #[test]
    fn planted_texts_are_found_and_others_are_not() {
        let mut all: Vec<String> = (0..2000)
            .map(|i| sentence(&mut Draw::new(1, 0, i), 40))
            .collect();
        assert!(
            texts(&all, &TextOptions::default())
                .unwrap()
                .groups()
                .is_empty()
        );
        for i in 0..100 {
            let source = &all[i * 20];
            all.push(match i % 3 {
                0 => format!("  {}!", source.to_uppercase().replace(' ', ",  ")),
                1 => format!("{source} again"),
                _ => source.replacen(source.split(' ').nth(7).unwrap(), "moonlight", 1),
            });
        }
        let found = texts(&all, &TextOptions::default()).unwrap();
        assert_eq!(found.groups().len(), 100);
        for (i, group) in found.groups().iter().enumerate() {
            assert_eq!(group.samples, [i * 20, 2000 + i]);
            assert_eq!(group.exact, i % 3 == 0);
        }
    }

    #[test]
    fn many_alike_stay_quick() {
        let all: Vec<String> = (0..3000)
            .map(|i| format!("This is the page of number {i}; it holds the same words as all of them do, and only its number is another."))
            .collect();
        let found = texts(&all, &TextOptions::default()).unwrap();
        assert_eq!((found.groups().len(), found.surplus()), (1, 2999));
    }

    #[test]
    fn short_empty_and_foreign_texts() {
        let found = texts(
            &["", "!?", "hi", "Hi!", "ho", "옹기 그릇", "옹기,그릇"],
            &TextOptions::default(),
        );
        let found = found.unwrap();
        let groups: Vec<_> = found.groups().iter().map(|g| g.samples.clone()).collect();
        assert_eq!(groups, [vec![0, 1], vec![2, 3], vec![5, 6]]);
        for similarity in [0.4, 1.1, f64::NAN] {
            assert!(texts(&["a"], &TextOptions { similarity }).is_err());
        }
        assert!(
            texts::<&str>(&[], &TextOptions::default())
                .unwrap()
                .groups()
                .is_empty()
        );
    }

    proptest! {
        #[test]
        fn jaccard_is_that_of_sets(
            a in prop::collection::btree_set(0..30u64, 0..20),
            b in prop::collection::btree_set(0..30u64, 0..20),
        ) {
            let (both, any) = (a.intersection(&b).count(), a.union(&b).count());
            let (a, b): (Vec<u64>, Vec<u64>) = (a.into_iter().collect(), b.into_iter().collect());
            prop_assert!((jaccard(&a, &b) - both as f64 / any.max(1) as f64).abs() < 1e-12);
        }

        #[test]
        fn no_text_breaks_it(all in prop::collection::vec(".{0,40}", 0..8)) {
            texts(&all, &TextOptions::default()).unwrap();
        }
    }
}
