//! 3×3 kernels at stride 1 by Winograd's F(4×4, 3×3): 36 multiplications for 16 outputs instead
//! of 144, on sixteen images side by side.
//!
//! A tile of 4×4 outputs sees 6×6 inputs: `Y = Aᵀ [(G g Gᵀ) ⊙ Σ_c (Bᵀ d B)] A`, where the sum over
//! channels becomes one matrix product for each of the 36 positions.
//!
//! Reference: Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks* (2016).

use super::super::Shared;
use super::super::simd::Isa;
use super::each;
use super::geometry::Geometry;
use super::lanes::{LANES, rows};
use super::planes::{Area, Planes, pixels};
use super::product::{Columns, Packed, Term, product};
use super::scratch::scratch;
use super::winograd_transform::{
    AREA, IN, OUT, Weight, position_step, transform_input, transform_output, transform_weight,
};
use std::ops::Range;

/// Whether the convolution is one for this file.
pub(super) fn fits(g: &Geometry) -> bool {
    [g.kh, g.kw] == [3, 3]
        && g.stride == [1, 1]
        && g.dilation == [1, 1]
        && g.groups == 1
        && g.c >= 16
        && g.o >= 16
        && g.oh() * g.ow() > 4
}

/// A rectangle of tiles, and the part of the image that it reads.
pub(super) struct Chunk {
    rows: Range<usize>,
    columns: Range<usize>,
    pub(super) read: Area,
}

impl Chunk {
    pub(super) fn tiles(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The tiles' first outputs.
    fn corners(&self) -> impl Iterator<Item = (usize, usize)> {
        let columns = self.columns.clone();
        self.rows
            .clone()
            .flat_map(move |ty| columns.clone().map(move |tx| (ty * OUT, tx * OUT)))
    }

    /// Pixels read.
    pub(super) fn pixels(&self) -> usize {
        pixels(&self.read)
    }

    /// The line of each input of each tile in a patch whose line 0 is the padding.
    pub(super) fn reads(&self, g: &Geometry) -> Vec<[u32; AREA]> {
        let line = |(oy, ox): (usize, usize), i: usize| {
            let iy = (oy + i / IN).wrapping_sub(g.padding[0]);
            let ix = (ox + i % IN).wrapping_sub(g.padding[1]);
            if iy >= g.h || ix >= g.w {
                return 0;
            }
            let (row, column) = (iy - self.read[0].start, ix - self.read[1].start);
            (1 + row * self.read[1].len() + column) as u32
        };
        self.corners()
            .map(|corner| std::array::from_fn(|i| line(corner, i)))
            .collect()
    }

    /// Outputs inside the image.
    pub(super) fn outputs(&self, g: &Geometry) -> Area {
        [
            self.rows.start * OUT..(self.rows.end * OUT).min(g.oh()),
            self.columns.start * OUT..(self.columns.end * OUT).min(g.ow()),
        ]
    }

    /// The line of each output of each tile in a patch whose line 0 is for those outside.
    pub(super) fn writes(&self, g: &Geometry) -> Vec<[u32; OUT * OUT]> {
        let [rows, columns] = self.outputs(g);
        let line = |(oy, ox): (usize, usize), i: usize| {
            let (oy, ox) = (oy + i / OUT, ox + i % OUT);
            if oy >= rows.end || ox >= columns.end {
                return 0;
            }
            (1 + (oy - rows.start) * columns.len() + ox - columns.start) as u32
        };
        self.corners()
            .map(|corner| std::array::from_fn(|i| line(corner, i)))
            .collect()
    }
}

/// Cuts an image into rectangles of about `most` tiles.
pub(super) fn chunks(g: &Geometry, most: usize) -> Vec<Chunk> {
    let (rows, columns) = (g.oh().div_ceil(OUT), g.ow().div_ceil(OUT));
    let wide = columns.div_ceil(columns.div_ceil(most));
    let high = rows.div_ceil(rows.div_ceil((most / wide).max(1)));
    let mut chunks = Vec::new();
    let read = |from: usize, to: usize, padding: usize, size: usize| {
        let end = (to * OUT + IN - OUT).saturating_sub(padding).min(size);
        (from * OUT).saturating_sub(padding).min(end)..end
    };
    for ty in (0..rows).step_by(high) {
        for tx in (0..columns).step_by(wide) {
            let (ty_end, tx_end) = ((ty + high).min(rows), (tx + wide).min(columns));
            chunks.push(Chunk {
                rows: ty..ty_end,
                columns: tx..tx_end,
                read: [
                    read(ty, ty_end, g.padding[0], g.h),
                    read(tx, tx_end, g.padding[1], g.w),
                ],
            });
        }
    }
    chunks
}

/// How transformed tiles lie in their buffer: the distances, in lines, between positions, tiles
/// and channels.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) position: usize,
    pub(super) tile: usize,
    pub(super) channel: usize,
}

