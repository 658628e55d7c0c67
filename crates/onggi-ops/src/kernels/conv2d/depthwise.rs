//! One channel to one channel (`groups = c = o`): each plane by itself, read from a copy with its
//! padding around it. The input gradient is the same pass over `dy` with `stride − 1` zeros between
//! its pixels and the taps in reverse.
//!
//! Limited by memory.

use super::super::{Shared, output};
use super::each;
use super::geometry::{Axis, Geometry};
use super::lanes::{Isa, dispatch, fused};
use super::scratch::scratch;

/// Whether the convolution is one for this file.
pub(super) fn fits(g: &Geometry) -> bool {
    g.groups == g.c && g.c == g.o && g.groups > 1
}

/// Planes a task takes through one copy.
const PLANES: usize = 8;

/// Outputs of a row that are summed in registers at once: enough to hide the latency of addition.
const WIDE: usize = 32;

/// How a pass along an axis reads its source: output `o` and tap `k` meet position
/// `o · stride + k · dilation` of the copy, where source pixel `i` is at `i · spread + offset`.
#[derive(Clone, Copy)]
struct Walk {
    source: usize,
    out: usize,
    taps: usize,
    stride: usize,
    spread: usize,
    dilation: usize,
    offset: isize,
}

impl Walk {
    fn forward(axis: Axis) -> Self {
        Self {
            source: axis.size,
            out: axis.out(),
            taps: axis.taps,
            stride: axis.stride,
            spread: 1,
            dilation: axis.dilation,
            offset: axis.padding as isize,
        }
    }

    fn back(axis: Axis) -> Self {
        let reach = axis.dilation * (axis.taps - 1);
        Self {
            source: axis.out(),
            out: axis.size,
            taps: axis.taps,
            stride: 1,
            spread: axis.stride,
            dilation: axis.dilation,
            offset: reach as isize - axis.padding as isize,
        }
    }

    /// Positions that outputs `0..out` read.
    fn reach(self, out: usize) -> usize {
        (out.max(1) - 1) * self.stride + self.dilation * (self.taps - 1) + 1
    }

    /// Source pixels whose position is within `0..len`.
    fn inside(self, len: usize) -> std::ops::Range<usize> {
        let start = (-self.offset).max(0) as usize;
        let start = start.div_ceil(self.spread);
        let end = (len as isize - self.offset).max(0) as usize;
        let end = end.div_ceil(self.spread).min(self.source);
        start.min(end)..end
    }
}

/// The padded copy of a plane: row by row, and within a row by the remainder of the position
/// modulo the stride, so that neighbouring outputs read neighbouring elements.
#[derive(Clone, Copy)]
struct Copy {
    rows: Walk,
    columns: Walk,
    /// Elements of a row with one remainder.
    pitch: usize,
    height: usize,
}

impl Copy {
    fn new(rows: Walk, columns: Walk) -> Self {
        let padded = columns.out.next_multiple_of(WIDE);
        let pitch = padded + columns.dilation * (columns.taps - 1) / columns.stride + 1;
        Self {
            rows,
            columns,
            pitch,
            height: rows.reach(rows.out),
        }
    }

    fn row(&self) -> usize {
        self.pitch * self.columns.stride
    }

    fn len(&self) -> usize {
        self.height * self.row()
    }

    /// Where the first output's tap reads.
    fn tap(&self, ky: usize, kx: usize) -> usize {
        let column = kx * self.columns.dilation;
        ky * self.rows.dilation * self.row()
            + column % self.columns.stride * self.pitch
            + column / self.columns.stride
    }

    /// Writes a plane between the zeros that are there.
    fn fill(&self, plane: &[f32], to: &mut [f32]) {
        let (stride, spread) = (self.columns.stride, self.columns.spread);
        let inside = self.columns.inside(self.row());
        for y in self.rows.inside(self.height) {
            let at = (y * self.rows.spread).wrapping_add_signed(self.rows.offset);
            let to = &mut to[at * self.row()..][..self.row()];
            let from = &plane[y * self.columns.source..][..self.columns.source];
            let first = (inside.start * spread).wrapping_add_signed(self.columns.offset);
            let from = &from[inside.clone()];
            if stride == 1 && spread == 1 {
                to[first..][..from.len()].copy_from_slice(from);
            } else if stride == 1 {
                for (x, v) in from.iter().enumerate() {
                    to[first + x * spread] = *v;
                }
            } else {
                // Forward: no spread.
                for x in 0..stride.min(from.len()) {
                    let to = &mut to[(first + x) % stride * self.pitch + (first + x) / stride..];
                    for (to, v) in to.iter_mut().zip(from[x..].iter().step_by(stride)) {
                        *to = *v;
                    }
                }
            }
        }
    }
}

/// Writes all of `y`.
pub(super) fn forward(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    g: &Geometry,
    y: Shared<'_, f32>,
) {
    let copy = Copy::new(Walk::forward(g.vertical()), Walk::forward(g.horizontal()));
    pass(x, weight, bias, g, copy, false, y);
}

/// Writes all of `dx`.
pub(super) fn input_gradient(dy: &[f32], weight: &[f32], g: &Geometry, dx: Shared<'_, f32>) {
    let copy = Copy::new(Walk::back(g.vertical()), Walk::back(g.horizontal()));
    pass(dy, weight, None, g, copy, true, dx);
}

