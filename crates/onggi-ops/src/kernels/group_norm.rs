//! Group normalisation's kernels: `x` is `(N, C, L)` row-major, a row is one group of one sample,
//! with its own statistics; weight and bias are one a channel.
//!
//! A row of up to some 100 KB is read from memory once: its further passes find it in L1 or L2.
//! Limited by memory: forward reads `x` and writes `y` once, backward reads `x` and `dy` and
//! writes `dx` once. The gradients of weight and bias are one pair of sums a sample and channel,
//! added over the samples in order.
//!
//! On one core of a Zen 3, of 32×64×56×56 values the forward pass takes 3.3 ms, in which a copy of
//! them takes 2.5 ms, and the backward pass 4.1 ms (2026-11-23).

use super::moments::{FLUSH, Moments, Pair};
use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// Sizes of `(N, C, L)`, and the groups that the channels fall into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    /// Samples.
    pub(crate) n: usize,
    /// Channels.
    pub(crate) c: usize,
    /// Product of the axes after the channels.
    pub(crate) l: usize,
    /// Groups: a divisor of `c`.
    pub(crate) groups: usize,
}

impl Dims {
    fn rows(self) -> usize {
        self.n * self.groups
    }

    /// Channels of a group.
    fn channels(self) -> usize {
        self.c / self.groups
    }

    /// Values of a row.
    fn row(self) -> usize {
        self.channels() * self.l
    }

    /// The channels of row `row`, from the first.
    fn first_channel(self, row: usize) -> usize {
        row % self.groups * self.channels()
    }

    /// Runs `task` on the first row and the number of rows of each chunk. Rows must not be empty.
    fn each_chunk(self, task: impl Fn(usize, usize) + Sync + Send) {
        let chunk = (PARALLEL_FROM / self.row()).max(1);
        let task = |i: usize| task(i * chunk, chunk.min(self.rows() - i * chunk));
        let chunks = self.rows().div_ceil(chunk);
        if self.rows() * self.row() < PARALLEL_FROM {
            (0..chunks).for_each(task);
        } else {
            (0..chunks).into_par_iter().for_each(task);
        }
    }
}

/// `x̂ · weight + bias`, and the rows' statistics: 0 of rows without values.
pub(crate) fn forward(
    x: &[f32],
    dims: Dims,
    parameters: (&[f32], &[f32]),
    eps: f64,
) -> (Vec<f32>, Vec<Moments>) {
    if x.is_empty() {
        let none = Moments {
            mean: 0.0,
            low: 0.0,
            var: 0.0,
        };
        return (Vec::new(), vec![none; dims.rows()]);
    }
    let mut y = Vec::new();
    let fill = |moments: Shared<'_, Moments>| {
        let fill = |y: Shared<'_, f32>| {
            dims.each_chunk(|first, count| {
                // SAFETY: a chunk's rows are its own.
                let moments = unsafe { moments.part(first, count) };
                let at = first * dims.row();
                // SAFETY: as above.
                let y = unsafe { y.part(at, count * dims.row()) };
                let x = &x[at..][..y.len()];
                normalise(x, y, moments, (dims, first), parameters, eps);
            });
        };
        // SAFETY: every row is in one chunk, and `normalise` writes all that it is given.
        y = unsafe { output(x.len(), fill) };
    };
    // SAFETY: as above.
    let moments = unsafe { output(dims.rows(), fill) };
    (y, moments)
}

/// Normalises the rows from `first`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn normalise(
    x: &[f32],
    y: &mut [f32],
    moments: &mut [Moments],
    (dims, first): (Dims, usize),
    (weight, bias): (&[f32], &[f32]),
    eps: f64,
) {
    let rows = x
        .chunks_exact(dims.row())
        .zip(y.chunks_exact_mut(dims.row()));
    for (i, ((x, y), moments)) in rows.zip(moments).enumerate() {
        *moments = Moments::of(x);
        let (mean, rstd) = (moments.mean, moments.rstd(eps));
        let channels = x.chunks_exact(dims.l).zip(y.chunks_exact_mut(dims.l));
        for (channel, (x, y)) in channels.enumerate() {
            let channel = dims.first_channel(first + i) + channel;
            let scale = f64::from(weight[channel]) * rstd;
            let offset = (f64::from(bias[channel]) - f64::from(moments.low) * scale) as f32;
            let scale = scale as f32;
            for (y, x) in y.iter_mut().zip(x) {
                *y = (x - mean) * scale + offset;
            }
        }
    }
}

/// Result of [`backward`].
pub(crate) struct Backward {
    pub(crate) dx: Vec<f32>,
    pub(crate) dweight: Vec<f32>,
    pub(crate) dbias: Vec<f32>,
}

