//! The area under the precision–recall curve, by steps.

use super::auroc::{counts, mean};
use super::{Average, check_finite, check_lengths, check_scores, refuse};
use crate::TrainError;

/// Average precision: `Σ (R_t − R_{t−1}) P_t` over the thresholds `t` from the highest score down.
/// `None` where nothing is positive.
///
/// # Errors
/// [`TrainError::Measure`] for lists of different length, or none, and scores that are not finite.
///
/// # Example
/// ```
/// let ap = onggi_train::metrics::average_precision(&[true, false, true], &[0.9, 0.8, 0.3])?;
/// assert!((ap.unwrap() - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Differences from scikit-learn
/// Where nothing is positive, scikit-learn warns and gives 0.
pub fn average_precision(positive: &[bool], scores: &[f64]) -> Result<Option<f64>, TrainError> {
    check_lengths("average precision", positive.len(), scores.len())?;
    check_finite("average precision", scores)?;
    let pairs = positive.iter().copied().zip(scores.iter().copied());
    Ok(area(pairs.map(|(y, s)| (s, y)).collect()))
}

/// Average precision of each class against all others, averaged.
///
/// A macro average is `None` where a class does not occur; a weighted one leaves such classes out.
///
/// # Shapes
/// `scores`: `labels.len() · classes`, row by row.
///
/// # Errors
/// [`TrainError::Measure`] for lists that do not fit together, labels outside the classes, scores that
/// are not finite, and [`Average::Micro`].
pub fn average_precision_multiclass(
    labels: &[usize],
    scores: &[f64],
    classes: usize,
    average: Average,
) -> Result<Option<f64>, TrainError> {
    check_scores("average precision", labels, scores, classes)?;
    if average == Average::Micro {
        return refuse("average precision", "a macro or weighted average", "micro");
    }
    let counts = counts(labels, classes);
    let of = |class: usize| {
        let rows = scores.chunks_exact(classes).zip(labels);
        area(
            rows.map(|(row, &label)| (row[class], label == class))
                .collect(),
        )
    };
    Ok(mean(
        (0..classes).map(|class| (counts[class], of(class))),
        average,
    ))
}

/// The area of `(score, positive)`.
fn area(mut samples: Vec<(f64, bool)>) -> Option<f64> {
    samples.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut found, mut taken, mut sum) = (0.0, 0.0, 0.0);
    for tied in samples.chunk_by(|a, b| a.0 == b.0) {
        let yes = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        found += yes;
        taken += tied.len() as f64;
        sum += yes * found / taken;
    }
    (found > 0.0).then(|| sum / found)
}
