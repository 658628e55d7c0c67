//! [`winograd`](super::winograd) for fewer than sixteen images: sixteen tiles side by side instead,
//! of any images.
//!
//! Lane by lane the arithmetic is that of `winograd`, so an image's result is the same to the bit
//! whether it came alone or in a batch. Tiles are read and written pixel by pixel, 36 loads for the
//! `36 · O` products that follow.

use super::super::Shared;
use super::super::simd::Isa;
use super::each;
use super::geometry::Geometry;
use super::lanes::{LANES, rows};
use super::product::{Columns, Packed, Term, product};
use super::scratch::scratch;
use super::winograd_transform::{
    AREA, IN, OUT, Weight, position_step, transform_input, transform_output, transform_weight,
};
use std::array::from_fn;
use std::ops::Range;

/// Tiles below which transforming the weight costs more than its products save.
const LEAST_TILES: usize = LANES;

/// Groups of sixteen tiles that a task takes: enough to read the weight seldom, few enough that two
/// threads have work.
const MOST_GROUPS: usize = 8;

/// Whether `images` of them are worth this path.
pub(super) fn pays(g: &Geometry, images: usize) -> bool {
    images * tiles_per_image(g) >= LEAST_TILES
}

fn tiles_per_image(g: &Geometry) -> usize {
    g.oh().div_ceil(OUT) * g.ow().div_ceil(OUT)
}

/// A tile: its image and its first output.
#[derive(Clone, Copy)]
struct Tile {
    image: usize,
    row: usize,
    column: usize,
}

impl Tile {
    /// The tile of a number; tiles past the last are copies of it.
    fn of(g: &Geometry, images: &Range<usize>, index: usize) -> Self {
        let (each, wide) = (tiles_per_image(g), g.ow().div_ceil(OUT));
        let index = index.min(images.len() * each - 1);
        let place = index % each;
        Self {
            image: images.start + index / each,
            row: place / wide * OUT,
            column: place % wide * OUT,
        }
    }
}

/// Writes `images` of `y`.
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
    let all = images.len() * tiles_per_image(g);
    let most = all.div_ceil(LANES).div_ceil(4).clamp(1, MOST_GROUPS);
    let outs = g.o.next_multiple_of(rows(isa));
    let step = position_step(isa, g);
    each(g, all.div_ceil(most * LANES), |task| {
        let first = task * most * LANES;
        let groups = (all - first).div_ceil(LANES).min(most);
        // A line more a position, as in `winograd`.
        let (input_lines, output_lines) = (groups * g.c + 1, groups * outs + 1);
        let lens = [AREA, AREA * input_lines, AREA * output_lines].map(|lines| lines * LANES);
        scratch(lens, |[patch, inputs, products]| {
            for group in 0..groups {
                let tiles: [Tile; LANES] =
                    from_fn(|lane| Tile::of(g, &images, first + group * LANES + lane));
                for channel in 0..g.c {
                    read(x, g, channel, &tiles, patch);
                    let to = &mut inputs[(group * g.c + channel) * LANES..];
                    transform_input(isa, patch, &from_fn(|i| i as u32), to, input_lines);
                }
            }
            let columns = Columns {
                terms: (0..groups)
                    .map(|group| Term {
                        tap: 0,
                        line: (group * g.c) as u32,
                    })
                    .collect(),
                ends: (1..=groups as u32).collect(),
            };
            for position in 0..AREA {
                let packed = Packed {
                    values: &weight[position * step..][..outs * g.c],
                    taps: 1,
                    depth: g.c,
                };
                let inputs = &inputs[position * input_lines * LANES..][..groups * g.c * LANES];
                let products = &mut products[position * output_lines * LANES..];
                product(isa, packed, &columns, inputs, products);
            }
            for group in 0..groups {
                let start = first + group * LANES;
                let tiles: [Tile; LANES] = from_fn(|lane| Tile::of(g, &images, start + lane));
                let real = (all - start).min(LANES);
                for channel in 0..g.o {
                    let bias = bias.map_or(0.0, |bias| bias[channel]);
                    let products = &products[(group * outs + channel) * LANES..];
                    let lines = from_fn(|i| i as u32);
                    transform_output(isa, products, output_lines, &lines, bias, patch);
                    write(y, g, channel, &tiles[..real], patch);
                }
            }
        });
    });
}

/// Sixteen tiles' inputs of a channel as lines of lanes, zeros for what is outside of the image.
fn read(x: &[f32], g: &Geometry, channel: usize, tiles: &[Tile; LANES], patch: &mut [f32]) {
    for (lane, tile) in tiles.iter().enumerate() {
        let plane = &x[(tile.image * g.c + channel) * g.h * g.w..][..g.h * g.w];
        for i in 0..IN {
            let line = &mut patch[i * IN * LANES..][..IN * LANES];
            let row = (tile.row + i).wrapping_sub(g.padding[0]);
            let column = tile.column.wrapping_sub(g.padding[1]);
            if row >= g.h {
                (0..IN).for_each(|j| line[j * LANES + lane] = 0.0);
            } else if column < g.w && column + IN <= g.w {
                let pixels: &[f32; IN] = plane[row * g.w + column..]
                    .first_chunk()
                    .expect("inside the plane");
                (0..IN).for_each(|j| line[j * LANES + lane] = pixels[j]);
            } else {
                for j in 0..IN {
                    let column = (tile.column + j).wrapping_sub(g.padding[1]);
                    line[j * LANES + lane] = if column < g.w {
                        plane[row * g.w + column]
                    } else {
                        0.0
                    };
                }
            }
        }
    }
}

/// Lines of lanes as tiles' outputs of a channel, without what is outside of the image.
fn write(y: Shared<'_, f32>, g: &Geometry, channel: usize, tiles: &[Tile], patch: &[f32]) {
    let (oh, ow) = (g.oh(), g.ow());
    for (lane, tile) in tiles.iter().enumerate() {
        let plane = (tile.image * g.o + channel) * oh * ow;
        let columns = OUT.min(ow - tile.column);
        for i in 0..OUT.min(oh - tile.row) {
            let start = plane + (tile.row + i) * ow + tile.column;
            // SAFETY: each output pixel is one tile's, and each tile one task's.
            let row = unsafe { y.part(start, columns) };
            for (j, pixel) in row.iter_mut().enumerate() {
                *pixel = patch[(i * OUT + j) * LANES + lane];
            }
        }
    }
}
