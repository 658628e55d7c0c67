//! Whether more data would help, and how much it would take.

use super::bootstrap::sorted_quantile;
use crate::TrainError;
use crate::metrics::refuse;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Exponents that are tried, from nearly flat to far steeper than is seen in practice.
const EXPONENTS: (f64, f64) = (0.02, 3.0);

/// Places on the grid of exponents, before the best is refined.
const GRID: usize = 60;

/// Curves drawn for the uncertainty.
const DRAWS: u64 = 400;

/// Points below which nothing is foretold: three are fitted to, so three fit perfectly.
const LEAST_POINTS: usize = 4;

/// Standard errors that the errors must fall by, from the smallest to the largest size.
const FALL: f64 = 2.0;

/// Mean squared deviation, in standard errors and by degree of freedom, beyond which the points do not
/// lie on a power law.
const MISFIT: f64 = 4.0;

/// Share of the drawn curves that must reach the goal.
const AGREEMENT: f64 = 0.9;

/// Times the largest measured size beyond which nothing is foretold.
const REACH: f64 = 10.0;

/// The error of a model trained on some of the data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Training samples.
    pub samples: usize,
    /// Share of wrong answers on held-out data, or its loss.
    pub error: f64,
    /// Standard error of `error`.
    pub standard_error: f64,
}

impl CurvePoint {
    /// From `wrong` of `tested` answers. The standard error is that of a share, with one right and one
    /// wrong answer added, so that it is not 0 where there are no mistakes.
    pub fn counted(samples: usize, wrong: usize, tested: usize) -> Self {
        let n = tested.max(1) as f64;
        let share = (wrong as f64 + 1.0) / (n + 2.0);
        Self {
            samples,
            error: wrong as f64 / n,
            standard_error: (share * (1.0 - share) / n).sqrt(),
        }
    }
}

/// `error(n) = a · n^(−b) + c`, with `a, c ≥ 0` and `b` from 0.02 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PowerLaw {
    /// Error above `c` of a model trained on one sample.
    pub a: f64,
    /// How fast the error falls.
    pub b: f64,
    /// What no amount of data goes below.
    pub c: f64,
}

impl PowerLaw {
    /// The error at `n` samples.
    pub fn at(&self, n: f64) -> f64 {
        self.a * n.powf(-self.b) + self.c
    }

    /// Samples at which the error is `goal`; infinite where it never is.
    pub fn samples(&self, goal: f64) -> f64 {
        if goal <= self.c {
            return f64::INFINITY;
        }
        (self.a / (goal - self.c)).powf(1.0 / self.b)
    }
}

/// What a learning curve says of more data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// The gain can be had: with so many samples in all (median of the drawn curves, and the 80 %
    /// interval).
    Reachable {
        /// Samples in all.
        samples: f64,
        /// Lower end.
        low: f64,
        /// Upper end; may be infinite.
        high: f64,
    },
    /// The error does not fall with the data, beyond what chance would do.
    Flat,
    /// The curve does not support a figure.
    Unsupported {
        /// Why, in words.
        reason: String,
    },
}

/// A power law fitted to errors at several sizes, with its uncertainty.
///
/// # Example
/// ```
/// use onggi_train::diagnose::{CurvePoint, LearningCurve, Outlook};
///
/// let point = |samples: usize| CurvePoint {
///     samples,
///     error: 3.0 * (samples as f64).powf(-0.5) + 0.05,
///     standard_error: 0.001,
/// };
/// let curve = LearningCurve::fit(&[point(100), point(250), point(500), point(1000)], 1)?;
/// assert!((curve.law.b - 0.5).abs() < 0.01);
/// let Outlook::Reachable { samples, .. } = curve.outlook(0.01) else { panic!() };
/// assert!((1200.0..1400.0).contains(&samples)); // 1,250 by the law itself
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Hestness et al., "Deep learning scaling is predictable, empirically", 2017; Viering & Loog, "The
/// shape of learning curves: a review", TPAMI 45, 2023, on how far such fits can be trusted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LearningCurve {
    /// The points, by size.
    pub points: Vec<CurvePoint>,
    /// The curve of least squares, weighted by the standard errors.
    pub law: PowerLaw,
    /// Mean squared deviation of the points from it, in standard errors, by degree of freedom; `None`
    /// of three points, which leave none.
    pub misfit: Option<f64>,
    #[serde(skip)]
    drawn: Vec<PowerLaw>,
}

