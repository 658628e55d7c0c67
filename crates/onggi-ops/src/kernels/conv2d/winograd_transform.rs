//! The transforms of Winograd's F(4×4, 3×3), with `A`, `B` and `G` for the points 0, ±1, ±2 and ∞.

use super::super::simd::{Isa, Register, dispatch};
use super::super::{Shared, output};
use super::geometry::Geometry;
use super::lanes::{LANES, rows};
use rayon::prelude::*;

/// Outputs of a tile along an axis.
pub(super) const OUT: usize = 4;

/// Inputs of a tile along an axis.
pub(super) const IN: usize = 6;

/// Positions of the transformed domain.
pub(super) const AREA: usize = IN * IN;

/// Lanes that the transforms take at once.
pub(super) const HALF: usize = 8;
pub(super) type Half = [f32; HALF];

/// `Σ factors[i] · values[i]`, lane by lane.
// Loops here and below, no closures: those would not inherit the instruction set.
#[inline(always)]
pub(super) fn sum<const L: usize, const N: usize>(
    factors: [f32; N],
    values: [[f32; L]; N],
) -> [f32; L] {
    let mut sum = [0.0; L];
    for l in 0..L {
        sum[l] = factors[0] * values[0][l];
        for i in 1..N {
            sum[l] += factors[i] * values[i][l];
        }
    }
    sum
}

/// `a + factor · b`, lane by lane.
#[inline(always)]
pub(super) fn combine<const L: usize>(mut a: [f32; L], factor: f32, b: [f32; L]) -> [f32; L] {
    for l in 0..L {
        a[l] += factor * b[l];
    }
    a
}

/// `Bᵀ d`.
#[inline(always)]
fn input_axis(d: [Half; IN]) -> [Half; IN] {
    let even = combine(d[4], -4.0, d[2]);
    let odd = combine(d[3], -4.0, d[1]);
    let (even_2, odd_2) = (combine(d[4], -1.0, d[2]), combine(d[3], -1.0, d[1]));
    [
        sum([4.0, -5.0, 1.0], [d[0], d[2], d[4]]),
        combine(even, 1.0, odd),
        combine(even, -1.0, odd),
        combine(even_2, 2.0, odd_2),
        combine(even_2, -2.0, odd_2),
        sum([4.0, -5.0, 1.0], [d[1], d[3], d[5]]),
    ]
}

/// `Aᵀ m`.
#[inline(always)]
fn output_axis(m: [Half; IN]) -> [Half; OUT] {
    let (sum_1, difference_1) = (combine(m[1], 1.0, m[2]), combine(m[1], -1.0, m[2]));
    let (sum_2, difference_2) = (combine(m[3], 1.0, m[4]), combine(m[3], -1.0, m[4]));
    [
        combine(combine(m[0], 1.0, sum_1), 1.0, sum_2),
        combine(difference_1, 2.0, difference_2),
        combine(sum_1, 4.0, sum_2),
        combine(combine(m[5], 1.0, difference_1), 8.0, difference_2),
    ]
}

/// `G g`.
#[inline(always)]
fn weight_axis<const N: usize>(g: [[f32; N]; 3]) -> [[f32; N]; IN] {
    let even = sum([-1.0 / 6.0, -1.0 / 6.0], [g[0], g[2]]);
    let even_2 = sum([1.0 / 24.0, 1.0 / 6.0], [g[0], g[2]]);
    [
        sum([0.25], [g[0]]),
        combine(even, -1.0 / 6.0, g[1]),
        combine(even, 1.0 / 6.0, g[1]),
        combine(even_2, 1.0 / 12.0, g[1]),
        combine(even_2, -1.0 / 12.0, g[1]),
        g[2],
    ]
}

#[inline(always)]
pub(super) fn load(from: &[f32], at: usize) -> Half {
    *from[at..].first_chunk().expect("lanes inside the buffer")
}

/// Writes `Bᵀ d B`, position by position, `step` lines apart.
pub(super) fn transform_input(
    isa: Isa,
    patch: &[f32],
    lines: &[u32; AREA],
    to: &mut [f32],
    step: usize,
) {
    // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
    unsafe {
        dispatch!(
            isa,
            transform_input_body(patch: &[f32], lines: &[u32; AREA], to: &mut [f32], step: usize)
        );
    }
}

#[inline(always)]
fn transform_input_body<V: Register>(
    patch: &[f32],
    lines: &[u32; AREA],
    to: &mut [f32],
    step: usize,
) {
    for half in [0, HALF] {
        let mut columns = [[[0f32; HALF]; IN]; IN];
        for column in 0..IN {
            let mut d = [[0f32; HALF]; IN];
            for row in 0..IN {
                d[row] = load(patch, lines[row * IN + column] as usize * LANES + half);
            }
            columns[column] = input_axis(d);
        }
        for row in 0..IN {
            let mut d = [[0f32; HALF]; IN];
            for column in 0..IN {
                d[column] = columns[column][row];
            }
            let v = input_axis(d);
            for (column, v) in v.into_iter().enumerate() {
                to[(row * IN + column) * step * LANES + half..][..HALF].copy_from_slice(&v);
            }
        }
    }
}

