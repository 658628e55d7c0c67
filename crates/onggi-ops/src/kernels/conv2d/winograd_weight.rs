//! The weight gradient of [`winograd`](super::winograd): its adjoint, on the same tiles.
//!
//! `dg = Gᵀ [Σ (A dY Aᵀ) ⊙ (Bᵀ d B)] G`, summed over tiles and images: one matrix of scalar
//! products for each of the 36 positions.

use super::super::simd::{Isa, Register, dispatch};
use super::super::{Shared, output};
use super::dots::{Rows, Segment, Sums, dots};
use super::geometry::Geometry;
use super::lanes::LANES;
use super::planes::{Area, Planes};
use super::scratch::scratch;
use super::winograd::{Chunk, Layout, chunks, transform_inputs};
use super::winograd_transform::{AREA, HALF, Half, IN, OUT, combine, load, sum};
use super::{each, sum_parts};
use std::ops::Range;

/// Channels, in and out, of a task: 128 · 128 sums for each position are 2.4 MB.
const BLOCK: usize = 128;

/// Tasks to cut the pass into, work permitting.
const TASKS: usize = 8;

/// Tiles whose sums pay for adding up the lanes of a register.
const LEAST_TILES: usize = 8;

/// The weight's gradient over `images`, a multiple of [`LANES`].
pub(super) fn weight_gradient(
    x: &[f32],
    dy: &[f32],
    g: &Geometry,
    images: Range<usize>,
) -> Vec<f32> {
    let isa = Isa::detect();
    let blocks_c = g.c.div_ceil(BLOCK);
    let block_c = g.c.div_ceil(blocks_c).next_multiple_of(HALF);
    let chunks_of = |block_o: usize| {
        const LINES: usize = 64 * 1024;
        chunks(g, (LINES / (AREA * (block_c + block_o))).clamp(1, 16))
    };
    // Small images: several groups of sixteen in one unit, so that sums are long enough.
    let groups = images.len() / LANES;
    let tiles = g.oh().div_ceil(OUT) * g.ow().div_ceil(OUT);
    let join = (LEAST_TILES / tiles).clamp(1, groups);
    let joined = groups.div_ceil(join);
    let mut block_o = g.o.div_ceil(g.o.div_ceil(BLOCK));
    // Few units: blocks of fewer channels, as far as transforming `x` again is cheap.
    while block_o > 32
        && joined * chunks_of(block_o).len() * blocks_c * g.o.div_ceil(block_o) < TASKS
    {
        block_o = block_o.div_ceil(2);
    }
    let blocks_o = g.o.div_ceil(block_o);
    let chunks = chunks_of(block_o);
    let units = joined * chunks.len();
    let most = TASKS.div_ceil(blocks_o * blocks_c).min(units);
    let step = units.div_ceil(most);
    let parts = units.div_ceil(step);
    let len = g.weight_len();
    let fill = |to: Shared<'_, f32>| {
        each(g, parts * blocks_o * blocks_c, |task| {
            let (part, block) = (task / (blocks_o * blocks_c), task % (blocks_o * blocks_c));
            let first_o = block / blocks_c * block_o;
            let outs = first_o..(first_o + block_o).min(g.o);
            let first_c = block % blocks_c * block_c;
            let ins = first_c..(first_c + block_c).min(g.c);
            let most = chunks.iter().map(Chunk::tiles).max().unwrap_or(0);
            let pixels = chunks
                .iter()
                .map(|chunk| chunk.pixels().max(chunk.tiles() * OUT * OUT));
            let lens = [
                1 + pixels.max().unwrap_or(0),
                AREA * (join * most * ins.len() + 1),
                AREA * (join * most * outs.len() + 1),
            ];
            let [patch, inputs, gradients] = lens.map(|lines| lines * LANES);
            // As with lines: no distances of whole pages between positions.
            let products = outs.len() * block_c + LANES;
            scratch([patch, inputs, gradients, AREA * products], |buffers| {
                let [patch, inputs, gradients, sums] = buffers;
                sums.fill(0.0);
                for unit in part * step..((part + 1) * step).min(units) {
                    let (first, chunk) = (unit / chunks.len() * join, &chunks[unit % chunks.len()]);
                    let (reads, writes) = (chunk.reads(g), chunk.writes(g));
                    let count = join.min(groups - first);
                    let tiles = count * chunk.tiles();
                    let layout = |channels: &Range<usize>| Layout {
                        position: tiles * channels.len() + 1,
                        tile: 1,
                        channel: tiles,
                    };
                    let (at_c, at_o) = (layout(&ins), layout(&outs));
                    for group in 0..count {
                        let image = images.start + (first + group) * LANES;
                        let at = group * chunk.tiles() * LANES;
                        let x = Planes {
                            values: x,
                            image,
                            channels: g.c,
                            size: [g.h, g.w],
                        };
                        let to = &mut inputs[at..];
                        transform_inputs(isa, x, ins.clone(), chunk, &reads, patch, to, at_c);
                        let size = [g.oh(), g.ow()];
                        let dy = Planes {
                            values: dy,
                            image,
                            channels: g.o,
                            size,
                        };
                        let pixels = (&chunk.outputs(g), &writes[..]);
                        let to = &mut gradients[at..];
                        transform_gradients(isa, dy, outs.clone(), pixels, patch, to, at_o);
                    }
                    let all = [vec![Segment {
                        a: 0,
                        b: 0,
                        count: tiles,
                    }]];
                    for position in 0..AREA {
                        let a = Rows {
                            lines: &gradients[position * at_o.position * LANES..],
                            apart: tiles,
                            count: outs.len(),
                        };
                        let b = Rows {
                            lines: &inputs[position * at_c.position * LANES..],
                            apart: tiles,
                            count: ins.len(),
                        };
                        let values = &mut sums[position * products..][..products];
                        let sums = Sums {
                            values,
                            tap_apart: 0,
                            row_apart: block_c,
                        };
                        dots(isa, a, b, 1, &all, sums);
                    }
                }
                for (row, o) in outs.clone().enumerate() {
                    // SAFETY: one task writes this part of these channels.
                    let to =
                        unsafe { to.part(part * len + (o * g.c + ins.start) * 9, ins.len() * 9) };
                    transform_products(isa, &sums[row * block_c..], products, to);
                }
            });
        });
    };
    // SAFETY: parts by blocks of channels cover everything.
    let sums = unsafe { output(parts * len, fill) };
    sum_parts(sums, len)
}

