//! Elementary functions that compilers turn into vector code: branch-free, of additions,
//! multiplications, one division at most and integer operations on the bits, so that a loop over
//! them runs at the full width of a register.
//!
//! Each takes `FMA`, whether to fuse a multiplication with the addition after it: right where the
//! instruction exists, and a slow call of a library where it does not. The polynomials are minimax
//! in the relative error of the result (Lawson's iteration in `f64`), which is below 4e-8 before
//! rounding. All are tested against `f64` over their whole range.

/// `a · b + c`.
#[inline(always)]
fn fused<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `Σ coefficients[i] · x^i`, by Horner's rule.
#[inline(always)]
fn polynomial<const FMA: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = fused::<FMA>(sum, x, coefficients[i]);
    }
    sum
}

/// `min(x, high)` and `max(·, low)` that let NaN through, in one instruction each.
#[inline(always)]
pub(crate) fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}

/// `r` and the whole number `n` of `x = n · ln 2 + r` with `|r| ≤ ln 2 / 2`. For `|x| < 1e6`.
#[inline(always)]
fn reduce<const FMA: bool>(x: f32) -> (f32, i32) {
    /// 1.5 · 2²³: adding it rounds to a whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    /// The first bits of ln 2, so few that `n · LN_2_HIGH` is exact, and the rest.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = fused::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fused::<FMA>(n, -LN_2_HIGH, x);
    let r = fused::<FMA>(n, -LN_2_LOW, r);
    (r, shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32)
}

/// `eʳ − 1` for `|r| ≤ ln 2 / 2`.
#[inline(always)]
fn expm1_reduced<const FMA: bool>(r: f32) -> f32 {
    let tail = polynomial::<FMA, 5>(
        r,
        [
            0.499_999_98,
            0.166_665_39,
            0.041_667_22,
            0.008_367_181,
            0.001_388_239_5,
        ],
    );
    fused::<FMA>(r * r, tail, r)
}

/// `eʳ` for `|r| ≤ ln 2 / 2`.
#[inline(always)]
fn exp_reduced<const FMA: bool>(r: f32) -> f32 {
    polynomial::<FMA, 7>(
        r,
        [
            1.0,
            1.0,
            0.499_999_93,
            0.166_665_15,
            0.041_668_457,
            0.008_369_419,
            0.001_381_314_4,
        ],
    )
}

/// `2ⁿ` for `−126 ≤ n ≤ 127`.
#[inline(always)]
fn exp2_whole(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32).wrapping_shl(23))
}

/// `eˣ`.
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    // Beyond these the result is 0 or infinite.
    let (r, n) = reduce::<FMA>(clamp(x, -104.0, 89.0));
    // In two steps: neither 2⁻¹⁵⁰ nor 2¹²⁸ is a number.
    let half = n >> 1;
    exp_reduced::<FMA>(r) * exp2_whole(half) * exp2_whole(n.wrapping_sub(half))
}

/// `eˣ` for `x ≤ 0`, or above by no more than a rounding error, in fewer instructions: results below
/// 2⁻¹²⁶ are 0.
#[inline(always)]
pub(crate) fn exp_negative<const FMA: bool>(x: f32) -> f32 {
    let (r, n) = reduce::<FMA>(if x < -104.0 { -104.0 } else { x });
    // Below the smallest power the bits are those of 0.
    let scale = f32::from_bits((n.wrapping_add(127).max(0) as u32) << 23);
    exp_reduced::<FMA>(r) * scale
}

/// `eˣ − 1` without cancellation near 0, for `x ≤ 64`; larger ones count as 64.
#[inline(always)]
pub(crate) fn expm1<const FMA: bool>(x: f32) -> f32 {
    let (r, n) = reduce::<FMA>(clamp(x, -64.0, 64.0));
    let scale = exp2_whole(n);
    fused::<FMA>(expm1_reduced::<FMA>(r), scale, scale - 1.0)
}

/// `ln(1 + u)` for `0 ≤ u ≤ 1`: twice the inverse hyperbolic tangent of `s = u / (2 + u)`.
#[inline(always)]
pub(crate) fn log1p_unit<const FMA: bool>(u: f32) -> f32 {
    let s = u / (2.0 + u);
    let square = s * s;
    let tail = polynomial::<FMA, 4>(
        square,
        [0.666_664_2, 0.400_215_27, 0.280_018_07, 0.280_119_78],
    );
    fused::<FMA>(s * square, tail, 2.0 * s)
}