/// Writes `Aᵀ m A + bias`, where the positions of `m` are `step` lines apart.
pub(super) fn transform_output(
    isa: Isa,
    from: &[f32],
    step: usize,
    lines: &[u32; OUT * OUT],
    bias: f32,
    patch: &mut [f32],
) {
    // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
    unsafe {
        dispatch!(
            isa,
            transform_output_body(
                from: &[f32],
                step: usize,
                lines: &[u32; OUT * OUT],
                bias: f32,
                patch: &mut [f32],
            )
        );
    }
}

#[inline(always)]
fn transform_output_body<V: Register>(
    from: &[f32],
    step: usize,
    lines: &[u32; OUT * OUT],
    bias: f32,
    patch: &mut [f32],
) {
    for half in [0, HALF] {
        let mut columns = [[[0f32; HALF]; OUT]; IN];
        for column in 0..IN {
            let mut m = [[0f32; HALF]; IN];
            for row in 0..IN {
                m[row] = load(from, (row * IN + column) * step * LANES + half);
            }
            columns[column] = output_axis(m);
        }
        for row in 0..OUT {
            let mut m = [[0f32; HALF]; IN];
            for column in 0..IN {
                m[column] = columns[column][row];
            }
            let v = output_axis(m);
            for (column, v) in v.into_iter().enumerate() {
                let line = lines[row * OUT + column] as usize;
                let to = &mut patch[line * LANES + half..][..HALF];
                for l in 0..HALF {
                    to[l] = v[l] + bias;
                }
            }
        }
    }
}

/// A weight `(o, c, 3, 3)` as it lies in memory.
#[derive(Clone, Copy)]
pub(super) struct Weight<'a> {
    pub(super) values: &'a [f32],
    /// It lies as `(c, o, 3, 3)` with its taps in reverse: what the input's gradient needs.
    pub(super) turned: bool,
}

/// Elements from one position of the transformed weight to the next: a line more than there are,
/// lest writes to all positions share a few lines of L1.
pub(super) fn position_step(isa: Isa, g: &Geometry) -> usize {
    g.o.next_multiple_of(rows(isa)) * g.c + LANES
}

/// `G g Gᵀ` of every channel pair, as `(positions, panels, c, rows)`.
pub(super) fn transform_weight(isa: Isa, weight: Weight<'_>, g: &Geometry) -> Vec<f32> {
    let (panels, step) = (g.o.div_ceil(rows(isa)), position_step(isa, g));
    assert_eq!(weight.values.len(), g.o * g.c * 9);
    let fill = |to: Shared<'_, f32>| {
        (0..panels).into_par_iter().for_each(|panel| {
            // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
            unsafe {
                dispatch!(
                    isa,
                    transform_panel::<12, 6>(
                        weight: Weight<'_>,
                        g: &Geometry,
                        panel: usize,
                        step: usize,
                        to: Shared<'_, f32>,
                    )
                );
            }
        });
    };
    // SAFETY: every position, panel, channel and row is visited, and the gap after a position is
    // panel 0's.
    unsafe { output(AREA * step, fill) }
}

#[inline(always)]
fn transform_panel<V: Register, const R: usize>(
    weight: Weight<'_>,
    g: &Geometry,
    panel: usize,
    step: usize,
    to: Shared<'_, f32>,
) {
    let real = R.min(g.o - panel * R);
    for position in (0..AREA).filter(|_| panel == 0) {
        // SAFETY: the gap after a position, written by the task of this panel alone.
        unsafe { to.part((position + 1) * step - LANES, LANES).fill(0.0) };
    }
    for c in 0..g.c {
        let mut taps = [[0f32; R]; 9];
        for r in 0..real {
            let o = panel * R + r;
            let at = if weight.turned {
                c * g.o + o
            } else {
                o * g.c + c
            };
            let kernel: &[f32; 9] = weight.values[at * 9..].first_chunk().expect("nine taps");
            for (tap, &v) in kernel.iter().enumerate() {
                taps[if weight.turned { 8 - tap } else { tap }][r] = v;
            }
        }
        let columns = [
            weight_axis([taps[0], taps[3], taps[6]]),
            weight_axis([taps[1], taps[4], taps[7]]),
            weight_axis([taps[2], taps[5], taps[8]]),
        ];
        for row in 0..IN {
            let v = weight_axis([columns[0][row], columns[1][row], columns[2][row]]);
            for (column, v) in v.into_iter().enumerate() {
                let at = (row * IN + column) * step + (panel * g.c + c) * R;
                // SAFETY: written by the task of this panel alone.
                unsafe { to.part(at, R).copy_from_slice(&v) };
            }
        }
    }
}
