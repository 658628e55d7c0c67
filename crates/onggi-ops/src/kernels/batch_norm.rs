//! Batch normalisation's kernels: `x` is `(N, C, L)` row-major, statistics are one a channel.
//!
//! A task is one channel: its statistics take one pass over memory, and its second pass finds the
//! channel in L2 or L3. Limited by memory: forward reads `x` and writes `y` once, backward reads
//! `x` and `dy` and writes `dx` once: 180 MB of 32 images of 64 channels of 56², at 19 GB/s on one
//! core and 36 on two (Zen 4, 2026-11-24). Instance normalisation, whose second pass is in L1, does
//! 35 and 60; neither the second pass from the end nor fetching the next channel ahead helped.
//!
//! An activation may be applied in the same pass; the backward pass finds its mask from `x`. It costs
//! no memory traffic, and nothing is kept for it.
//!
//! Sums are taken over `x − shift`, where the shift is the mean of the channel's first block. For
//! `b` blocks the squared distance of that mean to the channel's is at most about `b` times the
//! variance, so the difference `E[(x−s)²] − E[x−s]²` loses at most a factor `b` of the precision,
//! whatever the mean is. Partial sums are `f32` lanes, flushed into `f64` every [`FLUSH`] elements.

use super::moments::{self, FLUSH, Pair, Passed};
use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// `y = v`.
pub(crate) const IDENTITY: u8 = 0;
/// `y = max(0, v)`.
pub(crate) const RELU: u8 = 1;
/// `y = min(max(0, v), 6)`.
pub(crate) const RELU6: u8 = 2;

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

/// What a channel is normalised by.
#[derive(Clone, Copy, Default)]
struct Statistics {
    mean: f32,
    var: f32,
    offset: f32,
}

/// Result of [`train`].
pub(crate) struct Train {
    pub(crate) y: Vec<f32>,
    pub(crate) mean: Vec<f32>,
    /// Biased variance.
    pub(crate) var: Vec<f32>,
    /// What `y` has at `mean`: the bias, but for the rounding of `mean`.
    pub(crate) offset: Vec<f32>,
}

/// Normalises by the batch's own statistics, and applies the activation `A`.
/// `dims.per_channel()` must not be 0.
pub(crate) fn train<const A: u8>(
    x: &[f32],
    dims: Dims,
    weight: &[f32],
    bias: &[f32],
    eps: f64,
) -> Train {
    let mut statistics = vec![Statistics::default(); dims.c];
    let fill = |y: Shared<'_, f32>| {
        let task = |(channel, statistics): (usize, &mut Statistics)| {
            let shift = shift(x, dims, channel);
            let (sum, square) = sums(x, dims, channel, shift);
            let m = dims.per_channel() as f64;
            let centre = f64::from(shift) + sum / m;
            let variance = (square / m - (sum / m).powi(2)).max(0.0);
            let mean = centre as f32;
            // From the rounded variance, as the backward pass will have it.
            let var = variance as f32;
            let scale = scale(weight[channel], var, eps);
            // What rounding the mean to f32 takes away goes into the offset.
            let offset = f64::from(bias[channel]) - (centre - f64::from(mean)) * scale;
            let offset = offset as f32;
            affine::<A>(x, y, dims, channel, [mean, scale as f32, offset]);
            *statistics = Statistics { mean, var, offset };
        };
        if dims.len() < PARALLEL_FROM {
            statistics.iter_mut().enumerate().for_each(task);
        } else {
            statistics.par_iter_mut().enumerate().for_each(task);
        }
    };
    // SAFETY: `affine` writes every row of its channel, and each channel is visited once.
    let y = unsafe { output(dims.len(), fill) };
    Train {
        y,
        mean: statistics.iter().map(|s| s.mean).collect(),
        var: statistics.iter().map(|s| s.var).collect(),
        offset: statistics.iter().map(|s| s.offset).collect(),
    }
}

/// The factor of `x − mean`.
fn scale(weight: f32, var: f32, eps: f64) -> f64 {
    f64::from(weight) / (f64::from(var) + eps).sqrt()
}

