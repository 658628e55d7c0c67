//! One row of scores: its exponentials forward and their gradient backward.

use super::Dropout;
use crate::kernels::dropout::{SERVED, draws, masked};
use crate::kernels::math;
use multiversion::{multiversion, target::target_cfg_f};

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
    const FMA: bool = target_cfg_f!(any(target_feature = "fma", target_feature = "neon"));
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
            chunk[j] = math::exp_negative::<FMA>(chunk[j] - shift);
            sums[j] += chunk[j];
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *x = math::exp_negative::<FMA>(*x - shift);
        *sum += *x;
    }
    let shrunk = math::exp_negative::<FMA>(*max - shift);
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
    const FMA: bool = target_cfg_f!(any(target_feature = "fma", target_feature = "neon"));
    row.scores(x);
    for x in &mut *x {
        // Above 0 by a rounding error at most.
        *x = math::exp_negative::<FMA>(*x - lse);
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
