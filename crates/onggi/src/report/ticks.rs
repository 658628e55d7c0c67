//! Where the ticks of an axis stand.

/// The distance of ticks over `span`: 1, 2 or 5 times a power of ten, so that there are at most
/// `most` steps; 1 where the span is empty, not finite, or too small to divide.
pub(crate) fn step(span: f64, most: usize) -> f64 {
    let raw = span / most.max(1) as f64;
    if !raw.is_normal() || raw <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(raw.log10().floor());
    // Rounding must not lift a span of five steps to six.
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&step| step >= raw * (1.0 - 1e-9));
    // `power` may lie one rounding below what its name says.
    step.unwrap_or(20.0 * power)
}

/// The multiples of `step` within `low..=high`, rising; at most a hundred.
pub(crate) fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    // An end that is a multiple of the step but for rounding is one.
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    if !first.is_finite() || !last.is_finite() {
        return vec![];
    }
    let steps = (last - first).clamp(-1.0, 99.0) as i64;
    (0..=steps).map(|i| (first + i as f64) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ticks_are_few_round_even_and_inside(
            low in -1e6..1e6f64, span in 1e-3..1e6f64, most in 2usize..10,
        ) {
            let high = low + span;
            let step = step(span, most);
            let ticks = ticks(low, high, step);
            prop_assert!(!ticks.is_empty() || most < 4);
            prop_assert!(ticks.len() <= most + 1, "{} ticks", ticks.len());
            let slack = step * 1e-6;
            prop_assert!(ticks.iter().all(|&t| t >= low - slack && t <= high + slack));
            prop_assert!(ticks.windows(2).all(|t| (t[1] - t[0] - step).abs() <= slack));
            let digit = step / 10f64.powf(step.log10().floor() + 1e-9);
            prop_assert!([1.0, 2.0, 5.0, 10.0].iter().any(|d| (d - digit).abs() < 1e-6), "{step}");
        }
    }

    #[test]
    fn steps_of_nothing_are_one() {
        for span in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE / 4.0] {
            assert_eq!(step(span, 5), 1.0);
        }
        assert_eq!(ticks(0.0, f64::INFINITY, 1.0), vec![] as Vec<f64>);
        assert_eq!(ticks(0.0, 1e9, 1.0).len(), 100);
    }

    #[test]
    fn accuracy_ticks_reach_both_ends() {
        assert_eq!(ticks(0.4, 1.0, 0.2).len(), 4);
        assert_eq!(ticks(0.0, 0.6, 0.1).len(), 7);
    }
}
