//! Any convolution as matrix products: tiles of output pixels, the patches that they see written
//! out as a matrix (im2col) that stays in L2, one product a tile and group.

use super::super::matmul::{Matrix, multiply, multiply_at};
use super::super::{Shared, output};
use super::geometry::Geometry;
use super::im2col::{Tile, col2im, im2col, tiles};
use super::scratch::scratch;
use super::{each, sum_parts};
use std::ops::Range;

/// Elements of a tile's patch matrix: 256 KB, half of the smallest L2 among today's machines.
const PATCHES: usize = 64 * 1024;

/// Columns of a tile, whatever the depth: narrower products spend their time on packing weights.
const LEAST_COLUMNS: usize = 128;
const MOST_COLUMNS: usize = 1024;

/// Tasks to cut a pass into, work permitting.
const TASKS: usize = 16;

/// Columns of a tile for patches of `depth` elements.
fn columns(g: &Geometry, images: usize, depth: usize) -> usize {
    let all = images * g.oh() * g.ow();
    (PATCHES / depth.max(1))
        .clamp(LEAST_COLUMNS, MOST_COLUMNS)
        .min(all.div_ceil(TASKS))
        .max(32)
}

/// Whether patches are the pixels themselves.
fn pointwise(g: &Geometry) -> bool {
    g.taps() == 1 && g.stride == [1, 1] && g.padding == [0, 0]
}

/// Writes `images` of `y`.
pub(super) fn forward(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    g: &Geometry,
    images: Range<usize>,
    y: Shared<'_, f32>,
) {
    let (depth, og, cg) = (g.cg() * g.taps(), g.og(), g.cg());
    let (pixels, size) = (g.oh() * g.ow(), g.h * g.w);
    let tiles = tiles(g, images.clone(), columns(g, images.len(), depth));
    each(g, tiles.len() * g.groups, |task| {
        let (tile, group) = (&tiles[task / g.groups], task % g.groups);
        let columns = tile.columns(g);
        let weight = Matrix::new(&weight[group * og * depth..][..og * depth], depth, 1);
        let apart = tile.images > 1;
        let direct = pointwise(g) && !apart;
        let lens = [
            if direct { 0 } else { depth * columns },
            if apart { og * columns } else { 0 },
        ];
        scratch(lens, |[patches, product]| {
            let patches = if direct {
                let first = (tile.image * g.c + group * cg) * size + tile.row * g.w;
                Matrix::new(&x[first..], size, 1)
            } else {
                im2col(x, g, group * cg..(group + 1) * cg, tile, patches);
                Matrix::new(patches, columns, 1)
            };
            let sizes = [og, columns, depth];
            let bias = bias.map(|bias| &bias[group * og..][..og]);
            if apart {
                multiply(sizes, product, false, weight, patches);
                for image in 0..tile.images {
                    // SAFETY: one task writes these channels of this image.
                    let y = unsafe { y.part(tile.start(g, image, group * og), og * pixels) };
                    for channel in 0..og {
                        let product = &product[channel * columns + image * pixels..][..pixels];
                        let bias = bias.map_or(0.0, |bias| bias[channel]);
                        for (y, product) in y[channel * pixels..][..pixels].iter_mut().zip(product)
                        {
                            *y = product + bias;
                        }
                    }
                }
            } else {
                let rows = |channel| {
                    // SAFETY: tiles are disjoint, and so are the rows of a tile's channels.
                    unsafe { y.part(tile.start(g, 0, group * og + channel), columns) }
                };
                for (channel, &bias) in bias.iter().copied().flatten().enumerate() {
                    rows(channel).fill(bias);
                }
                let y = y.rows(tile.start(g, 0, group * og), [og, pixels, columns]);
                // SAFETY: `rows` are inside. Tiles and groups are disjoint, the borrows by
                // `rows` have ended, and it has written what is read.
                unsafe { multiply_at(sizes, (y, pixels), bias.is_some(), weight, patches) };
            }
        });
    });
}

