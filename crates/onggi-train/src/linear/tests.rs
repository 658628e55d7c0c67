//! The models against scikit-learn's, and against themselves.

use rayon::ThreadPoolBuilder;

use super::*;

fn rows(rows: &[Vec<(u32, f64)>], columns: usize) -> SparseRows {
    let mut x = SparseRows::new(columns);
    rows.iter().for_each(|row| x.push(row).unwrap());
    x
}

#[derive(Deserialize)]
struct Classes {
    classes: usize,
    features: usize,
    c: f64,
    l1_ratio: f64,
    balanced: bool,
    x: Vec<Vec<(u32, f64)>>,
    labels: Vec<usize>,
    /// `[output][feature]`.
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

#[derive(Deserialize)]
struct Quantities {
    features: usize,
    c: f64,
    l1_ratio: f64,
    x: Vec<Vec<(u32, f64)>>,
    quantities: Vec<f64>,
    weights: Vec<f64>,
    bias: f64,
}

#[derive(Deserialize)]
struct Golden {
    classifiers: Vec<Classes>,
    regressors: Vec<Quantities>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../tests/fixtures/linear.json")).unwrap()
}

const TIGHT: LinearConfig = LinearConfig {
    c: 1.0,
    l1_ratio: 0.0,
    balanced: false,
    tolerance: 1e-8,
    max_steps: 20_000,
};

fn assert_weights(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() < 1e-3, "{what}: {got}, not {want}");
    // The rest of scikit-learn's descent aside, what is 0 there is 0 here.
    assert_eq!(got == 0.0, want.abs() < 1e-7, "{what}: {got}, not {want}");
}

#[test]
fn classifiers_as_scikit_learn() {
    let cases = golden().classifiers;
    assert_eq!(cases.len(), 6);
    for (n, case) in cases.iter().enumerate() {
        let config = LinearConfig {
            c: case.c,
            l1_ratio: case.l1_ratio,
            balanced: case.balanced,
            ..TIGHT
        };
        let x = rows(&case.x, case.features);
        let model = LinearClassifier::fit(&x, &case.labels, case.classes, &config).unwrap();
        let outputs = case.weights.len();
        for (k, weights) in case.weights.iter().enumerate() {
            for (j, &want) in weights.iter().enumerate() {
                let got = model.fitted().weights[j * outputs + k];
                assert_weights(got, want, &format!("case {n}, output {k}, feature {j}"));
            }
        }
        // Biases of several classes have no penalty: their common part is anything.
        let mean = |bias: &[f64]| match bias {
            [_] => 0.0,
            _ => bias.iter().sum::<f64>() / bias.len() as f64,
        };
        let got = &model.fitted().bias;
        for (a, b) in got.iter().zip(&case.bias) {
            let (a, b) = (a - mean(got), b - mean(&case.bias));
            assert!((a - b).abs() < 1e-3, "case {n}: bias {a}, not {b}");
        }
        let zeros = case.weights.iter().flatten().filter(|w| w.abs() < 1e-7);
        assert_eq!(zeros.count() > 0, case.l1_ratio > 0.0, "case {n}");
    }
}

#[test]
fn regressors_as_scikit_learn() {
    let cases = golden().regressors;
    assert_eq!(cases.len(), 3);
    for (n, case) in cases.iter().enumerate() {
        let config = LinearConfig {
            c: case.c,
            l1_ratio: case.l1_ratio,
            ..TIGHT
        };
        let x = rows(&case.x, case.features);
        let model = LinearRegressor::fit(&x, &case.quantities, &config).unwrap();
        for (j, &want) in case.weights.iter().enumerate() {
            assert_weights(model.weight(j), want, &format!("case {n}, feature {j}"));
        }
        let empty = rows(&[vec![]], case.features);
        let bias = model.predict(&empty).unwrap()[0];
        assert!((bias - case.bias).abs() < 1e-3, "{bias}, not {}", case.bias);
    }
}

/// More rows than a chunk, so that the sums are of several.
fn many() -> (SparseRows, Vec<usize>) {
    let row = |i: u32| vec![(i % 7, 1.0), (7 + i * i % 11, 0.5), (18 + i % 3, 0.25)];
    let x = rows(&(0..1_500).map(row).collect::<Vec<_>>(), 21);
    let labels = (0..1_500).map(|i| usize::from(i * i % 11 < 4) + usize::from(i % 7 == 3));
    (x, labels.collect())
}

#[test]
fn the_same_bits_at_any_number_of_threads() {
    let (x, labels) = many();
    let fit = |threads| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let config = LinearConfig {
            l1_ratio: 0.2,
            ..LinearConfig::default()
        };
        pool.install(|| LinearClassifier::fit(&x, &labels, 3, &config).unwrap())
    };
    let one = fit(1);
    assert_eq!(one, fit(2));
    assert_eq!(one, fit(5));
}

