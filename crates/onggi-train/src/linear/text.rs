//! From texts to probabilities: TF-IDF and logistic regression.

use std::cmp::Ordering;

use onggi_data::text::{TfIdf, TfIdfConfig, Unit};
use serde::{Deserialize, Serialize};

use super::{Chosen, LinearClassifier, LinearConfig};
use crate::TrainError;
use crate::metrics::{argmax, check_lengths, refuse};

/// How a [`TextLinear`] is made; the default chooses the strength of the penalty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextLinearConfig {
    /// From texts to numbers.
    pub tf_idf: TfIdfConfig,
    /// The fit; its `c` is used where `choose_c` is off.
    pub linear: LinearConfig,
    /// Whether `c` is [chosen](LinearClassifier::choose); yes.
    pub choose_c: bool,
}

impl Default for TextLinearConfig {
    fn default() -> Self {
        Self {
            tf_idf: TfIdfConfig::default(),
            linear: LinearConfig::default(),
            choose_c: true,
        }
    }
}

/// An n-gram and how strongly it speaks for a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    /// The n-gram; those of characters with the blanks at a word's ends.
    pub ngram: String,
    /// What it is made of.
    pub unit: Unit,
    /// What it adds to the logit of the class: of a text, or of a row with nothing but it.
    pub weight: f64,
}

/// A text that was given another class than its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Place of the text.
    pub sample: usize,
    /// Its class.
    pub label: usize,
    /// The class it was given.
    pub predicted: usize,
    /// Probability of the class it was given.
    pub probability: f64,
    /// Probability of its own class.
    pub own: f64,
}

/// A classifier of texts without a network: [`TfIdf`] of words and characters, and logistic regression.
///
/// # Example
/// ```
/// use onggi_train::linear::{TextLinear, TextLinearConfig};
///
/// let texts = ["what a good jar", "so bad", "good soup", "a bad lid", "good", "bad, bad"];
/// let config = TextLinearConfig::default();
/// let (model, _) = TextLinear::fit(&texts, &[1, 0, 1, 0, 1, 0], 2, &config, None)?;
/// let p = model.probabilities(&["a good day"])?;
/// assert!(p[1] > 0.5);
/// assert_eq!(model.most_telling(1, onggi_data::text::Unit::Words, 1)[0].ngram, "good");
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct TextLinear {
    tf_idf: TfIdf,
    model: LinearClassifier,
}

/// [`TextLinear`] as a file may hold it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    tf_idf: TfIdf,
    model: LinearClassifier,
}

impl TryFrom<Saved> for TextLinear {
    type Error = TrainError;

    fn try_from(saved: Saved) -> Result<Self, TrainError> {
        let Saved { tf_idf, model } = saved;
        if tf_idf.features() != model.features() {
            let expected = format!("a model of {} n-grams", tf_idf.features());
            return refuse("text classifier", expected, model.features());
        }
        Ok(Self { tf_idf, model })
    }
}

impl TextLinear {
    /// Fits to training texts. `validation` helps to choose the strength of the penalty where there are
    /// many; what was tried is given where it was chosen.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for labels that do not fit the texts, [`TrainError::Setting`] and
    /// [`TrainError::Data`] for settings out of range and texts without n-grams.
    pub fn fit<S: AsRef<str> + Sync>(
        texts: &[S],
        labels: &[usize],
        classes: usize,
        config: &TextLinearConfig,
        validation: Option<(&[S], &[usize])>,
    ) -> Result<(Self, Option<Chosen>), TrainError> {
        check_lengths("text classifier", texts.len(), labels.len())?;
        let (tf_idf, x) = TfIdf::fit(texts, &config.tf_idf)?;
        if !config.choose_c {
            let model = LinearClassifier::fit(&x, labels, classes, &config.linear)?;
            return Ok((Self { tf_idf, model }, None));
        }
        let val = validation.map(|(texts, labels)| (tf_idf.transform(texts), labels));
        let val = val.as_ref().map(|(x, labels)| (x, *labels));
        let (model, chosen) = LinearClassifier::choose(&x, labels, classes, &config.linear, val)?;
        Ok((Self { tf_idf, model }, Some(chosen)))
    }

    /// Probabilities of each text's classes, text by text.
    ///
    /// # Errors
    /// None for a model that was fitted or read; [`TrainError::Measure`] otherwise.
    pub fn probabilities<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<f64>, TrainError> {
        self.model.probabilities(&self.tf_idf.transform(texts))
    }

    /// The `most` n-grams of a unit that speak most strongly for a class, the strongest first.
    pub fn most_telling(&self, class: usize, unit: Unit, most: usize) -> Vec<Telling> {
        let columns = (0..self.tf_idf.features()).filter(|&i| self.tf_idf.unit(i) == Some(unit));
        let all = columns.map(|i| (i, self.model.weight(class, i)));
        self.strongest(all, most)
    }

    /// The `most` n-grams of a text that speak most strongly for a class, the strongest first.
    pub fn telling_in(&self, text: &str, class: usize, most: usize) -> Vec<Telling> {
        let x = self.tf_idf.transform(&[text]);
        let all = x
            .row(0)
            .map(|(i, value)| (i, value * self.model.weight(class, i)));
        self.strongest(all, most)
    }

    fn strongest(&self, all: impl Iterator<Item = (usize, f64)>, most: usize) -> Vec<Telling> {
        let mut all: Vec<_> = all.filter(|&(_, weight)| weight > 0.0).collect();
        let heavier = |a: &(usize, f64), b: &(usize, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        all.sort_unstable_by(heavier);
        let telling = |&(i, weight): &(usize, f64)| Telling {
            ngram: self.tf_idf.ngram(i).to_owned(),
            unit: self.tf_idf.unit(i).unwrap_or(Unit::Words),
            weight,
        };
        all.iter().take(most).map(telling).collect()
    }

    /// The vocabulary and its weights.
    pub fn tf_idf(&self) -> &TfIdf {
        &self.tf_idf
    }

    /// The classifier over its rows.
    pub fn model(&self) -> &LinearClassifier {
        &self.model
    }
}

impl Mistake {
    /// The `most` worst mistakes among samples: those whose own class was held least likely, the worst first.
    /// `probabilities` has `classes` a sample.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for lists that do not fit together and labels that are no class.
    pub fn worst(
        labels: &[usize],
        probabilities: &[f64],
        classes: usize,
        most: usize,
    ) -> Result<Vec<Self>, TrainError> {
        const WHAT: &str = "worst mistakes";
        if classes == 0 || probabilities.len() != labels.len().saturating_mul(classes) {
            let expected = format!(
                "{classes} probabilities for each of {} labels",
                labels.len()
            );
            return refuse(WHAT, expected, probabilities.len());
        }
        if let Some(label) = labels.iter().find(|&&label| label >= classes) {
            return refuse(WHAT, format!("labels below {classes}"), label);
        }
        let each = labels.iter().zip(probabilities.chunks_exact(classes));
        let mut all: Vec<Self> = each
            .enumerate()
            .map(|(sample, (&label, p))| {
                let predicted = argmax(p);
                Self {
                    sample,
                    label,
                    predicted,
                    probability: p[predicted],
                    own: p[label],
                }
            })
            .filter(|mistake| mistake.predicted != mistake.label)
            .collect();
        all.sort_by(|a, b| a.own.partial_cmp(&b.own).unwrap_or(Ordering::Equal));
        all.truncate(most);
        Ok(all)
    }
}
