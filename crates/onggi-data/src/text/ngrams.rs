//! N-grams: which are kept, how often each occurs, and what each weighs.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::tokenise::{MOST_BYTES, Prepared, Unit};
use crate::DataError;

/// Texts that one thread counts together.
const CHUNK: usize = 64;
/// Most n-grams of one unit, whatever the settings.
const MOST_FEATURES: usize = 1 << 20;
/// Longest n-gram, in words or characters.
const LONGEST: usize = 16;

/// N-grams of one unit, and which of them are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ngrams {
    /// Words or characters.
    pub unit: Unit,
    /// Fewest in a row; at least 1.
    pub from: usize,
    /// Most in a row, included; up to 16.
    pub to: usize,
    /// Texts an n-gram must be in to be kept.
    pub min_df: usize,
    /// N-grams kept, the most frequent ones; up to 2²⁰.
    pub max_features: usize,
}

/// How texts are made rows of numbers.
///
/// By default words and pairs of words, and runs of 2 to 5 characters inside words, the latter in at least two
/// texts; up to 200,000 of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TfIdfConfig {
    /// The n-grams, one entry a unit.
    pub ngrams: Vec<Ngrams>,
    /// Whether the n-th occurrence counts less than the first: `1 + ln(count)` for `count`.
    pub sublinear_tf: bool,
}

impl Default for TfIdfConfig {
    fn default() -> Self {
        let ngrams = |unit, from, to, min_df| Ngrams {
            unit,
            from,
            to,
            min_df,
            max_features: 200_000,
        };
        Self {
            ngrams: vec![ngrams(Unit::Words, 1, 2, 1), ngrams(Unit::Chars, 2, 5, 2)],
            sublinear_tf: true,
        }
    }
}

/// The n-grams of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Family {
    pub(super) ngrams: Vec<String>,
    idf: Vec<f64>,
    #[serde(skip)]
    places: HashMap<String, u32>,
}

pub(super) fn check(config: &TfIdfConfig) -> Result<(), DataError> {
    let refuse = |what, expected, got: String| {
        Err(DataError::Range {
            what,
            expected,
            got,
        })
    };
    let units: HashSet<Unit> = config.ngrams.iter().map(|n| n.unit).collect();
    if units.is_empty() || units.len() != config.ngrams.len() {
        let got = format!("{} entries of {} units", config.ngrams.len(), units.len());
        return refuse("ngrams", "one entry for each of one or two units", got);
    }
    for ngrams in &config.ngrams {
        let &Ngrams {
            from,
            to,
            min_df,
            max_features,
            ..
        } = ngrams;
        if from == 0 || from > to || to > LONGEST {
            let got = format!("from {from} to {to}");
            return refuse("ngrams", "from at least 1 to at most 16", got);
        }
        if min_df == 0 {
            return refuse("min_df", "at least 1", min_df.to_string());
        }
        if max_features == 0 || max_features > MOST_FEATURES {
            return refuse("max_features", "1 to 1048576", max_features.to_string());
        }
    }
    Ok(())
}

/// What a thread finds in its texts: the n-grams in the order they were met, how often each occurs and in
/// how many texts, and of each text the n-grams by their place in that list, with counts.
#[derive(Default)]
struct Counted<'a> {
    ngrams: Vec<&'a str>,
    totals: Vec<(u64, u64)>,
    rows: Vec<Vec<(u32, u32)>>,
}

fn count<'a>(texts: &'a [Prepared], ngrams: &Ngrams) -> Counted<'a> {
    let mut out = Counted::default();
    let mut places: HashMap<&str, u32> = HashMap::new();
    let mut found: Vec<u32> = Vec::new();
    for text in texts {
        found.clear();
        text.each(ngrams.from, ngrams.to, |ngram| {
            let place = *places.entry(ngram).or_insert_with(|| {
                out.ngrams.push(ngram);
                out.totals.push((0, 0));
                out.ngrams.len() as u32 - 1
            });
            found.push(place);
        });
        found.sort_unstable();
        let row: Vec<(u32, u32)> = found
            .chunk_by(|a, b| a == b)
            .map(|run| (run[0], run.len() as u32))
            .collect();
        for &(place, times) in &row {
            let (total, texts) = &mut out.totals[place as usize];
            *total += u64::from(times);
            *texts += 1;
        }
        out.rows.push(row);
    }
    out
}

const DROPPED: u32 = u32::MAX;

