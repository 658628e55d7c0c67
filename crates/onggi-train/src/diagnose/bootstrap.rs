//! How sure a generalisation gap is: the bootstrap.

use super::distributions::{normal_cdf, normal_quantile};
use crate::TrainError;
use crate::metrics::{check_finite, refuse};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Draws of the bootstrap: enough for the ends of a 95 % interval to be steady in the second digit.
const RESAMPLES: usize = 2_000;

/// Most values drawn in all; longer lists are drawn fewer times, but at least [`FEWEST`].
const MOST_DRAWN: usize = 400_000_000;

/// Fewest draws.
const FEWEST: usize = 500;

/// An estimate and the interval that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence, a fraction.
    pub level: f64,
}

impl Interval {
    /// Whether the whole interval lies above or below `value`.
    pub fn excludes(&self, value: f64) -> bool {
        self.low > value || self.high < value
    }
}

/// Generalisation gap: the mean of `train` less the mean of `held_out`, with its bootstrap interval.
///
/// The lists hold one figure a sample: 1 for a right answer and 0 for a wrong one, or its loss. Both
/// are drawn anew, apart from each other, 2,000 times (lists beyond 200,000 samples less often, never
/// below 500 times); the interval is bias-corrected and accelerated (BCa). It says how far the gap
/// would move with other samples, not with another training.
///
/// Where neither list varies, as where every answer is right, the draws are all equal and the interval
/// is that one point: more sure than the data is.
///
/// # Errors
/// [`TrainError::Measure`] for an empty list, figures that are not finite, and a level outside of
/// `0 < level < 1`.
///
/// # Example
/// ```
/// let train = [[1.0; 9].as_slice(), &[0.0]].concat().repeat(20);
/// let held_out = [1.0, 1.0, 0.0, 1.0].repeat(25);
/// let gap = onggi_train::diagnose::gap(&train, &held_out, 0.95, 42)?;
/// assert!((gap.estimate - 0.15).abs() < 1e-12);
/// assert!(gap.low > 0.0 && gap.high < 0.3);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Efron, "Better bootstrap confidence intervals", JASA 82, 1987.
pub fn gap(train: &[f64], held_out: &[f64], level: f64, seed: u64) -> Result<Interval, TrainError> {
    const WHAT: &str = "generalisation gap";
    for values in [train, held_out] {
        if values.is_empty() || u32::try_from(values.len()).is_err() {
            return refuse(WHAT, "1 to 2³² samples in either list", values.len());
        }
        check_finite(WHAT, values)?;
    }
    if !(level > 0.0 && level < 1.0) {
        return refuse(WHAT, "a level between 0 and 1", level);
    }
    let estimate = mean(train) - mean(held_out);
    let resamples = (MOST_DRAWN / (train.len() + held_out.len())).clamp(FEWEST, RESAMPLES);
    let mut draws: Vec<f64> = (0..resamples as u64)
        .map(|draw| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(draw);
            resampled_mean(train, &mut rng) - resampled_mean(held_out, &mut rng)
        })
        .collect();
    draws.sort_unstable_by(f64::total_cmp);

    // Bias: where the estimate stands among the draws; ties, of which counts have many, count half.
    let below = draws.partition_point(|&d| d < estimate) as f64;
    let up_to = draws.partition_point(|&d| d <= estimate) as f64;
    let bias = normal_quantile((below + up_to) / 2.0 / draws.len() as f64);
    let acceleration = acceleration(train, held_out);
    let end = |p: f64| {
        let z = bias + normal_quantile(p);
        let p = normal_cdf(bias + z / (1.0 - acceleration * z));
        sorted_quantile(&draws, if p.is_finite() { p } else { 0.5 })
    };
    let tail = (1.0 - level) / 2.0;
    let (low, high) = if bias.is_finite() {
        (end(tail), end(1.0 - tail))
    } else {
        (estimate, estimate)
    };
    Ok(Interval {
        estimate,
        low: low.min(estimate),
        high: high.max(estimate),
        level,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn resampled_mean(values: &[f64], rng: &mut ChaCha8Rng) -> f64 {
    let n = values.len() as u64;
    // A 32-bit number times n: of 10⁶ values none is 0.03 % likelier than another.
    let draw = |_| values[((u64::from(rng.next_u32()) * n) >> 32) as usize];
    (0..values.len()).map(draw).sum::<f64>() / n as f64
}

/// A sixth of the skewness of the jackknife values of a difference of means.
fn acceleration(train: &[f64], held_out: &[f64]) -> f64 {
    let (mut cubes, mut squares) = (0.0, 0.0);
    for (values, sign) in [(train, 1.0), (held_out, -1.0)] {
        let (n, mean) = (values.len() as f64, mean(values));
        for v in values {
            // What the sample adds to the estimate.
            let influence = sign * (v - mean) / n;
            cubes += influence.powi(3);
            squares += influence.powi(2);
        }
    }
    if squares > 0.0 {
        cubes / (6.0 * squares.powf(1.5))
    } else {
        0.0
    }
}

/// The `p` quantile of ascending values, between neighbours by their distance.
pub(super) fn sorted_quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = p.clamp(0.0, 1.0) * last as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
    if share == 0.0 { a } else { a + share * (b - a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(right: usize, n: usize) -> Vec<f64> {
        (0..n).map(|i| f64::from(u8::from(i < right))).collect()
    }

    #[test]
    fn close_to_the_normal_interval_where_it_holds() {
        let got = gap(&answers(900, 1000), &answers(800, 1000), 0.95, 1).unwrap();
        let error = (0.9 * 0.1 / 1000.0 + 0.8 * 0.2 / 1000.0f64).sqrt();
        assert!((got.estimate - 0.1).abs() < 1e-12);
        assert!((got.low - (0.1 - 1.96 * error)).abs() < 0.002, "{got:?}");
        assert!((got.high - (0.1 + 1.96 * error)).abs() < 0.002, "{got:?}");
        assert!(got.excludes(0.0) && !got.excludes(0.1));
    }

    /// Of 200 gaps drawn from a known difference, 95 % intervals miss about 10.
    #[test]
    fn covers_as_often_as_it_says() {
        let mut missed = 0;
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut draw = |share: f64, n: usize| -> Vec<f64> {
                let hit =
                    |_| f64::from(u8::from(f64::from(rng.next_u32()) < share * 2f64.powi(32)));
                (0..n).map(hit).collect()
            };
            let (train, held_out) = (draw(0.97, 200), draw(0.85, 100));
            missed += usize::from(gap(&train, &held_out, 0.95, seed).unwrap().excludes(0.12));
        }
        assert!((3..=20).contains(&missed), "{missed} of 200");
    }

    #[test]
    fn one_seed_one_interval() {
        let (train, held_out) = (answers(95, 100), answers(40, 60));
        let first = gap(&train, &held_out, 0.9, 7).unwrap();
        assert_eq!(first, gap(&train, &held_out, 0.9, 7).unwrap());
        assert_ne!(first, gap(&train, &held_out, 0.9, 8).unwrap());
    }

    #[test]
    fn no_variation_is_a_point() {
        let got = gap(&[1.0; 5], &[1.0; 3], 0.95, 1).unwrap();
        assert_eq!((got.low, got.estimate, got.high), (0.0, 0.0, 0.0));
        let one = gap(&[0.5], &[0.25], 0.95, 1).unwrap();
        assert_eq!((one.low, one.high), (0.25, 0.25));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(gap(&[], &[1.0], 0.95, 1).is_err());
        assert!(gap(&[f64::NAN], &[1.0], 0.95, 1).is_err());
        for level in [0.0, 1.0, f64::NAN] {
            assert!(gap(&[1.0], &[1.0], level, 1).is_err());
        }
    }
}
