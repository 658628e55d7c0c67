//! Attention's kernels: `y = softmax(scale · q · kᵀ + mask) · v` for each head of each batch element.
//!
//! The scores never leave the cache: a task takes a block of queries, and walks over the keys in
//! blocks with a running maximum and sum (Milakov and Gimelshein, *Online normalizer calculation
//! for softmax*, 2018; Dao et al., *FlashAttention*, 2022). The backward pass computes the scores
//! again from the saved logarithm of the sum. Limited by computation: the products of `gemm` on
//! tiles, and one exponential a score and pass. For 48 heads of 128 queries and keys of width 64,
//! about 0.5 of the peak forward and 0.6 backward (one core of Zen 3, AVX2, 2026-11-23).
//!
//! Blocks are cut by the sizes alone, and a head's gradients are summed by one task in order.

mod backward;
mod softmax;

pub(crate) use backward::{Wanted, backward, mask_gradient};

use super::conv2d::scratch::scratch;
use super::matmul::{Matrix, multiply};
use super::{Shared, output};
use crate::Key;
use rayon::prelude::*;
use softmax::Row;

/// Queries of a block.
const QUERIES: usize = 128;
/// Keys of a block: a tile of scores takes 128 KB. A multiple of a block of dropout's draws.
const KEYS: usize = 256;
/// Multiplications below which a pass stays on one thread.
const PARALLEL_WORK: usize = 1 << 20;

/// Where the rows of the heads lie in a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// The first element of the first row.
    pub(crate) start: usize,
    /// Distance between batch elements.
    pub(crate) batch: usize,
    /// Distance between heads.
    pub(crate) head: usize,
    /// Distance between rows.
    pub(crate) row: usize,
}

impl View {
    /// The start of row `row` of a head.
    #[inline(always)]
    fn at(&self, (batch, head): (usize, usize), row: usize) -> usize {
        self.start + batch * self.batch + head * self.head + row * self.row
    }
}

/// The additive mask's distances between batch elements, heads, queries and keys; 0 where it is the
/// same for all.
pub(crate) type MaskStrides = [usize; 4];

/// Dropout of the weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout {
    /// As `kernels::dropout` counts.
    pub(crate) threshold: u32,
    pub(crate) scale: f32,
    pub(crate) key: Key,
}

/// Sizes and places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) batch: usize,
    pub(crate) heads: usize,
    /// Queries a head.
    pub(crate) queries: usize,
    /// Keys a head.
    pub(crate) keys: usize,
    /// Width of a query and a key.
    pub(crate) width: usize,
    /// Width of a value.
    pub(crate) value_width: usize,
    pub(crate) q: View,
    pub(crate) k: View,
    pub(crate) v: View,
    pub(crate) y: View,
    pub(crate) mask: Option<MaskStrides>,
    pub(crate) scale: f32,
    /// Whether query `i` sees the keys `0..=i` only.
    pub(crate) causal: bool,
    pub(crate) dropout: Option<Dropout>,
}

impl Plan {
    fn work(&self) -> usize {
        let scores = self.batch * self.heads * self.queries * self.keys;
        scores * (self.width + self.value_width)
    }

    /// How many keys the queries before `end` see.
    fn seen(&self, end: usize) -> usize {
        if self.causal {
            end.min(self.keys)
        } else {
            self.keys
        }
    }

    /// Blocks of draws that a row of weights takes.
    fn draws_per_row(&self) -> usize {
        self.keys.div_ceil(super::dropout::SERVED)
    }

    /// What the softmax needs to know of the row of `query`, from key `key` on.
    fn row<'a>(
        &self,
        mask: Option<&'a [f32]>,
        (batch, head): (usize, usize),
        query: usize,
        key: usize,
    ) -> Row<'a> {
        let mask = self.mask.zip(mask).map(|(strides, mask)| {
            let at = batch * strides[0] + head * strides[1] + query * strides[2];
            (&mask[at + key * strides[3]..], strides[3])
        });
        let row = (batch * self.heads + head) * self.queries + query;
        Row {
            scale: self.scale,
            mask,
            seen: if self.causal {
                (query + 1).saturating_sub(key)
            } else {
                usize::MAX
            },
            dropout: self.dropout,
            draws: (row * self.draws_per_row() + key / super::dropout::SERVED) as u64,
        }
    }

    /// Calls `task` with `0..tasks`, on all threads if the pass is worth it.
    fn each(&self, tasks: usize, task: impl Fn(usize) + Sync + Send) {
        if tasks < 2 || self.work() < PARALLEL_WORK {
            (0..tasks).for_each(task);
        } else {
            (0..tasks).into_par_iter().with_max_len(1).for_each(task);
        }
    }
}

