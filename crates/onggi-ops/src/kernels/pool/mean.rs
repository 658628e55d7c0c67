//! Mean of windows.
//!
//! Forward, the rows of a window are added up first, over the whole width; then its columns.
//! Backward, a row of the gradient is spread over the width and added to every row of its windows.
//! Limited by memory.

use super::super::{Shared, output};
use super::{Geometry, LANES, Phases, Window};
use multiversion::multiversion;

/// Values that are added up in `f32` before `f64` takes them.
const BLOCK: usize = 4096;

/// Sum of each window over `divisor`, or else over the product of its counts.
pub(crate) fn mean(x: &[f32], g: &Geometry, divisor: Option<f32>) -> Vec<f32> {
    let (input, out) = (g.input(), g.output());
    assert_eq!(x.len(), g.planes * input);
    let phases = Phases::new(&g.axes[2]);
    let whole = whole(g, divisor);
    let fill = |y: Shared<'_, f32>| {
        g.each(|planes| {
            let mut scratch = Scratch::new(g, phases.as_ref());
            for index in planes {
                // SAFETY: each plane is visited once.
                let y = unsafe { y.part(index * out, out) };
                let x = &x[index * input..][..input];
                match whole {
                    true => y[0] = (total(x) / input as f64) as f32,
                    false => mean_plane(x, g, phases.as_ref(), divisor, &mut scratch, y),
                }
            }
        });
    };
    // SAFETY: every plane is written, all of it.
    unsafe { output(g.planes * out, fill) }
}

/// `dx` of [`mean`].
pub(crate) fn mean_gradient(dy: &[f32], g: &Geometry, divisor: Option<f32>) -> Vec<f32> {
    let (input, out) = (g.input(), g.output());
    assert_eq!(dy.len(), g.planes * out);
    let phases = Phases::new(&g.axes[2]);
    let whole = whole(g, divisor);
    let fill = |dx: Shared<'_, f32>| {
        g.each(|planes| {
            let mut scratch = Scratch::new(g, phases.as_ref());
            for index in planes {
                // SAFETY: each plane is visited once.
                let dx = unsafe { dx.part(index * input, input) };
                let dy = &dy[index * out..][..out];
                if whole {
                    dx.fill(dy[0] / input as f32);
                } else {
                    dx.fill(0.0);
                    gradient_plane(dy, g, phases.as_ref(), divisor, &mut scratch, dx);
                }
            }
        });
    };
    // SAFETY: every plane is filled.
    unsafe { output(g.planes * input, fill) }
}

/// Whether the only output is the mean of the whole plane.
fn whole(g: &Geometry, divisor: Option<f32>) -> bool {
    divisor.is_none()
        && (g.axes.iter()).all(|axis| {
            let whole = |w: &Window| w.taps == axis.size && w.count == axis.size;
            axis.windows.len() == 1 && axis.windows.iter().all(whole)
        })
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn total(plane: &[f32]) -> f64 {
    let mut sum = 0.0;
    for block in plane.chunks(BLOCK) {
        let (chunks, rest) = block.as_chunks::<32>();
        let mut lanes = [0f32; 32];
        for chunk in chunks {
            for j in 0..32 {
                lanes[j] += chunk[j];
            }
        }
        sum += lanes.iter().chain(rest).map(|&v| f64::from(v)).sum::<f64>();
    }
    sum
}

struct Scratch {
    /// A row of the input's width.
    row: Vec<f32>,
    /// A row of the output's width.
    out: Vec<f32>,
    /// A row by phases.
    line: Vec<f32>,
    /// What each column counts.
    counts: Vec<f32>,
}

impl Scratch {
    fn new(g: &Geometry, phases: Option<&Phases>) -> Self {
        let width = &g.axes[2];
        Self {
            row: vec![0.0; width.size],
            out: vec![0.0; width.windows.len().next_multiple_of(LANES)],
            line: vec![0.0; phases.map_or(0, Phases::len)],
            counts: width.windows.iter().map(|w| w.count as f32).collect(),
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn mean_plane(
    x: &[f32],
    g: &Geometry,
    phases: Option<&Phases>,
    divisor: Option<f32>,
    scratch: &mut Scratch,
    y: &mut [f32],
) {
    let width = &g.axes[2];
    let (w, ow) = (width.size, width.windows.len());
    for (index, (d, h)) in g.rows().enumerate() {
        let mut first = true;
        for input in g.inputs((d, h)) {
            let x = &x[input * w..][..w];
            if first {
                scratch.row.copy_from_slice(x);
                first = false;
            } else {
                for (sum, v) in scratch.row.iter_mut().zip(x) {
                    *sum += v;
                }
            }
        }
        if let Some(phases) = phases {
            phases.split(&scratch.row, &mut scratch.line);
            for start in (0..ow).step_by(LANES) {
                let mut sums = [0f32; LANES];
                for offset in &phases.taps {
                    let values: &[f32; LANES] = scratch.line[offset + start..]
                        .first_chunk()
                        .expect("a full block");
                    for j in 0..LANES {
                        sums[j] += values[j];
                    }
                }
                scratch.out[start..][..LANES].copy_from_slice(&sums);
            }
        } else {
            for (sum, window) in scratch.out.iter_mut().zip(&width.windows) {
                *sum = scratch.row[window.start..][..window.taps].iter().sum();
            }
        }
        let rows = (d.count * h.count) as f32;
        let outputs = y[index * ow..][..ow].iter_mut().zip(&scratch.out);
        match divisor {
            Some(divisor) => {
                for (y, sum) in outputs {
                    *y = sum / divisor;
                }
            }
            None => {
                for ((y, sum), columns) in outputs.zip(&scratch.counts) {
                    *y = sum / (rows * columns);
                }
            }
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn gradient_plane(
    dy: &[f32],
    g: &Geometry,
    phases: Option<&Phases>,
    divisor: Option<f32>,
    scratch: &mut Scratch,
    dx: &mut [f32],
) {
    let width = &g.axes[2];
    let (w, ow) = (width.size, width.windows.len());
    for (index, (d, h)) in g.rows().enumerate() {
        let rows = (d.count * h.count) as f32;
        let shares = scratch.out.iter_mut().zip(&dy[index * ow..][..ow]);
        match divisor {
            Some(divisor) => {
                for (share, dy) in shares {
                    *share = dy / divisor;
                }
            }
            None => {
                for ((share, dy), columns) in shares.zip(&scratch.counts) {
                    *share = dy / (rows * columns);
                }
            }
        }
        if let Some(phases) = phases {
            scratch.line.fill(0.0);
            for offset in &phases.taps {
                let line = &mut scratch.line[*offset..][..ow];
                for (sum, share) in line.iter_mut().zip(&scratch.out) {
                    *sum += share;
                }
            }
            phases.join(&scratch.line, &mut scratch.row);
        } else {
            scratch.row.fill(0.0);
            for (share, window) in scratch.out.iter().zip(&width.windows) {
                for sum in &mut scratch.row[window.start..][..window.taps] {
                    *sum += share;
                }
            }
        }
        for input in g.inputs((d, h)) {
            for (dx, share) in dx[input * w..][..w].iter_mut().zip(&scratch.row) {
                *dx += share;
            }
        }
    }
}
