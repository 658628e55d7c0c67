//! How often the answer is right.

use super::{check_lengths, check_scores, refuse};
use crate::TrainError;

/// Share of samples whose predicted class is their label.
///
/// # Errors
/// [`TrainError::Measure`] for lists of different length, or none.
///
/// # Example
/// ```
/// assert_eq!(onggi_train::metrics::accuracy(&[0, 1, 2, 2], &[0, 1, 2, 0])?, 0.75);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
pub fn accuracy(labels: &[usize], predicted: &[usize]) -> Result<f64, TrainError> {
    check_lengths("accuracy", labels.len(), predicted.len())?;
    let right = labels.iter().zip(predicted).filter(|(l, p)| l == p).count();
    Ok(right as f64 / labels.len() as f64)
}

/// Share of samples whose label is among their `k` highest scores.
///
/// Of equal scores the lower class counts as higher, so that `k = 1` is the [`accuracy`] of the most
/// probable class.
///
/// # Shapes
/// `scores`: `labels.len() · classes`, row by row.
///
/// # Errors
/// [`TrainError::Measure`] for lists that do not fit together, labels outside the classes, scores
/// that are not finite, and `k` outside of `1..=classes`.
///
/// # Differences from scikit-learn
/// Of equal scores scikit-learn's `top_k_accuracy_score` takes the higher class first.
pub fn top_k_accuracy(
    labels: &[usize],
    scores: &[f64],
    classes: usize,
    k: usize,
) -> Result<f64, TrainError> {
    const WHAT: &str = "top-k accuracy";
    check_scores(WHAT, labels, scores, classes)?;
    if !(1..=classes).contains(&k) {
        return refuse(WHAT, format!("k from 1 to {classes}"), k);
    }
    let hit = |(row, &label): (&[f64], &usize)| {
        let above = row.iter().enumerate();
        let above = above.filter(|&(c, &s)| s > row[label] || (s == row[label] && c < label));
        above.count() < k
    };
    let hits = scores.chunks_exact(classes).zip(labels);
    Ok(hits.filter(|&(row, label)| hit((row, label))).count() as f64 / labels.len() as f64)
}
