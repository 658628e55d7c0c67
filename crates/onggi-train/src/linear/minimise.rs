//! Descent to the lowest point of a convex function: L-BFGS, and OWL-QN where an L1 penalty is added.

use std::collections::VecDeque;

/// Past steps that are kept.
const MEMORY: usize = 10;

/// Halvings of one step.
const HALVINGS: usize = 40;

/// When to stop, and what is added to the function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descent {
    /// Steps at most.
    pub(crate) steps: usize,
    /// It ends where no slope is steeper.
    pub(crate) tolerance: f64,
    /// `l1 · Σ|w|` is added, over the first `penalised` places.
    pub(crate) l1: f64,
    /// Places that pay the L1 penalty.
    pub(crate) penalised: usize,
}

impl Descent {
    /// The L1 penalty of place `i`.
    fn l1(&self, i: usize) -> f64 {
        if i < self.penalised { self.l1 } else { 0.0 }
    }

    fn penalty(&self, at: &[f64]) -> f64 {
        if self.l1 == 0.0 {
            return 0.0;
        }
        self.l1 * at[..self.penalised].iter().map(|w| w.abs()).sum::<f64>()
    }

    /// The slope with the penalty's, which at 0 is whatever of `−l1 ..= l1` makes it least steep.
    fn steepest(&self, at: &[f64], slope: &[f64], out: &mut [f64]) {
        out.copy_from_slice(slope);
        if self.l1 == 0.0 {
            return;
        }
        for (out, &w) in out[..self.penalised].iter_mut().zip(at) {
            *out = if w == 0.0 {
                out.signum() * (out.abs() - self.l1).max(0.0)
            } else {
                *out + self.l1 * w.signum()
            };
        }
    }
}

