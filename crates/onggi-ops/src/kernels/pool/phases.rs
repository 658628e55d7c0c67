//! A padded row by phases of the stride.

use super::{Axis, LANES, Step};

/// The layout of a padded row: phase `r` holds the padded positions `r, r + stride, …`.
///
/// Tap `u` of output `j` reads the padded position `j · stride + u · dilation`, that is, place
/// `j + ⌊u · dilation / stride⌋` of phase `u · dilation mod stride`.
pub(super) struct Phases {
    pub(super) step: Step,
    size: usize,
    phases: usize,
    phase_len: usize,
    /// Where each tap's values begin, for output 0.
    pub(super) taps: Vec<usize>,
}

impl Phases {
    /// None if the windows are not equal.
    pub(super) fn new(axis: &Axis) -> Option<Self> {
        let step = axis.step?;
        let reach = (step.taps - 1) * step.dilation;
        let phase_len = axis.windows.len().next_multiple_of(LANES) + reach / step.stride;
        let place = |tap: usize| {
            let at = tap * step.dilation;
            at % step.stride * phase_len + at / step.stride
        };
        Some(Self {
            step,
            size: axis.size,
            phases: step.stride.min(reach + 1),
            phase_len,
            taps: (0..step.taps).map(place).collect(),
        })
    }

    /// Elements of a row so laid out.
    pub(super) fn len(&self) -> usize {
        self.phases * self.phase_len
    }

    /// Phase `r`'s places with a position inside: the first place, its position, and how many.
    #[inline(always)]
    fn inside(&self, r: usize) -> (usize, usize, usize) {
        let Step {
            stride, padding, ..
        } = self.step;
        let first = padding.saturating_sub(r).div_ceil(stride);
        let position = first * stride + r - padding;
        let count = self.size.saturating_sub(position).div_ceil(stride);
        (
            first,
            position,
            count.min(self.phase_len.saturating_sub(first)),
        )
    }

    /// Lays a row out. What no position falls on keeps its value.
    #[inline(always)]
    pub(super) fn split(&self, row: &[f32], line: &mut [f32]) {
        for r in 0..self.phases {
            let (first, position, count) = self.inside(r);
            if count == 0 {
                continue;
            }
            let line = &mut line[r * self.phase_len + first..][..count];
            let row = &row[position..];
            match self.step.stride {
                1 => line.copy_from_slice(&row[..count]),
                2 => {
                    let (pairs, rest) = row.as_chunks::<2>();
                    for (v, pair) in line.iter_mut().zip(pairs) {
                        *v = pair[0];
                    }
                    if let (Some(last), true) = (rest.first(), count > pairs.len()) {
                        line[count - 1] = *last;
                    }
                }
                stride => {
                    for (v, x) in line.iter_mut().zip(row.iter().step_by(stride)) {
                        *v = *x;
                    }
                }
            }
        }
    }

    /// The reverse of [`split`](Self::split): positions that no phase holds keep theirs.
    #[inline(always)]
    pub(super) fn join(&self, line: &[f32], row: &mut [f32]) {
        for r in 0..self.phases {
            let (first, position, count) = self.inside(r);
            if count == 0 {
                continue;
            }
            let line = &line[r * self.phase_len + first..][..count];
            let row = &mut row[position..];
            match self.step.stride {
                1 => row[..count].copy_from_slice(line),
                stride => {
                    for (x, v) in row.iter_mut().step_by(stride).zip(line) {
                        *x = *v;
                    }
                }
            }
        }
    }
}
