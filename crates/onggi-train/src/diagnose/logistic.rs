//! The simple model that a network is held against: multinomial logistic regression.

use crate::TrainError;
use crate::linear::minimise::{Descent, add_scaled, dot, minimise};
use crate::metrics::{check_lengths, log_sum_exp, refuse};

/// Steps of L-BFGS at most.
const STEPS: usize = 500;

/// The fit ends where no slope of the loss is steeper.
const TOLERANCE: f64 = 1e-7;

/// Most weights and most values of the data: 1 GB at 8 bytes.
const MOST: usize = 1 << 27;

/// Multinomial logistic regression with an L2 penalty, on features that it standardises itself.
///
/// Minimises `1/n Σ −ln p(label) + l2/2 ‖W‖²` over weights and biases, the biases without penalty, by
/// L-BFGS from zero. The same data gives the same bits. A feature that does not vary is left out.
///
/// # Example
/// ```
/// use onggi_train::diagnose::LogisticRegression;
///
/// let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
/// let model = LogisticRegression::fit(&x, &[0, 0, 0, 1, 1, 1], 2, 0.01)?;
/// let p = model.probabilities(&[0.0, 5.0])?;
/// assert!(p[0] > 0.95 && p[3] > 0.95);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Liu & Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
/// Programming 45, 1989.
///
/// # Differences from scikit-learn
/// The same model as `LogisticRegression(C=1 / (l2 · n))` after `StandardScaler`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegression {
    classes: usize,
    mean: Vec<f64>,
    /// 1 / standard deviation; 0 of a feature that does not vary.
    scale: Vec<f64>,
    /// `[classes][features + 1]`, the bias last.
    weights: Vec<f64>,
}

impl LogisticRegression {
    /// Fits to `labels.len()` samples, row by row in `x`.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for lists that do not fit together, labels outside the classes, features
    /// that are not finite, more than 2²⁷ values, and a negative or infinite `l2`.
    pub fn fit(x: &[f64], labels: &[usize], classes: usize, l2: f64) -> Result<Self, TrainError> {
        Ok(Self::path(x, labels, classes, &[l2])?.remove(0))
    }

    /// One model for each strength of the penalty, each started from the one before: quick where the
    /// strengths fall.
    ///
    /// # Errors
    /// As [`LogisticRegression::fit`], and for no strength at all.
    pub fn path(
        x: &[f64],
        labels: &[usize],
        classes: usize,
        l2: &[f64],
    ) -> Result<Vec<Self>, TrainError> {
        let n = labels.len();
        check_lengths(WHAT, n, n)?;
        if x.is_empty() || !x.len().is_multiple_of(n) {
            return refuse(
                WHAT,
                format!("features of {n} samples"),
                format!("{} values", x.len()),
            );
        }
        let features = x.len() / n;
        let size = classes.saturating_mul(features + 1).max(x.len());
        if classes == 0 || size > MOST {
            return refuse(WHAT, format!("1 to {MOST} weights and values"), size);
        }
        if let Some(label) = labels.iter().find(|&&label| label >= classes) {
            return refuse(WHAT, format!("labels below {classes}"), label);
        }
        check_features(x)?;
        if let Some(bad) = l2.iter().find(|l2| !(**l2 >= 0.0 && l2.is_finite())) {
            return refuse(WHAT, "a penalty of at least 0", bad);
        }
        if l2.is_empty() {
            return refuse(WHAT, "at least one penalty", 0);
        }
        let (mean, scale) = moments(x, features);
        let mut model = Self {
            classes,
            weights: vec![0.0; classes * (features + 1)],
            mean,
            scale,
        };
        let x = model.standardise(x);
        let fitted = l2.iter().map(|&l2| {
            let descent = Descent {
                steps: STEPS,
                tolerance: TOLERANCE,
                l1: 0.0,
                penalised: 0,
            };
            let from = std::mem::take(&mut model.weights);
            model.weights = minimise(from, &descent, |weights, slope| {
                loss(weights, &x, labels, classes, l2, slope)
            });
            model.clone()
        });
        Ok(fitted.collect())
    }

    /// Probabilities of samples, row by row in `x`: `classes` a sample.
    ///
    /// # Errors
    /// [`TrainError::Measure`] where `x` is no multiple of the features fitted to, or is not finite.
    pub fn probabilities(&self, x: &[f64]) -> Result<Vec<f64>, TrainError> {
        let features = self.mean.len();
        if !x.len().is_multiple_of(features) {
            return refuse(
                WHAT,
                format!("rows of {features} features"),
                format!("{} values", x.len()),
            );
        }
        check_features(x)?;
        let mut out = Vec::with_capacity(x.len() / features * self.classes);
        let mut logits = vec![0.0; self.classes];
        for row in self.standardise(x).chunks_exact(features) {
            let log_sum = forward(&self.weights, row, &mut logits);
            out.extend(logits.iter().map(|z| (z - log_sum).exp()));
        }
        Ok(out)
    }

    fn standardise(&self, x: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(x.len());
        for row in x.chunks_exact(self.mean.len()) {
            let scaled = row.iter().zip(&self.mean).zip(&self.scale);
            out.extend(scaled.map(|((x, mean), scale)| (x - mean) * scale));
        }
        out
    }
}

const WHAT: &str = "logistic regression";

/// Largest size of a feature: what `f32` holds; its square does not overflow.
fn check_features(x: &[f64]) -> Result<(), TrainError> {
    match x
        .iter()
        .find(|x| x.is_nan() || x.abs() > f64::from(f32::MAX))
    {
        Some(x) => refuse(WHAT, "finite features of up to 3.4e38", x),
        None => Ok(()),
    }
}

