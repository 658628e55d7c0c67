//! One channel to one channel (`groups = c = o`): each plane by itself, read from a copy with its
//! padding around it.
//!
//! The input gradient takes the pixels of `dx` by the remainder of their padded position modulo the
//! stride: those of one remainder meet every `stride`-th tap, and neighbours among them meet
//! neighbours in `dy`. Each remainder is a pass at stride 1 with its own taps.
//!
//! Limited by memory: the passes of 144 channels at 56² move 230 MB at 27 GB/s on two cores, at 15 on
//! one, where streaming kernels reach 36 to 60; copies and loads that cross lines take the rest. The
//! plane that comes next is fetched while one is computed, without which both waited in turn.

use super::super::simd::{Isa, Register, dispatch, prefetch};
use super::super::{Shared, output};
use super::each;
use super::geometry::{Axis, Geometry};
use super::scratch::scratch;
use multiversion::multiversion;

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
}

/// Writes a plane between the zeros that are in its copy.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn fill(copy: Copy, plane: &[f32], to: &mut [f32]) {
    let Walk {
        source,
        stride,
        lead,
        ..
    } = copy.columns;
    for (y, from) in plane.chunks(source.max(1)).enumerate() {
        let to = &mut to[(copy.rows.lead + y) * copy.row()..][..copy.row()];
        match stride {
            1 => copy_row(from, &mut to[lead..][..source]),
            2 => {
                let (even, odd) = to.split_at_mut(copy.pitch);
                let (first, second) = if lead % 2 == 0 {
                    (&mut even[lead / 2..], &mut odd[lead / 2..])
                } else {
                    (&mut odd[lead / 2..], &mut even[lead / 2 + 1..])
                };
                alternate(from, first, second);
            }
            _ => {
                for x in 0..stride.min(source) {
                    let at = copy.at(0, lead + x);
                    let from = from[x..].iter().step_by(stride);
                    to[at..].iter_mut().zip(from).for_each(|(to, v)| *to = *v);
                }
            }
        }
    }
}

/// `to = from`, of one length. The last block may overlap the one before it: a copy of unknown
/// length is a call, which costs as much as a short row.
#[inline(always)]
fn copy_row(from: &[f32], to: &mut [f32]) {
    let whole = from.as_chunks::<8>().0.iter();
    let Some(end) = from.last_chunk::<8>() else {
        return to.copy_from_slice(from);
    };
    for (to, from) in to.as_chunks_mut::<8>().0.iter_mut().zip(whole) {
        *to = *from;
    }
    *to.last_chunk_mut::<8>().expect("as long as `from`") = *end;
}

