//! Kernels of the optimisers' steps: every element of all parameters is read once, moved and
//! written back where it lies.
//!
//! The parameters are cut into chunks of one size, so that a large one does not hold up many small
//! ones; a chunk's result depends on nothing else. All of them are limited by memory: gradient
//! descent with momentum moves 20 bytes an element, Adam 28.

use super::PARALLEL_FROM;
use multiversion::multiversion;
use rayon::prelude::*;

/// Elements a task moves: with four tensors 256 KB, small enough to spread the smallest models that
/// are worth it.
const CHUNK: usize = 16 * 1024;

/// A parameter, its gradient and `S` tensors of state, all of one length.
pub(crate) struct Part<'a, F, const S: usize> {
    pub(crate) p: &'a mut [f32],
    pub(crate) g: &'a [f32],
    pub(crate) state: [&'a mut [f32]; S],
    pub(crate) factors: F,
}

impl<'a, F: Copy, const S: usize> Part<'a, F, S> {
    /// The part in pieces of [`CHUNK`] elements.
    fn chunks(self) -> impl Iterator<Item = Self> {
        let Self {
            mut p,
            mut g,
            mut state,
            factors,
        } = self;
        std::iter::from_fn(move || {
            let len = p.len().min(CHUNK);
            let g = g.split_off(..len)?;
            let part = Part {
                p: p.split_off_mut(..len)?,
                g,
                state: state
                    .each_mut()
                    .map(|s| s.split_off_mut(..len).unwrap_or_default()),
                factors,
            };
            (len > 0).then_some(part)
        })
    }
}

/// Runs `step` over all chunks of all parts.
fn for_each<F: Copy + Send, const S: usize>(
    parts: Vec<Part<'_, F, S>>,
    step: impl Fn(Part<'_, F, S>) + Sync + Send,
) {
    let chunks: Vec<_> = parts.into_iter().flat_map(Part::chunks).collect();
    if chunks.iter().map(|chunk| chunk.p.len()).sum::<usize>() < PARALLEL_FROM {
        chunks.into_iter().for_each(step);
    } else {
        chunks.into_par_iter().for_each(step);
    }
}

/// Numbers of a step of gradient descent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    /// `g ← scale · g + decay · p`.
    pub(crate) scale: f32,
    pub(crate) decay: f32,
    /// `b ← keep · b + take · g`.
    pub(crate) keep: f32,
    pub(crate) take: f32,
    /// Share of `b` that Nesterov's rule adds to `g`; the others step along `b`.
    pub(crate) ahead: Option<f32>,
    pub(crate) lr: f32,
}

/// Gradient descent without momentum: `take`, `keep` and `ahead` do not matter.
pub(crate) fn sgd(parts: Vec<Part<'_, Sgd, 0>>) {
    for_each(parts, |part| descend(part.p, part.g, part.factors));
}

/// Gradient descent with momentum, by the buffer `b`.
pub(crate) fn momentum(parts: Vec<Part<'_, Sgd, 1>>) {
    for_each(parts, |part| {
        let [b] = part.state;
        match part.factors.ahead {
            Some(ahead) => descend_ahead(part.p, part.g, b, part.factors, ahead),
            None => descend_along(part.p, part.g, b, part.factors),
        }
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn descend(p: &mut [f32], g: &[f32], by: Sgd) {
    for (p, &g) in p.iter_mut().zip(g) {
        *p -= by.lr * (by.scale * g + by.decay * *p);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn descend_along(p: &mut [f32], g: &[f32], b: &mut [f32], by: Sgd) {
    for ((p, &g), b) in p.iter_mut().zip(g).zip(b) {
        *b = by.keep * *b + by.take * (by.scale * g + by.decay * *p);
        *p -= by.lr * *b;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn descend_ahead(p: &mut [f32], g: &[f32], b: &mut [f32], by: Sgd, ahead: f32) {
    for ((p, &g), b) in p.iter_mut().zip(g).zip(b) {
        let g = by.scale * g + by.decay * *p;
        *b = by.keep * *b + by.take * g;
        *p -= by.lr * (g + ahead * *b);
    }
}

/// Numbers of a step of Adam.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adam {
    /// This step's number, from 1: in `lr` and `unbias` already.
    pub(crate) steps: i32,
    /// `p ← shrink · p` first.
    pub(crate) shrink: f32,
    /// `g ← scale · g + decay · p`.
    pub(crate) scale: f32,
    pub(crate) decay: f32,
    /// `m ← m + take[0] · (g − m)`, `v ← keep · v + take[1] · g²`.
    pub(crate) take: [f32; 2],
    pub(crate) keep: f32,
    /// `p ← p − lr · m / (√v · unbias + eps)`.
    pub(crate) lr: f32,
    pub(crate) unbias: f32,
    pub(crate) eps: f32,
}

/// Adam and AdamW, by the moments `[m, v]`.
pub(crate) fn adam(parts: Vec<Part<'_, Adam, 2>>) {
    for_each(parts, |part| {
        let [m, v] = part.state;
        adapt(part.p, part.g, m, v, part.factors);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn adapt(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], by: Adam) {
    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let g = by.scale * g + by.decay * *p;
        *m += by.take[0] * (g - *m);
        *v = by.keep * *v + by.take[1] * g * g;
        *p = by.shrink * *p - by.lr * *m / (v.sqrt() * by.unbias + by.eps);
    }
}

/// Sums kept side by side, which the compiler may not do for one sum.
const LANES: usize = 8;

/// Places of a chunk that are read in turn: more of memory is under way than from one.
const STREAMS: usize = 4;

/// `Σ x²` over all tensors, in f64: chunk by chunk, then over the chunks in their order.
pub(crate) fn sum_of_squares(tensors: &[&[f32]]) -> f64 {
    let chunks: Vec<&[f32]> = tensors.iter().flat_map(|x| x.chunks(CHUNK)).collect();
    let len: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let sums: Vec<f64> = if len < PARALLEL_FROM {
        chunks.into_iter().map(squares).collect()
    } else {
        chunks.into_par_iter().map(squares).collect()
    };
    sums.into_iter().sum()
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn squares(x: &[f32]) -> f64 {
    let mut sums = [[0.0f64; LANES]; STREAMS];
    let (blocks, rest) = x.as_chunks::<LANES>();
    let len = blocks.len() / STREAMS;
    let (streams, more) = blocks.split_at(STREAMS * len);
    for i in 0..len {
        for (stream, sums) in sums.iter_mut().enumerate() {
            add_squares(sums, &streams[stream * len + i]);
        }
    }
    for block in more {
        add_squares(&mut sums[0], block);
    }
    add_squares(&mut sums[0], rest);
    sums.into_iter().flatten().sum()
}

#[inline(always)]
fn add_squares(sums: &mut [f64; LANES], x: &[f32]) {
    for (sum, &x) in sums.iter_mut().zip(x) {
        let x = f64::from(x);
        *sum += x * x;
    }
}