/// Means and reciprocal standard deviations of the features.
fn moments(x: &[f64], features: usize) -> (Vec<f64>, Vec<f64>) {
    let n = (x.len() / features) as f64;
    let mut mean = vec![0.0; features];
    for row in x.chunks_exact(features) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(mean, x)| *mean += x / n);
    }
    let mut variance = vec![0.0; features];
    for row in x.chunks_exact(features) {
        let deviations = row
            .iter()
            .zip(&mean)
            .map(|(x, mean)| (x - mean).powi(2) / n);
        variance
            .iter_mut()
            .zip(deviations)
            .for_each(|(v, d)| *v += d);
    }
    // Rounding leaves a trace of variance in a feature that has none.
    let scale = variance.iter().zip(&mean).map(|(v, mean)| {
        let std = v.sqrt();
        if std > 1e-12 * mean.abs() && std > 0.0 {
            1.0 / std
        } else {
            0.0
        }
    });
    let scale = scale.collect();
    (mean, scale)
}

/// Logits of a row, and the logarithm of the sum of their exponentials.
fn forward(weights: &[f64], row: &[f64], logits: &mut [f64]) -> f64 {
    let each = weights.chunks_exact(row.len() + 1);
    for (logit, w) in logits.iter_mut().zip(each) {
        *logit = dot(&w[..row.len()], row) + w[row.len()];
    }
    log_sum_exp(logits.iter().copied())
}

/// The penalised loss; its slope is written into `slope`.
fn loss(
    weights: &[f64],
    x: &[f64],
    labels: &[usize],
    classes: usize,
    l2: f64,
    slope: &mut [f64],
) -> f64 {
    let stride = weights.len() / classes;
    let features = stride - 1;
    slope.fill(0.0);
    let mut logits = vec![0.0; classes];
    let mut sum = 0.0;
    for (row, &label) in x.chunks_exact(features).zip(labels) {
        let log_sum = forward(weights, row, &mut logits);
        sum += log_sum - logits[label];
        for (class, slope) in slope.chunks_exact_mut(stride).enumerate() {
            let d = (logits[class] - log_sum).exp() - f64::from(u8::from(class == label));
            add_scaled(&mut slope[..features], d, row);
            slope[features] += d;
        }
    }
    let n = labels.len() as f64;
    let mut penalty = 0.0;
    for (slope, w) in slope
        .chunks_exact_mut(stride)
        .zip(weights.chunks_exact(stride))
    {
        slope.iter_mut().for_each(|slope| *slope /= n);
        add_scaled(&mut slope[..features], l2, &w[..features]);
        penalty += dot(&w[..features], &w[..features]);
    }
    sum / n + l2 / 2.0 * penalty
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Case {
        classes: usize,
        features: usize,
        l2: f64,
        x: Vec<f64>,
        labels: Vec<usize>,
        probabilities: Vec<f64>,
    }

    #[test]
    fn as_scikit_learn() {
        let text = include_str!("../../tests/fixtures/logistic.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases: Vec<Case> = serde_json::from_value(golden["cases"].clone()).unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            assert_eq!(case.x.len(), case.labels.len() * case.features);
            let model =
                LogisticRegression::fit(&case.x, &case.labels, case.classes, case.l2).unwrap();
            let got = model.probabilities(&case.x).unwrap();
            for (got, expected) in got.iter().zip(&case.probabilities) {
                assert!((got - expected).abs() < 1e-5, "{got}, not {expected}");
            }
        }
    }

    #[test]
    fn separable_data_without_penalty_ends() {
        let model = LogisticRegression::fit(&[0.0, 1.0], &[0, 1], 2, 0.0).unwrap();
        let p = model.probabilities(&[0.0, 1.0]).unwrap();
        assert!(p[0] > 0.999 && p[3] > 0.999, "{p:?}");
    }

    #[test]
    fn features_that_do_not_vary_are_left_out() {
        let x = [0.1, 5.0, 0.1, 6.0, 0.1, 7.0];
        let model = LogisticRegression::fit(&x, &[0, 1, 1], 2, 0.1).unwrap();
        let other = model.probabilities(&[9e9, 5.0]).unwrap();
        assert_eq!(other, model.probabilities(&[0.1, 5.0]).unwrap());
        let one = LogisticRegression::fit(&[3.0], &[0], 1, 0.1).unwrap();
        assert_eq!(one.probabilities(&[4.0]).unwrap(), [1.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let fit = LogisticRegression::fit;
        assert!(fit(&[], &[], 2, 0.1).is_err());
        assert!(fit(&[], &[0], 2, 0.1).is_err());
        assert!(fit(&[1.0, 2.0, 3.0], &[0, 1], 2, 0.1).is_err());
        assert!(fit(&[1.0], &[2], 2, 0.1).is_err());
        assert!(fit(&[1.0], &[0], usize::MAX, 0.1).is_err());
        assert!(fit(&[f64::NAN], &[0], 2, 0.1).is_err());
        assert!(fit(&[1.0], &[0], 2, -1.0).is_err());
        assert!(LogisticRegression::path(&[1.0], &[0], 2, &[]).is_err());
        let model = fit(&[1.0, 2.0], &[0], 2, 0.1).unwrap();
        assert!(model.probabilities(&[1.0]).is_err());
        assert!(model.probabilities(&[1.0, f64::INFINITY]).is_err());
    }
}
