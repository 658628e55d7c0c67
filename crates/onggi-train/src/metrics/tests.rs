//! The figures against scikit-learn's, and what each refuses.

use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    labels: Vec<usize>,
    probabilities: Vec<f64>,
    accuracy: f64,
    top: Vec<f64>,
    #[serde(rename = "macro")]
    macro_average: [f64; 3],
    micro: [f64; 3],
    weighted: [f64; 3],
    log_loss: f64,
    brier: f64,
    auroc: BTreeMap<String, Option<f64>>,
    average_precision: BTreeMap<String, Option<f64>>,
    binary: BTreeMap<String, Option<f64>>,
}

#[derive(Deserialize)]
struct Regression {
    name: String,
    truth: Vec<f64>,
    predicted: Vec<f64>,
    mae: f64,
    rmse: f64,
    r2: Option<f64>,
}

#[derive(Deserialize)]
struct Tempered {
    name: String,
    classes: usize,
    labels: Vec<usize>,
    logits: Vec<f64>,
    temperature: f64,
    log_loss: f64,
}

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    regression: Vec<Regression>,
    temperature: Vec<Tempered>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../tests/fixtures/scores.json")).unwrap()
}

fn close(what: &str, got: f64, expected: f64) {
    assert!(
        (got - expected).abs() < 1e-9,
        "{what}: {got}, not {expected}"
    );
}

fn alike(what: &str, got: Option<f64>, expected: Option<f64>) {
    match (got, expected) {
        (Some(got), Some(expected)) => close(what, got, expected),
        _ => assert_eq!(got, expected, "{what}"),
    }
}

#[test]
fn classifiers_as_scikit_learn() {
    let cases = golden().cases;
    assert_eq!(cases.len(), 9);
    for case in cases {
        let (labels, p, k) = (&case.labels, &case.probabilities, case.classes);
        let what = |figure: &str| format!("{}: {figure}", case.name);
        let predicted: Vec<usize> = p.chunks_exact(k).map(argmax).collect();
        close(
            &what("accuracy"),
            accuracy(labels, &predicted).unwrap(),
            case.accuracy,
        );
        for (i, &expected) in case.top.iter().enumerate() {
            let got = top_k_accuracy(labels, p, k, i + 1).unwrap();
            close(&what(&format!("top {}", i + 1)), got, expected);
        }
        let confusion = confusion_matrix(labels, &predicted, k).unwrap();
        let averages = [
            (Average::Macro, case.macro_average),
            (Average::Micro, case.micro),
            (Average::Weighted, case.weighted),
        ];
        for (average, expected) in averages {
            let got = average_scores(&confusion, average).unwrap();
            let got = [got.precision, got.recall, got.f1];
            for (figure, (got, expected)) in got.into_iter().zip(expected).enumerate() {
                close(&what(&format!("{average:?} {figure}")), got, expected);
            }
        }
        close(
            &what("log-loss"),
            log_loss(labels, p, k).unwrap(),
            case.log_loss,
        );
        close(
            &what("Brier"),
            brier_multiclass(labels, p, k).unwrap(),
            case.brier,
        );
        let averages = [("macro", Average::Macro), ("weighted", Average::Weighted)];
        for (name, average) in averages {
            let multi = [
                ("ovr", MultiClass::OneVsRest),
                ("ovo", MultiClass::OneVsOne),
            ];
            for (way, multi) in multi {
                let key = format!("{way}_{name}");
                let got = auroc_multiclass(labels, p, k, multi, average).unwrap();
                alike(&what(&key), got, case.auroc[&key]);
            }
            let got = average_precision_multiclass(labels, p, k, average).unwrap();
            alike(
                &what("average precision"),
                got,
                case.average_precision[name],
            );
        }
        let positive: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
        let scores: Vec<f64> = p.chunks_exact(k).map(|row| row[1]).collect();
        let binary = |name: &str| case.binary[name];
        alike(
            &what("AUROC"),
            auroc(&positive, &scores).unwrap(),
            binary("auroc"),
        );
        let got = average_precision(&positive, &scores).unwrap();
        alike(&what("binary AP"), got, binary("average_precision"));
        alike(
            &what("Brier"),
            brier(&positive, &scores).ok(),
            binary("brier"),
        );
    }
}

