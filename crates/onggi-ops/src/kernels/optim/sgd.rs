//! Gradient descent.

use super::{Part, for_each};
use multiversion::multiversion;

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
