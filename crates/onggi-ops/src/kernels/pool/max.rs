//! Maximum of windows, and the position that it came from.
//!
//! Of equal values the first counts; a NaN counts as larger than everything before it. Limited by
//! memory: forward reads `x` and writes `y` and the positions, backward writes `dx`. 3×3 at stride 2
//! over 16×64×112×112 took 8.9 ms forward and 6.7 ms backward (2026-11-23, one Zen 3 core, AVX2,
//! processor time on a busy machine).

use super::super::{Shared, output};
use super::{Geometry, Phases, Window};
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
type Plane<P> = fn(&[f32], &Geometry, Option<&Phases>, &mut Scratch, &mut [f32], &mut [P]);

fn max_with<P: Position>(x: &[f32], g: &Geometry, plane: Plane<P>) -> (Vec<f32>, Vec<P>) {
    let (input, out) = (g.input(), g.output());
    assert_eq!(x.len(), g.planes * input);
    let phases = Phases::new(&g.axes[2]);
    let phases = phases.as_ref();
    let mut places = Vec::new();
    let fill = |y: Shared<'_, f32>| {
        let fill = |at: Shared<'_, P>| {
            g.each(|planes| {
                let mut scratch = Scratch::new(g, phases);
                for index in planes {
                    // SAFETY: each plane is visited once.
                    let (y, at) = unsafe { (y.part(index * out, out), at.part(index * out, out)) };
                    let x = &x[index * input..][..input];
                    plane(x, g, phases, &mut scratch, y, at);
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

struct Scratch {
    /// Rows by phases, as many as [`ring`] says; row `r` is in place `r` modulo that.
    lines: Vec<f32>,
    /// The places of a row of outputs, each less the output's own shift `j · stride − padding`:
    /// then one number a tap serves the whole row.
    places: Vec<u32>,
    /// The tap of the row that each output starts with, as its share of a place.
    first: Vec<u32>,
}

impl Scratch {
    fn new(g: &Geometry, phases: Option<&Phases>) -> Self {
        let outputs = 0..g.axes[2].windows.len();
        let Some(phases) = phases else {
            return Self {
                lines: Vec::new(),
                places: Vec::new(),
                first: Vec::new(),
            };
        };
        let step = phases.step;
        let first = |j: usize| {
            let outside = step.padding.saturating_sub(j * step.stride);
            (outside.div_ceil(step.dilation) * step.dilation) as u32
        };
        Self {
            // What lies outside of the rows is below every value.
            lines: vec![f32::NEG_INFINITY; ring(g) * phases.len()],
            places: vec![0; outputs.len()],
            first: outputs.map(first).collect(),
        }
    }
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
    scratch: &mut Scratch,
    y: &mut [f32],
    at: &mut [u16],
) {
    match phases {
        Some(phases) => strided(x, g, phases, scratch, y, at),
        None => uneven(x, g, y, at),
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn max_long(
    x: &[f32],
    g: &Geometry,
    phases: Option<&Phases>,
    scratch: &mut Scratch,
    y: &mut [f32],
    at: &mut [u32],
) {
    match phases {
        Some(phases) => strided(x, g, phases, scratch, y, at),
        None => uneven(x, g, y, at),
    }
}

/// Windows that follow each other by a stride along the row.
#[inline(always)]
fn strided<P: Position>(
    x: &[f32],
    g: &Geometry,
    phases: &Phases,
    scratch: &mut Scratch,
    y: &mut [f32],
    at: &mut [P],
) {
    let [depth, height, width] = &g.axes;
    let (w, ow, len) = (width.size, width.windows.len(), phases.len());
    let Scratch {
        lines,
        places,
        first,
    } = scratch;
    let ring = lines.len() / len;
    let step = phases.step;
    let mut laid_out = 0;
    for (row, (d, h)) in g.rows().enumerate() {
        let needed = if depth.size > 1 { ring } else { h.last() + 1 };
        while laid_out < needed {
            let line = &mut lines[laid_out % ring * len..][..len];
            phases.split(&x[laid_out * w..][..w], line);
            laid_out += 1;
        }
        let (y, at) = (&mut y[row * ow..][..ow], &mut at[row * ow..][..ow]);
        y.fill(f32::NEG_INFINITY);
        let first_row = ((d.start * height.size + h.start) * w) as u32;
        for (place, first) in places.iter_mut().zip(first.iter()) {
            *place = first_row + first;
        }
        for input in g.inputs((d, h)) {
            let line = &lines[input % ring * len..][..len];
            for (index, taps) in phases.taps.chunks(3).enumerate() {
                let here = |tap: usize| (input * w + (index * 3 + tap) * step.dilation) as u32;
                match *taps {
                    [a] => larger(line, [a], [here(0)], y, places),
                    [a, b] => larger(line, [a, b], [here(0), here(1)], y, places),
                    [a, b, c] => {
                        larger(line, [a, b, c], [here(0), here(1), here(2)], y, places);
                    }
                    _ => unreachable!("chunks of at most three"),
                }
            }
        }
        for (j, (at, place)) in at.iter_mut().zip(places.iter()).enumerate() {
            let shift = (j * step.stride) as u32;
            *at = P::new((place + shift).wrapping_sub(step.padding as u32));
        }
    }
}

/// Takes the values of some taps that are larger than the best so far, or NaN, with their place.
/// Several taps at a time keep the best in registers between them.
#[inline(always)]
fn larger<const TAPS: usize>(
    line: &[f32],
    offsets: [usize; TAPS],
    here: [u32; TAPS],
    best: &mut [f32],
    places: &mut [u32],
) {
    let len = best.len().min(places.len());
    let (best, places) = (&mut best[..len], &mut places[..len]);
    let values = offsets.map(|offset| &line[offset..][..len]);
    for j in 0..len {
        let (mut largest, mut place) = (best[j], places[j]);
        for tap in 0..TAPS {
            let v = values[tap][j];
            let take = (v > largest) | v.is_nan();
            largest = if take { v } else { largest };
            place = if take { here[tap] } else { place };
        }
        best[j] = largest;
        places[j] = place;
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
