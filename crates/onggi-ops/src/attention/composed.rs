//! Attention on any device, of tensor operations whose gradient Burn knows.

use super::Checked;
use super::operation::Sizes;
use crate::kernels::dropout as kernel;
use burn::tensor::{Int, Tensor, TensorData};

pub(super) fn attend(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    sizes: &Sizes,
    options: Checked,
) -> Tensor<4> {
    weights(q, k, sizes, options).matmul(v)
}

pub(super) fn weights(q: Tensor<4>, k: Tensor<4>, sizes: &Sizes, options: Checked) -> Tensor<4> {
    let device = q.device();
    let mut scores = q.matmul(k.swap_dims(2, 3)) * options.scale;
    if let Some(mask) = options.mask {
        scores = scores + mask;
    }
    if options.is_causal {
        let query = Tensor::<1, Int>::arange(0..sizes.queries as i64, &device);
        let key = Tensor::<1, Int>::arange(0..sizes.keys as i64, &device);
        let query = query.reshape([1, 1, sizes.queries, 1]);
        let later = (key.reshape([1, 1, 1, sizes.keys]) - query).greater_elem(0);
        scores = scores
            .clone()
            .mask_fill(later.expand(scores.dims()), f32::NEG_INFINITY);
    }
    // Not `softmax`: a row without keys is to become zeros instead of NaN.
    let max = scores.clone().detach().max_dim(3);
    let max = max
        .clone()
        .mask_fill(max.equal_elem(f32::NEG_INFINITY), 0.0);
    let exp = (scores - max).exp();
    let sum = exp.clone().sum_dim(3);
    let sum = sum.clone().mask_fill(sum.equal_elem(0.0), 1.0);
    let weights = exp / sum;
    let Some(dropout) = options.dropout else {
        return weights;
    };
    // The kernel's draws: a row of weights begins a new block of them.
    let [batch, heads, queries, keys] = weights.dims();
    let padded = keys.next_multiple_of(kernel::SERVED);
    let ones = vec![1.0; batch * heads * queries * padded];
    let mask = kernel::apply(&ones, dropout.threshold, dropout.scale, dropout.key);
    let mask = TensorData::new(mask, [batch, heads, queries, padded]);
    let mask = Tensor::<4>::from_data(mask, (&device, weights.dtype()));
    weights * mask.slice([0..batch, 0..heads, 0..queries, 0..keys])
}

/// `(B, L, H · E)` or `(L, B, H · E)` as `(B, H, L, E)`.
pub(super) fn split(x: Tensor<3>, heads: usize, batch_first: bool) -> Tensor<4> {
    let [a, b, width] = x.dims();
    let x = x.reshape([a, b, heads, width / heads]);
    x.permute(if batch_first {
        [0, 2, 1, 3]
    } else {
        [1, 2, 0, 3]
    })
}

/// The inverse of [`split`].
pub(super) fn join(y: Tensor<4>, batch_first: bool) -> Tensor<3> {
    let [_, heads, _, width] = y.dims();
    let y = y.permute(if batch_first {
        [0, 2, 1, 3]
    } else {
        [2, 0, 1, 3]
    });
    let [a, b, ..] = y.dims();
    y.reshape([a, b, heads * width])
}
