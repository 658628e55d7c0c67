//! 2-d convolution: `y[n, o] = bias[o] + Σ weight[o, c, ky, kx] · x[n, c]` shifted by the tap, in
//! `f32`, `NCHW`, for any stride, zero padding, dilation and number of groups.
//!
//! Work is cut by the geometry alone, and sums are taken in a fixed order: the result is the same
//! to the bit at any number of threads. Images that do not fill a block of sixteen may take another
//! path than the others, so an image's last bits can depend on its place in the batch.
//!
//! | path | takes | share of the peak's direct rate: forward, input, weight gradient |
//! | --- | --- | --- |
//! | [`winograd`] | 3×3 at stride 1, sixteen images at a time | 1.35–2.8, 1.35–2.7, 0.7–1.7 |
//! | [`winograd_tiles`] | 3×3 at stride 1, the images that are left, if there are tiles enough | 0.9–1.7, 0.7–1.6, – |
//! | [`direct`] | other kernels and strides, sixteen images at a time | 0.8–1.1, 0.75–1.05, 0.55–0.7 |
//! | [`depthwise`] | one channel to one channel | limited by memory |
//! | [`pointwise`] | 1×1 with a stride, as one without | as [`tiled`] |
//! | [`tiled`] | the rest: fewer than sixteen images, groups, 1×1 at stride 1 | 0.5–0.8, 0.5–0.8, 0.45–0.8 |
//!
//! Measured 2026-11-22 on one core of an AMD EPYC (Zen 3, AVX2, peak 102 GFLOP/s) over the layers
//! of a small residual net on 28² at batch 32 and of ResNet-18 on 224² at batch 16. PyTorch 2.15's
//! direct 3×3 forward runs at 0.95–1.05 there, its gradients at 0.55–1.0.

// Kernels index several arrays by one lane: loops over the index are what the compiler vectorises.
#![allow(clippy::needless_range_loop)]

mod depthwise;
mod direct;
mod direct_weight;
mod dots;
mod geometry;
mod im2col;
mod lanes;
mod planes;
mod pointwise;
mod product;
pub(super) mod scratch;
#[cfg(test)]
mod tests;
mod tiled;
mod winograd;
mod winograd_tiles;
mod winograd_transform;
mod winograd_weight;

pub(crate) use geometry::Geometry;

use super::{Shared, output};
use lanes::LANES;
use rayon::prelude::*;
use winograd_transform::Weight;

/// Multiplications below which a pass stays on one thread: what one core does while another wakes.
const PARALLEL_WORK: usize = 256 * 1024;

/// `y (N, O, OH, OW)` of `x`, `weight` and `bias (O)`.
pub(crate) fn forward(x: &[f32], weight: &[f32], bias: Option<&[f32]>, g: Geometry) -> Vec<f32> {
    assert_eq!((x.len(), weight.len()), (g.x_len(), g.weight_len()));
    if let Some(dense) = pointwise::dense(&g) {
        return forward(&pointwise::gather(x, &g), weight, bias, dense);
    }
    // SAFETY: `forward_into` writes all images.
    unsafe {
        output(g.y_len(), |y| {
            forward_into(
                x,
                Weight {
                    values: weight,
                    turned: false,
                },
                bias,
                &g,
                y,
            )
        })
    }
}

/// How the images are taken.
#[derive(Clone, Copy, PartialEq)]
enum Path {
    /// Sixteen at a time, by [`winograd`].
    Winograd,
    /// Sixteen at a time, by [`direct`].
    Direct,
    /// Plane by plane, by [`depthwise`].
    Depthwise,
    /// All by [`tiled`], which also takes what the others leave.
    Tiled,
}

impl Path {
    fn of(g: &Geometry) -> Self {
        match g.n >= LANES {
            _ if depthwise::fits(g) => Self::Depthwise,
            true if winograd::fits(g) => Self::Winograd,
            true if direct::fits(g) => Self::Direct,
            _ => Self::Tiled,
        }
    }

    /// How many images are taken sixteen at a time.
    fn images(self, g: &Geometry) -> usize {
        if [Self::Winograd, Self::Direct].contains(&self) {
            g.n / LANES * LANES
        } else {
            0
        }
    }
}

fn forward_into(
    x: &[f32],
    weight: Weight<'_>,
    bias: Option<&[f32]>,
    g: &Geometry,
    y: Shared<'_, f32>,
) {
    let path = Path::of(g);
    if path == Path::Depthwise {
        return depthwise::forward(x, weight.values, bias, g, y);
    }
    let batched = path.images(g);
    let rest = batched < g.n;
    let rest_by_tiles = rest && winograd::fits(g) && winograd_tiles::pays(g, g.n - batched);
    if rest_by_tiles {
        winograd_tiles::forward(x, weight, bias, g, batched..g.n, y);
    }
    let rest = rest && !rest_by_tiles;
    let turned =
        (weight.turned && (path != Path::Winograd || rest)).then(|| turned(weight.values, g));
    let plain = turned.as_deref().unwrap_or(weight.values);
    match path {
        Path::Winograd => winograd::forward(x, weight, bias, g, 0..batched, y),
        Path::Direct => direct::forward(x, plain, bias, g, 0..batched, y),
        _ => {}
    }
    if rest {
        tiled::forward(x, plain, bias, g, batched..g.n, y);
    }
}

