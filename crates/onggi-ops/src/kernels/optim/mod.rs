//! Kernels of the optimisers' steps: every element of all parameters is read once, moved and
//! written back where it lies.
//!
//! The parameters are cut into chunks of one size, so that a large one does not hold up many small
//! ones; a chunk's result depends on nothing else. All of them are limited by memory: gradient
//! descent with momentum moves 20 bytes an element, Adam 28: at 43 and 45 GB/s on one core, at 52 to
//! 73 on two (Zen 4, 2026-11-24).

mod adagrad;
mod adam;
mod lion;
mod norm;
mod penalty;
mod rmsprop;
mod sgd;

pub(crate) use adagrad::{Adagrad, adagrad};
pub(crate) use adam::{Adam, adam};
pub(crate) use lion::{Lion, lion};
pub(crate) use norm::{largest, sum_of_squares};
pub(crate) use penalty::{Penalty, penalty, soft_threshold};
pub(crate) use rmsprop::{
    RmsProp, rmsprop, rmsprop_centered, rmsprop_centered_momentum, rmsprop_momentum,
};
pub(crate) use sgd::{Sgd, momentum, sgd};

use super::PARALLEL_FROM;
use rayon::prelude::*;

/// Elements a task moves: with four tensors 256 KB, small enough to spread the smallest models that
/// are worth it.
const CHUNK: usize = 16 * 1024;

/// A parameter, its gradient and `S` tensors of state, all of one length.
pub(crate) struct Part<'a, F, const S: usize> {
    pub(crate) p: &'a mut [f32],
    pub(crate) g: &'a [f32],
    pub(crate) state: [&'a mut [f32]; S],
    pub(crate) factors: F,
}

impl<'a, F: Copy, const S: usize> Part<'a, F, S> {
    /// The part in pieces of [`CHUNK`] elements.
    fn chunks(self) -> impl Iterator<Item = Self> {
        let Self {
            mut p,
            mut g,
            mut state,
            factors,
        } = self;
        std::iter::from_fn(move || {
            let len = p.len().min(CHUNK);
            let g = g.split_off(..len)?;
            let part = Part {
                p: p.split_off_mut(..len)?,
                g,
                state: state
                    .each_mut()
                    .map(|s| s.split_off_mut(..len).unwrap_or_default()),
                factors,
            };
            (len > 0).then_some(part)
        })
    }
}

/// Runs `step` over all chunks of all parts.
fn for_each<F: Copy + Send, const S: usize>(
    parts: Vec<Part<'_, F, S>>,
    step: impl Fn(Part<'_, F, S>) + Sync + Send,
) {
    let chunks: Vec<_> = parts.into_iter().flat_map(Part::chunks).collect();
    if chunks.iter().map(|chunk| chunk.p.len()).sum::<usize>() < PARALLEL_FROM {
        chunks.into_iter().for_each(step);
    } else {
        chunks.into_par_iter().for_each(step);
    }
}
