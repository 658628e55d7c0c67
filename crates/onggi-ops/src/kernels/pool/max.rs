//! Maximum of windows, and the position that it came from.
//!
//! Of equal values the first counts; a NaN counts as larger than everything before it. Limited by
//! memory forward; backward by the additions, one a value, to the places that the positions name.

use super::super::{Shared, output};
use super::{Geometry, LANES, Phases, Window};
use multiversion::multiversion;

/// For each output its maximum's place in the plane; two bytes where planes are small enough.
#[derive(Clone, Debug)]
pub(crate) enum Positions {
    Short(Vec<u16>),
    Long(Vec<u32>),
}

/// A place in a plane as it is stored.
trait Position: Copy + Send + Sync {
    fn new(at: u32) -> Self;
    fn get(self) -> usize;
}

impl Position for u16 {
    #[inline(always)]
    fn new(at: u32) -> Self {
        at as u16
    }
    #[inline(always)]
    fn get(self) -> usize {
        self.into()
    }
}

impl Position for u32 {
    #[inline(always)]
    fn new(at: u32) -> Self {
        at
    }
    #[inline(always)]
    fn get(self) -> usize {
        self as usize
    }
}

/// Each window's maximum and its place.
pub(crate) fn max(x: &[f32], g: &Geometry) -> (Vec<f32>, Positions) {
    if g.input() <= 1 << 16 {
        let (y, at) = max_with(x, g, max_short);
        (y, Positions::Short(at))
    } else {
        let (y, at) = max_with(x, g, max_long);
        (y, Positions::Long(at))
    }
}

/// The kernel of one plane.
type Plane<P> = fn(&[f32], &Geometry, Option<&Phases>, &mut [f32], &mut [f32], &mut [P]);

fn max_with<P: Position>(x: &[f32], g: &Geometry, plane: Plane<P>) -> (Vec<f32>, Vec<P>) {
    let (input, out) = (g.input(), g.output());
    assert_eq!(x.len(), g.planes * input);
    let phases = Phases::new(&g.axes[2]);
    let phases = phases.as_ref();
    let ring = ring(g) * phases.map_or(0, Phases::len);
    let mut places = Vec::new();
    let fill = |y: Shared<'_, f32>| {
        let fill = |at: Shared<'_, P>| {
            g.each(|planes| {
                // Padding never exceeds a value: it stays in the lines' margins.
                let mut lines = vec![f32::NEG_INFINITY; ring];
                for index in planes {
                    // SAFETY: each plane is visited once.
                    let (y, at) = unsafe { (y.part(index * out, out), at.part(index * out, out)) };
                    plane(&x[index * input..][..input], g, phases, &mut lines, y, at);
                }
            });
        };
        // SAFETY: `plane` writes all of its outputs, and all planes are visited.
        places = unsafe { output(g.planes * out, fill) };
    };
    // SAFETY: as above.
    let y = unsafe { output(g.planes * out, fill) };
    (y, places)
}

