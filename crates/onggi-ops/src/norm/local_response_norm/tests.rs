use super::*;
use crate::testing::{assert_close, assert_gradients, random, values};

/// The formula, written out.
fn expected(x: &[f32], [n, c, l]: [usize; 3], size: usize) -> Vec<f32> {
    let (alpha, beta, k) = (0.5, 0.6, 1.5);
    let mut y = Vec::new();
    for (sample, channel) in (0..n).flat_map(|n| (0..c).map(move |c| (n, c))) {
        for place in 0..l {
            let at = |channel: usize| f64::from(x[(sample * c + channel) * l + place]);
            let first = channel.saturating_sub(size / 2);
            let last = (channel + (size - 1) / 2).min(c - 1);
            let sum: f64 = (first..=last).map(|i| at(i).powi(2)).sum();
            y.push((at(channel) / (k + alpha / size as f64 * sum).powf(beta)) as f32);
        }
    }
    y
}

#[test]
fn equals_the_formula_for_every_width() {
    let shape = [2, 5, 3];
    let x = random(shape, 1);
    for size in 1..=12 {
        let y = local_response_norm(x.clone(), size, 0.5, 0.6, 1.5).unwrap();
        let expected = expected(&values(&x), shape, size);
        assert_close(&format!("size {size}"), &values(&y), &expected, 2e-6);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let shape = [2, 5, 3];
    let forward = |v: &[Tensor<1>]| {
        let y = local_response_norm(v[0].clone().reshape(shape), 3, 0.5, 0.75, 1.0);
        y.unwrap().flatten::<1>(0, 2)
    };
    assert_gradients(
        "local_response_norm",
        &[random([30], 1)],
        forward,
        1e-2,
        2e-3,
    );
}

#[test]
fn an_empty_batch_stays_empty() {
    let y = local_response_norm(random([0, 5, 3], 1), 3, 0.5, 0.75, 1.0).unwrap();
    assert_eq!(y.dims(), [0, 5, 3]);
}

#[test]
fn mistakes_are_errors() {
    let error = local_response_norm(random([2, 3], 1), 5, 1e-4, 0.75, 1.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "local_response_norm: `x` must have at least three axes (N, C, L, …), but its shape is \
         [2, 3]"
    );
    assert!(local_response_norm(random([2, 3, 4], 1), 0, 1e-4, 0.75, 1.0).is_err());
}
