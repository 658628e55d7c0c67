//! The gradients of attention, a head a task.

use super::{KEYS, Matrix, Plan, QUERIES, View, multiply, scratch, softmax};
use crate::kernels::matmul::multiply_at;
use crate::kernels::{Shared, output};

/// Which gradients besides those of queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Queries, keys and values are parts of one buffer, and so are their gradients.
    pub(crate) packed: bool,
    /// The gradient of the scores, which is the mask's before it was spread.
    pub(crate) scores: bool,
}

/// Result of [`backward`].
pub(crate) struct Gradients {
    /// `dq`, `dk` and `dv`, placed as `q`, `k` and `v`; one for all three if they are packed.
    pub(crate) inputs: Vec<Vec<f32>>,
    /// `(batch, heads, queries, keys)`, empty if not wanted.
    pub(crate) scores: Vec<f32>,
}

/// What a head's task reads.
struct Inputs<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    mask: Option<&'a [f32]>,
    y: &'a [f32],
    lse: &'a [f32],
    dy: &'a [f32],
}

/// The gradients through `dy`, placed as `y`, of the result `y` and `lse` of the forward pass.
pub(crate) fn backward(
    [q, k, v]: [&[f32]; 3],
    mask: Option<&[f32]>,
    [y, lse, dy]: [&[f32]; 3],
    plan: &Plan,
    wanted: Wanted,
) -> Gradients {
    let inputs = Inputs {
        q,
        k,
        v,
        mask,
        y,
        lse,
        dy,
    };
    let heads = plan.batch * plan.heads;
    let scores_len = if wanted.scores {
        heads * plan.queries * plan.keys
    } else {
        0
    };
    let mut scores = vec![0.0; scores_len];
    let all_scores = Shared::over(&mut scores);
    let run = |outs: [Shared<'_, f32>; 3]| {
        plan.each(heads, |task| {
            let head = (task / plan.heads, task % plan.heads);
            let per_head = plan.queries * plan.keys;
            let scores = wanted.scores.then(|| {
                // SAFETY: one head is one task's.
                unsafe { all_scores.part(task * per_head, per_head) }
            });
            head_gradients(&inputs, plan, head, outs, scores);
        });
    };
    // SAFETY: heads cover the buffers, and `head_gradients` writes all rows of its head.
    let inputs = unsafe {
        if wanted.packed {
            vec![output(q.len(), |out| run([out; 3]))]
        } else {
            let (mut dk, mut dv) = (Vec::new(), Vec::new());
            let dq = output(q.len(), |dq| {
                dk = output(k.len(), |dk| {
                    dv = output(v.len(), |dv| run([dq, dk, dv]));
                });
            });
            vec![dq, dk, dv]
        }
    };
    Gradients { inputs, scores }
}

/// Where `count` rows of `len` elements from row `first` on start, and how far apart they are.
fn place(
    out: Shared<'_, f32>,
    view: &View,
    head: (usize, usize),
    first: usize,
    [count, len]: [usize; 2],
) -> (*mut f32, usize) {
    let start = out.rows(view.at(head, first), [count, view.row, len]);
    (start, view.row)
}

