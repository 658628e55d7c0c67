//! What the tests of random values share.

/// Mean, standard deviation and largest absolute value.
pub(super) fn moments(x: &[f32]) -> (f64, f64, f32) {
    let n = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let squares = x.iter().map(|&x| (f64::from(x) - mean).powi(2));
    let std = (squares.sum::<f64>() / n).sqrt();
    (mean, std, x.iter().fold(0.0, |m, x| x.abs().max(m)))
}

/// The density of a normal distribution, up to a factor that keeps its far tails above 0.
pub(super) fn normal_density(mean: f64, std: f64) -> impl Fn(f64) -> f64 {
    move |x| (-((x - mean) / std).powi(2) / 2.0).exp()
}

/// Panics unless all values lie in `[low, high]` and the test of Kolmogorov and Smirnov does not
/// reject, at the level of 1 %, that they come from the distribution whose density is in
/// proportion to `density` there.
#[track_caller]
pub(super) fn assert_distribution(
    sample: &[f32],
    [low, high]: [f64; 2],
    density: impl Fn(f64) -> f64,
) {
    const CELLS: usize = 20_000;
    let width = (high - low) / CELLS as f64;
    let mut cdf = vec![0.0];
    for cell in 0..CELLS {
        // Simpson's rule.
        let [a, m, b] = [0.0, 0.5, 1.0].map(|t| density(low + (cell as f64 + t) * width));
        cdf.push(cdf[cell] + (a + 4.0 * m + b) / 6.0);
    }
    let at = |x: f64| {
        let place = ((x - low) / width).clamp(0.0, CELLS as f64);
        let cell = (place as usize).min(CELLS - 1);
        let share = cdf[cell] + (place - cell as f64) * (cdf[cell + 1] - cdf[cell]);
        share / cdf[CELLS]
    };
    let mut sorted = sample.to_vec();
    sorted.sort_by(f32::total_cmp);
    let n = sorted.len() as f64;
    let mut distance = 0f64;
    for (i, &x) in sorted.iter().enumerate() {
        assert!(
            (low as f32..=high as f32).contains(&x),
            "{x} is outside of [{low}, {high}]"
        );
        let expected = at(f64::from(x));
        distance = distance
            .max((expected - i as f64 / n).abs())
            .max((expected - (i + 1) as f64 / n).abs());
    }
    let critical = 1.63 / n.sqrt();
    assert!(
        distance < critical,
        "the distribution functions differ by {distance:.5}, allowed are {critical:.5}"
    );
}
