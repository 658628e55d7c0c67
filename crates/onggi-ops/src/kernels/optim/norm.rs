//! Norms over all parameters.

use super::{CHUNK, PARALLEL_FROM};
use multiversion::multiversion;
use rayon::prelude::*;

/// Sums kept side by side, which the compiler may not do for one sum.
const LANES: usize = 8;

/// Places of a chunk that are read in turn: more of memory is under way than from one.
const STREAMS: usize = 4;

/// `Σ x²` over all tensors, in f64: chunk by chunk, then over the chunks in their order.
pub(crate) fn sum_of_squares(tensors: &[&[f32]]) -> f64 {
    let chunks: Vec<&[f32]> = tensors.iter().flat_map(|x| x.chunks(CHUNK)).collect();
    let len: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let sums: Vec<f64> = if len < PARALLEL_FROM {
        chunks.into_iter().map(squares).collect()
    } else {
        chunks.into_par_iter().map(squares).collect()
    };
    sums.into_iter().sum()
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn squares(x: &[f32]) -> f64 {
    let mut sums = [[0.0f64; LANES]; STREAMS];
    let (blocks, rest) = x.as_chunks::<LANES>();
    let len = blocks.len() / STREAMS;
    let (streams, more) = blocks.split_at(STREAMS * len);
    for i in 0..len {
        for (stream, sums) in sums.iter_mut().enumerate() {
            add_squares(sums, &streams[stream * len + i]);
        }
    }
    for block in more {
        add_squares(&mut sums[0], block);
    }
    add_squares(&mut sums[0], rest);
    sums.into_iter().flatten().sum()
}

#[inline(always)]
fn add_squares(sums: &mut [f64; LANES], x: &[f32]) {
    for (sum, &x) in sums.iter_mut().zip(x) {
        let x = f64::from(x);
        *sum += x * x;
    }
}

/// `max |x|` over all tensors, 0 without elements; NaN if any element is.
pub(crate) fn largest(tensors: &[&[f32]]) -> f32 {
    let chunks: Vec<&[f32]> = tensors.iter().flat_map(|x| x.chunks(CHUNK)).collect();
    let len: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let largest: Vec<f32> = if len < PARALLEL_FROM {
        chunks.into_iter().map(largest_of).collect()
    } else {
        chunks.into_par_iter().map(largest_of).collect()
    };
    largest.into_iter().fold(0.0, larger)
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn largest_of(x: &[f32]) -> f32 {
    let mut most = [0.0f32; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for (most, x) in most.iter_mut().zip(block) {
            *most = larger(*most, x.abs());
        }
    }
    (rest.iter()).fold(most.into_iter().fold(0.0, larger), |most, x| {
        larger(most, x.abs())
    })
}

/// The larger of two, NaN if either is.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}
