//! Samples that occur more than once, and those that leak from one part of a split into another.
//!
//! | samples | the same | nearly the same |
//! | --- | --- | --- |
//! | [images](images()) | decoded pixels | a [perceptual hash](PerceptualHash), then the pixels of a thumbnail |
//! | [texts] | words, whatever their case and spacing | shared runs of characters (Jaccard) |
//! | [rows] | numbers, bit for bit | – |
//!
//! A figure measured on samples that the model has learned by heart is too good. [`Duplicates::leaks`]
//! names them.
//!
//! # Example
//! ```
//! use onggi_data::Split;
//! use onggi_data::duplicates::{TextOptions, texts};
//!
//! let found = texts(&["A cat sat.", "Dogs bark.", "a  cat sat"], &TextOptions::default())?;
//! assert_eq!(found.groups().len(), 1);
//! let leaks = found.leaks(&[Split::Train, Split::Train, Split::Test])?;
//! assert_eq!((leaks[0].sample, leaks[0].of), (2, 0));
//! # Ok::<(), onggi_data::DataError>(())
//! ```

mod hamming;
mod image;
mod perceptual;
mod table;
mod text;

pub use image::{ImagePrint, images};
pub use perceptual::PerceptualHash;
pub use table::rows;
pub use text::{TextOptions, texts};

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use crate::{DataError, Split};

/// Samples that are the same, or nearly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Places of the samples, ascending; at least two.
    pub samples: Vec<usize>,
    /// Whether all are exactly the same; otherwise at least one is only nearly so.
    pub exact: bool,
}

/// A sample of one part that has a duplicate in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// The sample that should not be measured on: of two parts the one in test, otherwise in
    /// validation.
    pub sample: usize,
    /// Its part.
    pub split: Split,
    /// A duplicate of it, the first in the part that is nearest to training.
    pub of: usize,
    /// That duplicate's part.
    pub of_split: Split,
    /// Whether the two are exactly the same.
    pub exact: bool,
}

/// The duplicates among samples `0..len`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    groups: Vec<Group>,
    truncated: bool,
    /// Of each sample the first that is exactly the same.
    #[serde(skip)]
    first: Vec<usize>,
}

impl Duplicates {
    /// The groups, by their first sample.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether the search for near duplicates was cut short, as there were too many candidates: all
    /// that is said holds, but there may be more.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Samples that could be left out: all of each group but one.
    pub fn surplus(&self) -> usize {
        self.groups
            .iter()
            .map(|group| group.samples.len() - 1)
            .sum()
    }

    /// Samples of validation and test that have a duplicate in train, and of test that have one in
    /// validation, ascending; `splits` has the part of each sample.
    ///
    /// # Errors
    /// [`DataError::Lengths`] where `splits` is of another length than the samples.
    pub fn leaks(&self, splits: &[Split]) -> Result<Vec<Leak>, DataError> {
        if splits.len() != self.first.len() {
            return Err(DataError::Lengths {
                what: "splits",
                expected: self.first.len(),
                got: splits.len(),
            });
        }
        let mut leaks = Vec::new();
        for group in &self.groups {
            // `Split` is ordered train, validation, test; of equal parts the first sample counts.
            let Some(&nearest) = group.samples.iter().min_by_key(|&&i| splits[i]) else {
                continue;
            };
            for &sample in group
                .samples
                .iter()
                .filter(|&&i| splits[i] > splits[nearest])
            {
                let same = |&&i: &&usize| {
                    splits[i] == splits[nearest] && self.first[i] == self.first[sample]
                };
                let twin = group.samples.iter().find(same);
                let of = twin.copied().unwrap_or(nearest);
                leaks.push(Leak {
                    sample,
                    split: splits[sample],
                    of,
                    of_split: splits[of],
                    exact: twin.is_some(),
                });
            }
        }
        leaks.sort_unstable_by_key(|leak| leak.sample);
        Ok(leaks)
    }

    /// Joins samples that are exactly the same, by `first`, and pairs of such that are nearly so.
    fn join(first: Vec<usize>, near: &[(usize, usize)], truncated: bool) -> Self {
        let mut root = first.clone();
        for &(a, b) in near {
            let (a, b) = (find(&mut root, a), find(&mut root, b));
            root[a.max(b)] = a.min(b);
        }
        let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
        for sample in 0..first.len() {
            members
                .entry(find(&mut root, sample))
                .or_default()
                .push(sample);
        }
        let many = members.into_values().filter(|samples| samples.len() > 1);
        let mut groups: Vec<Group> = many
            .map(|samples| Group {
                exact: samples.iter().all(|&i| first[i] == first[samples[0]]),
                samples,
            })
            .collect();
        groups.sort_unstable_by_key(|group| group.samples[0]);
        Self {
            groups,
            truncated,
            first,
        }
    }
}

/// The first of the samples that `sample` is joined to; shortens the way for the next.
fn find(root: &mut [usize], mut sample: usize) -> usize {
    while root[sample] != sample {
        root[sample] = root[root[sample]];
        sample = root[sample];
    }
    sample
}

/// Of each content the place of its first occurrence.
fn firsts(contents: impl Iterator<Item = u128>) -> Vec<usize> {
    let mut seen = HashMap::new();
    let places = contents.enumerate();
    places
        .map(|(i, content)| *seen.entry(content).or_insert(i))
        .collect()
}

/// 128 bits of a content: of 10⁹ different ones two agree with a chance below 10⁻²⁰.
fn content(value: &impl Hash) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        value.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    use Split::{Test, Train, Val};

    #[test]
    fn groups_join_what_is_near_and_what_is_same() {
        let first = firsts([7u128, 8, 7, 9, 10, 8].into_iter());
        assert_eq!(first, [0, 1, 0, 3, 4, 1]);
        let found = Duplicates::join(first, &[(1, 3)], false);
        let groups: Vec<_> = found
            .groups()
            .iter()
            .map(|g| (g.samples.clone(), g.exact))
            .collect();
        assert_eq!(groups, [(vec![0, 2], true), (vec![1, 3, 5], false)]);
        assert_eq!(found.surplus(), 3);
    }

    #[test]
    fn leaks_are_named_by_the_part_further_from_training() {
        // 0 and 2 the same; 1, 3 and 5 near, of which 1 and 5 the same; 4 alone.
        let found = Duplicates::join(vec![0, 1, 0, 3, 4, 1], &[(1, 3)], false);
        let leaks = found
            .leaks(&[Train, Train, Train, Train, Test, Train])
            .unwrap();
        assert_eq!(leaks, []);
        let leaks = found.leaks(&[Test, Val, Train, Train, Test, Test]).unwrap();
        let short: Vec<_> = leaks
            .iter()
            .map(|l| (l.sample, l.of, l.of_split, l.exact))
            .collect();
        assert_eq!(
            short,
            [
                (0, 2, Train, true),
                (1, 3, Train, false),
                (5, 3, Train, false)
            ]
        );
        let leaks = found.leaks(&[Train, Val, Train, Test, Test, Test]).unwrap();
        let short: Vec<_> = leaks
            .iter()
            .map(|l| (l.sample, l.of, l.of_split, l.exact))
            .collect();
        assert_eq!(short, [(3, 1, Val, false), (5, 1, Val, true)]);
        assert!(matches!(
            found.leaks(&[Train]),
            Err(DataError::Lengths {
                expected: 6,
                got: 1,
                ..
            })
        ));
    }
}