#[test]
fn regressors_as_scikit_learn() {
    let cases = golden().regression;
    assert_eq!(cases.len(), 5);
    for case in cases {
        let (y, p) = (&case.truth, &case.predicted);
        close(&case.name, mean_absolute_error(y, p).unwrap(), case.mae);
        close(
            &case.name,
            root_mean_squared_error(y, p).unwrap(),
            case.rmse,
        );
        alike(&case.name, r_squared(y, p).unwrap(), case.r2);
    }
}

#[test]
fn temperature_as_scipy() {
    for case in golden().temperature {
        let (labels, logits, k) = (&case.labels, &case.logits, case.classes);
        let fitted = Temperature::fit(labels, logits, k).unwrap();
        // SciPy's search compares values of the loss, which leaves half of the digits of its place.
        assert!(
            (fitted.value() / case.temperature - 1.0).abs() < 1e-6,
            "{}: {}",
            case.name,
            fitted.value()
        );
        let p = fitted.apply(logits, k).unwrap();
        close(&case.name, log_loss(labels, &p, k).unwrap(), case.log_loss);
        // Log-probabilities serve as well as logits.
        let logs: Vec<f64> = logits
            .chunks_exact(k)
            .flat_map(|row| {
                let log_sum = log_sum_exp(row.iter().copied());
                row.iter().map(move |z| z - log_sum)
            })
            .collect();
        let again = Temperature::fit(labels, &logs, k).unwrap();
        close(&case.name, again.value(), fitted.value());
    }
}

#[test]
fn temperatures_without_bound_end_at_one() {
    let right = Temperature::fit(&[0, 1], &[1.0, 0.0, 0.0, 1.0], 2).unwrap();
    assert!(right.is_bounded());
    close("right", right.value(), 0.01);
    let wrong = Temperature::fit(&[0, 1], &[0.0, 1.0, 1.0, 0.0], 2).unwrap();
    assert!(wrong.is_bounded());
    close("wrong", wrong.value(), 100.0);
    let huge = [1e100, -1e100, -1e100, 1e100];
    assert!(Temperature::fit(&[0, 1], &huge, 2).unwrap().is_bounded());
    assert!(Temperature::fit(&[0], &[f64::MAX, 0.0], 2).is_err());
}

