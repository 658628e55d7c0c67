//! A factor for each group of consecutive elements: the kernel of the dropouts that drop channels or
//! whole samples.
//!
//! Limited by memory. A dropped group is not read.

use super::{PARALLEL_FROM, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// Elements a task scales, where groups are no longer.
const CHUNK: usize = 32 * 1024;

/// `x[g, i] · factors[g]`, where a factor of 0 gives 0 whatever `x` holds.
pub(crate) fn scale(x: &[f32], factors: &[f32]) -> Vec<f32> {
    if x.is_empty() {
        return Vec::new();
    }
    let len = x.len() / factors.len();
    let groups = (CHUNK / len).max(1);
    let chunk = |((x, y), factors): ((&[f32], &mut [f32]), &[f32])| scale_chunk(x, y, factors, len);
    // SAFETY: `len` divides the length of `x` into as many groups as there are factors, so the
    // chunks cover the whole output, and `scale_chunk` writes all of its chunk.
    unsafe {
        output(x.len(), |y| {
            let y = y.part(0, x.len());
            if x.len() < PARALLEL_FROM {
                scale_chunk(x, y, factors, len);
            } else {
                x.par_chunks(groups * len)
                    .zip(y.par_chunks_mut(groups * len))
                    .zip(factors.par_chunks(groups))
                    .for_each(chunk);
            }
        })
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn scale_chunk(x: &[f32], y: &mut [f32], factors: &[f32], len: usize) {
    let groups = x.chunks_exact(len).zip(y.chunks_exact_mut(len));
    for ((x, y), &factor) in groups.zip(factors) {
        if factor == 0.0 {
            y.fill(0.0);
        } else {
            for (y, x) in y.iter_mut().zip(x) {
                *y = x * factor;
            }
        }
    }
}