/// Elements by turns to `first` and `second`.
#[inline(always)]
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
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
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
    each_plane(g, copy, x, 0, |plane, padded, ahead, _| {
        let channel = plane % g.c;
        let weight = &weight[channel * g.taps()..][..g.taps()];
        let taps: Vec<_> = at.iter().copied().zip(weight.iter().copied()).collect();
        let bias = bias.map_or(0.0, |bias| bias[channel]);
        let out = g.oh() * g.ow();
        // SAFETY: one task writes this plane.
        let y = unsafe { y.part(plane * out, out) };
        plane_pass(isa, padded, copy, g.ow(), &taps, bias, ahead, y);
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
    each_plane(
        g,
        copy,
        dy,
        len * columns.len(),
        |plane, padded, ahead, parts| {
            let weight = &weight[plane % g.c * g.taps()..][..g.taps()];
            // SAFETY: one task writes this plane.
            let dx = unsafe { dx.part(plane * g.h * g.w, g.h * g.w) };
            let pass = |vertical: &Remainder, horizontal: &Remainder, to: &mut [f32]| {
                let taps = vertical.taps.iter().flat_map(|&(ky, row)| {
                    let at = move |&(kx, column)| (copy.at(row, column), weight[ky * g.kw + kx]);
                    horizontal.taps.iter().map(at)
                });
                let taps: Vec<_> = taps.collect();
                plane_pass(isa, padded, copy, horizontal.count, &taps, 0.0, ahead, to);
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
        },
    );
}

/// Calls `work` with the number and the copy of each plane of `from`, the plane that comes next, and
/// `spare` elements.
fn each_plane(
    g: &Geometry,
    copy: Copy,
    from: &[f32],
    spare: usize,
    work: impl Fn(usize, &[f32], &[f32], &mut [f32]) + Sync + Send,
) {
    let source = copy.rows.source * copy.columns.source;
    let planes = g.n * g.c;
    each(g, planes.div_ceil(PLANES), |task| {
        scratch([copy.len(), spare], |[padded, spare]| {
            padded.fill(0.0);
            for plane in task * PLANES..((task + 1) * PLANES).min(planes) {
                let (from, ahead) = from[plane * source..].split_at(source);
                fill(copy, from, padded);
                work(plane, padded, &ahead[..source.min(ahead.len())], spare);
            }
        });
    });
}

/// Rows of `width` outputs. What comes next is fetched meanwhile.
#[allow(clippy::too_many_arguments)]
fn plane_pass(
    isa: Isa,
    padded: &[f32],
    copy: Copy,
    width: usize,
    taps: &[(usize, f32)],
    bias: f32,
    ahead: &[f32],
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
                ahead: &[f32],
                to: &mut [f32],
            )
        );
    }
}

/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn plane_pass_body<V: Register>(
    padded: &[f32],
    copy: Copy,
    width: usize,
    taps: &[(usize, f32)],
    bias: f32,
    ahead: &[f32],
    to: &mut [f32],
) {
    let step = copy.rows.stride * copy.row();
    // SAFETY: the caller's promise.
    unsafe {
        match width.min(WIDE).div_ceil(V::LEN) {
            1 => blocks::<V, 1>(padded, [step, width], taps, bias, ahead, to),
            2 => blocks::<V, 2>(padded, [step, width], taps, bias, ahead, to),
            _ => blocks::<V, { WIDE / 8 }>(padded, [step, width], taps, bias, ahead, to),
        }
    }
}

/// `R` registers of outputs at once.
///
/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn blocks<V: Register, const R: usize>(
    padded: &[f32],
    [step, width]: [usize; 2],
    taps: &[(usize, f32)],
    bias: f32,
    ahead: &[f32],
    to: &mut [f32],
) {
    let lanes = R * V::LEN;
    assert!(lanes <= WIDE);
    let rows = to.len().checked_div(width).unwrap_or(0);
    if rows == 0 {
        return;
    }
    let last = taps.iter().map(|&(at, _)| at).max().unwrap_or(0);
    assert!((rows - 1) * step + last + width.next_multiple_of(lanes) <= padded.len());
    for y in 0..rows {
        prefetch(ahead, y, rows);
        for x in (0..width).step_by(lanes) {
            // SAFETY: by the assertion all lanes of a tap lie in `padded`, and a block is stored
            // where `to` has room for it.
            unsafe {
                let from = padded.as_ptr().add(y * step + x);
                let mut sums = [V::splat(bias); R];
                for &(at, weight) in taps {
                    let weight = V::splat(weight);
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let from = V::load(from.add(at + r * V::LEN));
                        *sum = sum.add_product(weight, from);
                    }
                }
                // What goes beyond the row's end is overwritten by the next row.
                let at = y * width + x;
                let mut spare = [0f32; WIDE];
                let fits = at + lanes <= to.len();
                let start = if fits {
                    to.as_mut_ptr().add(at)
                } else {
                    spare.as_mut_ptr()
                };
                for (r, sum) in sums.into_iter().enumerate() {
                    sum.store(start.add(r * V::LEN));
                }
                if !fits {
                    let rest = (width - x).min(lanes);
                    to[at..][..rest].copy_from_slice(&spare[..rest]);
                }
            }
        }
    }
}

