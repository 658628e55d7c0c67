//! Sixteen images side by side: the innermost axis of every buffer of the batched paths.
//!
//! With images in the lanes of a register no operation crosses lanes, whatever the stride or the
//! size of the image, and a tap in the padding is left out instead of multiplied by zero.

use super::super::simd::Isa;
use super::scratch::LINE;

/// Images side by side: a cache line, two AVX2 registers or one of AVX-512.
pub(super) const LANES: usize = LINE;

/// Output channels that the product kernel takes at once: a panel's rows.
pub(super) fn rows(isa: Isa) -> usize {
    REGISTERS * isa.lanes() / LANES
}

/// Registers of sums in the product kernel: with AVX2 a line, a factor and these fill its 16, and
/// with AVX-512 they keep two units of four cycles busy.
pub(super) const REGISTERS: usize = 12;

/// Pixels to lanes: `to[p · step + l] = from[l · plane + p]` for `len` pixels.
pub(super) fn gather(
    isa: Isa,
    from: &[f32],
    plane: usize,
    len: usize,
    to: &mut [f32],
    step: usize,
) {
    if len == 0 {
        return;
    }
    assert!((LANES - 1) * plane + len <= from.len() && (len - 1) * step + LANES <= to.len());
    let (from, to) = (from.as_ptr(), to.as_mut_ptr());
    // SAFETY: the furthest elements are inside by the assertion; `Isa::detect` found AVX2.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if isa != Isa::Plain && len >= 8 {
            for at in blocks(len) {
                for half in [0, 8] {
                    transpose_8(
                        from.add(half * plane + at),
                        plane,
                        to.add(at * step + half),
                        step,
                    );
                }
            }
            return;
        }
        let _ = isa;
        for p in 0..len {
            for l in 0..LANES {
                *to.add(p * step + l) = *from.add(l * plane + p);
            }
        }
    }
}

/// Lanes to pixels: `to[l · plane + p] = from[p · step + l]` for `len` pixels.
///
/// # Safety
/// The elements of `to` must be inside an allocation that nobody else uses now.
pub(super) unsafe fn scatter(
    isa: Isa,
    from: &[f32],
    step: usize,
    len: usize,
    to: *mut f32,
    plane: usize,
) {
    if len == 0 {
        return;
    }
    assert!((len - 1) * step + LANES <= from.len());
    let from = from.as_ptr();
    // SAFETY: `from` is inside by the assertion, `to` by the caller's promise; `Isa::detect` found
    // AVX2.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if isa != Isa::Plain && len >= 8 {
            for at in blocks(len) {
                for half in [0, 8] {
                    transpose_8(
                        from.add(at * step + half),
                        step,
                        to.add(half * plane + at),
                        plane,
                    );
                }
            }
            return;
        }
        let _ = isa;
        for p in 0..len {
            for l in 0..LANES {
                *to.add(l * plane + p) = *from.add(p * step + l);
            }
        }
    }
}

/// Starts of blocks of 8 that cover `0..len`; the last may overlap the one before.
#[cfg(target_arch = "x86_64")]
fn blocks(len: usize) -> impl Iterator<Item = usize> {
    (0..len.div_ceil(8)).map(move |block| (block * 8).min(len - 8))
}

/// Transposes 8 rows of 8, `from_row` and `to_row` apart.
///
/// # Safety
/// Both must be inside their allocations.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn transpose_8(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
    use std::arch::x86_64::*;
    // SAFETY: by the caller's promise.
    let r: [__m256; 8] =
        std::array::from_fn(|i| unsafe { _mm256_loadu_ps(from.add(i * from_row)) });
    let low = [0, 2, 4, 6].map(|i| _mm256_unpacklo_ps(r[i], r[i + 1]));
    let high = [0, 2, 4, 6].map(|i| _mm256_unpackhi_ps(r[i], r[i + 1]));
    let quads = [
        [
            _mm256_shuffle_ps::<0x44>(low[0], low[1]),
            _mm256_shuffle_ps::<0x44>(low[2], low[3]),
        ],
        [
            _mm256_shuffle_ps::<0xee>(low[0], low[1]),
            _mm256_shuffle_ps::<0xee>(low[2], low[3]),
        ],
        [
            _mm256_shuffle_ps::<0x44>(high[0], high[1]),
            _mm256_shuffle_ps::<0x44>(high[2], high[3]),
        ],
        [
            _mm256_shuffle_ps::<0xee>(high[0], high[1]),
            _mm256_shuffle_ps::<0xee>(high[2], high[3]),
        ],
    ];
    for (i, [a, b]) in quads.into_iter().enumerate() {
        // SAFETY: by the caller's promise.
        unsafe {
            _mm256_storeu_ps(to.add(i * to_row), _mm256_permute2f128_ps::<0x20>(a, b));
            _mm256_storeu_ps(
                to.add((i + 4) * to_row),
                _mm256_permute2f128_ps::<0x31>(a, b),
            );
        }
    }
}
