//! How far predicted numbers are from the true ones.

use super::{check_finite, check_lengths};
use crate::TrainError;

fn check(what: &'static str, truth: &[f64], predicted: &[f64]) -> Result<(), TrainError> {
    check_lengths(what, truth.len(), predicted.len())?;
    check_finite(what, truth)?;
    check_finite(what, predicted)
}

/// Mean absolute error, in the unit of the target: `1/n Σ |ŷ − y|`.
///
/// # Errors
/// [`TrainError::Measure`] for lists of different length, or none, and numbers that are not finite.
pub fn mean_absolute_error(truth: &[f64], predicted: &[f64]) -> Result<f64, TrainError> {
    check("mean absolute error", truth, predicted)?;
    let errors = truth.iter().zip(predicted).map(|(y, p)| (p - y).abs());
    Ok(errors.sum::<f64>() / truth.len() as f64)
}

/// Root of the mean squared error, in the unit of the target: `√(1/n Σ (ŷ − y)²)`.
///
/// # Errors
/// As [`mean_absolute_error`].
pub fn root_mean_squared_error(truth: &[f64], predicted: &[f64]) -> Result<f64, TrainError> {
    check("root mean squared error", truth, predicted)?;
    let errors = truth.iter().zip(predicted).map(|(y, p)| (p - y).powi(2));
    Ok((errors.sum::<f64>() / truth.len() as f64).sqrt())
}

/// Coefficient of determination: `R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²`.
///
/// 1 is perfect, 0 is as good as always saying the mean, below 0 is worse. Where the truth is always
/// the same, it is 1 for perfect predictions and 0 for others; of a single sample, `None`.
///
/// # Errors
/// As [`mean_absolute_error`].
///
/// # Example
/// ```
/// let r2 = onggi_train::metrics::r_squared(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0])?;
/// assert_eq!(r2, Some(0.5));
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
pub fn r_squared(truth: &[f64], predicted: &[f64]) -> Result<Option<f64>, TrainError> {
    check("R²", truth, predicted)?;
    if truth.len() < 2 {
        return Ok(None);
    }
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let residual: f64 = truth
        .iter()
        .zip(predicted)
        .map(|(y, p)| (y - p).powi(2))
        .sum();
    let total: f64 = truth.iter().map(|y| (y - mean).powi(2)).sum();
    Ok(Some(if total > 0.0 {
        1.0 - residual / total
    } else {
        f64::from(u8::from(residual == 0.0))
    }))
}