/// `(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn tanh<const FMA: bool>(x: f32) -> f32 {
    // From 9.1 on the result rounds to 1.
    let e = expm1::<FMA>(2.0 * clamp(x.abs(), 0.0, 10.0));
    (e / (e + 2.0)).copysign(x)
}

/// `σ(x) = 1 / (1 + e⁻ˣ)` and `σ(−x) = 1 − σ(x)`, neither with cancellation.
#[inline(always)]
pub(crate) fn sigmoids<const FMA: bool>(x: f32) -> (f32, f32) {
    let z = exp_negative::<FMA>(-x.abs());
    let large = 1.0 / (1.0 + z);
    let small = z * large;
    if x < 0.0 {
        (small, large)
    } else {
        (large, small)
    }
}

/// The standard normal distribution `Φ(x)` and its density `φ(x)`. `Φ` keeps its relative precision
/// in the lower tail, where `(1 + erf(x/√2)) / 2` cancels.
#[inline(always)]
pub(crate) fn normal<const FMA: bool>(x: f32) -> (f32, f32) {
    /// `1/√(2π)`.
    const PEAK: f32 = 0.398_942_3;
    // Beyond 14.5 the density is 0; the bound keeps ∞ · 0 away.
    let a = clamp(x.abs(), 0.0, 15.0);
    let density = PEAK * exp_negative::<FMA>(-0.5 * a * a);
    // Mills' ratio Φ(−a)/φ(a), which falls like 1/a, in t = 1/(1 + 0.35·a).
    let t = 1.0 / fused::<FMA>(0.35, a, 1.0);
    // Even and odd powers by themselves: half as long a chain of dependent instructions.
    let square = t * t;
    let even = polynomial::<FMA, 5>(
        square,
        [
            0.349_978_8,
            0.300_356_9,
            -0.058_101_26,
            -0.641_191_9,
            -0.073_078_28,
        ],
    );
    let odd = polynomial::<FMA, 4>(
        square,
        [0.350_584_5, 0.264_544_6, 0.399_236_86, 0.360_983_88],
    );
    let ratio = t * fused::<FMA>(t, odd, even);
    let tail = density * ratio;
    (if x < 0.0 { tail } else { 1.0 - tail }, density)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error of `f` against `expected`, in units of the last place of the latter, over
    /// a fine grid of `range`.
    fn ulps(range: [f32; 2], f: impl Fn(f32) -> f32, expected: impl Fn(f64) -> f64) -> f64 {
        let steps = 400_000;
        let error = |i: i32| {
            let place = f64::from(i) / f64::from(steps);
            let x = (f64::from(range[0]) + place * f64::from(range[1] - range[0])) as f32;
            let (got, expected) = (f(x), expected(f64::from(x)));
            let unit = (expected.abs() as f32).max(f32::MIN_POSITIVE);
            let unit = f64::from(f32::from_bits(unit.to_bits() + 1) - unit);
            (f64::from(got) - expected).abs() / unit
        };
        (0..=steps).map(error).fold(0.0, f64::max)
    }

    /// `Φ(x)` for `x ≤ 0`: Simpson's rule on `φ(x) ∫₀^∞ e^{xs − s²/2} ds`.
    fn lower_tail(x: f64) -> f64 {
        let steps = 2000;
        let h = 14.0 / f64::from(steps);
        let f = |i: i32| (x * h * f64::from(i) - (h * f64::from(i)).powi(2) / 2.0).exp();
        let inner: f64 = (1..steps).map(|i| f(i) * f64::from(2 + 2 * (i % 2))).sum();
        density(x) * (f(0) + inner + f(steps)) * h / 3.0
    }

    fn density(x: f64) -> f64 {
        (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
    }

    fn check<const FMA: bool>() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!(ulps([-87.0, 88.7], exp::<FMA>, f64::exp) < 2.0);
        assert!(ulps([-110.0, -87.0], exp::<FMA>, f64::exp) < 2.0);
        assert!(ulps([-1.0, 1.0], exp::<FMA>, f64::exp) < 2.0);
        assert!(ulps([-87.0, 1.0], exp_negative::<FMA>, f64::exp) < 2.0);
        let below = |x: f32| exp_negative::<FMA>(x).to_bits() <= f32::MIN_POSITIVE.to_bits();
        assert!((0..2000).all(|i| below(-87.4 - i as f32 / 10.0)));
        assert!(ulps([-30.0, 30.0], expm1::<FMA>, f64::exp_m1) < 3.0);
        assert!(ulps([-0.5, 0.5], expm1::<FMA>, f64::exp_m1) < 3.0);
        assert!(ulps([-1e-3, 1e-3], expm1::<FMA>, f64::exp_m1) < 2.0);
        assert!(ulps([0.0, 1.0], log1p_unit::<FMA>, f64::ln_1p) < 2.0);
        assert!(ulps([0.0, 1e-4], log1p_unit::<FMA>, f64::ln_1p) < 2.0);
        assert!(ulps([-12.0, 12.0], tanh::<FMA>, f64::tanh) < 4.0);
        assert!(ulps([-0.01, 0.01], tanh::<FMA>, f64::tanh) < 4.0);
        assert!(ulps([-87.0, 87.0], |x| sigmoids::<FMA>(x).0, sigmoid) < 4.0);
        assert!(ulps([-87.0, 87.0], |x| sigmoids::<FMA>(x).1, |x| sigmoid(-x)) < 4.0);
        // The error of x² in the exponent grows with x², as that of any formula in f32 does.
        assert!(ulps([-2.0, 2.0], |x| normal::<FMA>(x).1, density) < 6.0);
        assert!(ulps([-13.0, 13.0], |x| normal::<FMA>(x).1, density) < 90.0);
        for (low, tolerance) in [(-1.0, 5e-7), (-5.0, 2e-6), (-12.0, 1e-5)] {
            for i in 0..=1000 {
                let x = low * i as f32 / 1000.0;
                let expected = lower_tail(f64::from(x));
                let error = f64::from(normal::<FMA>(x).0) / expected - 1.0;
                assert!(error.abs() < tolerance, "Φ({x}) is off by {error:e}");
                let error = f64::from(normal::<FMA>(-x).0) - (1.0 - expected);
                assert!(error.abs() < 2e-7, "Φ({}) is off by {error:e}", -x);
            }
        }
    }

    #[test]
    fn agree_with_f64() {
        check::<true>();
    }

    #[test]
    fn agree_with_f64_without_fused_multiplications() {
        check::<false>();
    }

    /// What a recurrent network's gates are made of, on every 1009th float of either sign.
    #[test]
    fn agree_with_f64_on_floats_of_every_size() {
        let unit = |x: f32| f64::from(x.abs().next_up()) - f64::from(x.abs());
        let ulps =
            |got: f32, expected: f64| (f64::from(got) - expected).abs() / unit(expected as f32);
        for bits in (0..f32::INFINITY.to_bits()).step_by(1009) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let exact = f64::from(x);
                assert!(ulps(tanh::<true>(x), exact.tanh()) < 4.0, "tanh({x})");
                let (got, expected) = (sigmoids::<true>(x).0, 1.0 / (1.0 + (-exact).exp()));
                if expected < f64::from(f32::MIN_POSITIVE) {
                    assert!(got <= f32::MIN_POSITIVE, "σ({x}) = {got}");
                } else {
                    assert!(ulps(got, expected) < 4.0, "σ({x}) = {got}");
                }
            }
        }
    }

    #[test]
    fn keep_the_limits_and_nan() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        assert_eq!(
            [exp::<true>(-inf), exp::<true>(0.0), exp::<true>(inf)],
            [0.0, 1.0, inf]
        );
        assert_eq!(
            [exp_negative::<true>(-inf), exp_negative::<true>(0.0)],
            [0.0, 1.0]
        );
        assert_eq!([expm1::<true>(-inf), expm1::<true>(0.0)], [-1.0, 0.0]);
        assert_eq!([tanh::<true>(-inf), tanh::<true>(inf)], [-1.0, 1.0]);
        assert_eq!(tanh::<true>(1e-30), 1e-30);
        assert_eq!(tanh::<true>(-0.0).to_bits(), (-0.0f32).to_bits());
        assert_eq!(expm1::<true>(-1e-40), -1e-40);
        assert_eq!(sigmoids::<true>(-inf), (0.0, 1.0));
        assert_eq!(sigmoids::<true>(inf), (1.0, 0.0));
        assert_eq!(normal::<true>(-inf), (0.0, 0.0));
        assert_eq!(normal::<true>(inf), (1.0, 0.0));
        assert_eq!(log1p_unit::<true>(0.0), 0.0);
        assert!(
            exp::<true>(nan).is_nan()
                && exp_negative::<true>(nan).is_nan()
                && expm1::<true>(nan).is_nan()
        );
        assert!(tanh::<true>(nan).is_nan() && log1p_unit::<true>(nan).is_nan());
        assert!(sigmoids::<true>(nan).0.is_nan() && normal::<true>(nan).0.is_nan());
    }
}
