//! `sigmoid` and `tanh` without branches, for loops that the compiler turns into registers.
//!
//! Both go by `e = exp(−|x|)` or its square, which neither overflows nor cancels: the error is below
//! 3 ulp everywhere (the tests check it against `f64`), except that `sigmoid` stays at 2⁻¹²⁶ where
//! it would be smaller.

use super::simd::{Register, fused};

/// `exp(x)` for `x ≤ 0`, no smaller than 2⁻¹²⁶: `2ⁿ · exp(r)` with `|r| ≤ ln 2 / 2`, the latter by
/// its series.
#[inline(always)]
fn exp_negative<V: Register>(x: f32) -> f32 {
    /// Adding it rounds to a whole number, in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// `ln 2` in two parts, the first with zeros at the end.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    /// `1/k!` from `k = 7` to 2.
    const SERIES: [f32; 6] = [
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    // So written that NaN remains.
    let x = if x < -87.336_54 { -87.336_54 } else { x };
    let shifted = fused::<V>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fused::<V>(n, -LN_2[1], fused::<V>(n, -LN_2[0], x));
    let mut sum = SERIES[0];
    for coefficient in &SERIES[1..] {
        sum = fused::<V>(sum, r, *coefficient);
    }
    let exp = fused::<V>(sum * r, r, r) + 1.0;
    let power = (shifted.to_bits() << 23).wrapping_add(127 << 23);
    exp * f32::from_bits(power)
}

/// `1 / (1 + exp(−x))`.
#[inline(always)]
pub(super) fn sigmoid<V: Register>(x: f32) -> f32 {
    let e = exp_negative::<V>(-x.abs());
    let numerator = if x >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// `tanh(x)`.
#[inline(always)]
pub(super) fn tanh<V: Register>(x: f32) -> f32 {
    /// Coefficients of `x¹¹ … x³` of the series.
    const SERIES: [f32; 5] = [
        -1382.0 / 155_925.0,
        62.0 / 2835.0,
        -17.0 / 315.0,
        2.0 / 15.0,
        -1.0 / 3.0,
    ];
    let a = x.abs();
    let e = exp_negative::<V>(-2.0 * a);
    let large = (1.0 - e) / (1.0 + e);
    let square = x * x;
    let mut sum = SERIES[0];
    for coefficient in &SERIES[1..] {
        sum = fused::<V>(sum, square, *coefficient);
    }
    let small = fused::<V>(sum * square, a, a);
    (if a < 0.35 { small } else { large }).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance of `got` from `expected` in units in the last place of the latter.
    fn ulps(got: f32, expected: f64) -> f64 {
        let spacing =
            f64::from((expected as f32).abs().next_up()) - f64::from((expected as f32).abs());
        (f64::from(got) - expected).abs() / spacing
    }

    #[test]
    fn a_few_ulps_over_the_whole_range() {
        // Every 1009th float, of both signs.
        let mut worst = [0f64; 2];
        for bits in (0..f32::INFINITY.to_bits()).step_by(1009) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let exact = f64::from(x);
                worst[0] = worst[0].max(ulps(tanh::<[f32; 8]>(x), exact.tanh()));
                let expected = 1.0 / (1.0 + (-exact).exp());
                let got = sigmoid::<[f32; 8]>(x);
                if expected < f64::from(f32::MIN_POSITIVE) {
                    assert!(got <= 1.0001 * f32::MIN_POSITIVE, "sigmoid({x}) = {got}");
                } else {
                    worst[1] = worst[1].max(ulps(got, expected));
                }
            }
        }
        assert!(worst[0] <= 3.0 && worst[1] <= 3.0, "{worst:?}");
    }

    #[test]
    fn the_ends_of_the_line() {
        let (sigmoid, tanh) = (sigmoid::<[f32; 8]>, tanh::<[f32; 8]>);
        assert_eq!([sigmoid(f32::INFINITY), sigmoid(0.0)], [1.0, 0.5]);
        assert!(sigmoid(f32::NEG_INFINITY) <= 1.0001 * f32::MIN_POSITIVE);
        assert_eq!([tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)], [1.0, -1.0]);
        assert_eq!(tanh(-0.0).to_bits(), (-0.0f32).to_bits());
        assert!(sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
    }
}
