//! Figures of a classifier.

use crate::Predictions;
use crate::run::{ClassMetrics, Evaluation};

/// Accuracy, macro F1, per-class precision, recall and F1, and the confusion matrix.
///
/// Where a class is never predicted its precision is 0, where it does not occur its recall is 0,
/// and where both are 0 so is its F1: scikit-learn's `zero_division=0`. The macro F1 is the mean
/// over all classes, those that do not occur included.
pub fn evaluation(predictions: &Predictions, classes: &[String]) -> Evaluation {
    let k = classes.len();
    let mut confusion = vec![vec![0; k]; k];
    for (&truth, predicted) in predictions.labels.iter().zip(predictions.predicted()) {
        confusion[truth][predicted] += 1;
    }
    let ratio = |a: usize, b: usize| if b == 0 { 0.0 } else { a as f64 / b as f64 };
    let per_class: Vec<_> = (0..k)
        .map(|c| {
            let right = confusion[c][c];
            let support: usize = confusion[c].iter().sum();
            let predicted: usize = confusion.iter().map(|row| row[c]).sum();
            ClassMetrics {
                class: classes[c].clone(),
                precision: ratio(right, predicted),
                recall: ratio(right, support),
                f1: ratio(2 * right, support + predicted),
                support,
            }
        })
        .collect();
    let samples = predictions.labels.len();
    let right = (0..k).map(|c| confusion[c][c]).sum();
    Evaluation {
        samples,
        loss: predictions.loss,
        accuracy: ratio(right, samples),
        macro_f1: per_class.iter().map(|c| c.f1).sum::<f64>() / k.max(1) as f64,
        per_class,
        confusion,
    }
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
            serde_json::from_str(include_str!("../tests/fixtures/metrics.json")).unwrap();
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
            let got = evaluation(&predictions, &names);
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