/// Goes down from `at`, with a step that is halved until the function falls as it should (Armijo). `f`
/// returns its value, the L1 penalty aside, and writes its slope.
///
/// # Reference
/// Liu & Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
/// Programming 45, 1989; Andrew & Gao, "Scalable training of L1-regularized log-linear models", ICML 2007.
pub(crate) fn minimise(
    mut at: Vec<f64>,
    descent: &Descent,
    f: impl Fn(&[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let mut slope = vec![0.0; at.len()];
    let mut value = f(&at, &mut slope) + descent.penalty(&at);
    let mut past: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    let (mut next, mut next_slope) = (at.clone(), slope.clone());
    let mut steepest = slope.clone();
    for _ in 0..descent.steps {
        descent.steepest(&at, &slope, &mut steepest);
        if steepest.iter().all(|s| s.abs() <= descent.tolerance) {
            break;
        }
        let mut direction = direction(&steepest, &past);
        if descent.l1 > 0.0 {
            // Only where it goes the way the slope goes.
            for (d, s) in direction[..descent.penalised].iter_mut().zip(&steepest) {
                if *d * s >= 0.0 {
                    *d = 0.0;
                }
            }
        }
        let mut fall = dot(&direction, &steepest);
        if fall >= 0.0 {
            past.clear();
            direction = steepest.iter().map(|s| -s).collect();
            fall = -dot(&steepest, &steepest);
        }
        // The first step has no curvature to go by: at most a length of 1.
        let mut step = if past.is_empty() {
            1.0 / (-fall).sqrt().max(1.0)
        } else {
            1.0
        };
        let mut lower = false;
        for _ in 0..HALVINGS {
            next.copy_from_slice(&at);
            add_scaled(&mut next, step, &direction);
            let mut promised = step * fall;
            if descent.l1 > 0.0 {
                promised = stay_in_orthant(&at, &steepest, &mut next, descent);
            }
            let there = f(&next, &mut next_slope) + descent.penalty(&next);
            if there <= value + 1e-4 * promised {
                value = there;
                lower = true;
                break;
            }
            step /= 2.0;
        }
        if !lower {
            if past.is_empty() {
                break; // as low as rounding lets it be
            }
            past.clear();
            continue;
        }
        let moved: Vec<f64> = next.iter().zip(&at).map(|(b, a)| b - a).collect();
        let bent: Vec<f64> = next_slope.iter().zip(&slope).map(|(b, a)| b - a).collect();
        let curvature = dot(&moved, &bent);
        if curvature > 0.0 {
            past.push_back((moved, bent, 1.0 / curvature));
            if past.len() > MEMORY {
                past.pop_front();
            }
        }
        std::mem::swap(&mut at, &mut next);
        std::mem::swap(&mut slope, &mut next_slope);
    }
    at
}

/// Sets to 0 what has changed its sign, or left 0 uphill; gives the fall that the slope promises.
fn stay_in_orthant(at: &[f64], steepest: &[f64], next: &mut [f64], descent: &Descent) -> f64 {
    let mut promised = 0.0;
    for (i, next) in next.iter_mut().enumerate() {
        let side = if at[i] == 0.0 { -steepest[i] } else { at[i] };
        if descent.l1(i) > 0.0 && *next * side <= 0.0 {
            *next = 0.0;
        }
        promised += (*next - at[i]) * steepest[i];
    }
    promised
}

/// The two-loop recursion: the slope times the approximate inverse Hessian, downhill.
fn direction(slope: &[f64], past: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut out: Vec<f64> = slope.iter().map(|s| -s).collect();
    let mut shares = Vec::with_capacity(past.len());
    for (moved, bent, inverse) in past.iter().rev() {
        let share = inverse * dot(moved, &out);
        add_scaled(&mut out, -share, bent);
        shares.push(share);
    }
    if let Some((_, bent, inverse)) = past.back() {
        let scale = 1.0 / (inverse * dot(bent, bent));
        out.iter_mut().for_each(|x| *x *= scale);
    }
    for ((moved, bent, inverse), share) in past.iter().zip(shares.into_iter().rev()) {
        let share = share - inverse * dot(bent, &out);
        add_scaled(&mut out, share, moved);
    }
    out
}

/// Dot product over eight lanes, which a compiler may put into registers.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a8.zip(b8) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// `out += scale · x`.
pub(crate) fn add_scaled(out: &mut [f64], scale: f64, x: &[f64]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out += scale * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bowl(centre: &'static [f64], bend: &'static [f64]) -> impl Fn(&[f64], &mut [f64]) -> f64 {
        move |w, slope| {
            let each = w.iter().zip(centre).zip(bend);
            each.zip(slope)
                .map(|(((w, c), b), slope)| {
                    *slope = b * (w - c);
                    b / 2.0 * (w - c) * (w - c)
                })
                .sum()
        }
    }

    const PLAIN: Descent = Descent {
        steps: 200,
        tolerance: 1e-10,
        l1: 0.0,
        penalised: 0,
    };

    #[test]
    fn the_lowest_point_of_a_bowl() {
        let f = bowl(&[3.0, -1.0, 0.5], &[1.0, 100.0, 0.01]);
        let got = minimise(vec![0.0; 3], &PLAIN, f);
        for (got, want) in got.iter().zip([3.0, -1.0, 0.5]) {
            assert!((got - want).abs() < 1e-7, "{got}, not {want}");
        }
    }

    /// Of a separable function the penalty moves each place to 0 by `l1 / bend`, and no further.
    #[test]
    fn the_penalty_shrinks_and_sets_to_zero() {
        let f = bowl(&[3.0, -1.0, 0.5, 0.4], &[1.0, 4.0, 1.0, 1.0]);
        let descent = Descent {
            l1: 0.6,
            penalised: 3,
            ..PLAIN
        };
        let got = minimise(vec![0.0; 4], &descent, f);
        for (got, want) in got.iter().zip([2.4, -0.85, 0.0, 0.4]) {
            assert!((got - want).abs() < 1e-9, "{got}, not {want}");
        }
        assert_eq!(got[2], 0.0);
    }
}
