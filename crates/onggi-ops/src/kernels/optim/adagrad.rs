//! Adagrad.

use super::{Part, for_each};
use multiversion::multiversion;

/// Numbers of a step of Adagrad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adagrad {
    /// `g ← scale · g + decay · p`.
    pub(crate) scale: f32,
    pub(crate) decay: f32,
    /// `p ← p − lr · g / (√s + eps)`.
    pub(crate) lr: f32,
    pub(crate) eps: f32,
}

/// Adagrad, by the sum of squares `s`.
pub(crate) fn adagrad(parts: Vec<Part<'_, Adagrad, 1>>) {
    for_each(parts, |part| {
        let [s] = part.state;
        accumulate(part.p, part.g, s, part.factors);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn accumulate(p: &mut [f32], g: &[f32], s: &mut [f32], by: Adagrad) {
    for ((p, &g), s) in p.iter_mut().zip(g).zip(s) {
        let g = by.scale * g + by.decay * *p;
        *s += g * g;
        *p -= by.lr * g / (s.sqrt() + by.eps);
    }
}
