//! Penalties on the size of parameters.

use super::{CHUNK, PARALLEL_FROM, Part, for_each};
use multiversion::multiversion;
use rayon::prelude::*;

/// Numbers of a penalty's gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penalty {
    /// `g ← scale · g + l2 · w + l1 · sign(w)`.
    pub(crate) scale: f32,
    pub(crate) l1: f32,
    pub(crate) l2: f32,
}

/// Adds penalties to gradients: a part's `p` is the gradient, its `g` the parameter.
pub(crate) fn penalty(parts: Vec<Part<'_, Penalty, 0>>) {
    for_each(parts, |part| add(part.p, part.g, part.factors));
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn add(g: &mut [f32], w: &[f32], by: Penalty) {
    for (g, &w) in g.iter_mut().zip(w) {
        let sign = if w == 0.0 { 0.0 } else { by.l1.copysign(w) };
        *g = by.scale * *g + by.l2 * w + sign;
    }
}

/// Brings each element closer to 0 by `by`, but not past it.
pub(crate) fn soft_threshold(x: &mut [f32], by: f32) {
    if x.len() < PARALLEL_FROM {
        shrink(x, by);
    } else {
        (x.par_chunks_mut(CHUNK)).for_each(|chunk| shrink(chunk, by));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn shrink(p: &mut [f32], by: f32) {
    for p in p {
        let less = p.abs() - by;
        // NaN is not at most 0, so that it stays.
        *p = if less <= 0.0 { 0.0 } else { less.copysign(*p) };
    }
}
