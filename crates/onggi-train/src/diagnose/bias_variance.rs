//! Errors of many trainings, cut into what they have in common and what they differ in.

use crate::TrainError;
use crate::metrics::{check_finite, check_lengths, check_probabilities, log_sum_exp, refuse};
use serde::Serialize;

/// A probability of 0 counts as this in a logarithm: the smallest of a softmax in `f32`.
const SMALLEST: f64 = 1e-38;

/// The expected error of a model trained on data drawn anew, as `bias + variance`.
///
/// The bias holds the noise of the labels too, which no model can go below. Both are means over the
/// samples of held-out data, from `K` models each trained on its own bootstrap draw of the training
/// data; the identity `error = bias + variance` is exact, as the variance is the mean over the `K`
/// models themselves (divided by `K`, not `K − 1`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BiasVariance {
    /// Mean error of one model.
    pub error: f64,
    /// Error of the mean model: what more data would not mend.
    pub bias: f64,
    /// What the models differ by from their mean: what averaging many models would save.
    pub variance: f64,
}

impl BiasVariance {
    /// Of the cross-entropy, in nats.
    ///
    /// The mean model is the normalised geometric mean, `p̄ ∝ exp(1/K Σ ln p_k)`, as the cross-entropy
    /// asks for: `bias = −ln p̄(label)`, `variance = 1/K Σ KL(p̄ ‖ p_k)`.
    ///
    /// # Shapes
    /// `models`: `K` lists of `labels.len() · classes` probabilities, row by row.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for fewer than two models, lists that do not fit together, and rows that
    /// are no probabilities.
    ///
    /// # Example
    /// ```
    /// use onggi_train::diagnose::BiasVariance;
    ///
    /// let one = [0.9, 0.1];
    /// let other = [0.5, 0.5];
    /// let parts = BiasVariance::cross_entropy(&[&one, &other], &[0], 2)?;
    /// assert!((parts.error - -(0.9f64.ln() + 0.5f64.ln()) / 2.0).abs() < 1e-12);
    /// assert!((parts.bias - -0.75f64.ln()).abs() < 1e-12); // (3/4, 1/4) is the geometric mean
    /// # Ok::<(), onggi_train::TrainError>(())
    /// ```
    ///
    /// # Reference
    /// Heskes, "Bias/variance decompositions for likelihood-based estimators", Neural Computation 10,
    /// 1998; Pfau, "A generalized bias-variance decomposition for Bregman divergences", 2013.
    pub fn cross_entropy(
        models: &[&[f64]],
        labels: &[usize],
        classes: usize,
    ) -> Result<Self, TrainError> {
        at_least_two(models.len())?;
        for probabilities in models {
            check_probabilities(WHAT, labels, probabilities, classes)?;
        }
        let ln = |p: f64| p.max(SMALLEST).ln();
        let (mut error, mut bias, mut variance) = (0.0, 0.0, 0.0);
        let mut mean = vec![0.0; classes];
        for (i, &label) in labels.iter().enumerate() {
            let rows = || {
                models
                    .iter()
                    .map(|model| &model[i * classes..(i + 1) * classes])
            };
            mean.fill(0.0);
            for row in rows() {
                let (logs, log_sum) = normalised(row, ln);
                for (mean, log) in mean.iter_mut().zip(logs) {
                    *mean += (log - log_sum) / models.len() as f64;
                }
            }
            // `−log_sum` is the mean divergence of the models from their mean.
            let log_sum = log_sum_exp(mean.iter().copied());
            error -= mean[label];
            bias -= mean[label] - log_sum;
            variance -= log_sum;
        }
        Ok(Self::mean(error, bias, variance, labels.len()))
    }

    /// Of the squared error: `bias = (f̄ − y)²`, `variance = 1/K Σ (f_k − f̄)²`, `f̄` the mean
    /// prediction.
    ///
    /// # Shapes
    /// `models`: `K` lists of `truth.len()` predictions.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for fewer than two models, lists of different length, or none, and
    /// numbers that are not finite.
    ///
    /// # Reference
    /// Geman, Bienenstock & Doursat, "Neural networks and the bias/variance dilemma", Neural
    /// Computation 4, 1992.
    pub fn squared_error(models: &[&[f64]], truth: &[f64]) -> Result<Self, TrainError> {
        at_least_two(models.len())?;
        check_finite(WHAT, truth)?;
        for predictions in models {
            check_lengths(WHAT, truth.len(), predictions.len())?;
            check_finite(WHAT, predictions)?;
        }
        let k = models.len() as f64;
        let (mut error, mut bias, mut variance) = (0.0, 0.0, 0.0);
        for (i, y) in truth.iter().enumerate() {
            let mean = models.iter().map(|model| model[i]).sum::<f64>() / k;
            error += models.iter().map(|m| (m[i] - y).powi(2)).sum::<f64>() / k;
            bias += (mean - y).powi(2);
            variance += models.iter().map(|m| (m[i] - mean).powi(2)).sum::<f64>() / k;
        }
        Ok(Self::mean(error, bias, variance, truth.len()))
    }

