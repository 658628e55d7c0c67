//! Precision, recall and F1, of each class and averaged.

use super::refuse;
use crate::TrainError;

/// Precision, recall and F1 of one class, or an average of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// Share of the answers of this class that are right; 0 where it is never answered.
    pub precision: f64,
    /// Share of this class's samples that are found; 0 where it has none.
    pub recall: f64,
    /// `2 · precision · recall / (precision + recall)`; 0 where the class neither occurs nor is
    /// answered.
    pub f1: f64,
    /// Samples of this class; of an average, all samples.
    pub support: usize,
}

impl ClassScores {
    /// From counts: right answers, answers, and samples.
    fn new(right: usize, answers: usize, support: usize) -> Self {
        let ratio = |a: usize, b: usize| if b == 0 { 0.0 } else { a as f64 / b as f64 };
        Self {
            precision: ratio(right, answers),
            recall: ratio(right, support),
            f1: ratio(2 * right, support + answers),
            support,
        }
    }
}

/// How the figures of several classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// The mean over the classes, those without samples included: a rare class counts as much as a
    /// common one.
    Macro,
    /// From the counts of all classes together. Where every sample has one label and one answer,
    /// precision, recall and F1 are then all equal to the accuracy.
    Micro,
    /// The mean over the classes, weighted by their samples.
    Weighted,
}

/// Precision, recall and F1 of each class, from a [confusion matrix](super::confusion_matrix).
///
/// What has no samples to be a share of is 0: scikit-learn's `zero_division=0`.
///
/// # Errors
/// [`TrainError::Measure`] for a matrix that is not square.
pub fn class_scores(confusion: &[Vec<usize>]) -> Result<Vec<ClassScores>, TrainError> {
    let classes = confusion.len();
    if let Some(row) = confusion.iter().find(|row| row.len() != classes) {
        return refuse(
            "precision and recall",
            "a square matrix",
            format!("a row of {}", row.len()),
        );
    }
    let of = |class: usize| {
        let answers = confusion.iter().map(|row| row[class]).sum();
        ClassScores::new(
            confusion[class][class],
            answers,
            confusion[class].iter().sum(),
        )
    };
    Ok((0..classes).map(of).collect())
}

/// The averages of precision, recall and F1, each by itself: the average F1 is the mean of the
/// classes' F1, not the F1 of the averages.
///
/// # Errors
/// [`TrainError::Measure`] for a matrix that is not square, or has no samples.
///
/// # Example
/// ```
/// use onggi_train::metrics::{Average, average_scores, confusion_matrix};
///
/// let matrix = confusion_matrix(&[0, 0, 0, 1], &[0, 0, 1, 1], 2)?;
/// assert_eq!(average_scores(&matrix, Average::Macro)?.precision, 0.75);
/// assert_eq!(average_scores(&matrix, Average::Micro)?.precision, 0.75);
/// assert_eq!(average_scores(&matrix, Average::Weighted)?.precision, 0.875);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
pub fn average_scores(
    confusion: &[Vec<usize>],
    average: Average,
) -> Result<ClassScores, TrainError> {
    let all = class_scores(confusion)?;
    let support: usize = all.iter().map(|c| c.support).sum();
    if support == 0 {
        return refuse("precision and recall", "at least one sample", 0);
    }
    if average == Average::Micro {
        let right = (0..all.len()).map(|c| confusion[c][c]).sum();
        return Ok(ClassScores::new(right, support, support));
    }
    let mean = |of: fn(&ClassScores) -> f64| match average {
        Average::Weighted => {
            all.iter().map(|c| of(c) * c.support as f64).sum::<f64>() / support as f64
        }
        _ => all.iter().map(of).sum::<f64>() / all.len() as f64,
    };
    Ok(ClassScores {
        precision: mean(|c| c.precision),
        recall: mean(|c| c.recall),
        f1: mean(|c| c.f1),
        support,
    })
}
