//! Texts as rows of numbers: how telling each n-gram is of each text.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ngrams::{Family, TfIdfConfig, check};
use super::sparse::SparseRows;
use super::tokenise::Unit;
use crate::DataError;

/// Term frequency times inverse document frequency of n-grams.
///
/// An n-gram that occurs `count` times in a text, and in `df` of the `n` texts fitted to, gets `(1 +
/// ln count) · (1 + ln((1 + n) / (1 + df)))`. The values of each unit are divided by their Euclidean
/// length, and by `√units`, so that a row has length 1, and each unit the same share of it. An n-gram
/// the fitted texts do not have counts nothing.
///
/// # Example
/// ```
/// use onggi_data::text::{TfIdf, TfIdfConfig};
///
/// let train = ["a good jar", "a bad jar", "good", "bad"];
/// let (tf_idf, x) = TfIdf::fit(&train, &TfIdfConfig::default())?;
/// assert_eq!((x.rows(), x.columns()), (4, tf_idf.features()));
/// let unseen = tf_idf.transform(&["not good"]);
/// assert!(unseen.row(0).any(|(column, _)| tf_idf.ngram(column) == "good"));
/// # Ok::<(), onggi_data::DataError>(())
/// ```
///
/// # Differences from scikit-learn
/// As a `FeatureUnion` of `TfidfVectorizer(sublinear_tf=True)` with `ngram_range=(1, 2)` and with
/// `analyzer="char_wb"`, divided by `√2`; words are those of Unicode's annex 29 (`don't` is one, words of
/// one letter are kept, Chinese characters stand alone), and n-grams of more than 128 bytes are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct TfIdf {
    config: TfIdfConfig,
    families: Vec<Family>,
}

/// [`TfIdf`] as a file may hold it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    config: TfIdfConfig,
    families: Vec<Family>,
}

impl TryFrom<Saved> for TfIdf {
    type Error = DataError;

    fn try_from(saved: Saved) -> Result<Self, DataError> {
        check(&saved.config)?;
        let (units, found) = (saved.config.ngrams.len(), saved.families.len());
        if units != found {
            let reason = format!("n-grams of {found} units, expected {units}");
            return Err(DataError::Preprocess { reason });
        }
        let mut families = saved.families;
        families.iter_mut().try_for_each(Family::restore)?;
        let config = saved.config;
        Ok(Self { config, families })
    }
}

impl TfIdf {
    /// Chooses and weighs the n-grams by `texts`, the training texts alone, and gives their rows.
    ///
    /// # Errors
    /// [`DataError::EmptyDataset`] without texts; [`DataError::Range`] for settings out of range;
    /// [`DataError::NoNgrams`] where not one n-gram is kept.
    pub fn fit<S: AsRef<str> + Sync>(
        texts: &[S],
        config: &TfIdfConfig,
    ) -> Result<(Self, SparseRows), DataError> {
        check(config)?;
        if texts.is_empty() {
            return Err(DataError::EmptyDataset);
        }
        let fitted = config
            .ngrams
            .iter()
            .map(|ngrams| Family::fit(texts, ngrams));
        let (families, counts): (Vec<_>, Vec<_>) = fitted.unzip();
        let fitted = Self {
            config: config.clone(),
            families,
        };
        if fitted.features() == 0 {
            return Err(DataError::NoNgrams { texts: texts.len() });
        }
        let rows = (0..texts.len()).into_par_iter().map(|i| {
            let of_row: Vec<&[(u32, u32)]> = counts.iter().map(|rows| rows[i].as_slice()).collect();
            fitted.weigh(&of_row)
        });
        let x = fitted.join(rows.collect());
        Ok((fitted, x))
    }

    /// The rows of other texts.
    pub fn transform<S: AsRef<str> + Sync>(&self, texts: &[S]) -> SparseRows {
        let rows = texts.par_iter().map(|text| {
            let each = self.families.iter().zip(&self.config.ngrams);
            let counts: Vec<_> = each
                .map(|(family, ngrams)| family.counts(text.as_ref(), ngrams))
                .collect();
            let of_row: Vec<&[(u32, u32)]> = counts.iter().map(Vec::as_slice).collect();
            self.weigh(&of_row)
        });
        self.join(rows.collect())
    }

    fn weigh(&self, counts: &[&[(u32, u32)]]) -> Vec<(u32, f64)> {
        let length = 1.0 / (self.families.len() as f64).sqrt();
        let mut out = Vec::with_capacity(counts.iter().map(|row| row.len()).sum());
        let mut first = 0;
        for (family, row) in self.families.iter().zip(counts) {
            family.weigh(row, self.config.sublinear_tf, length, first, &mut out);
            first += family.ngrams.len() as u32;
        }
        out
    }

    fn join(&self, rows: Vec<Vec<(u32, f64)>>) -> SparseRows {
        let mut x = SparseRows::new(self.features());
        rows.iter().for_each(|row| x.extend(row));
        x
    }

    /// Number of n-grams: columns of a row.
    pub fn features(&self) -> usize {
        self.families.iter().map(|family| family.ngrams.len()).sum()
    }

    /// The settings.
    pub fn config(&self) -> &TfIdfConfig {
        &self.config
    }

    /// The n-gram of a column, and empty for a column that is not there; the n-grams of characters keep
    /// the blanks at a word's ends.
    pub fn ngram(&self, column: usize) -> &str {
        self.find(column)
            .map_or("", |(family, place)| &self.families[family].ngrams[place])
    }

