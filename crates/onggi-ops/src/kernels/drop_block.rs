//! The mask of dropped blocks: squares around random seeds, drawn plane by plane.
//!
//! A plane is written once and its few blocks again; limited by the generator, which gives every
//! place where a block may start 32 bits, so that rare seeds have their exact share.

use super::philox::{BLOCK, LANES, block};
use super::{PARALLEL_FROM, output};
use crate::Key;
use multiversion::multiversion;
use rayon::prelude::*;

/// Sizes of the mask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    pub(crate) planes: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Side of a block, at most the plane's height and width.
    pub(crate) block: usize,
}

/// 0 in each block (of planes that are not empty) whose draw is below `threshold`, else 1; and the number of ones.
pub(crate) fn mask(dims: Dims, threshold: u32, key: Key) -> (Vec<f32>, usize) {
    let size = dims.height * dims.width;
    let len = dims.planes * size;
    let mut kept = 0;
    let plane =
        |(index, mask): (usize, &mut [f32])| mask_plane(mask, dims, threshold, key, index as u64);
    // SAFETY: the chunks of `size` elements cover the whole output, and `mask_plane` writes all of
    // its plane.
    let mask = unsafe {
        output(len, |mask| {
            let mask = mask.part(0, len);
            kept = if len < PARALLEL_FROM {
                mask.chunks_mut(size).enumerate().map(plane).sum()
            } else {
                mask.par_chunks_mut(size).enumerate().map(plane).sum()
            };
        })
    };
    (mask, kept)
}

/// Fills a plane's mask and counts its ones. A plane starts at a whole block of random words.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn mask_plane(mask: &mut [f32], dims: Dims, threshold: u32, key: Key, plane: u64) -> usize {
    mask.fill(1.0);
    let columns = dims.width - dims.block + 1;
    let starts = (dims.height - dims.block + 1) * columns;
    let blocks = starts.div_ceil(BLOCK);
    for b in 0..blocks {
        let words = block(key, (plane * blocks as u64 + b as u64) * LANES as u64);
        let mut any = false;
        for word in words {
            any |= word < threshold;
        }
        if !any {
            continue;
        }
        for (start, &word) in (b * BLOCK..starts).zip(&words) {
            if word < threshold {
                let corner = start / columns * dims.width + start % columns;
                for row in 0..dims.block {
                    mask[corner + row * dims.width..][..dims.block].fill(0.0);
                }
            }
        }
    }
    mask.iter().map(|&kept| kept as u32).sum::<u32>() as usize
}