impl LearningCurve {
    /// Fits the curve, and 400 more to errors drawn from `seed` around the measured ones.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for fewer than three different sizes, errors below 0 or not finite, and
    /// standard errors that are not above 0.
    pub fn fit(points: &[CurvePoint], seed: u64) -> Result<Self, TrainError> {
        const WHAT: &str = "learning curve";
        let mut points = points.to_vec();
        points.sort_by_key(|point| point.samples);
        let mut sizes: Vec<usize> = points.iter().map(|point| point.samples).collect();
        sizes.dedup();
        if sizes.len() < 3 || sizes[0] == 0 {
            return refuse(WHAT, "at least three sizes above 0", format!("{sizes:?}"));
        }
        let bad = |p: &&CurvePoint| {
            let good = p.error >= 0.0 && p.error < 1e100;
            !(good && p.standard_error > 1e-100 && p.standard_error < 1e100)
        };
        if let Some(point) = points.iter().find(bad) {
            let got = format!("{} ± {}", point.error, point.standard_error);
            return refuse(WHAT, "errors of at least 0 ± more than 0", got);
        }
        let law = least_squares(&points, |i| points[i].error);
        let freedom = points.len().saturating_sub(3);
        let squares: f64 = points
            .iter()
            .map(|p| ((law.at(p.samples as f64) - p.error) / p.standard_error).powi(2))
            .sum();
        let misfit = (freedom > 0).then(|| squares / freedom as f64);
        // Points that scatter more than their standard errors say are that much less sure.
        let widened = misfit.unwrap_or(1.0).max(1.0).sqrt();
        let drawn = (0..DRAWS).map(|draw| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(draw);
            let errors: Vec<f64> = points
                .iter()
                .map(|p| (p.error + widened * p.standard_error * normal(&mut rng)).max(0.0))
                .collect();
            least_squares(&points, |i| errors[i])
        });
        Ok(Self {
            drawn: drawn.collect(),
            points,
            law,
            misfit,
        })
    }

    /// What it would take to lower the error by `gain` (0.01 of an error rate is a point), from where
    /// the curve is at the largest size.
    ///
    /// No figure is given where the fit does not support one: fewer than four points, points that are
    /// not on a power law (a mean squared deviation of more than 4 standard errors), more than a tenth
    /// of the drawn curves never getting there, or more than ten times the largest size needed.
    pub fn outlook(&self, gain: f64) -> Outlook {
        let unsupported = |reason: String| Outlook::Unsupported { reason };
        let (first, last) = (self.points[0], self.points[self.points.len() - 1]);
        if !(gain > 0.0 && gain.is_finite()) {
            return unsupported(format!("a gain above 0 is wanted, not {gain}"));
        }
        let error = first.standard_error.hypot(last.standard_error);
        if first.error - last.error < FALL * error {
            return Outlook::Flat;
        }
        if self.points.len() < LEAST_POINTS {
            let n = self.points.len();
            return unsupported(format!(
                "{n} points do not test a curve of three parameters"
            ));
        }
        if let Some(misfit) = self.misfit.filter(|misfit| *misfit > MISFIT) {
            return unsupported(format!(
                "the errors lie {:.1} standard errors off the curve in the mean",
                misfit.sqrt()
            ));
        }
        let largest = last.samples as f64;
        // The curve's own place, not the goal, is drawn: what is asked for is a gain from there.
        let mut needed: Vec<f64> = self
            .drawn
            .iter()
            .map(|law| law.samples(law.at(largest) - gain))
            .collect();
        needed.sort_unstable_by(f64::total_cmp);
        let reached = needed.iter().filter(|n| n.is_finite()).count() as f64 / needed.len() as f64;
        if reached < AGREEMENT {
            return unsupported(format!(
                "only {:.0} % of the curves that fit ever gain that much",
                100.0 * reached
            ));
        }
        let samples = sorted_quantile(&needed, 0.5);
        if samples > REACH * largest {
            return unsupported(format!(
                "it would take more than {REACH} times the data, further than the curve can be trusted"
            ));
        }
        Outlook::Reachable {
            samples,
            low: sorted_quantile(&needed, 0.1),
            high: sorted_quantile(&needed, 0.9),
        }
    }
}

