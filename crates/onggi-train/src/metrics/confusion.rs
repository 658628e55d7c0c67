//! Which class is taken for which.

use super::{check_lengths, refuse};
use crate::TrainError;

/// `matrix[label][predicted]`: how many samples of a class are answered with each class.
///
/// # Errors
/// [`TrainError::Measure`] for lists of different length, or none, and classes that are not below
/// `classes`.
///
/// # Example
/// ```
/// let matrix = onggi_train::metrics::confusion_matrix(&[0, 0, 1], &[0, 1, 1], 2)?;
/// assert_eq!(matrix, [[1, 1], [0, 1]]);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
pub fn confusion_matrix(
    labels: &[usize],
    predicted: &[usize],
    classes: usize,
) -> Result<Vec<Vec<usize>>, TrainError> {
    const WHAT: &str = "confusion matrix";
    check_lengths(WHAT, labels.len(), predicted.len())?;
    if let Some(class) = labels.iter().chain(predicted).find(|&&c| c >= classes) {
        return refuse(WHAT, format!("classes below {classes}"), class);
    }
    let mut matrix = vec![vec![0; classes]; classes];
    for (&label, &answer) in labels.iter().zip(predicted) {
        matrix[label][answer] += 1;
    }
    Ok(matrix)
}
