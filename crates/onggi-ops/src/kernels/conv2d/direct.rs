//! Any kernel at any stride and dilation, sixteen images side by side: the patches of the pixels
//! are read where they are, and taps in the padding are left out. Forward, and the input gradient
//! at strides where it is no convolution itself.
//!
//! Limited by computation: 64 channels of 56² to 128 at stride 2, all three passes, reach 80 of the
//! 100 GFLOP/s that the product alone does (one core of Zen 4, 2026-11-24).

use super::super::simd::Isa;
use super::super::{Shared, output};
use super::each;
use super::geometry::{Axis, Geometry};
use super::lanes::{LANES, rows};
use super::planes::{Area, Planes, pixels};
use super::product::{Columns, Packed, Term, product};
use super::scratch::scratch;
use std::ops::Range;

/// Whether the convolution is one for this file; pointwise products need no patches.
pub(super) fn fits(g: &Geometry) -> bool {
    g.groups == 1 && g.o >= 16 && (g.taps() > 1 || g.stride != [1, 1])
}

/// Whether its input gradient is as well: few channels leave most of a panel of weights empty.
pub(super) fn fits_back(g: &Geometry) -> bool {
    fits(g) && g.c >= 16
}

/// Lines of a task's buffers: 512 KB.
const LINES: usize = 8 * 1024;

/// Cuts an image of `size` into rectangles of about `most` pixels, as wide as that allows.
pub(super) fn areas([high, wide]: [usize; 2], most: usize) -> Vec<Area> {
    let most = most.max(1);
    let columns = wide.div_ceil(wide.div_ceil(most).max(1)).max(1);
    let rows = (most / columns).max(1);
    let rows = high.div_ceil(high.div_ceil(rows).max(1)).max(1);
    let mut areas = Vec::new();
    for row in (0..high).step_by(rows) {
        for column in (0..wide).step_by(columns) {
            areas.push([
                row..(row + rows).min(high),
                column..(column + columns).min(wide),
            ]);
        }
    }
    areas
}

/// Which way a pass goes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// From `x` to `y`.
    Forward,
    /// From `dy` to `dx`.
    Back,
}

impl Way {
    /// The position that tap `tap` of `at` reads.
    fn read(self, axis: Axis, at: usize, tap: usize) -> Option<usize> {
        match self {
            Self::Forward => axis.input(at, tap),
            Self::Back => axis.output(at, tap),
        }
    }

    /// The positions that `range` reads.
    fn reads(self, axis: Axis, range: &Range<usize>) -> Range<usize> {
        let all = || {
            let taps = |at| (0..axis.taps).filter_map(move |tap| self.read(axis, at, tap));
            range.clone().flat_map(taps)
        };
        all().min().unwrap_or(0)..all().max().map_or(0, |last| last + 1)
    }
}

/// Writes `images`, a multiple of [`LANES`], of `y`.
pub(super) fn forward(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    g: &Geometry,
    images: Range<usize>,
    y: Shared<'_, f32>,
) {
    let isa = Isa::detect();
    let weight = pack(isa, weight, g, Way::Forward);
    let x = Planes {
        values: x,
        image: 0,
        channels: g.c,
        size: [g.h, g.w],
    };
    let y = Planes {
        values: y,
        image: 0,
        channels: g.o,
        size: [g.oh(), g.ow()],
    };
    pass(isa, g, Way::Forward, (&weight, bias), images, x, y);
}

/// Writes `images`, a multiple of [`LANES`], of `dx`.
pub(super) fn input_gradient(
    dy: &[f32],
    weight: &[f32],
    g: &Geometry,
    images: Range<usize>,
    dx: Shared<'_, f32>,
) {
    let isa = Isa::detect();
    let weight = pack(isa, weight, g, Way::Back);
    let dy = Planes {
        values: dy,
        image: 0,
        channels: g.o,
        size: [g.oh(), g.ow()],
    };
    let dx = Planes {
        values: dx,
        image: 0,
        channels: g.c,
        size: [g.h, g.w],
    };
    pass(isa, g, Way::Back, (&weight, None), images, dy, dx);
}

