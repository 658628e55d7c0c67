//! Products of packed weights with panels of lanes: the inner loop of the batched paths.
//!
//! 48 outputs of 64 channels at 49 pixels, in L2, on one core of an AMD EPYC with AVX-512 (2026-11-24): 100 GFLOP/s,
//! 86 with the registers of AVX2, 34 with none. PyTorch's 3×3 convolutions at stride 2 run at 94 there.

use super::super::simd::{Isa, Register, dispatch};
use super::lanes::{LANES, REGISTERS, rows};

/// One term of a column: `depth` packed weights against `depth` lines of lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    /// Which tap of a panel of weights.
    pub(super) tap: u32,
    /// The first of the lines.
    pub(super) line: u32,
}

/// The columns of a product: column `i` is the sum of the terms `ends[i − 1]..ends[i]`.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) terms: Vec<Term>,
    pub(super) ends: Vec<u32>,
}

/// Weights by panels of [`rows`] output channels: `(panels, taps, depth, rows)`, the last
/// panel filled up with zeros.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a> {
    pub(super) values: &'a [f32],
    pub(super) taps: usize,
    pub(super) depth: usize,
}

/// Registers of a line, at most.
const PARTS: usize = 2;

/// `y (columns, panels · rows, LANES) = weights · lines (_, LANES)`.
pub(super) fn product(
    isa: Isa,
    packed: Packed<'_>,
    columns: &Columns,
    lines: &[f32],
    y: &mut [f32],
) {
    let panel = packed.taps * packed.depth * rows(isa);
    let panels = packed.values.len() / panel.max(1);
    assert!(panels * columns.ends.len() * rows(isa) * LANES <= y.len());
    let furthest = columns.terms.iter().map(|term| (term.tap, term.line));
    let (tap, line) = furthest.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    assert!((tap as usize) < packed.taps.max(1) || columns.terms.is_empty());
    assert!((line as usize + packed.depth) * LANES <= lines.len() || columns.terms.is_empty());
    // SAFETY: the taps and lines are inside by the assertions; `Isa::detect` has found the instructions.
    unsafe {
        dispatch!(
            isa,
            product_body::<12, 6>(packed: Packed<'_>, columns: &Columns, lines: &[f32], y: &mut [f32])
        );
    }
}

/// # Safety
/// Taps and lines are inside, as [`product`] checks; the register's instructions are there.
#[inline(always)]
unsafe fn product_body<V: Register, const R: usize>(
    packed: Packed<'_>,
    columns: &Columns,
    lines: &[f32],
    y: &mut [f32],
) {
    // Registers of a line.
    let (parts, depth) = (REGISTERS / R, packed.depth);
    let panel = packed.taps * depth * R;
    let panels = packed.values.len() / panel.max(1);
    for p in 0..panels {
        let mut start = 0;
        for (column, &end) in columns.ends.iter().enumerate() {
            let y = &mut y[(column * panels + p) * R * LANES..][..R * LANES];
            // SAFETY: by the caller's promise; a register's place in `y` is inside its `R` lines.
            unsafe {
                let mut sums = [V::splat(0.0); REGISTERS];
                let mut line = [V::splat(0.0); PARTS];
                for term in &columns.terms[start..end as usize] {
                    let mut a = packed
                        .values
                        .as_ptr()
                        .add(p * panel + term.tap as usize * depth * R);
                    let mut b = lines.as_ptr().add(term.line as usize * LANES);
                    for _ in 0..depth {
                        for part in 0..parts {
                            line[part] = V::load(b.add(part * V::LEN));
                        }
                        // A factor meets the whole line: with AVX2 there is no register for more than one.
                        for r in 0..R {
                            let factor = V::splat(*a.add(r));
                            for part in 0..parts {
                                let at = r * parts + part;
                                sums[at] = sums[at].add_product(factor, line[part]);
                            }
                        }
                        a = a.add(R);
                        b = b.add(LANES);
                    }
                }
                for (at, sum) in sums.into_iter().enumerate() {
                    sum.store(y.as_mut_ptr().add(at * V::LEN));
                }
            }
            start = end as usize;
        }
    }
}