/// Brings `channels` of a rectangle of `dy` into the transformed domain.
fn transform_gradients(
    isa: Isa,
    dy: Planes<&[f32]>,
    channels: Range<usize>,
    (area, lines): (&Area, &[[u32; OUT * OUT]]),
    patch: &mut [f32],
    to: &mut [f32],
    layout: Layout,
) {
    patch[..LANES].fill(0.0);
    for (index, channel) in channels.enumerate() {
        dy.gather(isa, channel, area, &mut patch[LANES..], 1);
        for (tile, lines) in lines.iter().enumerate() {
            let to = &mut to[(tile * layout.tile + index * layout.channel) * LANES..];
            transform_gradient(isa, patch, lines, to, layout.position);
        }
    }
}

/// `A d`.
#[inline(always)]
fn gradient_axis(d: [Half; OUT]) -> [Half; IN] {
    let (even, odd) = (combine(d[0], 1.0, d[2]), combine(d[1], 1.0, d[3]));
    let (even_2, odd_2) = (combine(d[0], 4.0, d[2]), sum([2.0, 8.0], [d[1], d[3]]));
    [
        d[0],
        combine(even, 1.0, odd),
        combine(even, -1.0, odd),
        combine(even_2, 1.0, odd_2),
        combine(even_2, -1.0, odd_2),
        d[3],
    ]
}

/// `Gᵀ m`.
#[inline(always)]
fn product_axis(m: [Half; IN]) -> [Half; 3] {
    let (sum_1, difference_1) = (combine(m[1], 1.0, m[2]), combine(m[2], -1.0, m[1]));
    let (sum_2, difference_2) = (combine(m[3], 1.0, m[4]), combine(m[3], -1.0, m[4]));
    [
        sum([1.0 / 4.0, -1.0 / 6.0, 1.0 / 24.0], [m[0], sum_1, sum_2]),
        sum([1.0 / 6.0, 1.0 / 12.0], [difference_1, difference_2]),
        sum([-1.0 / 6.0, 1.0 / 6.0, 1.0], [sum_1, sum_2, m[5]]),
    ]
}

/// Writes `A d Aᵀ`, position by position, `step` lines apart.
fn transform_gradient(
    isa: Isa,
    patch: &[f32],
    lines: &[u32; OUT * OUT],
    to: &mut [f32],
    step: usize,
) {
    // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
    unsafe {
        dispatch!(
            isa,
            transform_gradient_body(
                patch: &[f32],
                lines: &[u32; OUT * OUT],
                to: &mut [f32],
                step: usize,
            )
        );
    }
}

#[inline(always)]
fn transform_gradient_body<V: Register>(
    patch: &[f32],
    lines: &[u32; OUT * OUT],
    to: &mut [f32],
    step: usize,
) {
    for half in [0, HALF] {
        let mut columns = [[[0f32; HALF]; IN]; OUT];
        for column in 0..OUT {
            let mut d = [[0f32; HALF]; OUT];
            for row in 0..OUT {
                d[row] = load(patch, lines[row * OUT + column] as usize * LANES + half);
            }
            columns[column] = gradient_axis(d);
        }
        for row in 0..IN {
            let mut d = [[0f32; HALF]; OUT];
            for column in 0..OUT {
                d[column] = columns[column][row];
            }
            let v = gradient_axis(d);
            for (column, v) in v.into_iter().enumerate() {
                to[(row * IN + column) * step * LANES + half..][..HALF].copy_from_slice(&v);
            }
        }
    }
}

/// Writes `Gᵀ m G` of a row of channels, whose positions are `step` elements apart.
fn transform_products(isa: Isa, from: &[f32], step: usize, to: &mut [f32]) {
    // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
    unsafe {
        dispatch!(
            isa,
            transform_products_body(from: &[f32], step: usize, to: &mut [f32])
        );
    }
}

#[inline(always)]
fn transform_products_body<V: Register>(from: &[f32], step: usize, to: &mut [f32]) {
    for (block, to) in to.chunks_mut(HALF * 9).enumerate() {
        let mut columns = [[[0f32; HALF]; 3]; IN];
        for column in 0..IN {
            let mut m = [[0f32; HALF]; IN];
            for row in 0..IN {
                m[row] = load(from, (row * IN + column) * step + block * HALF);
            }
            columns[column] = product_axis(m);
        }
        let mut taps = [[0f32; 9]; HALF];
        for row in 0..3 {
            let mut m = [[0f32; HALF]; IN];
            for column in 0..IN {
                m[column] = columns[column][row];
            }
            let v = product_axis(m);
            for channel in 0..HALF {
                for column in 0..3 {
                    taps[channel][row * 3 + column] = v[column][channel];
                }
            }
        }
        to.copy_from_slice(&taps.as_flattened()[..to.len()]);
    }
}
