//! Lion.

use super::{Part, for_each};
use multiversion::multiversion;

/// Numbers of a step of Lion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lion {
    /// `g ← scale · g`.
    pub(crate) scale: f32,
    /// `c = m + look · (g − m)`, `m ← m + take · (g − m)`.
    pub(crate) look: f32,
    pub(crate) take: f32,
    /// `p ← shrink · p − lr · sign(c)`.
    pub(crate) shrink: f32,
    pub(crate) lr: f32,
}

/// Lion, by the momentum `m`.
pub(crate) fn lion(parts: Vec<Part<'_, Lion, 1>>) {
    for_each(parts, |part| {
        let [m] = part.state;
        step(part.p, part.g, m, part.factors);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn step(p: &mut [f32], g: &[f32], m: &mut [f32], by: Lion) {
    for ((p, &g), m) in p.iter_mut().zip(g).zip(m) {
        let change = by.scale * g - *m;
        let c = *m + by.look * change;
        let direction = if c == 0.0 { 0.0 } else { by.lr.copysign(c) };
        *p = by.shrink * *p - direction;
        *m += by.take * change;
    }
}
