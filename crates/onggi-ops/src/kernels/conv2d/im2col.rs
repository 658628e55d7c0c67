//! Tiles of output pixels, and the matrix of the patches that they see.

use super::geometry::Geometry;
use std::ops::Range;

/// A run of output pixels: some rows of one image, or all rows of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) image: usize,
    pub(super) images: usize,
    pub(super) row: usize,
    pub(super) rows: usize,
}

impl Tile {
    /// Output pixels an image.
    pub(super) fn pixels(&self, g: &Geometry) -> usize {
        self.rows * g.ow()
    }

    /// Columns of the patch matrix.
    pub(super) fn columns(&self, g: &Geometry) -> usize {
        self.images * self.pixels(g)
    }

    /// Where channel `channel` of image `image` (from the tile's first) starts in `y`.
    pub(super) fn start(&self, g: &Geometry, image: usize, channel: usize) -> usize {
        (((self.image + image) * g.o + channel) * g.oh() + self.row) * g.ow()
    }
}

/// Cuts `images` into tiles of about `columns` columns.
pub(super) fn tiles(g: &Geometry, images: Range<usize>, columns: usize) -> Vec<Tile> {
    let (oh, pixels) = (g.oh(), (g.oh() * g.ow()).max(1));
    let mut tiles = Vec::new();
    if columns >= 2 * pixels {
        let step = columns / pixels;
        for image in images.clone().step_by(step) {
            tiles.push(Tile {
                image,
                images: step.min(images.end - image),
                row: 0,
                rows: oh,
            });
        }
    } else {
        let step = oh.div_ceil(pixels.div_ceil(columns));
        for image in images {
            for row in (0..oh).step_by(step) {
                tiles.push(Tile {
                    image,
                    images: 1,
                    row,
                    rows: step.min(oh - row),
                });
            }
        }
    }
    tiles
}

/// Walks the patch matrix `(channels · taps, tile.columns)` by rows of output pixels:
/// `row(offset in the matrix, offset in x, (start, end))`, where only the pixels `start..end` see
/// the inside of `x`, or none does.
#[inline(always)]
fn each_row(
    g: &Geometry,
    channels: Range<usize>,
    tile: &Tile,
    mut row: impl FnMut(usize, Option<usize>, (usize, usize)),
) {
    let (vertical, horizontal, ow) = (g.vertical(), g.horizontal(), g.ow());
    let mut at = 0;
    for channel in channels {
        for ky in 0..g.kh {
            for kx in 0..g.kw {
                let (start, end) = horizontal.inside(kx);
                for image in tile.image..tile.image + tile.images {
                    let plane = (image * g.c + channel) * g.h;
                    for oy in tile.row..tile.row + tile.rows {
                        let first = vertical.input(oy, ky).filter(|_| start < end).map(|iy| {
                            let ix = start * g.stride[1] + kx * g.dilation[1] - g.padding[1];
                            (plane + iy) * g.w + ix
                        });
                        row(at, first, (start, end));
                        at += ow;
                    }
                }
            }
        }
    }
}

/// Writes the patches of `channels` of `x` as the columns of `col`.
pub(super) fn im2col(
    x: &[f32],
    g: &Geometry,
    channels: Range<usize>,
    tile: &Tile,
    col: &mut [f32],
) {
    let (ow, stride) = (g.ow(), g.stride[1]);
    each_row(g, channels, tile, |at, first, (start, end)| {
        let col = &mut col[at..][..ow];
        let Some(first) = first else {
            return col.fill(0.0);
        };
        col[..start].fill(0.0);
        col[end..].fill(0.0);
        let col = &mut col[start..end];
        if stride == 1 {
            col.copy_from_slice(&x[first..][..end - start]);
        } else {
            let x = &x[first..][..(end - start - 1) * stride + 1];
            for (col, x) in col.iter_mut().zip(x.iter().step_by(stride)) {
                *col = *x;
            }
        }
    });
}

/// Hands out the columns of `col` by runs: `add(offset in x, step, run)` is to add element `i` of
/// the run at `offset + i · step`. Offsets stay within `channels` of the tile's images.
pub(super) fn col2im(
    col: &[f32],
    g: &Geometry,
    channels: Range<usize>,
    tile: &Tile,
    mut add: impl FnMut(usize, usize, &[f32]),
) {
    let (ow, stride) = (g.ow(), g.stride[1]);
    each_row(g, channels, tile, |at, first, (start, end)| {
        if let Some(first) = first {
            add(first, stride, &col[at..][..ow][start..end]);
        }
    });
}
