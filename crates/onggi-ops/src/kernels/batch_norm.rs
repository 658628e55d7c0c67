//! Batch normalisation's kernels: `x` is `(N, C, L)` row-major, statistics are one a channel.
//!
//! A task is one channel: its statistics take one pass over memory, and its second pass finds the
//! channel in L2 or L3. Limited by memory: forward reads `x` and writes `y` once, backward reads
//! `x` and `dy` and writes `dx` once.
//!
//! Sums are taken over `x − shift`, where the shift is the mean of the channel's first block. For
//! `b` blocks the squared distance of that mean to the channel's is at most about `b` times the
//! variance, so the difference `E[(x−s)²] − E[x−s]²` loses at most a factor `b` of the precision,
//! whatever the mean is. Partial sums are `f32` lanes, flushed into `f64` every [`FLUSH`] elements.

use super::moments::{self, FLUSH, Pair};
use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// Sizes of `(N, C, L)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    /// Samples.
    pub(crate) n: usize,
    /// Channels.
    pub(crate) c: usize,
    /// Product of the axes after the channels.
    pub(crate) l: usize,
}

impl Dims {
    fn len(self) -> usize {
        self.n * self.c * self.l
    }

    /// Values a channel.
    pub(crate) fn per_channel(self) -> usize {
        self.n * self.l
    }

    fn each_channel(self, task: impl Fn(usize) + Sync + Send) {
        if self.len() < PARALLEL_FROM {
            (0..self.c).for_each(task);
        } else {
            (0..self.c).into_par_iter().for_each(task);
        }
    }
}

/// Result of [`train`].
pub(crate) struct Train {
    pub(crate) y: Vec<f32>,
    pub(crate) mean: Vec<f32>,
    /// Biased variance.
    pub(crate) var: Vec<f32>,
}

/// Normalises by the batch's own statistics. `dims.per_channel()` must not be 0.
pub(crate) fn train(x: &[f32], dims: Dims, weight: &[f32], bias: &[f32], eps: f64) -> Train {
    let mut mean = vec![0.0; dims.c];
    let mut var = vec![0.0; dims.c];
    let fill = |y: Shared<'_, f32>| {
        let stats: Vec<_> = mean.iter_mut().zip(&mut var).collect();
        let task = |(channel, (mean, var)): (usize, (&mut f32, &mut f32))| {
            let shift = shift(x, dims, channel);
            let (sum, square) = sums(x, dims, channel, shift);
            let m = dims.per_channel() as f64;
            let centre = f64::from(shift) + sum / m;
            let variance = (square / m - (sum / m).powi(2)).max(0.0);
            *mean = centre as f32;
            *var = variance as f32;
            let scale = f64::from(weight[channel]) / (variance + eps).sqrt();
            // What rounding the mean to f32 takes away goes into the offset.
            let offset = f64::from(bias[channel]) - (centre - f64::from(*mean)) * scale;
            affine(x, y, dims, channel, [*mean, scale as f32, offset as f32]);
        };
        if dims.len() < PARALLEL_FROM {
            stats.into_iter().enumerate().for_each(task);
        } else {
            stats.into_par_iter().enumerate().for_each(task);
        }
    };
    // SAFETY: `affine` writes every row of its channel, and each channel is visited once.
    let y = unsafe { output(dims.len(), fill) };
    Train { y, mean, var }
}

/// Normalises by given statistics.
pub(crate) fn eval(
    x: &[f32],
    dims: Dims,
    [weight, bias, mean, var]: [&[f32]; 4],
    eps: f64,
) -> Vec<f32> {
    let fill = |y: Shared<'_, f32>| {
        dims.each_channel(|channel| {
            let scale = f64::from(weight[channel]) / (f64::from(var[channel]) + eps).sqrt();
            affine(
                x,
                y,
                dims,
                channel,
                [mean[channel], scale as f32, bias[channel]],
            );
        });
    };
    // SAFETY: as in `train`.
    unsafe { output(dims.len(), fill) }
}

/// Result of [`backward`].
pub(crate) struct Backward {
    pub(crate) dx: Vec<f32>,
    pub(crate) dweight: Vec<f32>,
    pub(crate) dbias: Vec<f32>,
}

