//! One channel to one channel (`groups = c = o`): each plane by itself, read from a copy with its
//! padding around it.
//!
//! The input gradient takes the pixels of `dx` by the remainder of their padded position modulo the
//! stride: those of one remainder meet every `stride`-th tap, and neighbours among them meet
//! neighbours in `dy`. Each remainder is a pass at stride 1 with its own taps.
//!
//! Limited by memory.

use super::super::simd::{Isa, Register, dispatch};
use super::super::{Shared, output};
use super::each;
use super::geometry::{Axis, Geometry};
use super::lanes::fused;
use super::scratch::scratch;

/// Whether the convolution is one for this file.
pub(super) fn fits(g: &Geometry) -> bool {
    g.groups == g.c && g.c == g.o && g.groups > 1
}

/// Planes a task takes through one copy.
const PLANES: usize = 8;

/// Outputs of a row that are summed in registers at once: enough to hide the latency of addition.
const WIDE: usize = 32;

/// How a pass along an axis reads its source: output `o` and a tap meet position
/// `o · stride + tap` of the copy, where the source begins at `lead`.
#[derive(Clone, Copy)]
struct Walk {
    source: usize,
    out: usize,
    stride: usize,
    lead: usize,
    /// Positions from the first output's first tap to its last.
    reach: usize,
}

/// The copy of a plane: row by row, and within a row by the remainder of the position modulo the
/// stride, so that neighbouring outputs read neighbouring elements.
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
        let stride = columns.stride;
        let outputs = columns.out.next_multiple_of(WIDE) + columns.reach / stride + 1;
        let source = (columns.lead + columns.source).div_ceil(stride);
        let outputs_height = (rows.out.max(1) - 1) * rows.stride + rows.reach + 1;
        Self {
            rows,
            columns,
            pitch: outputs.max(source),
            height: outputs_height.max(rows.lead + rows.source),
        }
    }

    fn forward(g: &Geometry) -> Self {
        let walk = |axis: Axis| Walk {
            source: axis.size,
            out: axis.out(),
            stride: axis.stride,
            lead: axis.padding,
            reach: axis.dilation * (axis.taps - 1),
        };
        Self::new(walk(g.vertical()), walk(g.horizontal()))
    }

    /// Of `dy`, for any remainder.
    fn back(g: &Geometry) -> Self {
        let walk = |axis: Axis| {
            let lead = axis.dilation * (axis.taps - 1) / axis.stride;
            Walk {
                source: axis.out(),
                out: axis.size.div_ceil(axis.stride),
                stride: 1,
                lead,
                reach: lead + axis.padding.div_ceil(axis.stride),
            }
        };
        Self::new(walk(g.vertical()), walk(g.horizontal()))
    }

    fn row(&self) -> usize {
        self.pitch * self.columns.stride
    }

    fn len(&self) -> usize {
        self.height * self.row()
    }

    /// Where the first output meets the tap at these positions.
    fn at(&self, row: usize, column: usize) -> usize {
        let stride = self.columns.stride;
        row * self.row() + column % stride * self.pitch + column / stride
    }

    /// Writes a plane between the zeros that are there.
    fn fill(&self, plane: &[f32], to: &mut [f32]) {
        let Walk {
            source,
            stride,
            lead,
            ..
        } = self.columns;
        for (y, from) in plane.chunks(source.max(1)).enumerate() {
            let to = &mut to[(self.rows.lead + y) * self.row()..][..self.row()];
            match stride {
                1 => to[lead..][..source].copy_from_slice(from),
                2 => {
                    let (even, odd) = to.split_at_mut(self.pitch);
                    let (first, second) = if lead % 2 == 0 {
                        (&mut even[lead / 2..], &mut odd[lead / 2..])
                    } else {
                        (&mut odd[lead / 2..], &mut even[lead / 2 + 1..])
                    };
                    alternate(from, first, second);
                }
                _ => {
                    for x in 0..stride.min(source) {
                        let at = self.at(0, lead + x);
                        let from = from[x..].iter().step_by(stride);
                        to[at..].iter_mut().zip(from).for_each(|(to, v)| *to = *v);
                    }
                }
            }
        }
    }
}

/// Elements by turns to `first` and `second`.
fn alternate(from: &[f32], first: &mut [f32], second: &mut [f32]) {
    let (blocks, rest) = from.as_chunks::<16>();
    let to = first.as_chunks_mut::<8>().0.iter_mut();
    let to = to.zip(second.as_chunks_mut::<8>().0);
    for (from, (first, second)) in blocks.iter().zip(to) {
        for l in 0..8 {
            first[l] = from[2 * l];
            second[l] = from[2 * l + 1];
        }
    }
    for (x, v) in rest.iter().enumerate() {
        let to = if x % 2 == 0 {
            &mut *first
        } else {
            &mut *second
        };
        to[blocks.len() * 8 + x / 2] = *v;
    }
}

