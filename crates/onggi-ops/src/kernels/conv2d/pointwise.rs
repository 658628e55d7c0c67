//! 1×1 with a stride: the pixels that it reads, as an image of their own, on which it is a 1×1 at
//! stride 1. The others have no part in the result, and a gradient of 0.
//!
//! Limited by the product; the copy reads a cache line for half of its pixels at stride 2.

use super::geometry::Geometry;
use super::{each, output};

/// The convolution on the pixels that are read, if this file is for it.
pub(super) fn dense(g: &Geometry) -> Option<Geometry> {
    let fits = g.taps() == 1 && g.padding == [0, 0] && g.stride != [1, 1];
    fits.then(|| Geometry {
        h: g.oh(),
        w: g.ow(),
        stride: [1, 1],
        ..*g
    })
}

/// The pixels of `x` that are read, `(N, C, OH, OW)`.
pub(super) fn gather(x: &[f32], g: &Geometry) -> Vec<f32> {
    let (plane, read) = (g.h * g.w, g.oh() * g.ow());
    // SAFETY: every plane is written, each by one task.
    unsafe {
        output(g.n * g.c * read, |to| {
            each(g, g.n * g.c, |index| {
                let to = to.part(index * read, read);
                let from = x[index * plane..][..plane].chunks(g.w.max(1));
                let rows = from.step_by(g.stride[0]).zip(to.chunks_mut(g.ow().max(1)));
                for (from, to) in rows {
                    let pixels = from.iter().step_by(g.stride[1]);
                    to.iter_mut().zip(pixels).for_each(|(to, v)| *to = *v);
                }
            });
        })
    }
}

/// `dx` of the gradient of [`gather`]'s pixels.
pub(super) fn scatter(gathered: &[f32], g: &Geometry) -> Vec<f32> {
    let (plane, read) = (g.h * g.w, g.oh() * g.ow());
    // SAFETY: every plane is written, each by one task.
    unsafe {
        output(g.x_len(), |dx| {
            each(g, g.n * g.c, |index| {
                let dx = dx.part(index * plane, plane);
                dx.fill(0.0);
                let from = gathered[index * read..][..read].chunks(g.ow().max(1));
                let rows = dx.chunks_mut(g.w.max(1)).step_by(g.stride[0]).zip(from);
                for (to, from) in rows {
                    let pixels = to.iter_mut().step_by(g.stride[1]);
                    pixels.zip(from).for_each(|(to, v)| *to = *v);
                }
            });
        })
    }
}