/// The power law of least weighted squares: for each exponent the best `a` and `c` are had at once, so
/// only the exponent is searched.
fn least_squares(points: &[CurvePoint], error: impl Fn(usize) -> f64) -> PowerLaw {
    let largest = points.iter().map(|p| p.samples).max().unwrap_or(1) as f64;
    let at = |log_b: f64| {
        let b = log_b.exp();
        let mut sums = [0.0; 5];
        let each = |i: usize| {
            let p = &points[i];
            let x = (p.samples as f64 / largest).powf(-b);
            (1.0 / p.standard_error.powi(2), x, error(i))
        };
        for i in 0..points.len() {
            let (w, x, y) = each(i);
            let terms = [w, w * x, w * x * x, w * y, w * x * y];
            sums.iter_mut()
                .zip(terms)
                .for_each(|(sum, term)| *sum += term);
        }
        let [w, wx, wxx, wy, wxy] = sums;
        let determinant = w * wxx - wx * wx;
        let mut a = (w * wxy - wx * wy) / determinant;
        let mut c = (wy - a * wx) / w;
        if c < 0.0 || c.is_nan() {
            (a, c) = (wxy / wxx, 0.0);
        }
        if a < 0.0 || a.is_nan() {
            (a, c) = (0.0, wy / w);
        }
        let squares: f64 = (0..points.len())
            .map(|i| {
                let (w, x, y) = each(i);
                w * (a * x + c - y).powi(2)
            })
            .sum();
        let law = PowerLaw {
            a: a * largest.powf(b),
            b,
            c,
        };
        (squares, law)
    };
    let (low, high) = (EXPONENTS.0.ln(), EXPONENTS.1.ln());
    let place = |i: usize| low + (high - low) * i as f64 / (GRID - 1) as f64;
    let best = (0..GRID)
        .min_by(|&i, &j| at(place(i)).0.total_cmp(&at(place(j)).0))
        .unwrap_or(0);
    let (mut left, mut right) = (
        place(best.saturating_sub(1)),
        place((best + 1).min(GRID - 1)),
    );
    for _ in 0..40 {
        let (a, b) = (left + (right - left) / 3.0, right - (right - left) / 3.0);
        if at(a).0 <= at(b).0 {
            right = b;
        } else {
            left = a;
        }
    }
    at((left + right) / 2.0).1
}

