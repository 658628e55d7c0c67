use super::*;
use crate::testing::{assert_close, outcome, random, values};

const KEY: Key = Key {
    seed: 2,
    stream: 17,
};

/// `a`, `b` and the dropped value as PyTorch computes them, for p rounded to 2⁻¹⁶.
fn expected(p: f64) -> (f32, f32, f32) {
    let p = (p * 65536.0).round() / 65536.0;
    let alpha = 1.758_099_340_847_376_6_f64;
    let a = 1.0 / ((alpha * alpha * p + 1.0) * (1.0 - p)).sqrt();
    let kept = alpha * a * p;
    (a as f32, kept as f32, (kept - alpha * a) as f32)
}

#[test]
fn an_element_is_kept_by_the_affine_map_or_saturated() {
    for p in [0.1, 0.5, 0.9] {
        let (a, kept, dropped) = expected(p);
        let x = random([10, 1000], 1);
        let (y, x) = (
            values(&alpha_dropout(x.clone(), p, KEY).unwrap()),
            values(&x),
        );
        let mut saturated = 0;
        for (y, x) in y.into_iter().zip(x) {
            if (y - dropped).abs() < 1e-6 {
                saturated += 1;
            } else {
                assert_close("kept", &[y], &[a * x + kept], 1e-6);
            }
        }
        // Binomial, 4.5 standard deviations.
        let deviation = (1e4 * p * (1.0 - p)).sqrt();
        assert!(
            (f64::from(saturated) - 1e4 * p).abs() < 4.5 * deviation,
            "p {p}: {saturated}"
        );
    }
}

/// Five standard errors of mean and variance, with a kurtosis of at most 3.
#[test]
fn mean_and_variance_are_kept() {
    for (p, feature) in [(0.1, false), (0.5, false), (0.5, true)] {
        let x = random([500, 1000, 1], 3);
        let y = if feature {
            feature_alpha_dropout(x, p, KEY)
        } else {
            alpha_dropout(x, p, KEY)
        };
        let y = values(&y.unwrap());
        let n = y.len() as f64;
        let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / n;
        let var = y.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / n - mean * mean;
        assert!(mean.abs() < 5.0 / n.sqrt(), "p {p}: mean {mean}");
        assert!(
            (var - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
            "p {p}: variance {var}"
        );
    }
}

#[test]
fn the_gradient_is_a_where_kept_and_0_where_saturated() {
    let (a, _, dropped) = expected(0.3);
    let dy = values(&random([600], 0x5eed));
    for feature in [false, true] {
        let drop = |leaves: &[Tensor<1>]| {
            let x = leaves[0].clone().reshape([20, 10, 3]);
            let y = if feature {
                feature_alpha_dropout(x, 0.3, KEY)
            } else {
                alpha_dropout(x, 0.3, KEY)
            };
            y.unwrap().reshape([-1])
        };
        let outcome = outcome(&[random([600], 4)], drop);
        let mut saturated = 0;
        for i in 0..600 {
            let is_saturated = (outcome[0][i] - dropped).abs() < 1e-6;
            let factor = if is_saturated { 0.0 } else { a };
            assert_close("gradient", &[outcome[1][i]], &[dy[i] * factor], 1e-6);
            saturated += usize::from(is_saturated);
        }
        assert!((100..300).contains(&saturated));
        let whole = outcome[0].chunks(3).all(|channel| {
            let saturated = channel
                .iter()
                .filter(|y| (*y - dropped).abs() < 1e-6)
                .count();
            saturated % 3 == 0
        });
        assert_eq!(whole, feature);
    }
}

#[test]
fn extremes() {
    let x = random([4, 5], 1);
    assert_eq!(
        values(&alpha_dropout(x.clone(), 0.0, KEY).unwrap()),
        values(&x)
    );
    assert_eq!(
        values(&alpha_dropout(x.clone(), 1.0, KEY).unwrap()),
        [0.0; 20]
    );
    assert_eq!(
        alpha_dropout(x.clone(), -0.5, KEY).unwrap_err().to_string(),
        "alpha_dropout: `p` must be between 0 and 1, but is -0.5"
    );
    assert!(feature_alpha_dropout(random([5], 1), 0.5, KEY).is_err());
    if crate::testing::skipped_without_empty() {
        return;
    }
    let empty = Tensor::<2>::zeros([0, 3], &crate::testing::device());
    assert_eq!(
        alpha_dropout(empty.clone(), 0.5, KEY).unwrap().dims(),
        [0, 3]
    );
    assert_eq!(
        feature_alpha_dropout(empty, 0.5, KEY).unwrap().dims(),
        [0, 3]
    );
}