/// Tiles that a task takes through the products at once. Larger buffers (4 MB) pay although they
/// leave L2: weights are read less often and images in longer runs.
fn tiles_at_once(g: &Geometry) -> usize {
    const LINES: usize = 64 * 1024;
    (LINES / (AREA * (g.c + g.o))).clamp(1, 16)
}

/// Writes `images`, a multiple of [`LANES`], of `y`.
pub(super) fn forward(
    x: &[f32],
    weight: Weight<'_>,
    bias: Option<&[f32]>,
    g: &Geometry,
    images: Range<usize>,
    y: Shared<'_, f32>,
) {
    let isa = Isa::detect();
    let weight = transform_weight(isa, weight, g);
    let chunks = chunks(g, tiles_at_once(g));
    let outs = g.o.next_multiple_of(rows(isa));
    let step = position_step(isa, g);
    each(g, images.len() / LANES * chunks.len(), |task| {
        let (image, chunk) = (
            images.start + task / chunks.len() * LANES,
            &chunks[task % chunks.len()],
        );
        let tiles = chunk.tiles();
        let (reads, writes) = (chunk.reads(g), chunk.writes(g));
        let patch_lines = 1 + chunk.pixels().max(tiles * OUT * OUT);
        // A line more a position: distances of whole pages would share a few lines of L1.
        let (input_lines, output_lines) = (tiles * g.c + 1, tiles * outs + 1);
        let lens =
            [patch_lines, AREA * input_lines, AREA * output_lines].map(|lines| lines * LANES);
        scratch(lens, |[patch, inputs, products]| {
            let x = Planes {
                values: x,
                image,
                channels: g.c,
                size: [g.h, g.w],
            };
            let layout = Layout {
                position: input_lines,
                tile: g.c,
                channel: 1,
            };
            transform_inputs(isa, x, 0..g.c, chunk, &reads, patch, inputs, layout);
            let columns = Columns {
                terms: (0..tiles)
                    .map(|t| Term {
                        tap: 0,
                        line: (t * g.c) as u32,
                    })
                    .collect(),
                ends: (1..=tiles as u32).collect(),
            };
            for position in 0..AREA {
                let packed = &weight[position * step..][..outs * g.c];
                let packed = Packed {
                    values: packed,
                    taps: 1,
                    depth: g.c,
                };
                let inputs = &inputs[position * input_lines * LANES..][..tiles * g.c * LANES];
                let products = &mut products[position * output_lines * LANES..];
                product(isa, packed, &columns, inputs, products);
            }
            let area = chunk.outputs(g);
            let y = Planes {
                values: y,
                image,
                channels: g.o,
                size: [g.oh(), g.ow()],
            };
            for channel in 0..g.o {
                let bias = bias.map_or(0.0, |bias| bias[channel]);
                for (tile, lines) in writes.iter().enumerate() {
                    let products = &products[(tile * outs + channel) * LANES..];
                    transform_output(isa, products, output_lines, lines, bias, patch);
                }
                // SAFETY: this rectangle of these images is this task's alone.
                unsafe { y.scatter(isa, channel, &area, &patch[LANES..], 1) };
            }
        });
    });
}

/// Brings `channels` of a chunk of sixteen images into the transformed domain.
#[allow(clippy::too_many_arguments)] // one call's worth of context
pub(super) fn transform_inputs(
    isa: Isa,
    x: Planes<&[f32]>,
    channels: Range<usize>,
    chunk: &Chunk,
    reads: &[[u32; AREA]],
    patch: &mut [f32],
    inputs: &mut [f32],
    layout: Layout,
) {
    patch[..LANES].fill(0.0);
    for (index, channel) in channels.enumerate() {
        x.gather(isa, channel, &chunk.read, &mut patch[LANES..], 1);
        for (tile, lines) in reads.iter().enumerate() {
            let inputs = &mut inputs[(tile * layout.tile + index * layout.channel) * LANES..];
            transform_input(isa, patch, lines, inputs, layout.position);
        }
    }
}