/// Gradients of [`forward`].
pub(crate) fn backward(
    (x, dy): (&[f32], &[f32]),
    dims: Dims,
    weight: &[f32],
    moments: &[Moments],
    eps: f64,
) -> Backward {
    if x.is_empty() {
        return Backward {
            dx: Vec::new(),
            dweight: vec![0.0; dims.c],
            dbias: vec![0.0; dims.c],
        };
    }
    let mut dx = Vec::new();
    let fill = |sums: Shared<'_, [f32; 2]>| {
        let fill = |dx: Shared<'_, f32>| {
            dims.each_chunk(|first, count| {
                let channels = dims.channels();
                // SAFETY: a chunk's rows, and so their channels, are its own.
                let sums = unsafe { sums.part(first * channels, count * channels) };
                let at = first * dims.row();
                // SAFETY: as above.
                let dx = unsafe { dx.part(at, count * dims.row()) };
                let inputs = (&x[at..][..dx.len()], &dy[at..][..dx.len()]);
                let moments = &moments[first..][..count];
                gradients(inputs, dx, (dims, first), weight, moments, eps, sums);
            });
        };
        // SAFETY: every row is in one chunk, and `gradients` writes all that it is given.
        dx = unsafe { output(x.len(), fill) };
    };
    // SAFETY: as above.
    let sums = unsafe { output(dims.n * dims.c, fill) };
    let mut totals = vec![[0f64; 2]; dims.c];
    for sample in sums.chunks_exact(dims.c) {
        for (total, sums) in totals.iter_mut().zip(sample) {
            total[0] += f64::from(sums[0]);
            total[1] += f64::from(sums[1]);
        }
    }
    Backward {
        dx,
        dweight: totals.iter().map(|total| total[1] as f32).collect(),
        dbias: totals.iter().map(|total| total[0] as f32).collect(),
    }
}

/// The input's gradients of the rows from `first`, and `Σ dy` and `Σ dy · x̂` of each channel.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn gradients(
    (x, dy): (&[f32], &[f32]),
    dx: &mut [f32],
    (dims, first): (Dims, usize),
    weight: &[f32],
    moments: &[Moments],
    eps: f64,
    sums: &mut [[f32; 2]],
) {
    let rows = x.chunks_exact(dims.row()).zip(dy.chunks_exact(dims.row()));
    let rows = rows.zip(dx.chunks_exact_mut(dims.row())).zip(moments);
    let rows = rows.zip(sums.chunks_exact_mut(dims.channels()));
    for (i, ((((x, dy), dx), moments), sums)) in rows.enumerate() {
        let (mean, rstd) = (moments.mean, moments.rstd(eps));
        // x̂ = (x − mean) · rstd + offset
        let offset = -f64::from(moments.low) * rstd;
        let weight = &weight[dims.first_channel(first + i)..][..dims.channels()];
        let (mut sum, mut dot) = (0.0, 0.0);
        let channels = x.chunks_exact(dims.l).zip(dy.chunks_exact(dims.l));
        for (((x, dy), sums), weight) in channels.zip(sums).zip(weight) {
            let (channel_sum, channel_dot) = gradient_sums(x, dy, mean);
            let channel_dot = channel_dot * rstd + channel_sum * offset;
            *sums = [channel_sum as f32, channel_dot as f32];
            sum += f64::from(*weight) * channel_sum;
            dot += f64::from(*weight) * channel_dot;
        }
        // With g = dy · weight: dx = rstd · (g − Σg/m − x̂ · Σ g·x̂ / m)
        let m = dims.row() as f64;
        let (slope, level) = ((rstd * dot / m) as f32, ((sum + offset * dot) / m) as f32);
        let rstd = rstd as f32;
        let channels = x.chunks_exact(dims.l).zip(dy.chunks_exact(dims.l));
        let channels = channels.zip(dx.chunks_exact_mut(dims.l)).zip(weight);
        for (((x, dy), dx), weight) in channels {
            for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx = (dy * weight - ((x - mean) * slope + level)) * rstd;
            }
        }
    }
}

/// `Σ dy` and `Σ dy · (x − mean)`.
#[inline(always)]
fn gradient_sums(x: &[f32], dy: &[f32], mean: f32) -> (f64, f64) {
    let (mut sum, mut dot) = (0.0, 0.0);
    for (x, dy) in x.chunks(FLUSH).zip(dy.chunks(FLUSH)) {
        let mut pair = Pair::new();
        pair.add_gradients(x, dy, mean, ());
        let sums = pair.take();
        sum += sums.0;
        dot += sums.1;
    }
    (sum, dot)
}
