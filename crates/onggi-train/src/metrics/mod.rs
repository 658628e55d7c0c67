//! Figures of merit on slices: they know no tensor and no model.
//!
//! | question | figures |
//! | --- | --- |
//! | how often is the answer right? | [`accuracy`], [`top_k_accuracy`], [`confusion_matrix`] |
//! | which classes are found? | [`class_scores`], [`average_scores`] |
//! | are the right ones ranked first? | [`auroc`], [`auroc_multiclass`], [`average_precision`], [`average_precision_multiclass`] |
//! | are the probabilities good? | [`log_loss`], [`brier`], [`brier_multiclass`] |
//! | does 80 % mean 80 %? | [`Calibration`], [`Temperature`] |
//! | how far off is a number? | [`mean_absolute_error`], [`root_mean_squared_error`], [`r_squared`] |
//!
//! Labels are class indices. Probabilities lie row by row, `classes` a sample. All are fractions, not
//! percentages. What a figure cannot be computed from is refused by
//! [`TrainError::Measure`]; where the input is good but the figure has no
//! value, as the AUROC of one class alone, it is `None`.
//!
//! # Example
//! ```
//! use onggi_train::metrics;
//!
//! let labels = [0, 1, 1];
//! let probabilities = [0.9, 0.1, 0.6, 0.4, 0.2, 0.8];
//! assert_eq!(metrics::accuracy(&labels, &[0, 0, 1])?, 2.0 / 3.0);
//! assert_eq!(metrics::top_k_accuracy(&labels, &probabilities, 2, 2)?, 1.0);
//! let auroc = metrics::auroc(&[false, true, true], &[0.1, 0.4, 0.8])?;
//! assert_eq!(auroc, Some(1.0));
//! # Ok::<(), onggi_train::TrainError>(())
//! ```

mod accuracy;
mod auroc;
mod average_precision;
mod brier;
mod calibration;
mod class_scores;
mod confusion;
mod evaluation;
mod log_loss;
mod regression;
mod temperature;
#[cfg(test)]
mod tests;

pub use accuracy::{accuracy, top_k_accuracy};
pub use auroc::{MultiClass, auroc, auroc_multiclass};
pub use average_precision::{average_precision, average_precision_multiclass};
pub use brier::{brier, brier_multiclass};
pub use calibration::{Calibration, CalibrationBin};
pub use class_scores::{Average, ClassScores, average_scores, class_scores};
pub use confusion::confusion_matrix;
pub use evaluation::evaluation;
pub use log_loss::log_loss;
pub use regression::{mean_absolute_error, r_squared, root_mean_squared_error};
pub use temperature::Temperature;

use crate::TrainError;

/// How far the probabilities of a sample may add up to something else than 1: far above the rounding
/// of a softmax in `f32`, far below what a forgotten softmax gives.
const SUM_TOLERANCE: f64 = 1e-3;

pub(crate) fn refuse<T>(
    what: &'static str,
    expected: impl Into<String>,
    got: impl ToString,
) -> Result<T, TrainError> {
    Err(TrainError::Measure {
        what,
        expected: expected.into(),
        got: got.to_string(),
    })
}

/// As many values as labels, and at least one.
pub(crate) fn check_lengths(
    what: &'static str,
    labels: usize,
    values: usize,
) -> Result<(), TrainError> {
    if labels == 0 {
        return refuse(what, "at least one sample", 0);
    }
    if labels != values {
        return refuse(what, format!("{labels} values, one a sample"), values);
    }
    Ok(())
}

/// Finite numbers only.
pub(crate) fn check_finite(what: &'static str, values: &[f64]) -> Result<(), TrainError> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => refuse(what, "finite numbers", value),
        None => Ok(()),
    }
}

/// `classes` finite scores a sample, and labels among the classes.
pub(crate) fn check_scores(
    what: &'static str,
    labels: &[usize],
    scores: &[f64],
    classes: usize,
) -> Result<(), TrainError> {
    if labels.is_empty() {
        return refuse(what, "at least one sample", 0);
    }
    if classes == 0 || labels.len().checked_mul(classes) != Some(scores.len()) {
        let expected = format!("{} samples of {classes} ≥ 1 classes", labels.len());
        return refuse(what, expected, format!("{} values", scores.len()));
    }
    if let Some(label) = labels.iter().find(|&&label| label >= classes) {
        return refuse(what, format!("labels below {classes}"), label);
    }
    check_finite(what, scores)
}

/// [`check_scores`], and that each sample's scores are probabilities that add up to 1.
pub(crate) fn check_probabilities(
    what: &'static str,
    labels: &[usize],
    probabilities: &[f64],
    classes: usize,
) -> Result<(), TrainError> {
    check_scores(what, labels, probabilities, classes)?;
    if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return refuse(what, "probabilities from 0 to 1", p);
    }
    let mut sums = probabilities
        .chunks_exact(classes)
        .map(|row| row.iter().sum::<f64>());
    match sums.find(|sum| (sum - 1.0).abs() > SUM_TOLERANCE) {
        Some(sum) => refuse(what, "probabilities that add up to 1", sum),
        None => Ok(()),
    }
}

/// The largest value's place; of equal ones, the first.
pub(crate) fn argmax(row: &[f64]) -> usize {
    let mut best = 0;
    for (i, &value) in row.iter().enumerate() {
        if value > row[best] {
            best = i;
        }
    }
    best
}

/// `ln Σ eᶻ`, without overflow.
pub(crate) fn log_sum_exp(row: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = row.clone().fold(f64::NEG_INFINITY, f64::max);
    max + row.map(|z| (z - max).exp()).sum::<f64>().ln()
}
