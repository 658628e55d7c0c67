//! PReLU's kernels: `y = x` above 0 and `weight[c] · x` elsewhere.
//!
//! The input is cut into strips: planes of one channel; for a single weight, pieces of a fixed
//! length; where a channel has one element a sample, blocks of whole samples. Limited by memory.

use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// Elements a task computes.
const CHUNK: usize = 32 * 1024;

/// Independent partial sums.
const LANES: usize = 32;

/// How an input is cut.
#[derive(Clone, Copy)]
struct Strips {
    len: usize,
    strip: usize,
    /// Weights of a strip: one, or all of them over and over.
    period: usize,
    channels: usize,
}

impl Strips {
    /// For `channels` weights and `inner` consecutive elements of a channel.
    fn new(len: usize, channels: usize, inner: usize) -> Self {
        let (strip, period) = match (channels, inner) {
            (1, _) => (CHUNK, 1),
            (_, 1) => ((CHUNK / channels).max(1) * channels, channels),
            _ => (inner, 1),
        };
        Self {
            len,
            strip: strip.max(1),
            period,
            channels,
        }
    }

    fn count(self) -> usize {
        self.len.div_ceil(self.strip)
    }

    /// Strips a task takes at least.
    fn least(self) -> usize {
        (CHUNK / self.strip).max(1)
    }

    fn range(self, index: usize) -> std::ops::Range<usize> {
        index * self.strip..((index + 1) * self.strip).min(self.len)
    }

    /// The first of the strip's weights.
    fn channel(self, index: usize) -> usize {
        if self.period == 1 {
            index % self.channels
        } else {
            0
        }
    }
}

/// `y`, for `inner` consecutive elements of each channel.
pub(crate) fn forward(x: &[f32], weight: &[f32], inner: usize) -> Vec<f32> {
    let strips = Strips::new(x.len(), weight.len(), inner);
    let fill = |y: Shared<'_, f32>| {
        let task = |index| {
            let range = strips.range(index);
            // SAFETY: strips are disjoint.
            let y = unsafe { y.part(range.start, range.len()) };
            let weight = &weight[strips.channel(index)..][..strips.period];
            values(&x[range], weight, y);
        };
        if x.len() < PARALLEL_FROM {
            (0..strips.count()).for_each(task);
        } else {
            let indices = (0..strips.count()).into_par_iter();
            indices.with_min_len(strips.least()).for_each(task);
        }
    };
    // SAFETY: the strips cover the output, and `values` writes all of one.
    unsafe { output(x.len(), fill) }
}

/// `dx` and `dweight`.
pub(crate) fn backward(x: &[f32], weight: &[f32], dy: &[f32], inner: usize) -> [Vec<f32>; 2] {
    let strips = Strips::new(x.len(), weight.len(), inner);
    let (count, period) = (strips.count(), strips.period);
    let mut sums = vec![0.0; count * period];
    let fill = |dx: Shared<'_, f32>| {
        let task = |(index, sums): (usize, &mut [f64])| {
            let range = strips.range(index);
            // SAFETY: strips are disjoint.
            let dx = unsafe { dx.part(range.start, range.len()) };
            let weight = &weight[strips.channel(index)..][..period];
            gradients(&x[range.clone()], weight, &dy[range], dx, sums);
        };
        if x.len() < PARALLEL_FROM {
            sums.chunks_mut(period).enumerate().for_each(task);
        } else {
            let sums = sums.par_chunks_mut(period).enumerate();
            sums.with_min_len(strips.least()).for_each(task);
        }
    };
    // SAFETY: the strips cover the output, and `gradients` writes all of one.
    let dx = unsafe { output(x.len(), fill) };
    let mut dweight = vec![0.0; weight.len()];
    for (index, sums) in sums.chunks(period).enumerate() {
        let first = strips.channel(index);
        for (total, sum) in dweight[first..].iter_mut().zip(sums) {
            *total += sum;
        }
    }
    [dx, dweight.into_iter().map(|sum: f64| sum as f32).collect()]
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn values(x: &[f32], weight: &[f32], y: &mut [f32]) {
    if let &[weight] = weight {
        for (y, x) in y.iter_mut().zip(x) {
            *y = x * slope(*x, weight);
        }
    } else {
        let rows = x.chunks_exact(weight.len());
        for (x, y) in rows.zip(y.chunks_exact_mut(weight.len())) {
            for ((y, x), &weight) in y.iter_mut().zip(x).zip(weight) {
                *y = x * slope(*x, weight);
            }
        }
    }
}

/// `dx`, and into `sums` one sum a weight.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn gradients(x: &[f32], weight: &[f32], dy: &[f32], dx: &mut [f32], sums: &mut [f64]) {
    if let &[weight] = weight {
        for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
            *dx = dy * slope(*x, weight);
        }
        let mut lanes = [0f32; LANES];
        let ((xs, x_rest), (dys, dy_rest)) = (x.as_chunks::<LANES>(), dy.as_chunks::<LANES>());
        for (x, dy) in xs.iter().zip(dys) {
            for j in 0..LANES {
                lanes[j] += below(x[j]) * dy[j];
            }
        }
        for (j, (x, dy)) in x_rest.iter().zip(dy_rest).enumerate() {
            lanes[j] += below(*x) * dy;
        }
        sums[0] = lanes.iter().map(|&v| f64::from(v)).sum();
    } else {
        let c = weight.len();
        let rows = x.chunks_exact(c).zip(dy.chunks_exact(c));
        for ((x, dy), dx) in rows.zip(dx.chunks_exact_mut(c)) {
            for i in 0..c {
                dx[i] = dy[i] * slope(x[i], weight[i]);
                sums[i] += f64::from(below(x[i]) * dy[i]);
            }
        }
    }
}

#[inline(always)]
fn slope(x: f32, weight: f32) -> f32 {
    if x > 0.0 { 1.0 } else { weight }
}

/// `x` where the weight acts on it, else 0.
#[inline(always)]
fn below(x: f32) -> f32 {
    if x > 0.0 { 0.0 } else { x }
}
