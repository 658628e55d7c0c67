//! One number that makes a classifier's probabilities honest.

use super::{check_scores, log_sum_exp, refuse};
use crate::TrainError;

/// Temperatures that are fitted: beyond them the data does not bound the temperature, as where every
/// answer is right.
const RANGE: (f64, f64) = (0.01, 100.0);

/// Largest size of a logit: far above what an `f32` holds, far below where sums of squares overflow.
const LARGEST: f64 = 1e100;

/// Halvings of the range of `1/T`: 14 binary digits of range and 52 of the number.
const STEPS: usize = 70;

/// Temperature scaling: probabilities are `softmax(z / T)`.
///
/// `T > 1` makes them less sure, `T < 1` surer; the predicted class stays the same. It is fitted on
/// data that the model was not trained on.
///
/// # Example
/// ```
/// use onggi_train::metrics::Temperature;
///
/// // Always 95 % sure, right three times of four.
/// let logits = [3.0, 0.0].repeat(4);
/// let temperature = Temperature::fit(&[0, 0, 0, 1], &logits, 2)?;
/// let p = temperature.apply(&logits, 2)?;
/// assert!((p[0] - 0.75).abs() < 1e-9);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature {
    temperature: f64,
    bounded: bool,
}

impl Temperature {
    /// The temperature from 0.01 to 100 with the lowest cross-entropy.
    ///
    /// In `β = 1/T` the cross-entropy `Σ ln Σ_c e^(β z_c) − β z_label` is convex, so its slope has one
    /// zero, which is found by Newton's steps, and by halving where they would leave the bracket.
    ///
    /// # Shapes
    /// `logits`: `labels.len() · classes`, row by row; log-probabilities will do as well.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for lists that do not fit together, labels outside the classes, and
    /// logits that are not finite or beyond 1e100.
    pub fn fit(labels: &[usize], logits: &[f64], classes: usize) -> Result<Self, TrainError> {
        check_scores(WHAT, labels, logits, classes)?;
        check_size(logits)?;
        let (mut low, mut high) = (1.0 / RANGE.1, 1.0 / RANGE.0);
        for (end, outside) in [(low, 1.0), (high, -1.0)] {
            // The slope rises: at its ends it says whether the zero lies beyond them.
            if outside * slope(labels, logits, classes, end).0 >= 0.0 {
                return Ok(Self {
                    temperature: 1.0 / end,
                    bounded: true,
                });
            }
        }
        let mut beta = 1.0;
        for _ in 0..STEPS {
            let (first, second) = slope(labels, logits, classes, beta);
            if first < 0.0 {
                low = beta;
            } else {
                high = beta;
            }
            let newton = beta - first / second;
            let next = if newton > low && newton < high {
                newton
            } else {
                (low + high) / 2.0
            };
            let moved = (next - beta).abs();
            beta = next;
            if moved <= 1e-14 * beta {
                break;
            }
        }
        Ok(Self {
            temperature: 1.0 / beta,
            bounded: false,
        })
    }

    /// `T`.
    pub fn value(&self) -> f64 {
        self.temperature
    }

    /// Whether the lowest cross-entropy lay beyond the range of `T`, so that `T` is an end of it: the
    /// data is separated perfectly, or the logits tell nothing of the labels.
    pub fn is_bounded(&self) -> bool {
        self.bounded
    }

    /// `softmax(z / T)` of each sample.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for logits as in [`Temperature::fit`], and for a number of them that is no
    /// multiple of `classes`.
    pub fn apply(&self, logits: &[f64], classes: usize) -> Result<Vec<f64>, TrainError> {
        if classes == 0 || !logits.len().is_multiple_of(classes) {
            return refuse(WHAT, format!("rows of {classes} ≥ 1 logits"), logits.len());
        }
        check_size(logits)?;
        let mut out = Vec::with_capacity(logits.len());
        for row in logits.chunks_exact(classes) {
            let scaled = row.iter().map(|z| z / self.temperature);
            let log_sum = log_sum_exp(scaled.clone());
            out.extend(scaled.map(|z| (z - log_sum).exp()));
        }
        Ok(out)
    }
}

const WHAT: &str = "temperature";

fn check_size(logits: &[f64]) -> Result<(), TrainError> {
    match logits.iter().find(|z| z.is_nan() || z.abs() > LARGEST) {
        Some(z) => refuse(WHAT, "finite logits of up to 1e100", z),
        None => Ok(()),
    }
}

/// First and second derivative of the summed cross-entropy by `β`: `Σ E[z] − z_label` and `Σ Var[z]`,
/// under `softmax(β z)`.
fn slope(labels: &[usize], logits: &[f64], classes: usize, beta: f64) -> (f64, f64) {
    let (mut first, mut second) = (0.0, 0.0);
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        let log_sum = log_sum_exp(row.iter().map(|z| beta * z));
        let p = |z: f64| (beta * z - log_sum).exp();
        let mean: f64 = row.iter().map(|&z| p(z) * z).sum();
        first += mean - row[label];
        second += row.iter().map(|&z| p(z) * (z - mean).powi(2)).sum::<f64>();
    }
    (first, second)
}