/// Normalises by given statistics, and applies the activation `A`.
pub(crate) fn eval<const A: u8>(
    x: &[f32],
    dims: Dims,
    [weight, bias, mean, var]: [&[f32]; 4],
    eps: f64,
) -> Vec<f32> {
    let fill = |y: Shared<'_, f32>| {
        dims.each_channel(|channel| {
            let scale = scale(weight[channel], var[channel], eps) as f32;
            affine::<A>(x, y, dims, channel, [mean[channel], scale, bias[channel]]);
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

/// Gradients of [`train`] (`batch_statistics`) or of [`eval`]. `dy` counts where the activation `A`
/// lets it pass, which is computed again from `x` as the forward pass did.
pub(crate) fn backward<const A: u8>(
    x: &[f32],
    dy: &[f32],
    dims: Dims,
    [weight, mean, var, offset]: [&[f32]; 4],
    eps: f64,
    batch_statistics: bool,
) -> Backward {
    let mut dweight = vec![0.0; dims.c];
    let mut dbias = vec![0.0; dims.c];
    let fill = |dx: Shared<'_, f32>| {
        let sums: Vec<_> = dweight.iter_mut().zip(&mut dbias).collect();
        let task = |(channel, (dweight, dbias)): (usize, (&mut f32, &mut f32))| {
            let rstd = 1.0 / (f64::from(var[channel]) + eps).sqrt();
            let scale = scale(weight[channel], var[channel], eps) as f32;
            let affine = [mean[channel], scale, offset[channel]];
            let (sum, dot) = gradient_sums::<A>(x, dy, dims, channel, affine);
            *dbias = sum as f32;
            *dweight = (dot * rstd) as f32;
            // dx = scale · (dy − Σdy/m − (x − mean) · rstd² · Σ dy·(x − mean)/m)
            let m = dims.per_channel() as f64;
            let (level, slope) = if batch_statistics {
                (sum / m, dot * rstd * rstd / m)
            } else {
                (0.0, 0.0)
            };
            let slopes = [level as f32, slope as f32];
            input_gradient::<A>(x, dy, dx, dims, channel, affine, slopes);
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

/// Where the activation `A` of `(x − mean) · scale + offset` lets a gradient pass.
#[derive(Clone, Copy)]
struct Mask<const A: u8>([f32; 3]);

impl<const A: u8> Passed for Mask<A> {
    #[inline(always)]
    fn of(self, dy: f32, distance: f32) -> f32 {
        let [_, scale, offset] = self.0;
        let v = distance * scale + offset;
        if (A != IDENTITY && v <= 0.0) || (A == RELU6 && v >= 6.0) {
            0.0
        } else {
            dy
        }
    }
}

/// `Σ dy` and `Σ dy · (x − mean)` over a channel.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn gradient_sums<const A: u8>(
    x: &[f32],
    dy: &[f32],
    dims: Dims,
    channel: usize,
    affine: [f32; 3],
) -> (f64, f64) {
    let [mean, ..] = affine;
    let (mut sum, mut dot) = (0.0, 0.0);
    let mut pair = Pair::new();
    let mut pending = 0;
    for sample in 0..dims.n {
        let at = start(dims, sample, channel);
        let (x, dy) = (&x[at..][..dims.l], &dy[at..][..dims.l]);
        for (x, dy) in x.chunks(FLUSH).zip(dy.chunks(FLUSH)) {
            pair.add_gradients(x, dy, mean, Mask::<A>(affine));
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

/// Writes `y = (x − mean) · scale + offset` for one channel, through the activation `A`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn affine<const A: u8>(
    x: &[f32],
    y: Shared<'_, f32>,
    dims: Dims,
    channel: usize,
    [mean, scale, offset]: [f32; 3],
) {
    for sample in 0..dims.n {
        let at = start(dims, sample, channel);
        // SAFETY: rows of one channel are disjoint, and no other task has this channel.
        let y = unsafe { y.part(at, dims.l) };
        for (y, x) in y.iter_mut().zip(&x[at..][..dims.l]) {
            let v = (x - mean) * scale + offset;
            // Not `max` and `min`, which would lose NaN.
            let v = if A != IDENTITY && v <= 0.0 { 0.0 } else { v };
            *y = if A == RELU6 && v >= 6.0 { 6.0 } else { v };
        }
    }
}

/// Writes `dx = scale · (dy − level − (x − mean) · slope)` for one channel.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn input_gradient<const A: u8>(
    x: &[f32],
    dy: &[f32],
    dx: Shared<'_, f32>,
    dims: Dims,
    channel: usize,
    affine: [f32; 3],
    [level, slope]: [f32; 2],
) {
    let [mean, scale, _] = affine;
    for sample in 0..dims.n {
        let at = start(dims, sample, channel);
        // SAFETY: as in `affine`.
        let dx = unsafe { dx.part(at, dims.l) };
        for ((dx, x), dy) in dx
            .iter_mut()
            .zip(&x[at..][..dims.l])
            .zip(&dy[at..][..dims.l])
        {
            let distance = x - mean;
            let dy = Mask::<A>(affine).of(*dy, distance);
            *dx = scale * (dy - level - distance * slope);
        }
    }
}