/// The weight's gradient.
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], g: &Geometry) -> Vec<f32> {
    let isa = Isa::detect();
    let (copy, at) = forward_copy(g);
    let (size, oh, ow) = (g.h * g.w, g.oh(), g.ow());
    let wide = ow.next_multiple_of(isa.lanes());
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
                    fill(copy, &x[plane * size..][..size], padded);
                    let next = (plane + g.c).min(g.n * g.c - 1);
                    let ahead = [&x[next * size..][..size], &dy[next * oh * ow..][..oh * ow]];
                    let dy = &dy[plane * oh * ow..][..oh * ow];
                    if wide == ow {
                        plane_dots(isa, padded, copy, &at, dy, ahead, sums);
                        continue;
                    }
                    spread(dy, ow, rows, wide);
                    plane_dots(isa, padded, copy, &at, rows, ahead, sums);
                }
            });
        });
    };
    // SAFETY: `fill` writes every channel.
    unsafe { output(g.weight_len(), fill) }
}

/// Rows of `width` elements to rows of `wide`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn spread(from: &[f32], width: usize, to: &mut [f32], wide: usize) {
    for (to, from) in to.chunks_mut(wide).zip(from.chunks(width)) {
        copy_row(from, &mut to[..width]);
    }
}

/// Adds to each of `sums` the dot product of `dy` with what its tap meets; rows of `dy` end with a
/// register, in zeros. What comes next is fetched meanwhile.
fn plane_dots(
    isa: Isa,
    padded: &[f32],
    copy: Copy,
    at: &[usize],
    dy: &[f32],
    ahead: [&[f32]; 2],
    sums: &mut [f32],
) {
    // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
    unsafe {
        dispatch!(
            isa,
            plane_dots_body(
                padded: &[f32],
                copy: Copy,
                at: &[usize],
                dy: &[f32],
                ahead: [&[f32]; 2],
                sums: &mut [f32],
            )
        );
    }
}

/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn plane_dots_body<V: Register>(
    padded: &[f32],
    copy: Copy,
    at: &[usize],
    dy: &[f32],
    ahead: [&[f32]; 2],
    sums: &mut [f32],
) {
    /// Taps whose sums stay in registers.
    const TAPS: usize = 9;
    let wide = copy.columns.out.next_multiple_of(V::LEN);
    let rows = dy.len().checked_div(wide).unwrap_or(0);
    if rows == 0 {
        return;
    }
    let step = copy.rows.stride * copy.row();
    let last = at.iter().max().copied().unwrap_or(0);
    assert!((rows - 1) * step + last + wide <= padded.len());
    for (sums, taps) in sums.chunks_mut(TAPS).zip(at.chunks(TAPS)) {
        // The last block repeats its last tap.
        let at: [usize; TAPS] = std::array::from_fn(|tap| taps[tap.min(taps.len() - 1)]);
        // SAFETY: by the assertion all that a tap meets lies in `padded`; `dy` has `rows` rows of
        // `wide` elements.
        unsafe {
            let mut lanes = [V::splat(0.0); TAPS];
            for y in 0..rows {
                ahead.iter().for_each(|ahead| prefetch(ahead, y, rows));
                let dy = dy.as_ptr().add(y * wide);
                let from = at.map(|at| padded.as_ptr().add(y * step + at));
                for x in (0..wide).step_by(V::LEN) {
                    let dy = V::load(dy.add(x));
                    for tap in 0..TAPS {
                        lanes[tap] = lanes[tap].add_product(dy, V::load(from[tap].add(x)));
                    }
                }
            }
            for (sum, lanes) in sums.iter_mut().zip(lanes) {
                let mut values = [0f32; WIDE];
                lanes.store(values.as_mut_ptr());
                *sum += values[..V::LEN].iter().sum::<f32>();
            }
        }
    }
}