/// Result of [`forward`].
pub(crate) struct Forward {
    pub(crate) y: Vec<f32>,
    /// `log Σ exp(score)` of each `(batch, head, query)`; infinite where no key takes part.
    pub(crate) lse: Vec<f32>,
}

/// `y`, placed by `plan.y`. A query that no key is open to gets zeros.
pub(crate) fn forward([q, k, v]: [&[f32]; 3], mask: Option<&[f32]>, plan: &Plan) -> Forward {
    let rows = plan.batch * plan.heads * plan.queries;
    let blocks = plan.queries.div_ceil(QUERIES);
    let mut lse = vec![0.0; rows];
    let shared = Shared::over(&mut lse);
    let fill = |y: Shared<'_, f32>| {
        plan.each(plan.batch * plan.heads * blocks, |task| {
            let (head, block) = (task / blocks, task % blocks);
            let head = (head / plan.heads, head % plan.heads);
            let first = block * QUERIES;
            let rows = QUERIES.min(plan.queries - first);
            let at = (head.0 * plan.heads + head.1) * plan.queries + first;
            // SAFETY: one block of queries is one task's.
            let lse = unsafe { shared.part(at, rows) };
            forward_block([q, k, v], mask, plan, head, first, y, lse);
        });
    };
    // SAFETY: the blocks cover all rows of all heads, and `forward_block` writes all of its rows.
    let y = unsafe { output(rows * plan.value_width, fill) };
    Forward { y, lse }
}

fn forward_block(
    [q, k, v]: [&[f32]; 3],
    mask: Option<&[f32]>,
    plan: &Plan,
    head: (usize, usize),
    first: usize,
    y: Shared<'_, f32>,
    lse: &mut [f32],
) {
    let (rows, width) = (lse.len(), plan.value_width);
    let q = Matrix::new(&q[plan.q.at(head, first)..], plan.q.row, 1);
    let seen = plan.seen(first + rows);
    let tile = rows * KEYS.min(seen);
    scratch([tile, rows * width, rows], |[scores, sum, total]| {
        lse.fill(f32::NEG_INFINITY);
        total.fill(0.0);
        sum.fill(0.0);
        for key in (0..seen).step_by(KEYS) {
            let keys = KEYS.min(seen - key);
            let scores = &mut scores[..rows * keys];
            let kt = Matrix::new(&k[plan.k.at(head, key)..], 1, plan.k.row);
            multiply([rows, keys, plan.width], scores, false, q, kt);
            for (i, scores) in scores.chunks_exact_mut(keys).enumerate() {
                let row = plan.row(mask, head, first + i, key);
                let shrunk = softmax::accumulate(scores, &row, &mut lse[i], &mut total[i]);
                if key > 0 && shrunk != 1.0 {
                    softmax::scale(&mut sum[i * width..][..width], shrunk);
                }
            }
            let v = Matrix::new(&v[plan.v.at(head, key)..], plan.v.row, 1);
            multiply(
                [rows, width, keys],
                sum,
                key > 0,
                Matrix::new(scores, keys, 1),
                v,
            );
        }
        for (i, (lse, total)) in lse.iter_mut().zip(total).enumerate() {
            // SAFETY: one query of one head is one task's.
            let y = unsafe { y.part(plan.y.at(head, first + i), width) };
            y.copy_from_slice(&sum[i * width..][..width]);
            if *total == 0.0 {
                // No key is open: `exp(score − ∞)` is 0 in the backward pass, too.
                (*lse, *total) = (f32::INFINITY, 1.0);
            } else {
                *lse += total.ln();
            }
            softmax::scale(y, 1.0 / *total);
        }
    });
}