fn pass(
    from: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    g: &Geometry,
    copy: Copy,
    turned: bool,
    to: Shared<'_, f32>,
) {
    let isa = Isa::detect();
    let (source, out) = (
        copy.rows.source * copy.columns.source,
        copy.rows.out * copy.columns.out,
    );
    let (planes, taps) = (g.n * g.c, g.taps());
    each(g, planes.div_ceil(PLANES), |task| {
        scratch([copy.len()], |[padded]| {
            padded.fill(0.0);
            for plane in task * PLANES..((task + 1) * PLANES).min(planes) {
                let channel = plane % g.c;
                copy.fill(&from[plane * source..][..source], padded);
                let weight = &weight[channel * taps..][..taps];
                let at = |tap| copy.tap(tap / g.kw, tap % g.kw);
                let taps: Vec<_> = (0..taps)
                    .map(|tap| (at(tap), weight[if turned { taps - 1 - tap } else { tap }]))
                    .collect();
                let bias = bias.map_or(0.0, |bias| bias[channel]);
                // SAFETY: one task writes this plane.
                let to = unsafe { to.part(plane * out, out) };
                plane_pass(isa, padded, copy, &taps, bias, to);
            }
        });
    });
}

fn plane_pass(
    isa: Isa,
    padded: &[f32],
    copy: Copy,
    taps: &[(usize, f32)],
    bias: f32,
    to: &mut [f32],
) {
    dispatch!(
        isa,
        plane_pass_body::<R, FMA>(
            padded: &[f32],
            copy: Copy,
            taps: &[(usize, f32)],
            bias: f32,
            to: &mut [f32],
        )
    );
}

#[inline(always)]
fn plane_pass_body<const R: usize, const FMA: bool>(
    padded: &[f32],
    copy: Copy,
    taps: &[(usize, f32)],
    bias: f32,
    to: &mut [f32],
) {
    if copy.columns.out > WIDE / 2 {
        blocks::<WIDE, FMA>(padded, copy, taps, bias, to);
    } else if copy.columns.out > WIDE / 4 {
        blocks::<{ WIDE / 2 }, FMA>(padded, copy, taps, bias, to);
    } else {
        blocks::<{ WIDE / 4 }, FMA>(padded, copy, taps, bias, to);
    }
}

#[inline(always)]
fn blocks<const W: usize, const FMA: bool>(
    padded: &[f32],
    copy: Copy,
    taps: &[(usize, f32)],
    bias: f32,
    to: &mut [f32],
) {
    let step = copy.rows.stride * copy.row();
    for (y, to) in to.chunks_mut(copy.columns.out.max(1)).enumerate() {
        for (block, to) in to.chunks_mut(W).enumerate() {
            let mut sums = [bias; W];
            for &(at, weight) in taps {
                let from = &padded[y * step + at + block * W..][..W];
                for l in 0..W {
                    sums[l] = fused::<FMA>(weight, from[l], sums[l]);
                }
            }
            to.copy_from_slice(&sums[..to.len()]);
        }
    }
}

/// The weight's gradient.
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], g: &Geometry) -> Vec<f32> {
    let isa = Isa::detect();
    let copy = Copy::new(Walk::forward(g.vertical()), Walk::forward(g.horizontal()));
    let (size, oh, ow) = (g.h * g.w, g.oh(), g.ow());
    let wide = ow.next_multiple_of(8);
    let fill = |to: Shared<'_, f32>| {
        each(g, g.c, |channel| {
            // SAFETY: one task writes this channel.
            let sums = unsafe { to.part(channel * g.taps(), g.taps()) };
            sums.fill(0.0);
            scratch([copy.len(), oh * wide], |[padded, rows]| {
                padded.fill(0.0);
                rows.fill(0.0);
                for image in 0..g.n {
                    let plane = image * g.c + channel;
                    copy.fill(&x[plane * size..][..size], padded);
                    let dy = &dy[plane * oh * ow..][..oh * ow];
                    if wide == ow {
                        plane_dots(isa, padded, copy, dy, sums);
                        continue;
                    }
                    for (to, dy) in rows.chunks_mut(wide).zip(dy.chunks(ow)) {
                        to[..ow].copy_from_slice(dy);
                    }
                    plane_dots(isa, padded, copy, rows, sums);
                }
            });
        });
    };
    // SAFETY: `fill` writes every channel.
    unsafe { output(g.weight_len(), fill) }
}

fn plane_dots(isa: Isa, padded: &[f32], copy: Copy, dy: &[f32], sums: &mut [f32]) {
    dispatch!(
        isa,
        plane_dots_body::<R, FMA>(padded: &[f32], copy: Copy, dy: &[f32], sums: &mut [f32])
    );
}

#[inline(always)]
fn plane_dots_body<const R: usize, const FMA: bool>(
    padded: &[f32],
    copy: Copy,
    dy: &[f32],
    sums: &mut [f32],
) {
    /// Taps whose sums stay in registers.
    const TAPS: usize = 9;
    for (index, sums) in sums.chunks_mut(TAPS).enumerate() {
        // The last block repeats its last tap.
        let mut at = [0; TAPS];
        for tap in 0..TAPS {
            let tap_at = index * TAPS + tap.min(sums.len() - 1);
            at[tap] = copy.tap(tap_at / copy.columns.taps, tap_at % copy.columns.taps);
        }
        let mut lanes = [[0f32; 8]; TAPS];
        let wide = copy.columns.out.next_multiple_of(8);
        for (y, dy) in dy.chunks(wide.max(1)).enumerate() {
            let row = y * copy.rows.stride * copy.row();
            for (block, &dy) in dy.as_chunks::<8>().0.iter().enumerate() {
                for tap in 0..TAPS {
                    let from: &[f32; 8] = padded[row + at[tap] + block * 8..]
                        .first_chunk()
                        .expect("padded");
                    for l in 0..8 {
                        lanes[tap][l] = fused::<FMA>(dy[l], from[l], lanes[tap][l]);
                    }
                }
            }
        }
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            *sum += lanes.iter().sum::<f32>();
        }
    }
}