    fn mean(error: f64, bias: f64, variance: f64, samples: usize) -> Self {
        let n = samples as f64;
        Self {
            error: error / n,
            bias: bias / n,
            variance: variance / n,
        }
    }
}

const WHAT: &str = "bias and variance";

fn at_least_two(models: usize) -> Result<(), TrainError> {
    if models < 2 {
        return refuse(WHAT, "predictions of at least two models", models);
    }
    Ok(())
}

/// Logarithms of a row, and that of their sum, which rounding and the smallest probability keep from 0.
fn normalised(
    row: &[f64],
    ln: impl Fn(f64) -> f64 + Copy,
) -> (impl Iterator<Item = f64> + Clone, f64) {
    let logs = row.iter().map(move |&p| ln(p));
    (logs.clone(), log_sum_exp(logs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn models_that_agree_have_no_variance() {
        let p = [0.7, 0.2, 0.1];
        let got = BiasVariance::cross_entropy(&[&p, &p, &p], &[1], 3).unwrap();
        assert!(got.variance.abs() < 1e-12);
        assert!((got.bias - -0.2f64.ln()).abs() < 1e-12);
        let got = BiasVariance::squared_error(&[&[2.0], &[2.0]], &[1.0]).unwrap();
        assert_eq!((got.error, got.bias, got.variance), (1.0, 1.0, 0.0));
    }

    #[test]
    fn models_that_scatter_around_the_truth_have_no_bias() {
        let got = BiasVariance::squared_error(&[&[0.0], &[2.0]], &[1.0]).unwrap();
        assert_eq!((got.error, got.bias, got.variance), (1.0, 0.0, 1.0));
    }

    #[test]
    fn a_sure_and_wrong_model_stays_finite() {
        let got = BiasVariance::cross_entropy(&[&[1.0, 0.0], &[0.0, 1.0]], &[0], 2).unwrap();
        assert!(got.error.is_finite() && got.variance > 10.0, "{got:?}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(BiasVariance::cross_entropy(&[&[1.0, 0.0]], &[0], 2).is_err());
        assert!(BiasVariance::cross_entropy(&[&[1.0, 0.0], &[1.0]], &[0], 2).is_err());
        assert!(BiasVariance::cross_entropy(&[&[1.0, 1.0], &[1.0, 0.0]], &[0], 2).is_err());
        assert!(BiasVariance::squared_error(&[&[1.0], &[1.0, 2.0]], &[1.0]).is_err());
        assert!(BiasVariance::squared_error(&[&[1.0], &[1.0]], &[]).is_err());
        assert!(BiasVariance::squared_error(&[&[1.0], &[f64::NAN]], &[1.0]).is_err());
    }

    proptest! {
        /// The definition, word by word, and the identity.
        #[test]
        fn error_is_bias_and_variance(
            weights in prop::collection::vec(prop::collection::vec(0.01..1.0f64, 9), 2..5),
            labels in prop::collection::vec(0..3usize, 3),
        ) {
            let models: Vec<Vec<f64>> = weights.iter().map(|w| {
                w.chunks(3).flat_map(|row| row.iter().map(move |x| x / row.iter().sum::<f64>()))
                    .collect()
            }).collect();
            let slices: Vec<&[f64]> = models.iter().map(Vec::as_slice).collect();
            let got = BiasVariance::cross_entropy(&slices, &labels, 3).unwrap();
            prop_assert!((got.error - got.bias - got.variance).abs() < 1e-12);
            let (mut error, mut divergence) = (0.0, 0.0);
            for (i, &label) in labels.iter().enumerate() {
                let mut mean: Vec<f64> = (0..3).map(|c| {
                    let logs = models.iter().map(|m| m[3 * i + c].ln());
                    (logs.sum::<f64>() / models.len() as f64).exp()
                }).collect();
                let sum: f64 = mean.iter().sum();
                mean.iter_mut().for_each(|p| *p /= sum);
                for m in &models {
                    let each = 1.0 / models.len() as f64 / 3.0;
                    error -= each * m[3 * i + label].ln();
                    divergence += each
                        * (0..3).map(|c| mean[c] * (mean[c] / m[3 * i + c]).ln()).sum::<f64>();
                }
            }
            prop_assert!((got.error - error).abs() < 1e-12);
            prop_assert!((got.variance - divergence).abs() < 1e-12);
        }
    }
}
