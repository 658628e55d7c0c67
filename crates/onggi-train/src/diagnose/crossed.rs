//! Whether one way of training is better than another, by the same seeds on the same samples.

use super::bootstrap::Interval;
use super::distributions::student_quantile;
use crate::TrainError;
use crate::metrics::{check_finite, check_lengths, refuse};

/// The mean of `a − b` over seeds and samples, with an interval that covers both other seeds and other
/// samples.
///
/// `a[s][i]` is the figure of seed `s` on sample `i` (1 for a right answer and 0 for a wrong one, or its
/// loss), `b` likewise. With `d = a − b`, `S` seeds, `N` samples, and the means over samples
/// `d̄ₛ` and over seeds `d̄ᵢ`, the variance of the mean is estimated as
///
/// `var(d̄ₛ)/S + var(d̄ᵢ)/N`
///
/// and the interval is Student's with Satterthwaite's degrees of freedom
/// `(A + B)² / (A²/(S − 1) + B²/(N − 1))`, where `A` and `B` are the two terms.
///
/// [`Paired`](super::Paired) over the seeds' means knows the first term alone: it says how the
/// difference varies from seed to seed on these samples. On a small validation part all seeds may
/// differ by the very same two samples; that interval is then a point, and this one is not. The part of
/// the variance that belongs to a seed on a sample is in both terms, so the interval is rather too wide
/// than too narrow.
///
/// # Errors
/// [`TrainError::Measure`] for fewer than two seeds or samples, lists of different lengths, figures
/// that are not finite, and a level outside of `0 < level < 1`.
///
/// # Example
/// ```
/// use onggi_train::diagnose::crossed;
///
/// let right = |n: usize| (0..200).map(|i| f64::from(u8::from(i < n))).collect::<Vec<_>>();
/// let better = [right(170), right(176), right(173)];
/// let worse = [right(150), right(154), right(149)];
/// let difference = crossed(&better, &worse, 0.95)?;
/// assert!((difference.estimate - 0.11).abs() < 1e-12 && difference.excludes(0.0));
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Owen, "The pigeonhole bootstrap", 2007; Satterthwaite, "An approximate distribution of estimates
/// of variance components", 1946.
pub fn crossed(a: &[Vec<f64>], b: &[Vec<f64>], level: f64) -> Result<Interval, TrainError> {
    const WHAT: &str = "crossed comparison";
    check_lengths(WHAT, a.len(), b.len())?;
    if a.len() < 2 {
        return refuse(WHAT, "at least two seeds", a.len());
    }
    let samples = a[0].len();
    if samples < 2 {
        return refuse(WHAT, "at least two samples", samples);
    }
    if !(level > 0.0 && level < 1.0) {
        return refuse(WHAT, "a level between 0 and 1", level);
    }
    let (mut of_seeds, mut of_samples) = (Vec::new(), vec![0.0; samples]);
    for (a, b) in a.iter().zip(b) {
        check_lengths(WHAT, a.len(), samples)?;
        check_lengths(WHAT, b.len(), samples)?;
        check_finite(WHAT, a)?;
        check_finite(WHAT, b)?;
        let differences = || a.iter().zip(b).map(|(a, b)| a - b);
        of_seeds.push(differences().sum::<f64>() / samples as f64);
        for (sum, difference) in of_samples.iter_mut().zip(differences()) {
            *sum += difference;
        }
    }
    let seeds = of_seeds.len() as f64;
    of_samples.iter_mut().for_each(|sum| *sum /= seeds);
    let estimate = of_seeds.iter().sum::<f64>() / seeds;
    let (by_seed, by_sample) = (error(&of_seeds), error(&of_samples));
    let total = by_seed + by_sample;
    let reach = if total > 0.0 {
        let freedom = total * total
            / (by_seed * by_seed / (seeds - 1.0) + by_sample * by_sample / (samples as f64 - 1.0));
        student_quantile((1.0 + level) / 2.0, freedom) * total.sqrt()
    } else {
        0.0
    };
    Ok(Interval {
        estimate,
        low: estimate - reach,
        high: estimate + reach,
        level,
    })
}

/// The squared standard error of the mean.
fn error(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// NumPy 2 and `scipy.stats.t.ppf` of SciPy 1.17.1 on the same differences.
    #[test]
    fn as_by_hand() {
        let a = [
            vec![1.0, 0.0, 1.0, 1.0],
            vec![1.0, 1.0, 1.0, 0.0],
            vec![1.0, 1.0, 1.0, 1.0],
        ];
        let b = [
            vec![0.0, 0.0, 1.0, 1.0],
            vec![1.0, 0.0, 0.0, 0.0],
            vec![1.0, 0.0, 1.0, 0.0],
        ];
        let got = crossed(&a, &b, 0.95).unwrap();
        assert!((got.estimate - 5.0 / 12.0).abs() < 1e-12, "{got:?}");
        assert!((got.low - 0.109884397938).abs() < 1e-8, "{got:?}");
        assert!((got.high - 0.723448935396).abs() < 1e-8, "{got:?}");
    }

    /// Where all seeds differ by the same samples, the seeds alone would be sure.
    #[test]
    fn equal_seeds_are_not_taken_for_certainty() {
        let a = vec![[1.0; 40].to_vec(); 3];
        let b = vec![[[0.0].as_slice(), &[1.0; 39]].concat(); 3];
        let got = crossed(&a, &b, 0.95).unwrap();
        assert!((got.estimate - 0.025).abs() < 1e-12);
        assert!(!got.excludes(0.0), "{got:?}");
        let same = crossed(&a, &a, 0.95).unwrap();
        assert_eq!((same.low, same.high), (0.0, 0.0));
    }

    /// Under no difference the interval misses 0 in no more than 5 % of cases, give or take the
    /// simulation's error. Effects are normal, as Student's distribution has it: with three seeds of
    /// uniform effects it misses in 10 %.
    #[test]
    fn covers_as_often_as_it_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (seeds, samples, trials) = (3, 100, 400);
        for (seed_share, sample_share) in [(0.1, 0.0), (0.0, 0.3), (0.05, 0.2)] {
            let mut missed = 0;
            for _ in 0..trials {
                // The sum of twelve uniform numbers has variance 1.
                let mut normal = |deviation: f64| {
                    let sum: f64 = (0..12).map(|_| rng.random::<f64>()).sum();
                    deviation * (sum - 6.0)
                };
                let of_samples: Vec<f64> = (0..samples).map(|_| normal(sample_share)).collect();
                let mut a = Vec::new();
                for _ in 0..seeds {
                    let shift = normal(seed_share);
                    let row = of_samples.iter().map(|s| s + shift + normal(0.1));
                    a.push(row.collect::<Vec<f64>>());
                }
                let b = vec![vec![0.0; samples]; seeds];
                missed += usize::from(crossed(&a, &b, 0.95).unwrap().excludes(0.0));
            }
            let share = missed as f64 / trials as f64;
            assert!(share < 0.08, "{seed_share} {sample_share}: {share}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let two = vec![vec![0.0, 1.0]; 2];
        for (a, b, level) in [
            (vec![vec![0.0, 1.0]], vec![vec![0.0, 1.0]], 0.95),
            (vec![vec![0.0]; 2], vec![vec![0.0]; 2], 0.95),
            (two.clone(), vec![vec![0.0, 1.0]; 3], 0.95),
            (two.clone(), vec![vec![0.0]; 2], 0.95),
            (two.clone(), vec![vec![0.0, f64::NAN]; 2], 0.95),
            (two.clone(), two.clone(), 1.0),
        ] {
            assert!(crossed(&a, &b, level).is_err());
        }
    }
}
