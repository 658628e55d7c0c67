//! Products of packed weights with panels of lanes: the inner loop of the batched paths.

use super::lanes::{Isa, LANES, dispatch, fused};

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

/// Weights by panels of [`Isa::rows`] output channels: `(panels, taps, depth, rows)`, the last
/// panel filled up with zeros.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a> {
    pub(super) values: &'a [f32],
    pub(super) taps: usize,
    pub(super) depth: usize,
}

/// `y (columns, panels · rows, LANES) = weights · lines (_, LANES)`.
pub(super) fn product(
    isa: Isa,
    packed: Packed<'_>,
    columns: &Columns,
    lines: &[f32],
    y: &mut [f32],
) {
    let panel = packed.taps * packed.depth * isa.rows();
    let panels = packed.values.len() / panel.max(1);
    assert!(panels * columns.ends.len() * isa.rows() * LANES <= y.len());
    let furthest = columns.terms.iter().map(|term| (term.tap, term.line));
    let (tap, line) = furthest.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    assert!((tap as usize) < packed.taps.max(1) || columns.terms.is_empty());
    assert!((line as usize + packed.depth) * LANES <= lines.len() || columns.terms.is_empty());
    dispatch!(
        isa,
        product_body::<R, FMA>(packed: Packed<'_>, columns: &Columns, lines: &[f32], y: &mut [f32])
    );
}

#[inline(always)]
fn product_body<const R: usize, const FMA: bool>(
    packed: Packed<'_>,
    columns: &Columns,
    lines: &[f32],
    y: &mut [f32],
) {
    let (depth, panel) = (packed.depth, packed.taps * packed.depth * R);
    let panels = packed.values.len() / panel.max(1);
    for p in 0..panels {
        let mut start = 0;
        for (column, &end) in columns.ends.iter().enumerate() {
            let mut sums = [[0f32; LANES]; R];
            for term in &columns.terms[start..end as usize] {
                // SAFETY: `product` has checked the largest tap and the largest line.
                unsafe {
                    let mut a = packed
                        .values
                        .as_ptr()
                        .add(p * panel + term.tap as usize * depth * R);
                    let mut b = lines.as_ptr().add(term.line as usize * LANES);
                    for _ in 0..depth {
                        let (weights, line) = (&*a.cast::<[f32; R]>(), &*b.cast::<[f32; LANES]>());
                        for r in 0..R {
                            for l in 0..LANES {
                                sums[r][l] = fused::<FMA>(weights[r], line[l], sums[r][l]);
                            }
                        }
                        a = a.add(R);
                        b = b.add(LANES);
                    }
                }
            }
            start = end as usize;
            let y = &mut y[(column * panels + p) * R * LANES..][..R * LANES];
            for (y, sum) in y.as_chunks_mut::<LANES>().0.iter_mut().zip(&sums) {
                *y = *sum;
            }
        }
    }
}