/// `dx (N, C, H, W)` of `dy` and `weight`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], g: Geometry) -> Vec<f32> {
    assert_eq!((dy.len(), weight.len()), (g.y_len(), g.weight_len()));
    if let Some(dense) = pointwise::dense(&g) {
        return pointwise::scatter(&input_gradient(dy, weight, dense), &g);
    }
    let reach = [g.dilation[0] * (g.kh - 1), g.dilation[1] * (g.kw - 1)];
    let back = g.stride == [1, 1] && g.padding[0] <= reach[0] && g.padding[1] <= reach[1];
    let fill = |dx: Shared<'_, f32>| {
        if Path::of(&g) == Path::Depthwise {
            depthwise::input_gradient(dy, weight, &g, dx);
        } else if back {
            // At stride 1 it is a convolution of `dy` with the weight turned about.
            let back = Geometry {
                c: g.o,
                o: g.c,
                h: g.oh(),
                w: g.ow(),
                padding: [reach[0] - g.padding[0], reach[1] - g.padding[1]],
                ..g
            };
            forward_into(
                dy,
                Weight {
                    values: weight,
                    turned: true,
                },
                None,
                &back,
                dx,
            );
        } else {
            let direct = Path::of(&g) == Path::Direct && direct::fits_back(&g);
            let batched = if direct { g.n / LANES * LANES } else { 0 };
            if direct {
                direct::input_gradient(dy, weight, &g, 0..batched, dx);
            }
            if batched < g.n {
                tiled::input_gradient(dy, weight, &g, batched..g.n, dx);
            }
        }
    };
    // SAFETY: every branch writes all images.
    unsafe { output(g.x_len(), fill) }
}

/// The weight `(o, cg, taps)` of `g` from `(c, og, taps)` with its taps in reverse.
fn turned(weight: &[f32], g: &Geometry) -> Vec<f32> {
    let (og, cg, taps) = (g.og(), g.cg(), g.taps());
    let mut turned = Vec::with_capacity(weight.len());
    for o in 0..g.o {
        let (group, o) = (o / og, o % og);
        for c in 0..cg {
            let taps = &weight[((group * cg + c) * og + o) * taps..][..taps];
            turned.extend(taps.iter().rev());
        }
    }
    turned
}

/// `dweight (O, C / groups, KH, KW)` of `x` and `dy`.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], g: Geometry) -> Vec<f32> {
    assert_eq!((x.len(), dy.len()), (g.x_len(), g.y_len()));
    if let Some(dense) = pointwise::dense(&g) {
        return weight_gradient(&pointwise::gather(x, &g), dy, dense);
    }
    let path = Path::of(&g);
    let batched = path.images(&g);
    let mut dweight = match path {
        Path::Winograd => winograd_weight::weight_gradient(x, dy, &g, 0..batched),
        Path::Direct if direct_weight::fits(&g) => {
            direct_weight::weight_gradient(x, dy, &g, 0..batched)
        }
        Path::Depthwise => return depthwise::weight_gradient(x, dy, &g),
        _ => return tiled::weight_gradient(x, dy, &g, 0..g.n),
    };
    if batched < g.n {
        dweight.extend(tiled::weight_gradient(x, dy, &g, batched..g.n));
    }
    sum_parts(dweight, g.weight_len())
}

/// `dbias (O)` of `dy`.
pub(crate) fn bias_gradient(dy: &[f32], g: Geometry) -> Vec<f32> {
    assert_eq!(dy.len(), g.y_len());
    let pixels = g.oh() * g.ow();
    let mut dbias = vec![0.0; g.o];
    let sum = |(channel, dbias): (usize, &mut f32)| {
        let planes = (0..g.n).map(|image| &dy[(image * g.o + channel) * pixels..][..pixels]);
        *dbias = planes.map(plane_sum).sum::<f64>() as f32;
    };
    if dy.len() < super::PARALLEL_FROM {
        dbias.iter_mut().enumerate().for_each(sum);
    } else {
        dbias.par_iter_mut().enumerate().for_each(sum);
    }
    dbias
}

/// The sum of a plane: blocks short enough for `f32` lanes, added up in `f64`.
fn plane_sum(plane: &[f32]) -> f64 {
    let block = |block: &[f32]| {
        let (chunks, rest) = block.as_chunks::<32>();
        let mut lanes = [0f32; 32];
        for chunk in chunks {
            for (lane, v) in lanes.iter_mut().zip(chunk) {
                *lane += v;
            }
        }
        lanes.iter().chain(rest).map(|&v| f64::from(v)).sum::<f64>()
    };
    plane.chunks(4096).map(block).sum()
}

/// Calls `task` with `0..tasks`, on all threads if the pass is worth it.
fn each(g: &Geometry, tasks: usize, task: impl Fn(usize) + Sync + Send) {
    if tasks < 2 || g.work() < PARALLEL_WORK {
        (0..tasks).for_each(task);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(task);
    }
}

/// The sum of parts of `len` elements each, in order.
fn sum_parts(mut parts: Vec<f32>, len: usize) -> Vec<f32> {
    if len > 0 && parts.len() > len {
        let (sum, rest) = parts.split_at_mut(len);
        const CHUNK: usize = 4096;
        sum.par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(index, sum)| {
                for part in rest.chunks(len) {
                    for (sum, v) in sum.iter_mut().zip(&part[index * CHUNK..]) {
                        *sum += v;
                    }
                }
            });
        parts.truncate(len);
    }
    parts
}
