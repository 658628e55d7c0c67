//! Dropout's kernel: `y = x · mask · scale`, the mask drawn on the way.
//!
//! Limited by memory (one read, one write) where AVX-512 draws 16 counters at a time, and by the
//! generator's multiplications, some six instructions an element, with AVX2.

use super::philox::{BLOCK, LANES, block};
use super::{PARALLEL_FROM, output};
use crate::Key;
use multiversion::multiversion;
use rayon::prelude::*;

/// Elements a task computes: 128 KB in, 128 KB out, so that both stay in L2.
const CHUNK: usize = 32 * 1024;

/// `x[i] · scale` where draw `i` of `key` is at least `threshold`, else 0.
///
/// An element is kept with probability `1 − threshold / 2³²`.
pub(crate) fn apply(x: &[f32], threshold: u32, scale: f32, key: Key) -> Vec<f32> {
    let chunk = |(index, (x, y)): (usize, (&[f32], &mut [f32]))| {
        apply_chunk(x, y, threshold, scale, key, (index * CHUNK / BLOCK) as u64);
    };
    // SAFETY: the chunks cover the whole output, and `apply_chunk` writes all of its chunk.
    unsafe {
        output(x.len(), |y| {
            let y = y.part(0, x.len());
            if x.len() < PARALLEL_FROM {
                x.chunks(CHUNK).zip(y.chunks_mut(CHUNK)).enumerate().for_each(chunk);
            } else {
                x.par_chunks(CHUNK).zip(y.par_chunks_mut(CHUNK)).enumerate().for_each(chunk);
            }
        })
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn apply_chunk(x: &[f32], y: &mut [f32], threshold: u32, scale: f32, key: Key, first_block: u64) {
    let mut blocks = 0;
    let (x_blocks, x_rest) = x.as_chunks::<BLOCK>();
    let (y_blocks, y_rest) = y.as_chunks_mut::<BLOCK>();
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        let draws = block(key, (first_block + blocks) * LANES as u64);
        for i in 0..BLOCK {
            y[i] = if draws[i] >= threshold { x[i] * scale } else { 0.0 };
        }
        blocks += 1;
    }
    if !x_rest.is_empty() {
        let draws = block(key, (first_block + blocks) * LANES as u64);
        for ((y, x), draw) in y_rest.iter_mut().zip(x_rest).zip(draws) {
            *y = if draw >= threshold { x * scale } else { 0.0 };
        }
    }
}
