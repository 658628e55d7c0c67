//! Labels that are probably wrong: confident learning.

use crate::TrainError;
use crate::metrics::{argmax, check_probabilities};
use serde::Serialize;

/// A sample whose label is probably wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Suspect {
    /// Place of the sample in the lists given.
    pub index: usize,
    /// Its label.
    pub label: usize,
    /// The class that it is confidently counted to.
    pub suggested: usize,
    /// Probability of its label.
    pub self_confidence: f64,
    /// Probability of its label less that of the most probable other class: −1 is the surest suspect.
    pub margin: f64,
}

/// What confident learning finds in labels, given out-of-sample probabilities.
///
/// Class `c` has the threshold `t_c`, the mean probability of `c` over the samples labelled `c`. A
/// sample is counted confidently to the most probable of the classes whose threshold it reaches, if
/// there is one: `joint[label][class]`. Those off the diagonal, whose label is not the most probable
/// class either, are suspects, ranked by margin.
///
/// The probabilities must come from a model that has not been trained on the very samples (held-out
/// data, or cross-validation): a model that has learned a wrong label by heart finds it right.
///
/// # Example
/// ```
/// use onggi_train::diagnose::LabelErrors;
///
/// let labels = [0, 0, 0, 1, 1, 1];
/// let p = [0.9, 0.1, 0.8, 0.2, 0.05, 0.95, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8];
/// let found = LabelErrors::find(&labels, &p, 2)?;
/// assert_eq!(found.suspects.len(), 1);
/// assert_eq!((found.suspects[0].index, found.suspects[0].suggested), (2, 1));
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Northcutt, Jiang & Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70,
/// 2021.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelErrors {
    /// `t_c`; `None` of a class that no sample is labelled with.
    pub thresholds: Vec<Option<f64>>,
    /// `joint[label][class]`, counts.
    pub joint: Vec<Vec<usize>>,
    /// Estimated share of wrong labels: the off-diagonal share of the joint, each of its rows first
    /// scaled to the number of samples with that label.
    pub noise: f64,
    /// The suspects, surest first; equal ones in the order of the samples.
    pub suspects: Vec<Suspect>,
}

/// How far below its threshold a probability may lie to reach it: rounding.
const SLACK: f64 = 1e-6;

impl LabelErrors {
    /// Finds the suspects.
    ///
    /// # Shapes
    /// `probabilities`: `labels.len() · classes`, row by row.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for lists that do not fit together, labels outside the classes, and rows
    /// that are no probabilities.
    pub fn find(
        labels: &[usize],
        probabilities: &[f64],
        classes: usize,
    ) -> Result<Self, TrainError> {
        check_probabilities("label errors", labels, probabilities, classes)?;
        let rows = || {
            probabilities
                .chunks_exact(classes)
                .zip(labels.iter().copied())
        };
        let (mut sums, mut counts) = (vec![0.0; classes], vec![0usize; classes]);
        for (row, label) in rows() {
            sums[label] += row[label];
            counts[label] += 1;
        }
        let mean = |(sum, &n): (&f64, &usize)| (n > 0).then(|| sum / n as f64);
        let thresholds: Vec<Option<f64>> = sums.iter().zip(&counts).map(mean).collect();

        let mut joint = vec![vec![0usize; classes]; classes];
        let mut suspects = Vec::new();
        for (index, (row, label)) in rows().enumerate() {
            let mut counted: Option<usize> = None;
            for (class, &p) in row.iter().enumerate() {
                let reaches = thresholds[class].is_some_and(|t| p >= t - SLACK);
                if reaches && counted.is_none_or(|best| p > row[best]) {
                    counted = Some(class);
                }
            }
            let Some(class) = counted else { continue };
            joint[label][class] += 1;
            if class != label && argmax(row) != label {
                let others = row.iter().enumerate().filter(|&(c, _)| c != label);
                let other = others.map(|(_, &p)| p).fold(0.0, f64::max);
                suspects.push(Suspect {
                    index,
                    label,
                    suggested: class,
                    self_confidence: row[label],
                    margin: row[label] - other,
                });
            }
        }
        suspects.sort_by(|a, b| a.margin.total_cmp(&b.margin));
        let wrong = joint.iter().enumerate().map(|(label, row)| {
            let all: usize = row.iter().sum();
            let off = all - row[label];
            if all == 0 {
                0.0
            } else {
                counts[label] as f64 * off as f64 / all as f64
            }
        });
        Ok(Self {
            noise: wrong.sum::<f64>() / labels.len() as f64,
            thresholds,
            joint,
            suspects,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Case {
        classes: usize,
        labels: Vec<usize>,
        probabilities: Vec<f64>,
        joint: Vec<Vec<usize>>,
        suspects: Vec<usize>,
    }

    #[test]
    fn as_cleanlab() {
        let text = include_str!("../../tests/fixtures/label_errors.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases: Vec<Case> = serde_json::from_value(golden["cases"].clone()).unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let got = LabelErrors::find(&case.labels, &case.probabilities, case.classes).unwrap();
            assert_eq!(got.joint, case.joint);
            let order: Vec<usize> = got.suspects.iter().map(|s| s.index).collect();
            assert_eq!(order, case.suspects);
        }
    }

    /// Of 2,000 samples 100 are given a wrong label; the model is right nine times of ten.
    #[test]
    fn planted_label_errors_are_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (n, classes) = (2000, 4);
        let (mut labels, mut p) = (Vec::new(), Vec::new());
        for i in 0..n {
            let truth = i % classes;
            labels.push(if i % 20 == 0 {
                (truth + 1) % classes
            } else {
                truth
            });
            let seen = if rng.random_bool(0.1) {
                rng.random_range(0..classes)
            } else {
                truth
            };
            let sure = rng.random_range(0.6..0.97);
            p.extend((0..classes).map(|c| if c == seen { sure } else { (1.0 - sure) / 3.0 }));
        }
        let found = LabelErrors::find(&labels, &p, classes).unwrap();
        let planted = found.suspects.iter().filter(|s| s.index % 20 == 0).count();
        assert!(planted >= 45, "{planted} of 100 found");
        // The model's own mistakes, 7 of 100, look the same; more than that it must not suspect.
        let others = found.suspects.len() - planted;
        assert!(others <= 140, "{others} sound ones suspected");
        assert!((0.05..0.2).contains(&found.noise), "{}", found.noise);
        let clean: Vec<usize> = (0..n).map(|i| i % classes).collect();
        let sure: Vec<f64> = clean
            .iter()
            .flat_map(|&y| (0..classes).map(move |c| if c == y { 0.91 } else { 0.03 }))
            .collect();
        let none = LabelErrors::find(&clean, &sure, classes).unwrap();
        assert_eq!((none.suspects.len(), none.noise), (0, 0.0));
    }

    #[test]
    fn absent_classes_and_bad_input() {
        let got = LabelErrors::find(&[0, 0], &[0.2, 0.8, 0.9, 0.1], 2).unwrap();
        assert_eq!(got.thresholds, [Some(0.55), None]);
        assert_eq!(got.suspects.len(), 0, "nothing is known of class 1");
        assert!(LabelErrors::find(&[], &[], 2).is_err());
        assert!(LabelErrors::find(&[2], &[0.5, 0.5], 2).is_err());
        assert!(LabelErrors::find(&[0], &[0.5, 0.9], 2).is_err());
    }
}
