//! One row of scores: its exponentials forward and their gradient backward.

use super::Dropout;
use crate::kernels::dropout::{SERVED, draws, masked};
use multiversion::multiversion;

/// Lanes of the reductions.
const LANES: usize = 32;

/// What happens to a row of scores.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Factor of the scores.
    pub(super) scale: f32,
    /// What is added, and the distance between two of its elements: 0 or 1.
    pub(super) mask: Option<(&'a [f32], usize)>,
    /// How many keys from the first on take part.
    pub(super) seen: usize,
    pub(super) dropout: Option<Dropout>,
    /// The row's first block of draws.
    pub(super) draws: u64,
}

impl Row<'_> {
    /// The products of a query with the keys become scores.
    #[inline(always)]
    fn scores(&self, x: &mut [f32]) {
        match self.mask {
            None => {
                for x in &mut *x {
                    *x *= self.scale;
                }
            }
            Some((mask, 0)) => {
                for x in &mut *x {
                    *x = *x * self.scale + mask[0];
                }
            }
            Some((mask, _)) => {
                for (x, mask) in x.iter_mut().zip(mask) {
                    *x = *x * self.scale + mask;
                }
            }
        }
        let seen = self.seen.min(x.len());
        x[seen..].fill(f32::NEG_INFINITY);
    }

    /// Dropout's mask times its scale, applied to the row.
    #[inline(always)]
    fn drop(&self, x: &mut [f32]) {
        let Some(dropout) = self.dropout else { return };
        for (index, x) in (self.draws..).zip(x.chunks_mut(SERVED)) {
            let draws = draws(dropout.key, index);
            for (x, draw) in x.iter_mut().zip(draws) {
                *x = masked(*x * dropout.scale, draw >= dropout.threshold);
            }
        }
    }
}

/// Products of a query with a block of keys become `exp(score − max)`, dropped ones 0. `max` is the
/// largest score so far, `total` the sum of exponentials so far. Returned is what the sums of the
/// blocks before have to be multiplied by, as the maximum may have grown.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
pub(super) fn accumulate(x: &mut [f32], row: &Row<'_>, max: &mut f32, total: &mut f32) -> f32 {
    row.scores(x);
    let mut largest = [*max; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for j in 0..LANES {
            largest[j] = if chunk[j] > largest[j] {
                chunk[j]
            } else {
                largest[j]
            };
        }
    }
    let largest = largest.iter().chain(rest).fold(*max, |a, &b| a.max(b));
    // Where nothing takes part, ∞ − ∞ is to be avoided.
    let shift = if largest == f32::NEG_INFINITY {
        0.0
    } else {
        largest
    };
    let mut sums = [0f32; LANES];
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for j in 0..LANES {
            chunk[j] = exp(chunk[j] - shift);
            sums[j] += chunk[j];
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *x = exp(*x - shift);
        *sum += *x;
    }
    let shrunk = exp(*max - shift);
    *total = *total * shrunk + sums.iter().sum::<f32>();
    *max = largest;
    row.drop(x);
    shrunk
}

/// Backward: products of a query with a block of keys, `x`, become the weights (dropped ones 0),
/// and `dx`, the products of the upstream gradient with the values, the gradient of the scores:
/// `weight · (dx − dot)`, with `dot` the sum of `weight · dx` over the whole row.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
pub(super) fn gradient(x: &mut [f32], dx: &mut [f32], row: &Row<'_>, lse: f32, dot: f32) {
    row.scores(x);
    for x in &mut *x {
        *x = exp(*x - lse);
    }
    row.drop(dx);
    for (dx, x) in dx.iter_mut().zip(&*x) {
        *dx = x * (*dx - dot);
    }
    row.drop(x);
}

/// `x · factor`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn scale(x: &mut [f32], factor: f32) {
    for x in x {
        *x *= factor;
    }
}

/// `Σ a · b`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for j in 0..LANES {
            lanes[j] += a[j] * b[j];
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += a * b;
    }
    lanes.iter().sum()
}

/// `eˣ` within 2 ulp for `x` up to 88; 0 below -87.3, where the result would be subnormal.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // x = n · ln 2 + r: adding 1.5 · 2²³ rounds, and leaves n in the lower bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, of which the first times n is exact.
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    // Cephes' polynomial for eʳ on ±ln 2 / 2.
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    p = p * (r * r) + r + 1.0;
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    masked(p * power, x >= -87.3 || x.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_over_its_range() {
        let mut worst = 0f64;
        for i in 0..2_000_000u32 {
            let x = -87.3 + i as f32 * (175.0 / 2e6);
            let exact = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - exact) / exact).abs());
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst:e}");
        assert_eq!((exp(0.0), exp(-0.0), exp(-1e-40)), (1.0, 1.0, 1.0));
        for x in [-87.4, -1000.0, f32::MIN, f32::NEG_INFINITY] {
            assert_eq!(exp(x), 0.0, "{x}");
        }
        assert!(exp(f32::NAN).is_nan());
    }
}