/// A standard normal number, by Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(law: PowerLaw, sizes: &[usize], standard_error: f64, seed: u64) -> Vec<CurvePoint> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let point = |&samples: &usize| CurvePoint {
            samples,
            error: law.at(samples as f64) + standard_error * normal(&mut rng),
            standard_error,
        };
        sizes.iter().map(point).collect()
    }

    const SIZES: [usize; 6] = [100, 200, 400, 800, 1600, 3200];

    #[test]
    fn a_power_law_is_found_again() {
        for law in [
            PowerLaw {
                a: 2.0,
                b: 0.5,
                c: 0.1,
            },
            PowerLaw {
                a: 1.0,
                b: 0.25,
                c: 0.0,
            },
            PowerLaw {
                a: 50.0,
                b: 1.2,
                c: 0.02,
            },
        ] {
            let exact: Vec<_> = SIZES
                .map(|samples| CurvePoint {
                    samples,
                    error: law.at(samples as f64),
                    standard_error: 0.01,
                })
                .to_vec();
            let got = LearningCurve::fit(&exact, 0).unwrap().law;
            assert!((got.a / law.a - 1.0).abs() < 1e-3, "{got:?}");
            assert!(
                (got.b - law.b).abs() < 1e-4 && (got.c - law.c).abs() < 1e-4,
                "{got:?}"
            );
            let goal = law.at(5000.0);
            assert!((law.samples(goal) / 5000.0 - 1.0).abs() < 1e-9);
        }
    }

    /// The interval holds the true figure about as often as it says, and the seed alone decides.
    #[test]
    fn the_interval_covers() {
        let law = PowerLaw {
            a: 2.0,
            b: 0.5,
            c: 0.05,
        };
        let truth = law.samples(law.at(3200.0) - 0.005);
        let (mut covered, mut told) = (0, 0);
        for seed in 0..40 {
            let curve = LearningCurve::fit(&points(law, &SIZES, 0.001, seed), seed).unwrap();
            if let Outlook::Reachable { low, high, .. } = curve.outlook(0.005) {
                told += 1;
                covered += usize::from(low <= truth && truth <= high);
            }
        }
        assert!(told >= 38, "{told} of 40 told");
        assert!((24..=39).contains(&covered), "{covered} of {told} covered");
        let curve = points(law, &SIZES, 0.001, 1);
        let fit = |seed| LearningCurve::fit(&curve, seed).unwrap();
        assert_eq!(fit(1).outlook(0.005), fit(1).outlook(0.005));
    }

    #[test]
    fn no_more_is_foretold_than_the_fit_supports() {
        let reason = |curve: &LearningCurve, gain| match curve.outlook(gain) {
            Outlook::Unsupported { reason } => reason,
            other => panic!("{other:?}"),
        };
        let flat = points(
            PowerLaw {
                a: 0.0,
                b: 0.5,
                c: 0.2,
            },
            &SIZES,
            0.01,
            3,
        );
        assert_eq!(
            LearningCurve::fit(&flat, 0).unwrap().outlook(0.01),
            Outlook::Flat
        );

        let law = PowerLaw {
            a: 2.0,
            b: 0.5,
            c: 0.1,
        };
        let curve = LearningCurve::fit(&points(law, &SIZES[..3], 0.002, 0), 0).unwrap();
        assert!(reason(&curve, 0.01).contains("3 points"));
        let curve = LearningCurve::fit(&points(law, &SIZES, 0.001, 0), 0).unwrap();
        assert!(reason(&curve, 0.1).contains("% of the curves"));
        assert!(reason(&curve, -0.1).contains("above 0"));
        let slow = PowerLaw {
            a: 1.0,
            b: 0.1,
            c: 0.0,
        };
        let curve = LearningCurve::fit(&points(slow, &SIZES, 0.0002, 0), 0).unwrap();
        assert!(
            reason(&curve, 0.15).contains("times the data"),
            "{:?}",
            curve.law
        );
        let mut zigzag = points(law, &SIZES, 0.0001, 0);
        for (i, point) in zigzag.iter_mut().enumerate() {
            point.error += 0.02 * f64::from(u8::from(i % 2 == 0));
        }
        let curve = LearningCurve::fit(&zigzag, 0).unwrap();
        assert!(reason(&curve, 0.01).contains("off the curve"));
    }

    #[test]
    fn counts_and_bad_points() {
        let none = CurvePoint::counted(10, 0, 98);
        assert_eq!(none.error, 0.0);
        assert!((none.standard_error - 0.01).abs() < 2e-4, "{none:?}");
        let good = CurvePoint::counted(10, 1, 10);
        assert!(LearningCurve::fit(&[good; 5], 0).is_err(), "one size");
        for bad in [f64::NAN, -0.1, f64::INFINITY] {
            let mut three = [10, 20, 30].map(|n| CurvePoint::counted(n, 1, 10));
            three[1].error = bad;
            assert!(LearningCurve::fit(&three, 0).is_err());
            three[1] = CurvePoint {
                standard_error: 0.0,
                ..good
            };
            assert!(LearningCurve::fit(&three, 0).is_err());
        }
    }
}