    /// What the n-gram of a column is made of.
    pub fn unit(&self, column: usize) -> Option<Unit> {
        self.find(column)
            .map(|(family, _)| self.config.ngrams[family].unit)
    }

    fn find(&self, column: usize) -> Option<(usize, usize)> {
        let mut place = column;
        for (i, family) in self.families.iter().enumerate() {
            if place < family.ngrams.len() {
                return Some((i, place));
            }
            place -= family.ngrams.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::text::Ngrams;

    /// The rows by unit and n-gram.
    fn named(tf_idf: &TfIdf, x: &SparseRows) -> Vec<BTreeMap<(Unit, String), f64>> {
        let name = |i: usize| (tf_idf.unit(i).unwrap(), tf_idf.ngram(i).to_owned());
        (0..x.rows())
            .map(|row| x.row(row).map(|(i, value)| (name(i), value)).collect())
            .collect()
    }

    #[derive(Deserialize)]
    struct Case {
        config: TfIdfConfig,
        fitted: Vec<Vec<(Unit, String, f64)>>,
        others: Vec<Vec<(Unit, String, f64)>>,
    }

    #[derive(Deserialize)]
    struct Golden {
        texts: Vec<String>,
        others: Vec<String>,
        cases: Vec<Case>,
    }

    #[test]
    fn as_scikit_learn() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/fixtures/tf_idf.json")).unwrap();
        assert_eq!(golden.cases.len(), 6);
        for case in &golden.cases {
            let (tf_idf, x) = TfIdf::fit(&golden.texts, &case.config).unwrap();
            assert_eq!(x, tf_idf.transform(&golden.texts));
            let others = tf_idf.transform(&golden.others);
            for (got, want) in [(x, &case.fitted), (others, &case.others)] {
                let got = named(&tf_idf, &got);
                assert_eq!(got.len(), want.len());
                for (got, want) in got.iter().zip(want) {
                    assert_eq!(got.len(), want.len(), "{got:?} {want:?}");
                    for (unit, ngram, want) in want {
                        let got = got[&(*unit, ngram.clone())];
                        assert!((got - want).abs() < 1e-9, "{ngram}: {got}, not {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn read_back_it_is_the_same() {
        let texts = ["이 영화는 재미있다", "a good film", "a bad film", "film"];
        let (tf_idf, x) = TfIdf::fit(&texts, &TfIdfConfig::default()).unwrap();
        let json = serde_json::to_string(&tf_idf).unwrap();
        let again: TfIdf = serde_json::from_str(&json).unwrap();
        let (x, y) = (named(&tf_idf, &x), named(&again, &again.transform(&texts)));
        for (x, y) in x.iter().zip(&y) {
            for ((name, x), y) in x.iter().zip(y.values()) {
                assert!((x - y).abs() < 1e-12, "{name:?}");
            }
        }
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        for (pointer, bad) in [
            ("/families/0/idf/0", serde_json::json!(-1.0)),
            ("/families/0/idf", serde_json::json!([])),
            (
                "/families/0/ngrams/1",
                value["families"][0]["ngrams"][0].clone(),
            ),
            ("/families/0/ngrams/1", serde_json::json!("x".repeat(200))),
            ("/families", serde_json::json!([])),
            ("/config/ngrams/0/to", serde_json::json!(99)),
        ] {
            let mut damaged = value.clone();
            *damaged.pointer_mut(pointer).unwrap() = bad;
            assert!(
                serde_json::from_value::<TfIdf>(damaged).is_err(),
                "{pointer}"
            );
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let plain = TfIdfConfig::default();
        let with = |change: &dyn Fn(&mut Ngrams)| {
            let mut config = plain.clone();
            change(&mut config.ngrams[0]);
            TfIdf::fit(&["a b"], &config).unwrap_err().to_string()
        };
        assert!(with(&|n| n.from = 0).contains("from 0 to 2"));
        assert!(with(&|n| n.to = 17).contains("at most 16"));
        assert!(with(&|n| n.min_df = 0).contains("min_df"));
        assert!(with(&|n| n.max_features = 0).contains("max_features"));
        assert!(with(&|n| n.unit = Unit::Chars).contains("2 entries of 1 units"));
        let rare = TfIdfConfig {
            ngrams: vec![Ngrams {
                min_df: 2,
                ..plain.ngrams[0]
            }],
            ..plain.clone()
        };
        let refusal = TfIdf::fit(&["a", "b"], &rare).unwrap_err().to_string();
        assert!(refusal.contains("lower min_df"), "{refusal}");
        assert!(TfIdf::fit::<&str>(&[], &plain).is_err());
    }

    proptest! {
        #[test]
        fn rows_have_length_one(texts in prop::collection::vec("[ab가나 .]{0,12}", 1..6)) {
            if let Ok((tf_idf, x)) = TfIdf::fit(&texts, &TfIdfConfig::default()) {
                for i in 0..x.rows() {
                    let squares: f64 = x.row(i).map(|(_, value)| value * value).sum();
                    prop_assert!(squares < 1.0 + 1e-9);
                    prop_assert!(x.row(i).all(|(_, value)| value > 0.0));
                }
                prop_assert_eq!(&x, &tf_idf.transform(&texts));
            }
        }
    }
}
