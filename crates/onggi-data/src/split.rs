//! Which sample goes to train, validation and test.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::path::Path;

use onggi_augment::Draw;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::DataError;

/// Share of every class cut off for validation, and again for test, where neither is given.
const VAL_AND_TEST: f64 = 0.15;
/// Share of every class cut off for validation where test is given.
const VAL_BESIDE_TEST: f64 = 0.2;
/// Epochs of the [`Draw`]s that cut a class, thin it out, and draw from it again: ones no training run
/// reaches.
const SPLIT_EPOCH: u64 = u64::MAX;
const THIN_EPOCH: u64 = u64::MAX - 1;
const BOOTSTRAP_EPOCH: u64 = u64::MAX - 2;

/// One of the three parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What the model learns from.
    Train,
    /// What settings and the best epoch are chosen by.
    Val,
    /// What the final figure is measured on, once.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        })
    }
}

/// One sample as [`SplitMap::cut`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct SplitSample<'a> {
    /// Its name, unique in the data set.
    pub id: &'a str,
    /// Its class.
    pub label: usize,
    /// The part the user put it in; [`Split::Train`] where the data has no parts.
    pub given: Split,
}

/// The names of the samples of each part, sorted: `split.json`.
///
/// # Example
/// ```
/// use onggi_data::{Split, SplitMap, SplitSample};
///
/// let ids: Vec<String> = (0..40).map(|i| format!("row {i}")).collect();
/// let samples: Vec<_> = (0..40)
///     .map(|i| SplitSample { id: &ids[i], label: i % 2, given: Split::Train })
///     .collect();
/// let map = SplitMap::cut(&samples, 42);
/// assert_eq!(map.counts(), [28, 6, 6]);
/// assert_eq!(map.ids(Split::Val).len(), 6);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitMap {
    train: Vec<String>,
    val: Vec<String>,
    test: Vec<String>,
}

impl SplitMap {
    /// Keeps the parts the user gave and cuts the missing ones from train, class by class.
    ///
    /// | given | cut from train |
    /// | --- | --- |
    /// | nothing, or train | 15 % validation, 15 % test |
    /// | train and test | 20 % validation |
    /// | train and validation | nothing; there is no test part |
    /// | all three | nothing |
    ///
    /// Shares are rounded class by class. Every class gets at least one sample in each part cut, as
    /// long as train keeps one: of three samples one goes to each, of two one to validation, a
    /// single one stays in train. The cut depends on the seed, the names and the labels, not on the
    /// order of `samples`.
    pub fn cut(samples: &[SplitSample<'_>], seed: u64) -> Self {
        let mut map = Self::default();
        let mut classes: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for sample in samples {
            match sample.given {
                Split::Train => classes.entry(sample.label).or_default().push(sample.id),
                Split::Val => map.val.push(sample.id.to_owned()),
                Split::Test => map.test.push(sample.id.to_owned()),
            }
        }
        let (val_share, test_share) = match (map.val.is_empty(), map.test.is_empty()) {
            (true, true) => (VAL_AND_TEST, VAL_AND_TEST),
            (true, false) => (VAL_BESIDE_TEST, 0.0),
            (false, _) => (0.0, 0.0),
        };
        for (label, mut ids) in classes {
            ids.sort_unstable();
            shuffle(&mut ids, &mut Draw::new(seed, SPLIT_EPOCH, label as u64));
            let val = share(ids.len(), val_share, ids.len().saturating_sub(1));
            let test = share(ids.len(), test_share, ids.len().saturating_sub(1 + val));
            let mut ids = ids.into_iter().map(str::to_owned);
            map.val.extend(ids.by_ref().take(val));
            map.test.extend(ids.by_ref().take(test));
            map.train.extend(ids);
        }
        for part in [&mut map.train, &mut map.val, &mut map.test] {
            part.sort_unstable();
        }
        map
    }

    /// Leaves `share` of each class in train, rounded and at least one; the other parts stay.
    ///
    /// Of one seed the samples of a smaller share are among those of a larger one, so that the points
    /// of a learning curve differ by their size alone.
    #[must_use]
    pub fn thinned(mut self, samples: &[SplitSample<'_>], share: f64, seed: u64) -> Self {
        let classes = self.classes(samples);
        self.train.clear();
        for (label, mut ids) in classes {
            shuffle(&mut ids, &mut Draw::new(seed, THIN_EPOCH, label as u64));
            let kept = (ids.len() as f64 * share).round() as usize;
            let kept = ids.into_iter().take(kept.max(1));
            self.train.extend(kept.map(str::to_owned));
        }
        self.train.sort_unstable();
        self
    }

    /// Draws as many samples from each class of train as it has there, with replacement: a bootstrap
    /// sample, in which some come several times and a third not at all.
    #[must_use]
    pub fn bootstrapped(mut self, samples: &[SplitSample<'_>], seed: u64) -> Self {
        let classes = self.classes(samples);
        self.train.clear();
        for (label, ids) in classes {
            let mut rng = Draw::new(seed, BOOTSTRAP_EPOCH, label as u64);
            let drawn = (0..ids.len()).map(|_| ids[rng.random_range(0..ids.len())].to_owned());
            self.train.extend(drawn);
        }
        self.train.sort_unstable();
        self
    }

    /// The training samples of each class, sorted.
    fn classes<'a>(&self, samples: &[SplitSample<'a>]) -> BTreeMap<usize, Vec<&'a str>> {
        let train: std::collections::HashSet<&str> =
            self.train.iter().map(String::as_str).collect();
        let mut classes: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for sample in samples.iter().filter(|sample| train.contains(sample.id)) {
            classes.entry(sample.label).or_default().push(sample.id);
        }
        classes.values_mut().for_each(|ids| ids.sort_unstable());
        classes
    }