/// The inverse of [`alternate`].
fn interleave(first: &[f32], second: &[f32], to: &mut [f32]) {
    let (blocks, rest) = to.as_chunks_mut::<16>();
    let from = first
        .as_chunks::<8>()
        .0
        .iter()
        .zip(second.as_chunks::<8>().0);
    for (to, (first, second)) in blocks.iter_mut().zip(from) {
        for l in 0..8 {
            to[2 * l] = first[l];
            to[2 * l + 1] = second[l];
        }
    }
    for (x, to) in rest.iter_mut().enumerate() {
        let from = if x % 2 == 0 { first } else { second };
        *to = from[blocks.len() * 8 + x / 2];
    }
}

/// The copy of `x`, and where the first output meets each tap.
fn forward_copy(g: &Geometry) -> (Copy, Vec<usize>) {
    let copy = Copy::forward(g);
    let [down, right] = g.dilation;
    let at = |tap| copy.at(tap / g.kw * down, tap % g.kw * right);
    (copy, (0..g.taps()).map(at).collect())
}

/// Writes all of `y`.
pub(super) fn forward(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    g: &Geometry,
    y: Shared<'_, f32>,
) {
    let (copy, at) = forward_copy(g);
    let isa = Isa::detect();
    each_plane(g, copy, x, 0, |plane, padded, _| {
        let channel = plane % g.c;
        let weight = &weight[channel * g.taps()..][..g.taps()];
        let taps: Vec<_> = at.iter().copied().zip(weight.iter().copied()).collect();
        let bias = bias.map_or(0.0, |bias| bias[channel]);
        let out = g.oh() * g.ow();
        // SAFETY: one task writes this plane.
        let y = unsafe { y.part(plane * out, out) };
        plane_pass(isa, padded, copy, g.ow(), &taps, bias, y);
    });
}

/// The pixels of one remainder along an axis: the first of them, their number, and each tap that
/// they meet with its position in the copy of `dy`.
struct Remainder {
    first: usize,
    count: usize,
    taps: Vec<(usize, usize)>,
}

fn remainders(axis: Axis, lead: usize) -> Vec<Remainder> {
    (0..axis.stride.min(axis.size))
        .map(|first| {
            let position = first + axis.padding;
            let taps = (0..axis.taps).filter_map(|tap| {
                // Pixel `first` meets `dy` at (position − tap · dilation) / stride, where that is
                // whole; `lead` keeps it from being negative.
                let distance = (position + lead * axis.stride).checked_sub(tap * axis.dilation)?;
                (distance % axis.stride == 0).then_some((tap, distance / axis.stride))
            });
            Remainder {
                first,
                count: (axis.size - first).div_ceil(axis.stride),
                taps: taps.collect(),
            }
        })
        .collect()
}

/// Writes all of `dx`.
pub(super) fn input_gradient(dy: &[f32], weight: &[f32], g: &Geometry, dx: Shared<'_, f32>) {
    let copy = Copy::back(g);
    let rows = remainders(g.vertical(), copy.rows.lead);
    let columns = remainders(g.horizontal(), copy.columns.lead);
    let stride = g.horizontal().stride;
    let isa = Isa::detect();
    let most = |axis: &[Remainder]| axis.first().map_or(0, |remainder| remainder.count);
    let len = most(&rows) * most(&columns);
    each_plane(g, copy, dy, len * columns.len(), |plane, padded, parts| {
        let weight = &weight[plane % g.c * g.taps()..][..g.taps()];
        // SAFETY: one task writes this plane.
        let dx = unsafe { dx.part(plane * g.h * g.w, g.h * g.w) };
        let pass = |vertical: &Remainder, horizontal: &Remainder, to: &mut [f32]| {
            let taps = vertical.taps.iter().flat_map(|&(ky, row)| {
                let at = move |&(kx, column)| (copy.at(row, column), weight[ky * g.kw + kx]);
                horizontal.taps.iter().map(at)
            });
            let taps: Vec<_> = taps.collect();
            plane_pass(isa, padded, copy, horizontal.count, &taps, 0.0, to);
        };
        if let ([vertical], [horizontal]) = (&rows[..], &columns[..]) {
            return pass(vertical, horizontal, dx);
        }
        for vertical in &rows {
            for (horizontal, part) in columns.iter().zip(parts.chunks_mut(len.max(1))) {
                pass(
                    vertical,
                    horizontal,
                    &mut part[..vertical.count * horizontal.count],
                );
            }
            let part = |index: usize, row: usize| {
                let count = columns[index].count;
                &parts[index * len..][row * count..][..count]
            };
            for row in 0..vertical.count {
                let y = vertical.first + row * g.vertical().stride;
                let dx = &mut dx[y * g.w..][..g.w];
                if stride == 2 && columns.len() == 2 {
                    interleave(part(0, row), part(1, row), dx);
                    continue;
                }
                for (index, horizontal) in columns.iter().enumerate() {
                    let to = dx[horizontal.first..].iter_mut().step_by(stride);
                    to.zip(part(index, row)).for_each(|(to, v)| *to = *v);
                }
            }
        }
    });
}