fn pass(
    isa: Isa,
    g: &Geometry,
    way: Way,
    (weight, bias): (&[f32], Option<&[f32]>),
    images: Range<usize>,
    from: Planes<&[f32]>,
    to: Planes<Shared<'_, f32>>,
) {
    let outs = to.channels.next_multiple_of(rows(isa));
    let packed = Packed {
        values: weight,
        taps: g.taps(),
        depth: from.channels,
    };
    // About what a pixel reads and writes.
    let [reads, writes] = [&from.size, &to.size].map(|[h, w]| h * w);
    let lines = outs + from.channels * (reads * 5 / 4).div_ceil(writes.max(1));
    let areas = areas(to.size, LINES / lines);
    let plans: Vec<_> = areas
        .iter()
        .map(|area| Plan::new(g, way, area, from.channels))
        .collect();
    each(g, images.len() / LANES * plans.len(), |task| {
        let (plan, area) = (&plans[task % plans.len()], &areas[task % plans.len()]);
        let image = images.start + task / plans.len() * LANES;
        let (from, to) = (Planes { image, ..from }, Planes { image, ..to });
        let lens = [pixels(&plan.read) * from.channels, pixels(area) * outs];
        scratch(lens.map(|lines| lines * LANES), |[lines, products]| {
            for channel in 0..from.channels {
                let lines = lines.get_mut(channel * LANES..).unwrap_or_default();
                from.gather(isa, channel, &plan.read, lines, from.channels);
            }
            product(isa, packed, &plan.columns, lines, products);
            for channel in 0..to.channels {
                let products = &mut products[channel * LANES..];
                if let Some(bias) = bias {
                    for pixel in products.chunks_mut(outs * LANES) {
                        pixel[..LANES].iter_mut().for_each(|v| *v += bias[channel]);
                    }
                }
                // SAFETY: this rectangle of these images is this task's alone.
                unsafe { to.scatter(isa, channel, area, products, outs) };
            }
        });
    });
}

/// What a rectangle of pixels reads.
struct Plan {
    read: Area,
    columns: Columns,
}

impl Plan {
    fn new(g: &Geometry, way: Way, area: &Area, depth: usize) -> Self {
        let axes = [g.vertical(), g.horizontal()];
        let mut read = [0, 1].map(|axis| way.reads(axes[axis], &area[axis]));
        if read.iter().any(Range::is_empty) {
            read = [0..0, 0..0];
        }
        let mut columns = Columns::default();
        for row in area[0].clone() {
            for column in area[1].clone() {
                for tap in 0..g.taps() {
                    let y = way.read(axes[0], row, tap / g.kw);
                    let x = way.read(axes[1], column, tap % g.kw);
                    if let (Some(y), Some(x)) = (y, x) {
                        let pixel = (y - read[0].start) * read[1].len() + x - read[1].start;
                        columns.terms.push(Term {
                            tap: tap as u32,
                            line: (pixel * depth) as u32,
                        });
                    }
                }
                columns.ends.push(columns.terms.len() as u32);
            }
        }
        Self { read, columns }
    }
}

/// The weight by panels, `(panels, taps, depth, rows)`.
fn pack(isa: Isa, weight: &[f32], g: &Geometry, way: Way) -> Vec<f32> {
    let (rows, taps) = (rows(isa), g.taps());
    let (outs, depth) = if way == Way::Forward {
        (g.o, g.c)
    } else {
        (g.c, g.o)
    };
    let panels = outs.div_ceil(rows);
    let panel = taps * depth * rows;
    let fill = |to: Shared<'_, f32>| {
        each(g, panels, |index| {
            // SAFETY: a task has its panel alone.
            let to = unsafe { to.part(index * panel, panel) };
            if (index + 1) * rows > outs {
                to.fill(0.0);
            }
            for row in 0..rows.min(outs - index * rows) {
                let out = index * rows + row;
                for input in 0..depth {
                    let at = if way == Way::Forward {
                        out * g.c + input
                    } else {
                        input * g.c + out
                    };
                    for (tap, v) in weight[at * taps..][..taps].iter().enumerate() {
                        to[(tap * depth + input) * rows + row] = *v;
                    }
                }
            }
        });
    };
    // SAFETY: `fill` writes every panel.
    unsafe { output(panels * panel, fill) }
}