    /// Names of one part, sorted.
    pub fn ids(&self, split: Split) -> &[String] {
        match split {
            Split::Train => &self.train,
            Split::Val => &self.val,
            Split::Test => &self.test,
        }
    }

    /// Samples in train, validation and test.
    pub fn counts(&self) -> [usize; 3] {
        [self.train.len(), self.val.len(), self.test.len()]
    }

    /// Positions in `ids` of the samples of one part, ascending.
    ///
    /// # Errors
    /// [`DataError::SplitUnknown`] where the part names a sample that `ids` does not have.
    pub fn indices<S: AsRef<str>>(&self, split: Split, ids: &[S]) -> Result<Vec<usize>, DataError> {
        let places: HashMap<&str, usize> = ids
            .iter()
            .enumerate()
            .map(|(i, id)| (id.as_ref(), i))
            .collect();
        let find = |id: &String| {
            places
                .get(id.as_str())
                .copied()
                .ok_or_else(|| DataError::SplitUnknown {
                    split,
                    id: id.clone(),
                })
        };
        let mut indices = self
            .ids(split)
            .iter()
            .map(find)
            .collect::<Result<Vec<_>, _>>()?;
        indices.sort_unstable();
        Ok(indices)
    }

    /// Writes the map as JSON: `{"train": […], "val": […], "test": […]}`.
    ///
    /// # Errors
    /// [`DataError::Io`] where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), DataError> {
        let json = |source| DataError::Json {
            path: path.to_owned(),
            source,
        };
        let mut text = serde_json::to_string_pretty(self).map_err(json)?;
        text.push('\n');
        fs::write(path, text).map_err(|source| DataError::Io {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads what [`SplitMap::save`] wrote.
    ///
    /// # Errors
    /// [`DataError::Io`] where the file cannot be read, [`DataError::Json`] where it is no such map.
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let text = fs::read_to_string(path).map_err(|source| DataError::Io {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|source| DataError::Json {
            path: path.to_owned(),
            source,
        })
    }
}

/// Samples to cut from a class of `n`: the rounded share, at least one, at most `most`.
fn share(n: usize, fraction: f64, most: usize) -> usize {
    if fraction == 0.0 {
        return 0;
    }
    ((n as f64 * fraction).round() as usize).max(1).min(most)
}

/// Fisher–Yates, from the last place to the first. Our own, because a change of the `rand` crate's
/// must not change a run.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut Draw) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.random_range(0..=i));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(
        ids: &[String],
        classes: usize,
        given: impl Fn(usize) -> Split,
    ) -> Vec<SplitSample<'_>> {
        ids.iter()
            .enumerate()
            .map(|(i, id)| SplitSample {
                id,
                label: i % classes,
                given: given(i),
            })
            .collect()
    }

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("{i:04}")).collect()
    }

    /// A change here changes the figures of every user.
    #[test]
    fn golden() {
        let ids = names(10);
        let map = SplitMap::cut(&samples(&ids, 1, |_| Split::Train), 42);
        assert_eq!(map.val, ["0001", "0003"]);
        assert_eq!(map.test, ["0002", "0006"]);
    }

    #[test]
    fn rule_by_what_is_given() {
        let ids = names(100);
        let counts =
            |given: &dyn Fn(usize) -> Split| SplitMap::cut(&samples(&ids, 2, given), 0).counts();
        let tenth = |i: usize, split| if i / 10 == 0 { split } else { Split::Train };
        assert_eq!(counts(&|_| Split::Train), [68, 16, 16]);
        assert_eq!(counts(&|i| tenth(i, Split::Test)), [72, 18, 10]);
        assert_eq!(counts(&|i| tenth(i, Split::Val)), [90, 10, 0]);
        let all = |i| {
            if i >= 90 {
                Split::Val
            } else {
                tenth(i, Split::Test)
            }
        };
        assert_eq!(counts(&all), [80, 10, 10]);
    }

    #[test]
    fn small_classes_get_what_they_can() {
        for (n, want) in [
            (1, [1, 0, 0]),
            (2, [1, 1, 0]),
            (3, [1, 1, 1]),
            (4, [2, 1, 1]),
        ] {
            let ids = names(n);
            assert_eq!(
                SplitMap::cut(&samples(&ids, 1, |_| Split::Train), 5).counts(),
                want
            );
        }
    }

    #[test]
    fn a_smaller_share_lies_in_a_larger_one_class_by_class() {
        let ids = names(200);
        let all = samples(&ids, 4, |_| Split::Train);
        let map = SplitMap::cut(&all, 3);
        let thin = |share, seed| map.clone().thinned(&all, share, seed);
        let (tenth, half) = (thin(0.1, 1), thin(0.5, 1));
        assert_eq!(thin(1.0, 1), map);
        assert_ne!(half.train, thin(0.5, 2).train);
        assert_eq!(half.counts(), [68, map.val.len(), map.test.len()]);
        assert!(tenth.train.iter().all(|id| half.train.contains(id)));
        let of_class = |map: &SplitMap, class| {
            let of = |id: &&String| id.parse::<usize>().unwrap() % 4 == class;
            map.train.iter().filter(of).count()
        };
        for class in 0..4 {
            assert_eq!((of_class(&tenth, class), of_class(&half, class)), (3, 17));
        }
        assert_eq!(thin(1e-9, 1).train.len(), 4, "one of each class at least");
    }

    #[test]
    fn a_bootstrap_sample_repeats_and_leaves_out() {
        let ids = names(400);
        let all = samples(&ids, 2, |_| Split::Train);
        let map = SplitMap::cut(&all, 3);
        let drawn = map.clone().bootstrapped(&all, 1);
        assert_eq!(drawn.counts(), map.counts());
        assert!(drawn.train.iter().all(|id| map.train.contains(id)));
        let mut different = drawn.train.clone();
        different.dedup();
        // 1 − 1/e of them in the mean; the deviation of 280 draws is 2 %.
        let share = different.len() as f64 / map.train.len() as f64;
        assert!((0.57..0.69).contains(&share), "{share}");
        assert_ne!(drawn, map.clone().bootstrapped(&all, 2));
        assert_eq!(drawn.indices(Split::Train, &ids).unwrap().len(), 280);
    }

    #[test]
    fn indices_follow_the_names() {
        let ids = names(20);
        let map = SplitMap::cut(&samples(&ids, 2, |_| Split::Train), 1);
        let indices = map.indices(Split::Val, &ids).unwrap();
        assert_eq!(
            indices.iter().map(|&i| ids[i].clone()).collect::<Vec<_>>(),
            map.val
        );
        let gone = &map.val[0];
        let fewer: Vec<_> = ids.iter().filter(|id| *id != gone).collect();
        assert!(matches!(
            map.indices(Split::Val, &fewer),
            Err(DataError::SplitUnknown { split: Split::Val, id }) if id == *gone
        ));
    }

    #[test]
    fn saves_and_loads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("split.json");
        let ids = names(20);
        let map = SplitMap::cut(&samples(&ids, 2, |_| Split::Train), 1);
        map.save(&path).unwrap();
        assert_eq!(SplitMap::load(&path).unwrap(), map);
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .starts_with("{\n  \"train\": [")
        );
        fs::write(&path, "{\"train\": []}").unwrap();
        let refusal = SplitMap::load(&path).unwrap_err().to_string();
        assert!(
            refusal.contains("split.json") && refusal.contains("missing field"),
            "{refusal}"
        );
    }

    proptest! {
        #[test]
        fn parts_are_a_partition_whatever_the_order(
            n in 1usize..200, classes in 1usize..6, seed: u64,
        ) {
            let ids = names(n);
            let mut all = samples(&ids, classes, |_| Split::Train);
            let map = SplitMap::cut(&all, seed);
            let mut joined: Vec<_> =
                map.train.iter().chain(&map.val).chain(&map.test).cloned().collect();
            joined.sort_unstable();
            prop_assert_eq!(&joined, &ids);
            all.reverse();
            prop_assert_eq!(&SplitMap::cut(&all, seed), &map);
            for label in 0..classes {
                let of = |part: &[String]| {
                    part.iter().filter(|id| id.parse::<usize>().unwrap() % classes == label).count()
                };
                let size = of(&ids);
                if size >= 3 {
                    prop_assert!(of(&map.train) >= 1 && of(&map.val) >= 1 && of(&map.test) >= 1);
                    let expected = size as f64 * 0.15;
                    prop_assert!((of(&map.val) as f64 - expected).abs() <= 1.0);
                }
            }
        }
    }
}