/// Calls `work` with the number and the copy of each plane of `from`, and `spare` elements.
fn each_plane(
    g: &Geometry,
    copy: Copy,
    from: &[f32],
    spare: usize,
    work: impl Fn(usize, &[f32], &mut [f32]) + Sync + Send,
) {
    let source = copy.rows.source * copy.columns.source;
    let planes = g.n * g.c;
    each(g, planes.div_ceil(PLANES), |task| {
        scratch([copy.len(), spare], |[padded, spare]| {
            padded.fill(0.0);
            for plane in task * PLANES..((task + 1) * PLANES).min(planes) {
                copy.fill(&from[plane * source..][..source], padded);
                work(plane, padded, spare);
            }
        });
    });
}

/// Rows of `width` outputs.
fn plane_pass(
    isa: Isa,
    padded: &[f32],
    copy: Copy,
    width: usize,
    taps: &[(usize, f32)],
    bias: f32,
    to: &mut [f32],
) {
    // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
    unsafe {
        dispatch!(
            isa,
            plane_pass_body(
                padded: &[f32],
                copy: Copy,
                width: usize,
                taps: &[(usize, f32)],
                bias: f32,
                to: &mut [f32],
            )
        );
    }
}

#[inline(always)]
fn plane_pass_body<V: Register>(
    padded: &[f32],
    copy: Copy,
    width: usize,
    taps: &[(usize, f32)],
    bias: f32,
    to: &mut [f32],
) {
    let step = copy.rows.stride * copy.row();
    if width > WIDE / 2 {
        blocks::<V, WIDE>(padded, [step, width], taps, bias, to);
    } else if width > WIDE / 4 {
        blocks::<V, { WIDE / 2 }>(padded, [step, width], taps, bias, to);
    } else {
        blocks::<V, { WIDE / 4 }>(padded, [step, width], taps, bias, to);
    }
}

#[inline(always)]
fn blocks<V: Register, const W: usize>(
    padded: &[f32],
    [step, width]: [usize; 2],
    taps: &[(usize, f32)],
    bias: f32,
    to: &mut [f32],
) {
    for (y, to) in to.chunks_mut(width.max(1)).enumerate() {
        for (block, to) in to.chunks_mut(W).enumerate() {
            let mut sums = [bias; W];
            for &(at, weight) in taps {
                let from = &padded[y * step + at + block * W..][..W];
                for l in 0..W {
                    sums[l] = fused::<V>(weight, from[l], sums[l]);
                }
            }
            // Whole registers are stored; a copy of unknown length is a call.
            let (whole, rest) = to.as_chunks_mut::<8>();
            for (to, sums) in whole.iter_mut().zip(sums.as_chunks::<8>().0) {
                *to = *sums;
            }
            if !rest.is_empty() {
                rest.copy_from_slice(&sums[whole.len() * 8..][..rest.len()]);
            }
        }
    }
}

/// The weight's gradient.
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], g: &Geometry) -> Vec<f32> {
    let isa = Isa::detect();
    let (copy, at) = forward_copy(g);
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
                        plane_dots(isa, padded, copy, &at, dy, sums);
                        continue;
                    }
                    for (to, dy) in rows.chunks_mut(wide).zip(dy.chunks(ow)) {
                        to[..ow].copy_from_slice(dy);
                    }
                    plane_dots(isa, padded, copy, &at, rows, sums);
                }
            });
        });
    };
    // SAFETY: `fill` writes every channel.
    unsafe { output(g.weight_len(), fill) }
}

fn plane_dots(isa: Isa, padded: &[f32], copy: Copy, at: &[usize], dy: &[f32], sums: &mut [f32]) {
    // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
    unsafe {
        dispatch!(
            isa,
            plane_dots_body(
                padded: &[f32],
                copy: Copy,
                at: &[usize],
                dy: &[f32],
                sums: &mut [f32],
            )
        );
    }
}

#[inline(always)]
fn plane_dots_body<V: Register>(
    padded: &[f32],
    copy: Copy,
    at: &[usize],
    dy: &[f32],
    sums: &mut [f32],
) {
    /// Taps whose sums stay in registers.
    const TAPS: usize = 9;
    for (sums, taps) in sums.chunks_mut(TAPS).zip(at.chunks(TAPS)) {
        // The last block repeats its last tap.
        let mut at = [0; TAPS];
        for tap in 0..TAPS {
            at[tap] = taps[tap.min(taps.len() - 1)];
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
                        lanes[tap][l] = fused::<V>(dy[l], from[l], lanes[tap][l]);
                    }
                }
            }
        }
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            *sum += lanes.iter().sum::<f32>();
        }
    }
}
