//! The cross-entropy of probabilities with labels.

use super::check_probabilities;
use crate::TrainError;

/// Mean cross-entropy, in nats: `−1/n Σ ln p(label)`.
///
/// A probability of 0 counts as 2.2e-16, the smallest step of an `f64` at 1, so that one sure and
/// wrong answer costs 36 nats and not infinitely many.
///
/// # Shapes
/// `probabilities`: `labels.len() · classes`, row by row.
///
/// # Errors
/// [`TrainError::Measure`] for lists that do not fit together, labels outside the classes, and rows
/// that are no probabilities.
///
/// # Example
/// ```
/// let loss = onggi_train::metrics::log_loss(&[1], &[0.5, 0.5], 2)?;
/// assert!((loss - 2f64.ln()).abs() < 1e-12);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
pub fn log_loss(
    labels: &[usize],
    probabilities: &[f64],
    classes: usize,
) -> Result<f64, TrainError> {
    check_probabilities("log-loss", labels, probabilities, classes)?;
    let rows = probabilities.chunks_exact(classes).zip(labels);
    let clipped = rows.map(|(row, &label)| row[label].clamp(f64::EPSILON, 1.0 - f64::EPSILON));
    Ok(-clipped.map(f64::ln).sum::<f64>() / labels.len() as f64)
}
