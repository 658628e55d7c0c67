//! Dropout's kernel: `y = x · mask · scale`, the mask drawn on the way.
//!
//! An element takes 16 bits of the stream, so a call of the generator serves 128 elements.
//! Limited by the generator's multiplications with AVX2 (about 60 % of the time that reading and
//! writing alone would need is added, 2026-11-22, Zen 3), by memory with AVX-512.

use super::philox::{BLOCK, LANES, block};
use super::{PARALLEL_FROM, output};
use crate::Key;
use multiversion::multiversion;
use rayon::prelude::*;

/// Draws are whole numbers below this.
pub(crate) const STEPS: u32 = 1 << 16;

/// Elements that one block of random words serves: two a word.
pub(crate) const SERVED: usize = 2 * BLOCK;

/// Elements a task computes: 128 KB in, 128 KB out, so that both stay in L2.
const CHUNK: usize = 32 * 1024;

/// `x[i] · scale` where draw `i` of `key` is at least `threshold`, else 0.
///
/// An element is kept with probability `1 − threshold / STEPS`.
pub(crate) fn apply(x: &[f32], threshold: u32, scale: f32, key: Key) -> Vec<f32> {
    let chunk = |(index, (x, y)): (usize, (&[f32], &mut [f32]))| {
        apply_chunk(x, y, threshold, scale, key, (index * CHUNK / SERVED) as u64);
    };
    // SAFETY: the chunks cover the whole output, and `apply_chunk` writes all of its chunk.
    unsafe {
        output(x.len(), |y| {
            let y = y.part(0, x.len());
            if x.len() < PARALLEL_FROM {
                x.chunks(CHUNK)
                    .zip(y.chunks_mut(CHUNK))
                    .enumerate()
                    .for_each(chunk);
            } else {
                x.par_chunks(CHUNK)
                    .zip(y.par_chunks_mut(CHUNK))
                    .enumerate()
                    .for_each(chunk);
            }
        })
    }
}

/// The draws of one block: the lower halves of its words, then the upper ones.
#[inline(always)]
pub(super) fn draws(key: Key, index: u64) -> [u32; SERVED] {
    let words = block(key, index * LANES as u64);
    let mut draws = [0; SERVED];
    for i in 0..BLOCK {
        draws[i] = words[i] % STEPS;
        draws[BLOCK + i] = words[i] / STEPS;
    }
    draws
}

/// `v` if it is kept, else 0: on the bits, as a branch would become a masked load, which waits.
#[inline(always)]
pub(super) fn masked(v: f32, kept: bool) -> f32 {
    f32::from_bits(v.to_bits() & u32::from(kept).wrapping_neg())
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn apply_chunk(x: &[f32], y: &mut [f32], threshold: u32, scale: f32, key: Key, first: u64) {
    let mut index = first;
    let (x_blocks, x_rest) = x.as_chunks::<SERVED>();
    let (y_blocks, y_rest) = y.as_chunks_mut::<SERVED>();
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        let draws = draws(key, index);
        for i in 0..SERVED {
            y[i] = masked(x[i] * scale, draws[i] >= threshold);
        }
        index += 1;
    }
    if !x_rest.is_empty() {
        let draws = draws(key, index);
        for ((y, x), draw) in y_rest.iter_mut().zip(x_rest).zip(draws) {
            *y = masked(x * scale, draw >= threshold);
        }
    }
}