/// Writes `images` of `dx`.
pub(super) fn input_gradient(
    dy: &[f32],
    weight: &[f32],
    g: &Geometry,
    images: Range<usize>,
    dx: Shared<'_, f32>,
) {
    let (og, cg, taps, size) = (g.og(), g.cg(), g.taps(), g.h * g.w);
    // Images by blocks of channels; a task goes through its image's tiles in order.
    let block = cg
        .min((cg * images.len() * g.groups).div_ceil(TASKS).max(16))
        .max(1);
    let blocks = cg.div_ceil(block);
    let tiles = tiles(
        g,
        0..1,
        columns(g, images.len(), block * taps).min(g.oh() * g.ow()),
    );
    each(g, images.len() * g.groups * blocks, |task| {
        let (image, group) = (
            images.start + task / (g.groups * blocks),
            task / blocks % g.groups,
        );
        let first = task % blocks * block;
        let channels = block.min(cg - first);
        let depth = channels * taps;
        let first = group * cg + first;
        let range = first..first + channels;
        let start = (image * g.c + first) * size;
        // SAFETY: one task writes these channels of this image.
        let dx = unsafe { dx.part(start, channels * size) };
        dx.fill(0.0);
        for tile in &tiles {
            let tile = Tile { image, ..*tile };
            let columns = tile.columns(g);
            scratch([depth * columns], |[patches]| {
                let weight = &weight[group * og * cg * taps + (first - group * cg) * taps..];
                let weight = Matrix::new(weight, 1, cg * taps);
                let dy = Matrix::new(&dy[tile.start(g, 0, group * og)..], g.oh() * g.ow(), 1);
                multiply([depth, columns, og], patches, false, weight, dy);
                col2im(patches, g, range.clone(), &tile, |at, step, run| {
                    let dx = &mut dx[at - start..][..(run.len() - 1) * step + 1];
                    if step == 1 {
                        for (dx, v) in dx.iter_mut().zip(run) {
                            *dx += v;
                        }
                    } else {
                        for (dx, v) in dx.iter_mut().step_by(step).zip(run) {
                            *dx += v;
                        }
                    }
                });
            });
        }
    });
}

/// The weight's gradient over `images`.
pub(super) fn weight_gradient(
    x: &[f32],
    dy: &[f32],
    g: &Geometry,
    images: Range<usize>,
) -> Vec<f32> {
    let (og, cg, taps) = (g.og(), g.cg(), g.taps());
    let len = g.weight_len();
    // Channels by tiles: channels need no sum afterwards, but each block of them packs `dy` anew.
    let block = cg.min((512 / taps).max(32)).max(1);
    let blocks = cg.div_ceil(block);
    let tiles = tiles(g, images.clone(), columns(g, images.len(), block * taps));
    let most = TASKS.div_ceil(blocks * g.groups).min(tiles.len()).max(1);
    let step = tiles.len().div_ceil(most).max(1);
    let parts = tiles.len().div_ceil(step).max(1);
    let fill = |sums: Shared<'_, f32>| {
        each(g, parts * g.groups * blocks, |task| {
            let (part, group) = (task / (g.groups * blocks), task / blocks % g.groups);
            let first = task % blocks * block;
            let channels = block.min(cg - first);
            let depth = channels * taps;
            let range = group * cg + first..group * cg + first + channels;
            scratch([og * depth], |[sum]| {
                sum.fill(0.0);
                let end = ((part + 1) * step).min(tiles.len());
                for tile in &tiles[part * step..end] {
                    add_tile(x, dy, g, tile, range.clone(), group, sum);
                }
                for out in 0..og {
                    let at = part * len + (group * og + out) * cg * taps + first * taps;
                    // SAFETY: one task writes this block of channels of this part.
                    let row = unsafe { sums.part(at, depth) };
                    row.copy_from_slice(&sum[out * depth..][..depth]);
                }
            });
        });
    };
    // SAFETY: parts by groups by blocks of channels cover the sums, and `fill` visits each.
    let sums = unsafe { output(parts * len, fill) };
    sum_parts(sums, len)
}

/// Adds a tile's share to `sum (og, channels · taps)`.
fn add_tile(
    x: &[f32],
    dy: &[f32],
    g: &Geometry,
    tile: &Tile,
    channels: Range<usize>,
    group: usize,
    sum: &mut [f32],
) {
    let (og, columns, pixels) = (g.og(), tile.columns(g), tile.pixels(g));
    let depth = channels.len() * g.taps();
    let apart = tile.images > 1;
    scratch(
        [depth * columns, if apart { og * columns } else { 0 }],
        |[patches, joined]| {
            im2col(x, g, channels, tile, patches);
            let dy = if apart {
                for channel in 0..og {
                    for image in 0..tile.images {
                        let dy = &dy[tile.start(g, image, group * og + channel)..][..pixels];
                        joined[channel * columns + image * pixels..][..pixels].copy_from_slice(dy);
                    }
                }
                Matrix::new(joined, columns, 1)
            } else {
                Matrix::new(&dy[tile.start(g, 0, group * og)..], g.oh() * g.ow(), 1)
            };
            multiply(
                [og, depth, columns],
                sum,
                true,
                dy,
                Matrix::new(patches, 1, columns),
            );
        },
    );
}
