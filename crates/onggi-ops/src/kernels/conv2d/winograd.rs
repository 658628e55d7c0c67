//! 3×3 kernels at stride 1 by Winograd's F(4×4, 3×3): 36 multiplications for 16 outputs instead
//! of 144, on sixteen images side by side.
//!
//! A tile of 4×4 outputs sees 6×6 inputs: `Y = Aᵀ [(G g Gᵀ) ⊙ Σ_c (Bᵀ d B)] A`, where the sum over
//! channels becomes one matrix product for each of the 36 positions.
//!
//! Reference: Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks* (2016).

use super::super::{Shared, output};
use super::each;
use super::geometry::Geometry;
use super::lanes::{Isa, LANES, dispatch};
use super::planes::{Area, Planes, pixels};
use super::product::{Columns, Packed, Term, product};
use super::scratch::scratch;
use rayon::prelude::*;
use std::ops::Range;

/// Outputs of a tile along an axis.
pub(super) const OUT: usize = 4;

/// Inputs of a tile along an axis.
pub(super) const IN: usize = 6;

/// Positions of the transformed domain.
pub(super) const AREA: usize = IN * IN;

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
    let outs = g.o.next_multiple_of(isa.rows());
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

/// Lanes that the transforms take at once.
pub(super) const HALF: usize = 8;
pub(super) type Half = [f32; HALF];

/// `Σ factors[i] · values[i]`, lane by lane.
// Loops here and below, no closures: those would not inherit the instruction set.
#[inline(always)]
pub(super) fn sum<const L: usize, const N: usize>(
    factors: [f32; N],
    values: [[f32; L]; N],
) -> [f32; L] {
    let mut sum = [0.0; L];
    for l in 0..L {
        sum[l] = factors[0] * values[0][l];
        for i in 1..N {
            sum[l] += factors[i] * values[i][l];
        }
    }
    sum
}

/// `a + factor · b`, lane by lane.
#[inline(always)]
pub(super) fn combine<const L: usize>(mut a: [f32; L], factor: f32, b: [f32; L]) -> [f32; L] {
    for l in 0..L {
        a[l] += factor * b[l];
    }
    a
}

/// `Bᵀ d`.
#[inline(always)]
fn input_axis(d: [Half; IN]) -> [Half; IN] {
    let even = combine(d[4], -4.0, d[2]);
    let odd = combine(d[3], -4.0, d[1]);
    let (even_2, odd_2) = (combine(d[4], -1.0, d[2]), combine(d[3], -1.0, d[1]));
    [
        sum([4.0, -5.0, 1.0], [d[0], d[2], d[4]]),
        combine(even, 1.0, odd),
        combine(even, -1.0, odd),
        combine(even_2, 2.0, odd_2),
        combine(even_2, -2.0, odd_2),
        sum([4.0, -5.0, 1.0], [d[1], d[3], d[5]]),
    ]
}

/// `Aᵀ m`.
#[inline(always)]
fn output_axis(m: [Half; IN]) -> [Half; OUT] {
    let (sum_1, difference_1) = (combine(m[1], 1.0, m[2]), combine(m[1], -1.0, m[2]));
    let (sum_2, difference_2) = (combine(m[3], 1.0, m[4]), combine(m[3], -1.0, m[4]));
    [
        combine(combine(m[0], 1.0, sum_1), 1.0, sum_2),
        combine(difference_1, 2.0, difference_2),
        combine(sum_1, 4.0, sum_2),
        combine(combine(m[5], 1.0, difference_1), 8.0, difference_2),
    ]
}

/// `G g`.
#[inline(always)]
fn weight_axis<const N: usize>(g: [[f32; N]; 3]) -> [[f32; N]; IN] {
    let even = sum([-1.0 / 6.0, -1.0 / 6.0], [g[0], g[2]]);
    let even_2 = sum([1.0 / 24.0, 1.0 / 6.0], [g[0], g[2]]);
    [
        sum([0.25], [g[0]]),
        combine(even, -1.0 / 6.0, g[1]),
        combine(even, 1.0 / 6.0, g[1]),
        combine(even_2, 1.0 / 12.0, g[1]),
        combine(even_2, -1.0 / 12.0, g[1]),
        g[2],
    ]
}

#[inline(always)]
pub(super) fn load(from: &[f32], at: usize) -> Half {
    *from[at..].first_chunk().expect("lanes inside the buffer")
}

/// Writes `Bᵀ d B`, position by position, `step` lines apart.
fn transform_input(isa: Isa, patch: &[f32], lines: &[u32; AREA], to: &mut [f32], step: usize) {
    dispatch!(
        isa,
        transform_input_body::<R, FMA>(patch: &[f32], lines: &[u32; AREA], to: &mut [f32], step: usize)
    );
}

