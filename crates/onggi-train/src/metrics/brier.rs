//! The mean squared error of probabilities.

use super::{check_lengths, check_probabilities, refuse};
use crate::TrainError;

/// Brier score of a yes-or-no question: `1/n Σ (p − y)²`, from 0 (best) to 1.
///
/// # Errors
/// [`TrainError::Measure`] for lists of different length, or none, and values that are no
/// probabilities.
///
/// # Reference
/// Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78,
/// 1950.
pub fn brier(positive: &[bool], probabilities: &[f64]) -> Result<f64, TrainError> {
    const WHAT: &str = "Brier score";
    check_lengths(WHAT, positive.len(), probabilities.len())?;
    if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return refuse(WHAT, "probabilities from 0 to 1", p);
    }
    let pairs = positive.iter().zip(probabilities);
    let errors = pairs.map(|(&y, p)| (p - f64::from(u8::from(y))).powi(2));
    Ok(errors.sum::<f64>() / positive.len() as f64)
}

/// Brier score over all classes, as Brier defined it: `1/n Σ Σ_c (p_c − [label = c])²`, from 0 (best)
/// to 2.
///
/// With two classes it is twice [`brier`].
///
/// # Shapes
/// `probabilities`: `labels.len() · classes`, row by row.
///
/// # Errors
/// As [`log_loss`](super::log_loss).
pub fn brier_multiclass(
    labels: &[usize],
    probabilities: &[f64],
    classes: usize,
) -> Result<f64, TrainError> {
    check_probabilities("Brier score", labels, probabilities, classes)?;
    let mut sum = 0.0;
    for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
        for (class, p) in row.iter().enumerate() {
            sum += (p - f64::from(u8::from(class == label))).powi(2);
        }
    }
    Ok(sum / labels.len() as f64)
}
