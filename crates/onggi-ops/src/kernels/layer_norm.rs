//! Layer and root-mean-square normalisation's kernels: `x` is rows of `len` values, each row has
//! its own statistics, weight and bias are one a place in the row.
//!
//! A row is read from memory once: its further passes find it in L1 or L2. Limited by memory:
//! forward reads `x` and writes `y` once, backward reads `x` and `dy` and writes `dx` once. The
//! gradients of weight and bias are summed over a chunk of rows in a buffer of the chunk's own, and
//! the chunks' buffers are added in order.
//!
//! On one core of a Zen 3, 4096 rows of 768 values take 1.7 ms forward and 2.4 ms backward
//! (2026-11-23): 15 GB/s, where a copy reaches 20. Rows of 16 values are bound by the arithmetic of
//! each row's statistics.

use super::moments::{FLUSH, Moments, Pair, SHORT};
use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// Where a row's statistics are taken about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Centre {
    /// Its mean: layer normalisation.
    Mean,
    /// Zero: root-mean-square normalisation.
    Zero,
}

/// Rows of a chunk of the backward pass: its two buffers are small beside the rows.
const CHUNK_ROWS: std::ops::RangeInclusive<usize> = 8..=128;

/// Chunks that the backward pass makes of few rows.
const CHUNKS: usize = 32;

/// Runs `task` on `0..tasks`, on several threads if there are many elements.
fn each(elements: usize, tasks: usize, task: impl Fn(usize) + Sync + Send) {
    if elements < PARALLEL_FROM {
        (0..tasks).for_each(task);
    } else {
        (0..tasks).into_par_iter().for_each(task);
    }
}

/// `x̂ · weight + bias` of rows of `weight.len()` values, and the rows' statistics.
pub(crate) fn forward(
    x: &[f32],
    (weight, bias): (&[f32], &[f32]),
    about: (Centre, f64),
) -> (Vec<f32>, Vec<Moments>) {
    let len = weight.len().max(1);
    let rows = x.len() / len;
    let chunk = (PARALLEL_FROM / len).max(1);
    let mut y = Vec::new();
    let fill = |moments: Shared<'_, Moments>| {
        let fill = |y: Shared<'_, f32>| {
            each(x.len(), rows.div_ceil(chunk), |task| {
                let first = task * chunk;
                let count = chunk.min(rows - first);
                // SAFETY: a task's rows are its own.
                let moments = unsafe { moments.part(first, count) };
                // SAFETY: as above.
                let y = unsafe { y.part(first * len, count * len) };
                let x = &x[first * len..][..count * len];
                normalise(x, y, moments, (weight, bias), about);
            });
        };
        // SAFETY: every row is of one task, and `normalise` writes all that it is given.
        y = unsafe { output(rows * len, fill) };
    };
    // SAFETY: as above.
    let moments = unsafe { output(rows, fill) };
    (y, moments)
}

/// Normalises some rows.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn normalise(
    x: &[f32],
    y: &mut [f32],
    moments: &mut [Moments],
    (weight, bias): (&[f32], &[f32]),
    (centre, eps): (Centre, f64),
) {
    let len = weight.len();
    let (weights, weight_rest) = weight.as_chunks::<SHORT>();
    let (biases, bias_rest) = bias.as_chunks::<SHORT>();
    let rows = x.chunks_exact(len).zip(y.chunks_exact_mut(len));
    for ((x, y), moments) in rows.zip(moments) {
        *moments = match centre {
            Centre::Mean => Moments::of(x),
            Centre::Zero => Moments::about_zero(x),
        };
        let (mean, rstd) = (moments.mean, moments.rstd(eps) as f32);
        let offset = -moments.low * rstd;
        let ((ys, y), (xs, x)) = (y.as_chunks_mut::<SHORT>(), x.as_chunks::<SHORT>());
        for (((y, x), weight), bias) in ys.iter_mut().zip(xs).zip(weights).zip(biases) {
            let mut values = [0.0; SHORT];
            for j in 0..SHORT {
                values[j] = ((x[j] - mean) * rstd + offset) * weight[j] + bias[j];
            }
            *y = values;
        }
        for (((y, x), weight), bias) in y.iter_mut().zip(x).zip(weight_rest).zip(bias_rest) {
            *y = ((x - mean) * rstd + offset) * weight + bias;
        }
    }
}

/// Result of [`backward`].
pub(crate) struct Backward {
    pub(crate) dx: Vec<f32>,
    /// Of the weight and the bias, if they were asked for.
    pub(crate) parameters: Option<[Vec<f32>; 2]>,
}