fn head_gradients(
    inputs: &Inputs<'_>,
    plan: &Plan,
    head: (usize, usize),
    [dq, dk, dv]: [Shared<'_, f32>; 3],
    mut dscores: Option<&mut [f32]>,
) {
    let (queries, width, value_width) = (plan.queries, plan.width, plan.value_width);
    let index = head.0 * plan.heads + head.1;
    let lse = &inputs.lse[index * queries..][..queries];
    let tile = QUERIES.min(queries) * KEYS.min(plan.keys);
    if plan.keys == 0 {
        for query in 0..queries {
            // SAFETY: one head is one task's.
            unsafe { dq.part(plan.q.at(head, query), width) }.fill(0.0);
        }
    }
    scratch([tile, tile, queries], |[weights, ds, dots]| {
        for (query, dot) in dots.iter_mut().enumerate() {
            let at = plan.y.at(head, query);
            *dot = softmax::dot(
                &inputs.y[at..][..value_width],
                &inputs.dy[at..][..value_width],
            );
        }
        for key in (0..plan.keys).step_by(KEYS) {
            let keys = KEYS.min(plan.keys - key);
            let k_at = plan.k.at(head, key);
            let v_at = plan.v.at(head, key);
            let (k, kt) = (
                Matrix::new(&inputs.k[k_at..], plan.k.row, 1),
                Matrix::new(&inputs.k[k_at..], 1, plan.k.row),
            );
            let vt = Matrix::new(&inputs.v[v_at..], 1, plan.v.row);
            let dk = place(dk, &plan.k, head, key, [keys, width]);
            let dv = place(dv, &plan.v, head, key, [keys, value_width]);
            // Queries before the block see none of its keys.
            let from = if plan.causal {
                (key / QUERIES * QUERIES).min(queries)
            } else {
                0
            };
            if from == queries {
                let nothing = Matrix::new(&[], 0, 0);
                // SAFETY: `place` has checked the rows, and one head is one task's.
                unsafe {
                    multiply_at([keys, width, 0], dk, false, nothing, nothing);
                    multiply_at([keys, value_width, 0], dv, false, nothing, nothing);
                }
            }
            for query in (from..queries).step_by(QUERIES) {
                let rows = QUERIES.min(queries - query);
                let (weights, ds) = (&mut weights[..rows * keys], &mut ds[..rows * keys]);
                let q_at = plan.q.at(head, query);
                let q = Matrix::new(&inputs.q[q_at..], plan.q.row, 1);
                let dy = Matrix::new(&inputs.dy[plan.y.at(head, query)..], plan.y.row, 1);
                multiply([rows, keys, width], weights, false, q, kt);
                multiply([rows, keys, value_width], ds, false, dy, vt);
                for (i, (weights, ds)) in weights
                    .chunks_exact_mut(keys)
                    .zip(ds.chunks_exact_mut(keys))
                    .enumerate()
                {
                    let (query, row) = (query + i, plan.row(inputs.mask, head, query + i, key));
                    softmax::gradient(weights, ds, &row, lse[query], dots[query]);
                    if let Some(dscores) = &mut dscores {
                        dscores[query * plan.keys + key..][..keys].copy_from_slice(ds);
                    }
                    softmax::scale(ds, plan.scale);
                }
                let add = query > from;
                let dq = place(dq, &plan.q, head, query, [rows, width]);
                let transposed = Matrix::new(ds, 1, keys);
                // SAFETY: `place` has checked the rows, one head is one task's, and what is added
                // to was written by the first block.
                unsafe {
                    let weights = Matrix::new(weights, 1, keys);
                    multiply_at([keys, value_width, rows], dv, add, weights, dy);
                    multiply_at([keys, width, rows], dk, add, transposed, q);
                    multiply_at(
                        [rows, width, keys],
                        dq,
                        key > 0,
                        Matrix::new(ds, keys, 1),
                        k,
                    );
                }
            }
        }
    });
}

/// The gradient of a mask of `len` elements: that of the scores, summed over the axes along which
/// the mask is the same.
pub(crate) fn mask_gradient(scores: &[f32], len: usize, plan: &Plan) -> Vec<f32> {
    let strides = plan.mask.unwrap_or_default();
    let mut dmask = vec![0.0; len];
    let mut rows = scores.chunks_exact(plan.keys.max(1));
    for batch in 0..plan.batch {
        for head in 0..plan.heads {
            for (query, row) in rows.by_ref().take(plan.queries).enumerate() {
                let at = batch * strides[0] + head * strides[1] + query * strides[2];
                if strides[3] == 0 {
                    dmask[at] += row.iter().sum::<f32>();
                } else {
                    for (dmask, v) in dmask[at..].iter_mut().zip(row) {
                        *dmask += v;
                    }
                }
            }
        }
    }
    dmask
}
