//! Logistic regression.

use onggi_data::text::SparseRows;
use serde::{Deserialize, Serialize};

use super::objective::{Objective, Wanted, logistic};
use super::{Fitted, LinearConfig, MOST_WEIGHTS};
use crate::TrainError;
use crate::metrics::{check_lengths, log_sum_exp, refuse};

/// Logistic regression over sparse rows: of two classes binary, of more multinomial.
///
/// Minimises `c Σ −ln p(label) + (1 − l1_ratio)/2 ‖W‖² + l1_ratio ‖W‖₁`, the biases without penalty, by
/// L-BFGS, with an L1 penalty by its orthant-wise form. With `balanced` a sample of class `k` counts
/// `n / (classes · nₖ)` times.
///
/// # Example
/// ```
/// use onggi_data::text::SparseRows;
/// use onggi_train::linear::{LinearClassifier, LinearConfig};
///
/// let mut x = SparseRows::new(2);
/// for row in [[(0, 1.0)], [(1, 1.0)], [(0, 0.5)], [(1, 2.0)]] {
///     x.push(&row)?;
/// }
/// let model = LinearClassifier::fit(&x, &[0, 1, 0, 1], 2, &LinearConfig::default())?;
/// let p = model.probabilities(&x)?;
/// assert!(p[0] > 0.8 && p[3] > 0.8 && model.weight(0, 0) > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Differences from scikit-learn
/// The same model as `LogisticRegression(C=c, l1_ratio=l1_ratio)`; `balanced` is its
/// `class_weight="balanced"`. The fit ends by the slope's share of that at the start, so that features as
/// small as those of long texts do not end it early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct LinearClassifier {
    classes: usize,
    fitted: Fitted,
}

/// [`LinearClassifier`] as a file may hold it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    classes: usize,
    fitted: Fitted,
}

impl TryFrom<Saved> for LinearClassifier {
    type Error = TrainError;

    fn try_from(saved: Saved) -> Result<Self, TrainError> {
        let Saved { classes, fitted } = saved;
        if classes < 2 {
            return refuse("classes of a linear classifier", "at least 2", classes);
        }
        fitted.check(outputs(classes))?;
        Ok(Self { classes, fitted })
    }
}

fn outputs(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

impl LinearClassifier {
    /// Fits to the rows of `x`; `labels` are below `classes`.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for labels that do not fit the rows, fewer than two classes and more than 2²⁷
    /// weights; [`TrainError::Setting`] for settings out of range.
    pub fn fit(
        x: &SparseRows,
        labels: &[usize],
        classes: usize,
        config: &LinearConfig,
    ) -> Result<Self, TrainError> {
        Ok(Self::path(x, labels, classes, config, &[config.c])?.remove(0))
    }

    /// One model for each `c` in place of the one in `config`, each started from the one before: quick where
    /// they rise.
    ///
    /// # Errors
    /// As [`LinearClassifier::fit`], and [`TrainError::Setting`] for no `c` at all.
    pub fn path(
        x: &SparseRows,
        labels: &[usize],
        classes: usize,
        config: &LinearConfig,
        cs: &[f64],
    ) -> Result<Vec<Self>, TrainError> {
        config.check()?;
        if cs.is_empty() {
            return Err(TrainError::setting("c", "at least one value", "none"));
        }
        Self::check(x, labels, classes)?;
        let shares = shares(labels, classes, config.balanced);
        let objective = Objective::new(x, Wanted::Classes(labels), shares, outputs(classes));
        let fitted = Fitted::path(&objective, config, cs)?.into_iter();
        Ok(fitted.map(|fitted| Self { classes, fitted }).collect())
    }

    /// Whether the labels fit the rows, and the classes into memory.
    pub(super) fn check(
        x: &SparseRows,
        labels: &[usize],
        classes: usize,
    ) -> Result<(), TrainError> {
        const WHAT: &str = "linear classifier";
        check_lengths(WHAT, x.rows(), labels.len())?;
        let weights = classes.saturating_mul(x.columns().saturating_add(1).max(labels.len()));
        if classes < 2 || weights > MOST_WEIGHTS {
            let expected = format!("2 classes or more, of {MOST_WEIGHTS} weights in all");
            return refuse(WHAT, expected, format!("{classes} classes"));
        }
        if let Some(label) = labels.iter().find(|&&label| label >= classes) {
            return refuse(WHAT, format!("labels below {classes}"), label);
        }
        Ok(())
    }

    /// Probabilities of each row's classes, row by row: `classes` a row, of sum 1.
    ///
    /// # Errors
    /// [`TrainError::Measure`] where `x` has other columns than were fitted to.
    pub fn probabilities(&self, x: &SparseRows) -> Result<Vec<f64>, TrainError> {
        self.fitted.outputs(x, |z| match *z {
            [z] => vec![logistic(-z), logistic(z)],
            _ => {
                let log_sum = log_sum_exp(z.iter().copied());
                z.iter().map(|z| (z - log_sum).exp()).collect()
            }
        })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.fitted.features
    }

    /// What a feature adds to the logit of `class` over the mean of all classes' logits; of two classes over
    /// the other's. 0 for what is not there.
    pub fn weight(&self, class: usize, feature: usize) -> f64 {
        let outputs = self.fitted.bias.len();
        let w = self.fitted.weights.chunks_exact(outputs).nth(feature);
        match w {
            Some(&[w]) => w * [-1.0, 1.0].get(class).copied().unwrap_or(0.0),
            Some(w) => {
                let mean = w.iter().sum::<f64>() / outputs as f64;
                w.get(class).map_or(0.0, |w| w - mean)
            }
            None => 0.0,
        }
    }

    #[cfg(test)]
    pub(super) fn fitted(&self) -> &Fitted {
        &self.fitted
    }

    /// Number of features with a weight other than 0: what an L1 penalty keeps.
    pub fn kept(&self) -> usize {
        let each = self.fitted.weights.chunks_exact(self.fitted.bias.len());
        each.filter(|w| w.iter().any(|&w| w != 0.0)).count()
    }
}

/// The weight of each sample.
fn shares(labels: &[usize], classes: usize, balanced: bool) -> Vec<f64> {
    if !balanced {
        return vec![1.0; labels.len()];
    }
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    let weigh = |&label: &usize| labels.len() as f64 / (classes * counts[label]) as f64;
    labels.iter().map(weigh).collect()
}