/// Gradients of [`forward`].
pub(crate) fn backward(
    x: &[f32],
    dy: &[f32],
    weight: &[f32],
    moments: &[Moments],
    (centre, eps): (Centre, f64),
    parameters: bool,
) -> Backward {
    let len = weight.len().max(1);
    let rows = moments.len();
    let chunk = (rows / CHUNKS).clamp(*CHUNK_ROWS.start(), *CHUNK_ROWS.end());
    let chunks = rows.div_ceil(chunk);
    let part = if parameters { 2 * len } else { 0 };
    let mut parts = vec![0.0; chunks * part];
    let fill = |dx: Shared<'_, f32>| {
        let task = |(task, sums): (usize, &mut [f32])| {
            let first = task * chunk;
            let count = chunk.min(rows - first);
            let at = first * len..(first + count) * len;
            // SAFETY: a task's rows are its own.
            let dx = unsafe { dx.part(at.start, at.len()) };
            let moments = &moments[first..first + count];
            let xs = (&x[at.clone()], &dy[at]);
            gradients(xs, dx, weight, moments, (centre, eps), sums);
        };
        // Without parameters there is nothing to chunk, but a task still needs its empty part.
        let mut rest: &mut [f32] = &mut parts;
        let mut sums = Vec::with_capacity(chunks);
        for _ in 0..chunks {
            let (first, others) = std::mem::take(&mut rest).split_at_mut(part);
            sums.push(first);
            rest = others;
        }
        if x.len() < PARALLEL_FROM {
            sums.into_iter().enumerate().for_each(task);
        } else {
            sums.into_par_iter().enumerate().for_each(task);
        }
    };
    // SAFETY: every row is of one task, and `gradients` writes all that it is given.
    let dx = unsafe { output(rows * len, fill) };
    let parameters = parameters.then(|| {
        let mut total = vec![0f64; 2 * weight.len()];
        for part in parts.chunks_exact(2 * len) {
            for (total, part) in total.iter_mut().zip(part) {
                *total += f64::from(*part);
            }
        }
        let (dweight, dbias) = total.split_at(weight.len());
        [dweight, dbias].map(|sums| sums.iter().map(|&v| v as f32).collect())
    });
    Backward { dx, parameters }
}

/// The input's gradients of some rows; adds those of weight and bias to `sums`, unless it is empty.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn gradients(
    (x, dy): (&[f32], &[f32]),
    dx: &mut [f32],
    weight: &[f32],
    moments: &[Moments],
    (centre, eps): (Centre, f64),
    sums: &mut [f32],
) {
    let len = weight.len();
    let (weights, weight_rest) = weight.as_chunks::<SHORT>();
    let rows = x.chunks_exact(len).zip(dy.chunks_exact(len));
    let rows = rows.zip(dx.chunks_exact_mut(len)).zip(moments);
    let (dweight, dbias) = sums.split_at_mut(sums.len() / 2);
    for (((x, dy), dx), moments) in rows {
        let (mean, rstd) = (moments.mean, moments.rstd(eps));
        let m = len as f64;
        let (sum, dot) = weighted_sums(x, dy, weight, mean);
        // x̂ = (x − mean) · rstd + offset; sums over g = dy · weight.
        let offset = -f64::from(moments.low) * rstd;
        let dot = dot * rstd + sum * offset;
        if !dweight.is_empty() {
            let factors = [mean, rstd as f32, offset as f32];
            add_parameter_gradients(x, dy, dweight, dbias, factors);
        }
        // dx = rstd · (g − Σg/m − x̂ · Σ g·x̂ / m)
        let sum = if centre == Centre::Mean { sum } else { 0.0 };
        let (slope, level) = ((rstd * dot / m) as f32, ((sum + offset * dot) / m) as f32);
        let rstd = rstd as f32;
        let ((xs, x), (dys, dy)) = (x.as_chunks::<SHORT>(), dy.as_chunks::<SHORT>());
        let (dxs, dx) = dx.as_chunks_mut::<SHORT>();
        for (((dx, x), dy), weight) in dxs.iter_mut().zip(xs).zip(dys).zip(weights) {
            let mut values = [0.0; SHORT];
            for j in 0..SHORT {
                values[j] = (dy[j] * weight[j] - ((x[j] - mean) * slope + level)) * rstd;
            }
            *dx = values;
        }
        for (((dx, x), dy), weight) in dx.iter_mut().zip(x).zip(dy).zip(weight_rest) {
            *dx = (dy * weight - ((x - mean) * slope + level)) * rstd;
        }
    }
}

/// Adds `dy · x̂` to `dweight` and `dy` to `dbias`.
#[inline(always)]
fn add_parameter_gradients(
    x: &[f32],
    dy: &[f32],
    dweight: &mut [f32],
    dbias: &mut [f32],
    [mean, rstd, offset]: [f32; 3],
) {
    let ((xs, x), (dys, dy)) = (x.as_chunks::<SHORT>(), dy.as_chunks::<SHORT>());
    let (dweights, dweight) = dweight.as_chunks_mut::<SHORT>();
    let (dbiases, dbias) = dbias.as_chunks_mut::<SHORT>();
    let to = dweights.iter_mut().zip(dbiases);
    for (((dweight, dbias), x), dy) in to.zip(xs).zip(dys) {
        let (mut weights, mut biases) = (*dweight, *dbias);
        for j in 0..SHORT {
            weights[j] += dy[j] * ((x[j] - mean) * rstd + offset);
            biases[j] += dy[j];
        }
        (*dweight, *dbias) = (weights, biases);
    }
    for (((dweight, dbias), x), dy) in dweight.iter_mut().zip(dbias).zip(x).zip(dy) {
        *dweight += dy * ((x - mean) * rstd + offset);
        *dbias += dy;
    }
}

/// `Σ dy · weight` and `Σ dy · weight · (x − mean)`.
#[inline(always)]
fn weighted_sums(x: &[f32], dy: &[f32], weight: &[f32], mean: f32) -> (f64, f64) {
    let (mut sum, mut dot) = (0.0, 0.0);
    let blocks = x.chunks(FLUSH).zip(dy.chunks(FLUSH));
    for ((x, dy), weight) in blocks.zip(weight.chunks(FLUSH)) {
        let mut pair = Pair::new();
        pair.add_weighted(x, dy, weight, mean);
        let sums = pair.take();
        sum += sums.0;
        dot += sums.1;
    }
    (sum, dot)
}
