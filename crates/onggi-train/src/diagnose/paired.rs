//! Whether one way of training is better than another, by runs with the same seeds.

use super::bootstrap::Interval;
use super::distributions::student_quantile;
use crate::TrainError;
use crate::metrics::{check_finite, check_lengths, refuse};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Pairs of which all sign flips are tried; of more, [`FLIPS`] are drawn.
const EXACT: usize = 16;

/// Sign flips drawn where there are too many to try.
const FLIPS: u64 = 100_000;

/// Two ways of training compared seed by seed: what a seed has in common for both, such as the split
/// and the first weights, falls out of the difference.
///
/// # Example
/// ```
/// use onggi_train::diagnose::Paired;
///
/// let compared = Paired::new(&[0.91, 0.93, 0.92], &[0.88, 0.90, 0.885], 0.95, 1)?;
/// assert!(compared.difference.excludes(0.0));
/// assert_eq!(compared.p_value, 0.25); // three seeds cannot give less: 2 of 8 sign patterns
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// Pairs.
    pub pairs: usize,
    /// Mean of `a − b` with Student's t interval, which takes the differences to be about normal.
    pub difference: Interval,
    /// Two-sided p-value of the sign-flip permutation test, which takes them to be symmetric under no
    /// difference: the share of all ways to swap `a` and `b` within pairs whose mean is as far from 0.
    /// With `n` pairs it is at least `2^(1−n)`.
    pub p_value: f64,
}

impl Paired {
    /// Compares the figures `a[i]` and `b[i]` of seed `i`.
    ///
    /// Up to 16 pairs all sign patterns are tried; of more, 100,000 are drawn from `seed`, and the
    /// observed one is counted among them.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for lists of different length or of fewer than two figures, figures that
    /// are not finite, and a level outside of `0 < level < 1`.
    ///
    /// # Reference
    /// Fisher, "The design of experiments", 1935; Phipson & Smyth, "Permutation p-values should never
    /// be zero", 2010.
    pub fn new(a: &[f64], b: &[f64], level: f64, seed: u64) -> Result<Self, TrainError> {
        const WHAT: &str = "paired comparison";
        check_lengths(WHAT, a.len(), b.len())?;
        check_finite(WHAT, a)?;
        check_finite(WHAT, b)?;
        if a.len() < 2 {
            return refuse(WHAT, "at least two pairs", a.len());
        }
        if !(level > 0.0 && level < 1.0) {
            return refuse(WHAT, "a level between 0 and 1", level);
        }
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        let reach = student_quantile((1.0 + level) / 2.0, n - 1.0) * error;
        Ok(Self {
            pairs: differences.len(),
            difference: Interval {
                estimate: mean,
                low: mean - reach,
                high: mean + reach,
                level,
            },
            p_value: sign_flips(&differences, seed),
        })
    }
}

fn sign_flips(differences: &[f64], seed: u64) -> f64 {
    let size: f64 = differences.iter().map(|d| d.abs()).sum();
    // Sums that differ by rounding alone are equal.
    let observed = differences.iter().sum::<f64>().abs() - 1e-12 * size;
    let far = |signs: &dyn Fn(usize) -> bool| {
        let flipped = differences.iter().enumerate();
        let sum: f64 = flipped.map(|(i, d)| if signs(i) { -d } else { *d }).sum();
        sum.abs() >= observed
    };
    if differences.len() <= EXACT {
        let all = 1u32 << differences.len();
        let count = (0..all).filter(|bits| far(&|i| bits >> i & 1 == 1)).count();
        return count as f64 / f64::from(all);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut words = vec![0u64; differences.len().div_ceil(64)];
    let mut count = 1;
    for _ in 0..FLIPS {
        words.iter_mut().for_each(|word| *word = rng.next_u64());
        count += u64::from(far(&|i| words[i / 64] >> (i % 64) & 1 == 1));
    }
    count as f64 / (FLIPS + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.ttest_rel(a, b).confidence_interval()` and `permutation_test(...,
    /// permutation_type="samples")` of SciPy 1.17.1.
    #[test]
    fn as_scipy() {
        let a = [0.81, 0.84, 0.79, 0.86, 0.83];
        let b = [0.80, 0.80, 0.80, 0.81, 0.79];
        let got = Paired::new(&a, &b, 0.95, 0).unwrap();
        assert!((got.difference.estimate - 0.026).abs() < 1e-12);
        assert!((got.difference.low - -0.005165519).abs() < 1e-8, "{got:?}");
        assert!((got.difference.high - 0.057165519).abs() < 1e-8, "{got:?}");
        assert_eq!(got.p_value, 0.1875);
        assert!(!got.difference.excludes(0.0));
    }

    #[test]
    fn many_pairs_are_drawn() {
        let a: Vec<f64> = (0..20).map(|i| 1.0 + f64::from(i % 3) / 10.0).collect();
        let got = Paired::new(&a, &[0.5; 20], 0.95, 3).unwrap();
        assert!(got.p_value < 1e-3 && got.p_value > 0.0, "{got:?}");
        assert_eq!(got, Paired::new(&a, &[0.5; 20], 0.95, 3).unwrap());
        let none: Vec<f64> = (0..20).map(|i| f64::from(i % 2) - 0.5).collect();
        assert_eq!(
            Paired::new(&none, &[0.0; 20], 0.95, 3).unwrap().p_value,
            1.0
        );
    }

    #[test]
    fn equal_figures_are_no_difference() {
        let got = Paired::new(&[0.5; 3], &[0.5; 3], 0.95, 0).unwrap();
        assert_eq!(
            (got.difference.low, got.difference.high, got.p_value),
            (0.0, 0.0, 1.0)
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Paired::new(&[1.0], &[1.0], 0.95, 0).is_err());
        assert!(Paired::new(&[1.0, 2.0], &[1.0], 0.95, 0).is_err());
        assert!(Paired::new(&[1.0, f64::NAN], &[1.0; 2], 0.95, 0).is_err());
        assert!(Paired::new(&[1.0; 2], &[1.0; 2], 1.0, 0).is_err());
    }
}
