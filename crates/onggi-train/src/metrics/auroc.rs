//! How well scores rank the samples of one class above the others.

use super::{Average, check_finite, check_lengths, check_scores, refuse};
use crate::TrainError;

/// Area under the ROC curve: the probability that a positive sample scores higher than a negative one,
/// a tie counting half. `None` where one of the two does not occur.
///
/// # Errors
/// [`TrainError::Measure`] for lists of different length, or none, and scores that are not finite.
///
/// # Example
/// ```
/// let auroc = onggi_train::metrics::auroc(&[false, true, false, true], &[0.1, 0.4, 0.4, 0.8])?;
/// assert_eq!(auroc, Some(0.875));
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Hanley & McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
/// curve", Radiology 143, 1982.
pub fn auroc(positive: &[bool], scores: &[f64]) -> Result<Option<f64>, TrainError> {
    check_lengths("AUROC", positive.len(), scores.len())?;
    check_finite("AUROC", scores)?;
    let pairs = positive.iter().copied().zip(scores.iter().copied());
    Ok(area(pairs.map(|(y, s)| (s, y)).collect()))
}

/// How a question with several classes is cut into yes-or-no questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiClass {
    /// Each class against all others. It depends on how common the classes are.
    OneVsRest,
    /// Each pair of classes that occur, on their samples only; of each pair the mean of the area by
    /// the one class's score and that by the other's (Hand & Till).
    OneVsOne,
}

/// AUROC of several classes.
///
/// `average` is [`Average::Macro`] or [`Average::Weighted`]; the weight of a class is its share of the
/// samples, that of a pair the share of the pair's samples. `None` where the average has no value: of
/// one class against the rest, a macro average where a class does not occur; and always where but one
/// class occurs.
///
/// # Shapes
/// `scores`: `labels.len() · classes`, row by row.
///
/// # Errors
/// [`TrainError::Measure`] for lists that do not fit together, labels outside the classes, scores that
/// are not finite, and [`Average::Micro`], which has no meaning for the AUROC of single labels.
///
/// # Reference
/// Hand & Till, "A simple generalisation of the area under the ROC curve for multiple class
/// classification problems", Machine Learning 45, 2001.
pub fn auroc_multiclass(
    labels: &[usize],
    scores: &[f64],
    classes: usize,
    multi_class: MultiClass,
    average: Average,
) -> Result<Option<f64>, TrainError> {
    check_scores("AUROC", labels, scores, classes)?;
    if average == Average::Micro {
        return refuse("AUROC", "a macro or weighted average", "micro");
    }
    let counts = counts(labels, classes);
    let rows = || scores.chunks_exact(classes).zip(labels.iter().copied());
    let rest = |class: usize| {
        area(
            rows()
                .map(|(row, label)| (row[class], label == class))
                .collect(),
        )
    };
    Ok(match multi_class {
        MultiClass::OneVsRest => mean(
            (0..classes).map(|class| (counts[class], rest(class))),
            average,
        ),
        MultiClass::OneVsOne => {
            let mut pairs = Vec::new();
            for a in (0..classes).filter(|&c| counts[c] > 0) {
                for b in (a + 1..classes).filter(|&c| counts[c] > 0) {
                    let of = |one: usize| {
                        let those = rows().filter(|&(_, label)| label == a || label == b);
                        area(those.map(|(row, label)| (row[one], label == one)).collect())
                    };
                    let both = of(a).zip(of(b)).map(|(x, y)| (x + y) / 2.0);
                    pairs.push((counts[a] + counts[b], both));
                }
            }
            mean(pairs.into_iter(), average)
        }
    })
}

/// Samples of each class.
pub(super) fn counts(labels: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[label] += 1;
    }
    counts
}

/// Macro or weighted mean of `(samples, value)`; a value without samples does not count in the
/// weighted one.
pub(super) fn mean(
    values: impl Iterator<Item = (usize, Option<f64>)>,
    average: Average,
) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (samples, value) in values {
        let weight = match average {
            Average::Weighted => samples as f64,
            _ => 1.0,
        };
        if weight > 0.0 {
            sum += weight * value?;
            weights += weight;
        }
    }
    (weights > 0.0).then_some(sum / weights)
}

/// The area of `(score, positive)`.
fn area(mut samples: Vec<(f64, bool)>) -> Option<f64> {
    samples.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut positives, mut negatives, mut pairs) = (0.0, 0.0, 0.0);
    for tied in samples.chunk_by(|a, b| a.0 == b.0) {
        let yes = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        let no = tied.len() as f64 - yes;
        pairs += no * (positives + yes / 2.0);
        positives += yes;
        negatives += no;
    }
    (positives > 0.0 && negatives > 0.0).then(|| pairs / (positives * negatives))
}
