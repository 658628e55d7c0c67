//! The weight gradient of [`direct`](super::direct): scalar products of `dy` with the pixels that
//! each tap reads.

use super::super::simd::Isa;
use super::super::{Shared, output};
use super::direct::areas;
use super::dots::{Rows, Segment, Sums, dots};
use super::geometry::Geometry;
use super::lanes::LANES;
use super::planes::{Area, Planes, pixels};
use super::scratch::scratch;
use super::{each, sum_parts};
use std::ops::Range;

/// Channels, in and out, of a task.
const BLOCK: usize = 64;

/// Lines that meet for all taps: three rows of `dy` and four of `x` in 24 KB of L1.
const LINES: usize = 384;

/// Tasks to cut the pass into, work permitting.
const TASKS: usize = 8;

/// Whether this beats products over tiles, which larger images feed well: measured at 32 → 64
/// channels on 14², 64 → 128 on 7² (both a quarter faster) and on 56² (a sixth slower).
pub(super) fn fits(g: &Geometry) -> bool {
    g.c >= 16 && g.oh() * g.ow() <= 256
}

/// The weight's gradient over `images`, a multiple of [`LANES`].
pub(super) fn weight_gradient(
    x: &[f32],
    dy: &[f32],
    g: &Geometry,
    images: Range<usize>,
) -> Vec<f32> {
    let (isa, taps, len) = (Isa::detect(), g.taps(), g.weight_len());
    let blocks_c = g.c.div_ceil(BLOCK);
    let block_c = g.c.div_ceil(blocks_c);
    let blocks_o = g.o.div_ceil(BLOCK);
    let block_o = g.o.div_ceil(blocks_o);
    let blocks = blocks_o * blocks_c;
    let (size, out) = ([g.h, g.w], [g.oh(), g.ow()]);
    let reads = (size[0] * size[1] * 5 / 4).div_ceil((out[0] * out[1]).max(1));
    let areas = areas(out, LINES / (3 + 4 * reads));
    let units = images.len() / LANES * areas.len();
    let step = units
        .div_ceil(TASKS.div_ceil(blocks).min(units).max(1))
        .max(1);
    let parts = units.div_ceil(step).max(1);
    let plans: Vec<_> = areas.iter().map(|area| Plan::new(g, area)).collect();
    let most = |count: fn(&Plan, &Area) -> usize| {
        plans
            .iter()
            .zip(&areas)
            .map(|(plan, area)| count(plan, area))
            .max()
            .unwrap_or(0)
    };
    let lines = [
        most(|plan, _| pixels(&plan.read)) * block_c,
        most(|_, area| pixels(area)) * block_o,
    ];
    let fill = |to: Shared<'_, f32>| {
        each(g, parts * blocks, |task| {
            let (part, block) = (task / blocks, task % blocks);
            let outs = block / blocks_c * block_o;
            let outs = outs..(outs + block_o).min(g.o);
            let ins = block % blocks_c * block_c;
            let ins = ins..(ins + block_c).min(g.c);
            let sums = outs.len() * ins.len();
            let [inputs, gradients] = lines.map(|lines| lines * LANES);
            scratch(
                [inputs, gradients, taps * sums],
                |[inputs, gradients, values]| {
                    values.fill(0.0);
                    for unit in part * step..((part + 1) * step).min(units) {
                        let (plan, area) = (&plans[unit % plans.len()], &areas[unit % plans.len()]);
                        let image = images.start + unit / plans.len() * LANES;
                        let [read, write] = [pixels(&plan.read), pixels(area)];
                        let x = Planes {
                            values: x,
                            image,
                            channels: g.c,
                            size,
                        };
                        for (index, channel) in ins.clone().enumerate() {
                            x.gather(
                                isa,
                                channel,
                                &plan.read,
                                &mut inputs[index * read * LANES..],
                                1,
                            );
                        }
                        let dy = Planes {
                            values: dy,
                            image,
                            channels: g.o,
                            size: out,
                        };
                        for (index, channel) in outs.clone().enumerate() {
                            let to = &mut gradients[index * write * LANES..];
                            dy.gather(isa, channel, area, to, 1);
                        }
                        let a = Rows {
                            lines: gradients,
                            apart: write,
                            count: outs.len(),
                        };
                        let b = Rows {
                            lines: inputs,
                            apart: read,
                            count: ins.len(),
                        };
                        let sums = Sums {
                            values,
                            tap_apart: sums,
                            row_apart: ins.len(),
                        };
                        dots(isa, a, b, g.stride[1], &plan.taps, sums);
                    }
                    for (row, o) in outs.clone().enumerate() {
                        let at = part * len + (o * g.c + ins.start) * taps;
                        // SAFETY: one task writes this part of these channels.
                        let to = unsafe { to.part(at, ins.len() * taps) };
                        for (column, to) in to.chunks_mut(taps).enumerate() {
                            for (tap, to) in to.iter_mut().enumerate() {
                                *to = values[tap * sums + row * ins.len() + column];
                            }
                        }
                    }
                },
            );
        });
    };
    // SAFETY: parts by blocks of channels cover everything.
    let sums = unsafe { output(parts * len, fill) };
    sum_parts(sums, len)
}

/// What a rectangle of outputs meets.
struct Plan {
    read: Area,
    /// For each tap, by rows of outputs.
    taps: Vec<Vec<Segment>>,
}

impl Plan {
    fn new(g: &Geometry, area: &Area) -> Self {
        let axes = [g.vertical(), g.horizontal()];
        let read = |axis: usize| {
            let at = |out: usize, tap: usize| {
                let at = out * axes[axis].stride + tap * axes[axis].dilation;
                at.saturating_sub(axes[axis].padding).min(axes[axis].size)
            };
            let Range { start, end } = area[axis];
            let last = end.saturating_sub(1);
            let to = (last * axes[axis].stride + (axes[axis].taps - 1) * axes[axis].dilation + 1)
                .saturating_sub(axes[axis].padding);
            at(start, 0)..to.min(axes[axis].size).max(at(start, 0))
        };
        let read = [read(0), read(1)];
        let segments = |tap: usize| {
            let (ky, kx) = (tap / g.kw, tap % g.kw);
            let inside = axes[1].inside(kx);
            let (start, end) = (inside.0.max(area[1].start), inside.1.min(area[1].end));
            let row = |oy: usize| {
                let iy = axes[0].input(oy, ky)?;
                let ix = axes[1].input(start, kx).filter(|_| start < end)?;
                Some(Segment {
                    a: (oy - area[0].start) * area[1].len() + start - area[1].start,
                    b: (iy - read[0].start) * read[1].len() + ix - read[1].start,
                    count: end - start,
                })
            };
            area[0].clone().filter_map(row).collect()
        };
        let taps = (0..g.taps()).map(segments).collect();
        Self { read, taps }
    }
}
