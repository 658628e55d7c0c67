//! Scalar products of rows of lanes with each other: the inner loop of the batched weight
//! gradients, whose sums run over images and pixels.

use super::super::simd::{Isa, Register, dispatch};
use super::lanes::LANES;

/// Lines that meet each other: `count` lines of `a`, one after the other, with lines of `b`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) count: usize,
}

/// Rows of lines, `apart` lines from each other.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) lines: &'a [f32],
    pub(super) apart: usize,
    pub(super) count: usize,
}

impl Rows<'_> {
    fn holds(&self, line: usize) -> bool {
        self.count == 0 || ((self.count - 1) * self.apart + line + 1) * LANES <= self.lines.len()
    }
}

/// Where the sums are: `sums[tap · tap_apart + i · row_apart + j]`.
pub(super) struct Sums<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) tap_apart: usize,
    pub(super) row_apart: usize,
}

/// Adds `a[i] · b[j]`, summed over a tap's segments and lanes, for all taps, all rows `i` of `a`
/// and all rows `j` of `b`. Within a segment the lines of `b` are `step` from each other.
pub(super) fn dots(
    isa: Isa,
    a: Rows<'_>,
    b: Rows<'_>,
    step: usize,
    taps: &[Vec<Segment>],
    sums: Sums<'_>,
) {
    for segment in taps.iter().flatten().filter(|segment| segment.count > 0) {
        assert!(a.holds(segment.a + segment.count - 1));
        assert!(b.holds(segment.b + (segment.count - 1) * step));
    }
    // SAFETY: the segments are inside by the assertions; `Isa::detect` has found the instructions.
    unsafe {
        dispatch!(
            isa,
            dots_body(
                a: Rows<'_>,
                b: Rows<'_>,
                step: usize,
                taps: &[Vec<Segment>],
                sums: Sums<'_>,
            )
        );
    }
}

/// Rows of `a` and of `b` that meet in registers: 12 sums, 3 values and 1 fill AVX2's 16.
const A: usize = 3;
const B: usize = 4;

/// # Safety
/// The segments are inside, as [`dots`] checks; the register's instructions are there.
#[inline(always)]
unsafe fn dots_body<V: Register>(
    a: Rows<'_>,
    b: Rows<'_>,
    step: usize,
    taps: &[Vec<Segment>],
    sums: Sums<'_>,
) {
    for i in (0..a.count).step_by(A) {
        for j in (0..b.count).step_by(B) {
            // The last block takes its last row more than once and drops the copies.
            let rows = [i, (i + 1).min(a.count - 1), (i + 2).min(a.count - 1)];
            let columns = [
                j,
                (j + 1).min(b.count - 1),
                (j + 2).min(b.count - 1),
                (j + 3).min(b.count - 1),
            ];
            // Taps innermost: they find their lines in L1.
            for (tap, segments) in taps.iter().enumerate() {
                // SAFETY: by the caller's promise.
                let block = unsafe { block::<V>(a, rows, b, columns, step, segments) };
                for r in 0..A.min(a.count - i) {
                    let at = tap * sums.tap_apart + (i + r) * sums.row_apart + j;
                    if j + B <= b.count {
                        let sums: &mut [f32; B] = sums.values[at..]
                            .first_chunk_mut()
                            .expect("sums inside the buffer");
                        for c in 0..B {
                            sums[c] += block[r][c];
                        }
                    } else {
                        for c in 0..b.count - j {
                            sums.values[at + c] += block[r][c];
                        }
                    }
                }
            }
        }
    }
}

/// Where each of `rows` starts.
///
/// # Safety
/// They must be inside.
#[inline(always)]
unsafe fn starts<const N: usize>(a: Rows<'_>, rows: [usize; N]) -> [*const f32; N] {
    let mut at = [a.lines.as_ptr(); N];
    for r in 0..N {
        // SAFETY: by the caller's promise.
        at[r] = unsafe { at[r].add(rows[r] * a.apart * LANES) };
    }
    at
}

/// # Safety
/// The segments are inside, and the register's instructions are there.
#[inline(always)]
unsafe fn block<V: Register>(
    a: Rows<'_>,
    rows: [usize; A],
    b: Rows<'_>,
    columns: [usize; B],
    step: usize,
    segments: &[Segment],
) -> [[f32; B]; A] {
    let parts = LANES / V::LEN;
    // SAFETY: by the caller's promise; a register is no longer than a line.
    unsafe {
        let mut sums = [[V::splat(0.0); B]; A];
        let (left_at, right_at) = (starts(a, rows), starts(b, columns));
        let skip = (step - 1) * LANES;
        for segment in segments {
            let (mut left_line, mut right_line) = (segment.a * LANES, segment.b * LANES);
            // One flat loop: with a loop over a line's parts in it, the compiler spills the sums.
            for part in 1..=segment.count * parts {
                let mut left = [V::splat(0.0); A];
                for r in 0..A {
                    left[r] = V::load(left_at[r].add(left_line));
                }
                for c in 0..B {
                    let right = V::load(right_at[c].add(right_line));
                    for r in 0..A {
                        sums[r][c] = sums[r][c].add_product(left[r], right);
                    }
                }
                left_line += V::LEN;
                right_line += V::LEN + if part % parts == 0 { skip } else { 0 };
            }
        }
        let mut totals = [[0f32; B]; A];
        for r in 0..A {
            let mut quarters = [[0f32; 4]; B];
            for c in 0..B {
                let mut values = [0f32; LANES];
                sums[r][c].store(values.as_mut_ptr());
                for l in 0..V::LEN {
                    quarters[c][l % 4] += values[l];
                }
            }
            totals[r] = totals_of(quarters);
        }
        totals
    }
}

/// The sum of each of four registers.
#[inline(always)]
fn totals_of(values: [[f32; 4]; B]) -> [f32; B] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        // SAFETY: SSE is part of x86-64, and four floats are a register.
        unsafe {
            let [a, b, c, d] = values.map(|v| _mm_loadu_ps(v.as_ptr()));
            let low = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
            let high = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
            let sum = _mm_add_ps(_mm_movelh_ps(low, high), _mm_movehl_ps(high, low));
            let mut totals = [0.0; B];
            _mm_storeu_ps(totals.as_mut_ptr(), sum);
            totals
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    values.map(|v| (v[0] + v[2]) + (v[1] + v[3]))
}
