//! The figures that a run keeps of a classifier.

use super::{accuracy, class_scores, confusion_matrix};
use crate::run::{ClassMetrics, Evaluation};
use crate::{Predictions, TrainError};

/// Accuracy, macro F1, per-class precision, recall and F1, and the confusion matrix.
///
/// Where a class is never predicted its precision is 0, where it does not occur its recall is 0,
/// and where both are 0 so is its F1: scikit-learn's `zero_division=0`. The macro F1 is the mean
/// over all classes, those that do not occur included.
///
/// # Errors
/// [`TrainError::Measure`] for predictions without samples, or of other classes than `classes`.
pub fn evaluation(predictions: &Predictions, classes: &[String]) -> Result<Evaluation, TrainError> {
    let predicted = predictions.predicted();
    let confusion = confusion_matrix(&predictions.labels, &predicted, classes.len())?;
    let scores = class_scores(&confusion)?;
    let per_class = classes
        .iter()
        .zip(&scores)
        .map(|(class, scores)| ClassMetrics {
            class: class.clone(),
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            support: scores.support,
        });
    Ok(Evaluation {
        samples: predictions.labels.len(),
        loss: predictions.loss,
        accuracy: accuracy(&predictions.labels, &predicted)?,
        macro_f1: scores.iter().map(|c| c.f1).sum::<f64>() / classes.len() as f64,
        per_class: per_class.collect(),
        confusion,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        classes: usize,
        truth: Vec<usize>,
        predicted: Vec<usize>,
        accuracy: f64,
        macro_f1: f64,
        precision: Vec<f64>,
        recall: Vec<f64>,
        f1: Vec<f64>,
        confusion: Vec<Vec<usize>>,
    }

    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }

    #[test]
    fn equals_scikit_learn() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/fixtures/metrics.json")).unwrap();
        assert_eq!(golden.cases.len(), 5);
        for case in golden.cases {
            let mut probabilities = vec![0.0; case.predicted.len() * case.classes];
            for (i, &p) in case.predicted.iter().enumerate() {
                probabilities[i * case.classes + p] = 1.0;
            }
            let labels = case.truth;
            let predictions = Predictions {
                classes: case.classes,
                probabilities,
                loss: 0.0,
                labels,
            };
            let names: Vec<_> = (0..case.classes).map(|c| c.to_string()).collect();
            let got = evaluation(&predictions, &names).unwrap();
            let close = |what: &str, got: f64, expected: f64| {
                assert!(
                    (got - expected).abs() < 1e-12,
                    "{}: {what}: {got}",
                    case.name
                );
            };
            close("accuracy", got.accuracy, case.accuracy);
            close("macro_f1", got.macro_f1, case.macro_f1);
            for (c, metrics) in got.per_class.iter().enumerate() {
                close("precision", metrics.precision, case.precision[c]);
                close("recall", metrics.recall, case.recall[c]);
                close("f1", metrics.f1, case.f1[c]);
            }
            assert_eq!(got.confusion, case.confusion, "{}", case.name);
        }
    }
}
