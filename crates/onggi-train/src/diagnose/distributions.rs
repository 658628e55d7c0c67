//! The normal and Student's t distribution: probabilities and quantiles.

/// Halvings of a quantile's bracket: down to the spacing of `f64`.
const HALVINGS: usize = 200;

/// `P(Z ≤ z)` of a standard normal variable, to 1e-14.
pub(super) fn normal_cdf(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    let x = z.abs() / std::f64::consts::SQRT_2;
    let tail = if x < 2.5 {
        // erf by its series, whose terms are all positive: no digits are lost.
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term > 1e-17 * sum {
            n += 1.0;
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
        }
        (1.0 - std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum) / 2.0
    } else {
        // erfc by its continued fraction, from a depth that suffices at 2.5.
        let fraction = (1..=120)
            .rev()
            .fold(0.0, |f, k| f64::from(k) / 2.0 / (x + f));
        (-x * x).exp() / ((x + fraction) * std::f64::consts::PI.sqrt()) / 2.0
    };
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// The `z` with `P(Z ≤ z) = p`; ±∞ at 0 and 1.
pub(super) fn normal_quantile(p: f64) -> f64 {
    quantile(p, normal_cdf)
}

/// `P(T ≤ t)` of Student's t with `freedom` degrees of freedom.
///
/// # Reference
/// Abramowitz & Stegun, 26.7.1; the incomplete beta function by Lentz's continued fraction (26.5.8).
pub(super) fn student_cdf(t: f64, freedom: f64) -> f64 {
    let x = freedom / (freedom + t * t);
    let tail = incomplete_beta(freedom / 2.0, 0.5, x) / 2.0;
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The `t` with `P(T ≤ t) = p`.
pub(super) fn student_quantile(p: f64, freedom: f64) -> f64 {
    quantile(p, |t| student_cdf(t, freedom))
}

/// Inverts a symmetric distribution function, in the lower tail, which has more digits.
fn quantile(p: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p, cdf);
    }
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let mut low = -1.0;
    while cdf(low) > p && low > -1e300 {
        low *= 2.0;
    }
    let mut high = 0.0;
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if cdf(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// Regularised incomplete beta function `I_x(a, b)`.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above it the other tail is taken.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front =
        (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    let floor = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / floor(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..=10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / floor(1.0 + even * d);
        c = floor(1.0 + even / c);
        fraction *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / floor(1.0 + odd * d);
        c = floor(1.0 + odd / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction / a
}

/// `ln Γ(x)` for `x > 0`, by Stirling's series after raising `x` above 10.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 1.0);
    while x < 10.0 {
        below *= x;
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series =
        (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y * (1.0 / 1680.0 - y / 1188.0)))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - below.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of SciPy 1.17.1, `stats.norm` and `stats.t`.
    #[test]
    fn as_scipy() {
        let close = |got: f64, expected: f64| {
            assert!(
                (got / expected - 1.0).abs() < 1e-11,
                "{got}, not {expected}"
            );
        };
        close(normal_cdf(-0.3), 0.382_088_577_811_047_3);
        close(normal_cdf(1.96), 0.9750021048517795);
        close(normal_cdf(-3.0), 0.0013498980316300933);
        close(normal_cdf(-8.0), 6.22096057427178e-16);
        close(normal_quantile(0.975), 1.959963984540054);
        close(normal_quantile(1e-6), -4.753424308822899);
        close(student_cdf(-2.0, 3.0), 0.06966298427942152);
        close(student_quantile(0.975, 1.0), 12.706204736174694);
        close(student_quantile(0.975, 2.0), 4.302652729749462);
        close(student_quantile(0.95, 9.0), 1.8331129326562368);
        close(student_quantile(0.025, 30.0), -2.042272456301238);
        assert_eq!(normal_cdf(0.0), 0.5);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }
}