#[test]
fn the_strength_is_chosen_where_the_loss_is_lowest() {
    let (x, labels) = many();
    let (model, chosen) =
        LinearClassifier::choose(&x, &labels, 3, &LinearConfig::default(), None).unwrap();
    assert_eq!((chosen.folds, chosen.trials.len()), (5, 7));
    let lowest = chosen
        .trials
        .iter()
        .map(|t| t.log_loss)
        .fold(f64::INFINITY, f64::min);
    let own = chosen.trials.iter().find(|t| t.c == chosen.c).unwrap();
    assert_eq!(own.log_loss, lowest);
    let p = model.probabilities(&x).unwrap();
    for p in p.chunks_exact(3) {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    // Few samples, fewer than parts.
    let few = x.select(&[0, 1, 2]).unwrap();
    assert!(LinearClassifier::choose(&few, &[0, 1, 2], 3, &LinearConfig::default(), None).is_ok());
    // Many, and others given.
    let twice: Vec<usize> = (0..1_500).chain(0..1_500).collect();
    let labels: Vec<usize> = twice.iter().map(|&i| labels[i]).collect();
    let held = (&x, &labels[..1_500]);
    let config = LinearConfig::default();
    let x = x.select(&twice).unwrap();
    let (_, chosen) = LinearClassifier::choose(&x, &labels, 3, &config, Some(held)).unwrap();
    assert_eq!(chosen.folds, 0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = rows(&[vec![(0, 1.0)], vec![(1, 1.0)]], 2);
    let plain = LinearConfig::default();
    let fit = |labels: &[usize], classes, config: &LinearConfig| {
        LinearClassifier::fit(&x, labels, classes, config)
    };
    assert!(fit(&[0], 2, &plain).is_err());
    assert!(fit(&[0, 2], 2, &plain).is_err());
    assert!(fit(&[0, 0], 1, &plain).is_err());
    assert!(fit(&[0, 1], usize::MAX, &plain).is_err());
    for config in [
        LinearConfig { c: 0.0, ..plain },
        LinearConfig {
            c: f64::NAN,
            ..plain
        },
        LinearConfig {
            l1_ratio: 1.1,
            ..plain
        },
        LinearConfig {
            tolerance: 0.0,
            ..plain
        },
        LinearConfig {
            max_steps: 0,
            ..plain
        },
    ] {
        assert!(fit(&[0, 1], 2, &config).is_err(), "{config:?}");
    }
    assert!(LinearClassifier::path(&x, &[0, 1], 2, &plain, &[]).is_err());
    assert!(LinearClassifier::choose(&x, &[0, 9], 2, &plain, None).is_err());
    let balanced = LinearConfig {
        balanced: true,
        ..plain
    };
    assert!(LinearRegressor::fit(&x, &[0.0, 1.0], &balanced).is_err());
    assert!(LinearRegressor::fit(&x, &[0.0, f64::NAN], &plain).is_err());
    let model = fit(&[0, 1], 2, &plain).unwrap();
    assert!(model.probabilities(&SparseRows::new(3)).is_err());
    assert_eq!((model.weight(5, 0), model.weight(0, 9)), (0.0, 0.0));
}

#[test]
fn a_text_classifier_tells_why_and_is_read_back() {
    let texts = [
        "so good a film",
        "bad, bad film",
        "a good day",
        "bad luck",
        "good!",
        "too bad",
    ];
    let labels = [1, 0, 1, 0, 1, 0];
    let config = TextLinearConfig::default();
    let (model, chosen) = TextLinear::fit(&texts, &labels, 2, &config, None).unwrap();
    assert!(chosen.is_some());
    let unit = onggi_data::text::Unit::Words;
    assert_eq!(model.most_telling(1, unit, 3)[0].ngram, "good");
    assert_eq!(model.most_telling(0, unit, 3)[0].ngram, "bad");
    assert!(model.most_telling(7, unit, 3).is_empty());
    let why = model.telling_in("what a good thing", 1, 50);
    assert!(
        why.iter().any(|t| t.ngram == "good" && t.weight > 0.0),
        "{why:?}"
    );
    assert!(why.windows(2).all(|pair| pair[0].weight >= pair[1].weight));

    let json = serde_json::to_string(&model).unwrap();
    let again: TextLinear = serde_json::from_str(&json).unwrap();
    let (p, q) = (
        model.probabilities(&texts).unwrap(),
        again.probabilities(&texts).unwrap(),
    );
    for (p, q) in p.iter().zip(&q) {
        assert!((p - q).abs() < 1e-12);
    }
    let mut damaged: serde_json::Value = serde_json::from_str(&json).unwrap();
    damaged["model"]["fitted"]["bias"] = serde_json::json!([]);
    assert!(serde_json::from_value::<TextLinear>(damaged).is_err());

    let fixed = TextLinearConfig {
        choose_c: false,
        ..config
    };
    assert!(
        TextLinear::fit(&texts, &labels, 2, &fixed, None)
            .unwrap()
            .1
            .is_none()
    );
    assert!(TextLinear::fit(&texts, &labels[1..], 2, &fixed, None).is_err());
    assert!(TextLinear::fit(&["", " "], &[0, 1], 2, &fixed, None).is_err());
}

#[test]
fn worst_mistakes_come_first() {
    let p = [0.9, 0.1, 0.4, 0.6, 0.2, 0.8, 0.7, 0.3];
    let worst = Mistake::worst(&[0, 0, 0, 1], &p, 2, 2).unwrap();
    let samples: Vec<_> = worst
        .iter()
        .map(|m| (m.sample, m.predicted, m.own))
        .collect();
    assert_eq!(samples, [(2, 1, 0.2), (3, 0, 0.3)]);
    assert!(Mistake::worst(&[0], &p, 2, 2).is_err());
    assert!(Mistake::worst(&[0, 0, 0, 2], &p, 2, 2).is_err());
}