/// Gradients of [`train`] (`batch_statistics`) or of [`eval`].
pub(crate) fn backward(
    x: &[f32],
    dy: &[f32],
    dims: Dims,
    [weight, mean, var]: [&[f32]; 3],
    eps: f64,
    batch_statistics: bool,
) -> Backward {
    let mut dweight = vec![0.0; dims.c];
    let mut dbias = vec![0.0; dims.c];
    let fill = |dx: Shared<'_, f32>| {
        let sums: Vec<_> = dweight.iter_mut().zip(&mut dbias).collect();
        let task = |(channel, (dweight, dbias)): (usize, (&mut f32, &mut f32))| {
            let rstd = 1.0 / (f64::from(var[channel]) + eps).sqrt();
            let (sum, dot) = gradient_sums(x, dy, dims, channel, mean[channel]);
            *dbias = sum as f32;
            *dweight = (dot * rstd) as f32;
            let scale = f64::from(weight[channel]) * rstd;
            // dx = scale · (dy − Σdy/m − (x − mean) · rstd² · Σ dy·(x − mean)/m)
            let m = dims.per_channel() as f64;
            let (level, slope) = if batch_statistics {
                (sum / m, dot * rstd * rstd / m)
            } else {
                (0.0, 0.0)
            };
            let factors = [mean[channel], scale as f32, level as f32, slope as f32];
            input_gradient(x, dy, dx, dims, channel, factors);
        };
        if dims.len() < PARALLEL_FROM {
            sums.into_iter().enumerate().for_each(task);
        } else {
            sums.into_par_iter().enumerate().for_each(task);
        }
    };
    // SAFETY: `input_gradient` writes every row of its channel, and each channel is visited once.
    let dx = unsafe { output(dims.len(), fill) };
    Backward { dx, dweight, dbias }
}

/// The start of channel `channel` of sample `sample`.
#[inline(always)]
fn start(dims: Dims, sample: usize, channel: usize) -> usize {
    (sample * dims.c + channel) * dims.l
}

/// Mean of the channel's first block: what its sums are taken about.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn shift(x: &[f32], dims: Dims, channel: usize) -> f32 {
    let block = &x[start(dims, 0, channel)..][..dims.l.min(FLUSH)];
    (moments::sum(block) / block.len() as f64) as f32
}

/// `Σ (x − shift)` and `Σ (x − shift)²` over a channel.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn sums(x: &[f32], dims: Dims, channel: usize, shift: f32) -> (f64, f64) {
    let (mut sum, mut square) = (0.0, 0.0);
    let mut pair = Pair::new();
    let mut pending = 0;
    for sample in 0..dims.n {
        for block in x[start(dims, sample, channel)..][..dims.l].chunks(FLUSH) {
            pair.add_moments(block, shift);
            pending += block.len();
            if pending >= FLUSH {
                let sums = pair.take();
                sum += sums.0;
                square += sums.1;
                pending = 0;
            }
        }
    }
    let sums = pair.take();
    (sum + sums.0, square + sums.1)
}

/// `Σ dy` and `Σ dy · (x − mean)` over a channel.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn gradient_sums(x: &[f32], dy: &[f32], dims: Dims, channel: usize, mean: f32) -> (f64, f64) {
    let (mut sum, mut dot) = (0.0, 0.0);
    let mut pair = Pair::new();
    let mut pending = 0;
    for sample in 0..dims.n {
        let at = start(dims, sample, channel);
        let (x, dy) = (&x[at..][..dims.l], &dy[at..][..dims.l]);
        for (x, dy) in x.chunks(FLUSH).zip(dy.chunks(FLUSH)) {
            pair.add_gradients(x, dy, mean);
            pending += x.len();
            if pending >= FLUSH {
                let sums = pair.take();
                sum += sums.0;
                dot += sums.1;
                pending = 0;
            }
        }
    }
    let sums = pair.take();
    (sum + sums.0, dot + sums.1)
}

/// Writes `y = (x − mean) · scale + offset` for one channel.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn affine(x: &[f32], y: Shared<'_, f32>, dims: Dims, channel: usize, factors: [f32; 3]) {
    let [mean, scale, offset] = factors;
    for sample in 0..dims.n {
        let at = start(dims, sample, channel);
        // SAFETY: rows of one channel are disjoint, and no other task has this channel.
        let y = unsafe { y.part(at, dims.l) };
        for (y, x) in y.iter_mut().zip(&x[at..][..dims.l]) {
            *y = (x - mean) * scale + offset;
        }
    }
}

/// Writes `dx = scale · (dy − level − (x − mean) · slope)` for one channel.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn input_gradient(
    x: &[f32],
    dy: &[f32],
    dx: Shared<'_, f32>,
    dims: Dims,
    channel: usize,
    factors: [f32; 4],
) {
    let [mean, scale, level, slope] = factors;
    for sample in 0..dims.n {
        let at = start(dims, sample, channel);
        // SAFETY: as in `affine`.
        let dx = unsafe { dx.part(at, dims.l) };
        for ((dx, x), dy) in dx
            .iter_mut()
            .zip(&x[at..][..dims.l])
            .zip(&dy[at..][..dims.l])
        {
            *dx = scale * (dy - level - (x - mean) * slope);
        }
    }
}