#[inline(always)]
fn transform_input_body<const R: usize, const FMA: bool>(
    patch: &[f32],
    lines: &[u32; AREA],
    to: &mut [f32],
    step: usize,
) {
    for half in [0, HALF] {
        let mut columns = [[[0f32; HALF]; IN]; IN];
        for column in 0..IN {
            let mut d = [[0f32; HALF]; IN];
            for row in 0..IN {
                d[row] = load(patch, lines[row * IN + column] as usize * LANES + half);
            }
            columns[column] = input_axis(d);
        }
        for row in 0..IN {
            let mut d = [[0f32; HALF]; IN];
            for column in 0..IN {
                d[column] = columns[column][row];
            }
            let v = input_axis(d);
            for (column, v) in v.into_iter().enumerate() {
                to[(row * IN + column) * step * LANES + half..][..HALF].copy_from_slice(&v);
            }
        }
    }
}

/// Writes `Aᵀ m A + bias`, where the positions of `m` are `step` lines apart.
fn transform_output(
    isa: Isa,
    from: &[f32],
    step: usize,
    lines: &[u32; OUT * OUT],
    bias: f32,
    patch: &mut [f32],
) {
    dispatch!(
        isa,
        transform_output_body::<R, FMA>(
            from: &[f32],
            step: usize,
            lines: &[u32; OUT * OUT],
            bias: f32,
            patch: &mut [f32],
        )
    );
}

#[inline(always)]
fn transform_output_body<const R: usize, const FMA: bool>(
    from: &[f32],
    step: usize,
    lines: &[u32; OUT * OUT],
    bias: f32,
    patch: &mut [f32],
) {
    for half in [0, HALF] {
        let mut columns = [[[0f32; HALF]; OUT]; IN];
        for column in 0..IN {
            let mut m = [[0f32; HALF]; IN];
            for row in 0..IN {
                m[row] = load(from, (row * IN + column) * step * LANES + half);
            }
            columns[column] = output_axis(m);
        }
        for row in 0..OUT {
            let mut m = [[0f32; HALF]; IN];
            for column in 0..IN {
                m[column] = columns[column][row];
            }
            let v = output_axis(m);
            for (column, v) in v.into_iter().enumerate() {
                let line = lines[row * OUT + column] as usize;
                let to = &mut patch[line * LANES + half..][..HALF];
                for l in 0..HALF {
                    to[l] = v[l] + bias;
                }
            }
        }
    }
}

/// A weight `(o, c, 3, 3)` as it lies in memory.
#[derive(Clone, Copy)]
pub(super) struct Weight<'a> {
    pub(super) values: &'a [f32],
    /// It lies as `(c, o, 3, 3)` with its taps in reverse: what the input's gradient needs.
    pub(super) turned: bool,
}

/// Elements from one position of the transformed weight to the next: a line more than there are,
/// lest writes to all positions share a few lines of L1.
fn position_step(isa: Isa, g: &Geometry) -> usize {
    g.o.next_multiple_of(isa.rows()) * g.c + LANES
}

/// `G g Gᵀ` of every channel pair, as `(positions, panels, c, rows)`.
fn transform_weight(isa: Isa, weight: Weight<'_>, g: &Geometry) -> Vec<f32> {
    let (panels, step) = (g.o.div_ceil(isa.rows()), position_step(isa, g));
    assert_eq!(weight.values.len(), g.o * g.c * 9);
    let fill = |to: Shared<'_, f32>| {
        (0..panels).into_par_iter().for_each(|panel| {
            dispatch!(
                isa,
                transform_panel::<R, FMA>(
                    weight: Weight<'_>,
                    g: &Geometry,
                    panel: usize,
                    step: usize,
                    to: Shared<'_, f32>,
                )
            );
        });
    };
    // SAFETY: every position, panel, channel and row is visited, and the gap after a position is
    // panel 0's.
    unsafe { output(AREA * step, fill) }
}

#[inline(always)]
fn transform_panel<const R: usize, const FMA: bool>(
    weight: Weight<'_>,
    g: &Geometry,
    panel: usize,
    step: usize,
    to: Shared<'_, f32>,
) {
    let real = R.min(g.o - panel * R);
    for position in (0..AREA).filter(|_| panel == 0) {
        // SAFETY: the gap after a position, written by the task of this panel alone.
        unsafe { to.part((position + 1) * step - LANES, LANES).fill(0.0) };
    }
    for c in 0..g.c {
        let mut taps = [[0f32; R]; 9];
        for r in 0..real {
            let o = panel * R + r;
            let at = if weight.turned {
                c * g.o + o
            } else {
                o * g.c + c
            };
            let kernel: &[f32; 9] = weight.values[at * 9..].first_chunk().expect("nine taps");
            for (tap, &v) in kernel.iter().enumerate() {
                taps[if weight.turned { 8 - tap } else { tap }][r] = v;
            }
        }
        let columns = [
            weight_axis([taps[0], taps[3], taps[6]]),
            weight_axis([taps[1], taps[4], taps[7]]),
            weight_axis([taps[2], taps[5], taps[8]]),
        ];
        for row in 0..IN {
            let v = weight_axis([columns[0][row], columns[1][row], columns[2][row]]);
            for (column, v) in v.into_iter().enumerate() {
                let at = (row * IN + column) * step + (panel * g.c + c) * R;
                // SAFETY: written by the task of this panel alone.
                unsafe { to.part(at, R).copy_from_slice(&v) };
            }
        }
    }
}