impl Family {
    /// Checks what a file held, and finds the places of its n-grams.
    pub(super) fn restore(&mut self) -> Result<(), DataError> {
        let fault = |reason: String| Err(DataError::Preprocess { reason });
        let (n, idf) = (self.ngrams.len(), self.idf.len());
        if n != idf || n > MOST_FEATURES {
            return fault(format!("{n} n-grams with {idf} weights"));
        }
        if let Some(bad) = self.idf.iter().find(|w| !(0.0..1e6).contains(*w)) {
            return fault(format!("the weight {bad} of an n-gram"));
        }
        self.index();
        if self.places.len() != n || self.ngrams.iter().any(|g| g.len() > MOST_BYTES) {
            return fault("an n-gram that is there twice, or too long".to_owned());
        }
        Ok(())
    }

    fn index(&mut self) {
        let ngrams = self.ngrams.iter().cloned();
        self.places = ngrams.zip(0..).collect();
    }

    /// The family, and of each text its n-grams' places with counts, by rising place.
    pub(super) fn fit<S: AsRef<str> + Sync>(
        texts: &[S],
        ngrams: &Ngrams,
    ) -> (Self, Vec<Vec<(u32, u32)>>) {
        let prepared: Vec<Prepared> = texts
            .par_iter()
            .map(|text| Prepared::new(text.as_ref(), ngrams.unit))
            .collect();
        let mut counted: Vec<Counted<'_>> = prepared
            .par_chunks(CHUNK)
            .map(|texts| count(texts, ngrams))
            .collect();
        let mut places: HashMap<&str, u32> = HashMap::new();
        let mut all: Vec<(&str, u64, u64)> = Vec::new();
        // From a thread's place of an n-gram to its place among all.
        let mut maps: Vec<Vec<u32>> = Vec::with_capacity(counted.len());
        for part in &counted {
            let mut map = Vec::with_capacity(part.ngrams.len());
            for (&ngram, &(total, df)) in part.ngrams.iter().zip(&part.totals) {
                let place = *places.entry(ngram).or_insert_with(|| {
                    all.push((ngram, 0, 0));
                    all.len() as u32 - 1
                });
                all[place as usize].1 += total;
                all[place as usize].2 += df;
                map.push(place);
            }
            maps.push(map);
        }
        let mut kept: Vec<u32> = (0..all.len() as u32)
            .filter(|&i| all[i as usize].2 >= ngrams.min_df as u64)
            .collect();
        if kept.len() > ngrams.max_features {
            let key = |&i: &u32| {
                let (ngram, total, _) = all[i as usize];
                (std::cmp::Reverse(total), ngram)
            };
            kept.select_nth_unstable_by_key(ngrams.max_features, key);
            kept.truncate(ngrams.max_features);
        }
        kept.par_sort_unstable_by_key(|&i| all[i as usize].0);
        let mut final_places = vec![DROPPED; all.len()];
        for (place, &i) in (0..).zip(&kept) {
            final_places[i as usize] = place;
        }
        counted.par_iter_mut().zip(&maps).for_each(|(part, map)| {
            for row in &mut part.rows {
                row.iter_mut()
                    .for_each(|(place, _)| *place = final_places[map[*place as usize] as usize]);
                row.retain(|&(place, _)| place != DROPPED);
                row.sort_unstable();
            }
        });
        let n = texts.len() as f64;
        let mut family = Self {
            ngrams: kept.iter().map(|&i| all[i as usize].0.to_owned()).collect(),
            idf: kept
                .iter()
                .map(|&i| 1.0 + ((1.0 + n) / (1.0 + all[i as usize].2 as f64)).ln())
                .collect(),
            places: HashMap::new(),
        };
        family.index();
        let rows = counted.into_iter().flat_map(|part| part.rows).collect();
        (family, rows)
    }

    pub(super) fn counts(&self, text: &str, ngrams: &Ngrams) -> Vec<(u32, u32)> {
        let prepared = Prepared::new(text, ngrams.unit);
        let mut found: Vec<u32> = Vec::new();
        prepared.each(ngrams.from, ngrams.to, |ngram| {
            found.extend(self.places.get(ngram));
        });
        found.sort_unstable();
        let runs = found.chunk_by(|a, b| a == b);
        runs.map(|run| (run[0], run.len() as u32)).collect()
    }

    /// Weights of counted n-grams, of Euclidean length `length`, `first` added to their places.
    pub(super) fn weigh(
        &self,
        row: &[(u32, u32)],
        sublinear: bool,
        length: f64,
        first: u32,
        out: &mut Vec<(u32, f64)>,
    ) {
        let start = out.len();
        out.extend(row.iter().map(|&(place, count)| {
            let count = f64::from(count);
            let tf = if sublinear { 1.0 + count.ln() } else { count };
            (first + place, tf * self.idf[place as usize])
        }));
        let own = &mut out[start..];
        let norm = own.iter().map(|(_, w)| w * w).sum::<f64>().sqrt();
        if norm > 0.0 {
            own.iter_mut().for_each(|(_, w)| *w *= length / norm);
        }
    }
}
