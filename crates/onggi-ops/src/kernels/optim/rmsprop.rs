//! RMSprop.

use super::{Part, for_each};
use multiversion::multiversion;

/// Numbers of a step of RMSprop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RmsProp {
    /// `g ← scale · g + decay · p`.
    pub(crate) scale: f32,
    pub(crate) decay: f32,
    /// `v ← keep · v + take · g²`, `a ← a + take · (g − a)`.
    pub(crate) keep: f32,
    pub(crate) take: f32,
    pub(crate) eps: f32,
    /// `b ← momentum · b + g / (√v + eps)`.
    pub(crate) momentum: f32,
    /// `p ← p − lr · b`.
    pub(crate) lr: f32,
}

/// By the mean of squares `[v]`.
pub(crate) fn rmsprop(parts: Vec<Part<'_, RmsProp, 1>>) {
    for_each(parts, |part| {
        let [v] = part.state;
        plain(part.p, part.g, v, part.factors);
    });
}

/// By `[v]` and the mean of gradients `[a]`.
pub(crate) fn rmsprop_centered(parts: Vec<Part<'_, RmsProp, 2>>) {
    for_each(parts, |part| {
        let [v, a] = part.state;
        centered(part.p, part.g, v, a, part.factors);
    });
}

/// By `[v]` and the momentum `[b]`.
pub(crate) fn rmsprop_momentum(parts: Vec<Part<'_, RmsProp, 2>>) {
    for_each(parts, |part| {
        let [v, b] = part.state;
        along(part.p, part.g, v, b, part.factors);
    });
}

/// By `[v]`, `[a]` and `[b]`.
pub(crate) fn rmsprop_centered_momentum(parts: Vec<Part<'_, RmsProp, 3>>) {
    for_each(parts, |part| {
        let [v, a, b] = part.state;
        centered_along(part.p, part.g, v, a, b, part.factors);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn plain(p: &mut [f32], g: &[f32], v: &mut [f32], by: RmsProp) {
    for ((p, &g), v) in p.iter_mut().zip(g).zip(v) {
        let g = by.scale * g + by.decay * *p;
        *v = by.keep * *v + by.take * g * g;
        *p -= by.lr * g / (v.sqrt() + by.eps);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn centered(p: &mut [f32], g: &[f32], v: &mut [f32], a: &mut [f32], by: RmsProp) {
    for (((p, &g), v), a) in p.iter_mut().zip(g).zip(v).zip(a) {
        let g = by.scale * g + by.decay * *p;
        *v = by.keep * *v + by.take * g * g;
        *a += by.take * (g - *a);
        *p -= by.lr * g / (variance(*v, *a).sqrt() + by.eps);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn along(p: &mut [f32], g: &[f32], v: &mut [f32], b: &mut [f32], by: RmsProp) {
    for (((p, &g), v), b) in p.iter_mut().zip(g).zip(v).zip(b) {
        let g = by.scale * g + by.decay * *p;
        *v = by.keep * *v + by.take * g * g;
        *b = by.momentum * *b + g / (v.sqrt() + by.eps);
        *p -= by.lr * *b;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn centered_along(
    p: &mut [f32],
    g: &[f32],
    v: &mut [f32],
    a: &mut [f32],
    b: &mut [f32],
    by: RmsProp,
) {
    for ((((p, &g), v), a), b) in p.iter_mut().zip(g).zip(v).zip(a).zip(b) {
        let g = by.scale * g + by.decay * *p;
        *v = by.keep * *v + by.take * g * g;
        *a += by.take * (g - *a);
        *b = by.momentum * *b + g / (variance(*v, *a).sqrt() + by.eps);
        *p -= by.lr * *b;
    }
}

/// `v − a²`, which rounding may put below 0; NaN stays.
#[inline(always)]
fn variance(v: f32, a: f32) -> f32 {
    let variance = v - a * a;
    if variance < 0.0 { 0.0 } else { variance }
}