#[test]
fn calibration_bins_are_closed_above() {
    // 0.5 belongs to the bin (0.4, 0.5], 1 to the last one.
    let p = [0.5, 0.5, 1.0, 0.0, 0.0, 1.0];
    let calibration = Calibration::new(&[0, 0, 0], &p, 2, 10).unwrap();
    let filled: Vec<_> = calibration.bins().iter().map(|bin| bin.samples).collect();
    assert_eq!(filled, [0, 0, 0, 0, 1, 0, 0, 0, 0, 2]);
    close("accuracy", calibration.bins()[9].accuracy, 0.5);
    close("error", calibration.error(), (0.5 + 2.0 * 0.5) / 3.0);
    close("sureness", calibration.overconfidence(), (2.5 - 2.0) / 3.0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let words = |result: Result<f64, TrainError>| result.unwrap_err().to_string();
    assert_eq!(
        words(accuracy(&[], &[])),
        "accuracy: expected at least one sample, got 0"
    );
    assert_eq!(
        words(accuracy(&[0], &[0, 1])),
        "accuracy: expected 1 values, one a sample, got 2"
    );
    assert_eq!(
        words(log_loss(&[0], &[0.2, 0.2], 2)),
        "log-loss: expected probabilities that add up to 1, got 0.4"
    );
    assert_eq!(
        words(log_loss(&[2], &[0.5, 0.5], 2)),
        "log-loss: expected labels below 2, got 2"
    );
    assert_eq!(
        words(log_loss(&[0], &[f64::NAN, 0.5], 2)),
        "log-loss: expected finite numbers, got NaN"
    );
    assert_eq!(
        words(log_loss(&[0], &[1.5, -0.5], 2)),
        "log-loss: expected probabilities from 0 to 1, got 1.5"
    );
    assert_eq!(
        words(log_loss(&[0, 1], &[1.0], 1)),
        "log-loss: expected 2 samples of 1 ≥ 1 classes, got 1 values"
    );
    assert_eq!(
        words(top_k_accuracy(&[0], &[0.5, 0.5], 2, 3)),
        "top-k accuracy: expected k from 1 to 2, got 3"
    );
    assert_eq!(
        words(brier(&[true], &[2.0])),
        "Brier score: expected probabilities from 0 to 1, got 2"
    );
    assert_eq!(
        words(mean_absolute_error(&[f64::INFINITY], &[0.0])),
        "mean absolute error: expected finite numbers, got inf"
    );
    let (ovr, micro) = (MultiClass::OneVsRest, Average::Micro);
    assert!(auroc_multiclass(&[0, 1], &[0.5; 4], 2, ovr, micro).is_err());
    assert!(average_precision_multiclass(&[0, 1], &[0.5; 4], 2, micro).is_err());
    assert!(auroc(&[true], &[f64::NAN]).is_err());
    assert!(average_precision(&[true, false], &[1.0]).is_err());
    assert!(confusion_matrix(&[0], &[2], 2).is_err());
    assert!(class_scores(&[vec![1, 2]]).is_err());
    assert!(average_scores(&[vec![0, 0], vec![0, 0]], Average::Macro).is_err());
    assert!(Calibration::new(&[0], &[1.0], 1, 0).is_err());
    assert!(
        Temperature::fit(&[0], &[1.0, 0.0], 2)
            .unwrap()
            .apply(&[1.0], 2)
            .is_err()
    );
    assert!(log_loss(&[0], &[], usize::MAX).is_err());
}

proptest! {
    /// The area is the share of (positive, negative) pairs in the right order.
    #[test]
    fn auroc_counts_pairs(samples in prop::collection::vec((any::<bool>(), 0..6i8), 1..40)) {
        let positive: Vec<bool> = samples.iter().map(|s| s.0).collect();
        let scores: Vec<f64> = samples.iter().map(|s| f64::from(s.1)).collect();
        let (mut pairs, mut right) = (0.0, 0.0);
        for (_, a) in samples.iter().filter(|s| s.0) {
            for (_, b) in samples.iter().filter(|s| !s.0) {
                pairs += 1.0;
                right += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
            }
        }
        let expected = (pairs > 0.0).then(|| right / pairs);
        let got = auroc(&positive, &scores).unwrap();
        prop_assert_eq!(got.is_some(), expected.is_some());
        prop_assert!((got.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-12);
    }

    /// At the fitted temperature no other one has a lower loss.
    #[test]
    fn no_temperature_is_better(
        rows in prop::collection::vec(([-5.0..5.0f64, -5.0..5.0, -5.0..5.0], 0..3usize), 1..30),
        other in 0.02..50.0f64,
    ) {
        let labels: Vec<usize> = rows.iter().map(|row| row.1).collect();
        let logits: Vec<f64> = rows.iter().flat_map(|row| row.0).collect();
        let fitted = Temperature::fit(&labels, &logits, 3).unwrap();
        let loss = |t: f64| -> f64 {
            let rows = logits.chunks_exact(3).zip(&labels);
            rows.map(|(z, &y)| log_sum_exp(z.iter().map(|z| z / t)) - z[y] / t).sum()
        };
        prop_assert!(loss(fitted.value()) <= loss(other) + 1e-9);
    }
}
