//! Adam and its kin, which differ in their numbers.

use super::{Part, for_each};
use multiversion::multiversion;

/// Numbers of a step of Adam.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adam {
    /// `p ← shrink · p` first.
    pub(crate) shrink: f32,
    /// `g ← scale · g + decay · p`.
    pub(crate) scale: f32,
    pub(crate) decay: f32,
    /// `m ← m + take[0] · (g − m)`, `v ← keep · v + take[1] · g²`.
    pub(crate) take: [f32; 2],
    pub(crate) keep: f32,
    /// `p ← p − (along · m + ahead · g) / (√v · unbias + eps)`.
    pub(crate) along: f32,
    pub(crate) ahead: f32,
    pub(crate) unbias: f32,
    pub(crate) eps: f32,
}

/// Adam, AdamW, NAdam and the direction of LAMB, by the moments `[m, v]`.
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
        let step = by.along * *m + by.ahead * g;
        *p = by.shrink * *p - step / (v.sqrt() * by.unbias + by.eps);
    }
}