/// Rows that are held laid out: a window's height, or with depth all.
fn ring(g: &Geometry) -> usize {
    let [depth, height, _] = &g.axes;
    if depth.size > 1 {
        return depth.size * height.size;
    }
    let heights = height.windows.iter().map(|w| w.last() - w.start + 1);
    heights.max().unwrap_or(0)
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn max_short(
    x: &[f32],
    g: &Geometry,
    phases: Option<&Phases>,
    lines: &mut [f32],
    y: &mut [f32],
    at: &mut [u16],
) {
    match phases {
        Some(phases) => strided(x, g, phases, lines, y, at),
        None => uneven(x, g, y, at),
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn max_long(
    x: &[f32],
    g: &Geometry,
    phases: Option<&Phases>,
    lines: &mut [f32],
    y: &mut [f32],
    at: &mut [u32],
) {
    match phases {
        Some(phases) => strided(x, g, phases, lines, y, at),
        None => uneven(x, g, y, at),
    }
}

/// Windows that follow each other by a stride along the row.
#[inline(always)]
fn strided<P: Position>(
    x: &[f32],
    g: &Geometry,
    phases: &Phases,
    lines: &mut [f32],
    y: &mut [f32],
    at: &mut [P],
) {
    let [depth, height, width] = &g.axes;
    let (w, ow, len) = (width.size, width.windows.len(), phases.len());
    let ring = lines.len() / len;
    let step = phases.step;
    let mut laid_out = 0;
    for (row, (d, h)) in g.rows().enumerate() {
        let needed = if depth.size > 1 { ring } else { h.last() + 1 };
        while laid_out < needed.min(depth.size * height.size) {
            let line = &mut lines[laid_out % ring * len..][..len];
            phases.split(&x[laid_out * w..][..w], line);
            laid_out += 1;
        }
        let (y, at) = (&mut y[row * ow..][..ow], &mut at[row * ow..][..ow]);
        let first_row = d.start * height.size + h.start;
        for start in (0..ow).step_by(LANES) {
            let count = LANES.min(ow - start);
            let mut best = [f32::NEG_INFINITY; LANES];
            // The place less the output's own shift, `j · stride − padding`: one number a tap.
            let mut place = [0; LANES];
            for j in 0..LANES {
                let outside = step.padding.saturating_sub((start + j) * step.stride);
                let tap = outside.div_ceil(step.dilation);
                place[j] = (first_row * w + tap * step.dilation) as u32;
            }
            for depth_at in d.positions() {
                for height_at in h.positions() {
                    let row = depth_at * height.size + height_at;
                    let line = &lines[row % ring * len..][..len];
                    for (tap, offset) in phases.taps.iter().enumerate() {
                        let values = line[offset + start..].first_chunk().expect("a full block");
                        let here = (row * w + tap * step.dilation) as u32;
                        larger(values, here, &mut best, &mut place);
                    }
                }
            }
            y[start..][..count].copy_from_slice(&best[..count]);
            for j in 0..count {
                let shift = ((start + j) * step.stride) as u32;
                let place = place[j].wrapping_add(shift);
                at[start + j] = P::new(place.wrapping_sub(step.padding as u32));
            }
        }
    }
}

/// Takes the values that are larger than the best so far, or NaN, with their place.
#[inline(always)]
fn larger(values: &[f32; LANES], here: u32, best: &mut [f32; LANES], place: &mut [u32; LANES]) {
    for j in 0..LANES {
        let v = values[j];
        let take = (v > best[j]) | v.is_nan();
        best[j] = if take { v } else { best[j] };
        place[j] = if take { here } else { place[j] };
    }
}

/// Windows of any sizes.
#[inline(always)]
fn uneven<P: Position>(x: &[f32], g: &Geometry, y: &mut [f32], at: &mut [P]) {
    let width = &g.axes[2];
    let mut outputs = y.iter_mut().zip(at);
    for rows in g.rows() {
        let inputs = g.inputs(rows);
        for window in &width.windows {
            let (best, place) = largest(x, inputs.clone(), window, width.size);
            if let Some((y, at)) = outputs.next() {
                (*y, *at) = (best, P::new(place as u32));
            }
        }
    }
}

#[inline(always)]
fn largest(
    x: &[f32],
    rows: impl Iterator<Item = usize>,
    window: &Window,
    width: usize,
) -> (f32, usize) {
    let (mut best, mut place) = (f32::NEG_INFINITY, None);
    for row in rows {
        for at in window.positions() {
            let at = row * width + at;
            let v = x[at];
            if v > best || v.is_nan() || place.is_none() {
                (best, place) = (v, Some(at));
            }
        }
    }
    (best, place.unwrap_or(0))
}

/// `dx`: each `dy` added at its position.
pub(crate) fn max_gradient(dy: &[f32], at: &Positions, g: &Geometry) -> Vec<f32> {
    match at {
        Positions::Short(at) => scatter(dy, at, g),
        Positions::Long(at) => scatter(dy, at, g),
    }
}

fn scatter<P: Position>(dy: &[f32], at: &[P], g: &Geometry) -> Vec<f32> {
    let (input, out) = (g.input(), g.output());
    let fill = |dx: Shared<'_, f32>| {
        g.each(|planes| {
            for index in planes {
                // SAFETY: each plane is visited once.
                let dx = unsafe { dx.part(index * input, input) };
                dx.fill(0.0);
                let outputs = index * out..(index + 1) * out;
                for (dy, at) in dy[outputs.clone()].iter().zip(&at[outputs]) {
                    dx[at.get()] += dy;
                }
            }
        });
    };
    // SAFETY: every plane is filled.
    unsafe { output(g.planes * input, fill) }
}
