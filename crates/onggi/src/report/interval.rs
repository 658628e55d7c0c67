//! How far an accuracy measured on few samples can be trusted.

/// 97.5 % quantile of the standard normal: a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// Wilson's 95 % score interval of the share `p` seen on `n` samples, as fractions; `None` where
/// there is no sample or `p` is not a share.
///
/// `(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)`; unlike the textbook `p ± z √(p(1−p)/n)` it
/// holds for small `n` and for shares near 0 and 1, which small data sets produce all the time.
///
/// # Reference
/// Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
pub(super) fn wilson(p: f64, n: usize) -> Option<(f64, f64)> {
    if n == 0 || !(0.0..=1.0).contains(&p) {
        return None;
    }
    let n = n as f64;
    let z2 = Z * Z;
    let centre = p + z2 / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // The ends are exact in theory; rounding may pass them by one ulp.
    Some((
        ((centre - half) / scale).clamp(0.0, p),
        ((centre + half) / scale).clamp(p, 1.0),
    ))
}

#[cfg(test)]
mod tests {
    use super::wilson;
    use proptest::prelude::*;

    /// Golden: `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")`, SciPy 1.17.1.
    #[test]
    fn known_values() {
        for (k, n, lo, hi) in [
            (81, 100, 0.722_212, 0.874_852),
            (0, 10, 0.0, 0.277_533),
            (10, 10, 0.722_467, 1.0),
        ] {
            let (a, b) = wilson(k as f64 / n as f64, n).unwrap();
            assert!(
                (a - lo).abs() < 1e-5 && (b - hi).abs() < 1e-5,
                "{k}/{n}: {a} {b}"
            );
        }
    }

    #[test]
    fn no_samples_or_no_share_gives_none() {
        for (p, n) in [(0.5, 0), (1.5, 10), (-0.1, 10), (f64::NAN, 10)] {
            assert_eq!(wilson(p, n), None);
        }
    }

    proptest! {
        #[test]
        fn holds_the_share_and_narrows_with_samples(p in 0.0..=1.0, n in 1usize..100_000) {
            let (lo, hi) = wilson(p, n).unwrap();
            let (lo4, hi4) = wilson(p, n * 4).unwrap();
            prop_assert!(0.0 <= lo && lo <= p && p <= hi && hi <= 1.0);
            prop_assert!(hi4 - lo4 < hi - lo);
        }
    }
}
