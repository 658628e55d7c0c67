//! Gated recurrent unit. From the input `x` and the state `h`:
//!
//! ```text
//! r = σ(W_ir·x + b_ir + W_hr·h + b_hr)
//! z = σ(W_iz·x + b_iz + W_hz·h + b_hz)
//! n = tanh(W_in·x + b_in + r·(W_hn·h + b_hn))
//! h' = (1 − z)·n + z·h
//! ```
//!
//! The weights hold the rows of `r, z, n`, in this order.
//!
//! # Reference
//! Cho et al., *Learning phrase representations using RNN encoder–decoder*, 2014; with `r` applied
//! after the product, as PyTorch and cuDNN do.

use super::{Direction, Recurrence, Weights, check, composed, has_kernels, run};
use crate::OpError;
use crate::kernels::recurrent::Gru;
use burn::tensor::{Tensor, activation::sigmoid};

/// A step, of the sums over the input and over the state.
pub(super) fn step([x, state]: [Tensor<2>; 2], [h, c]: [Tensor<2>; 2]) -> [Tensor<2>; 2] {
    let hidden = h.dims()[1];
    let gate = |sums: &Tensor<2>, gate: usize| sums.clone().narrow(1, gate * hidden, hidden);
    let r = sigmoid(gate(&x, 0) + gate(&state, 0));
    let z = sigmoid(gate(&x, 1) + gate(&state, 1));
    let n = (gate(&x, 2) + r * gate(&state, 2)).tanh();
    [n.clone() + z * (h - n), c]
}

/// Runs a gated recurrent unit over sequences, from the state `h0`. With `r, z, n` the rows of the
/// weights, in this order:
///
/// `r, z = σ(W_i·x + b_i + W_h·h + b_h)`, `n = tanh(W_in·x + b_in + r·(W_hn·h + b_hn))`,
/// `h' = (1 − z)·n + z·h`
///
/// # Shapes
/// `x: (L, N, I)`, `h0: (N, H)`, `w_ih: (3H, I)`, `w_hh: (3H, H)`, `b_ih, b_hh: [3H]` →
/// `y: (L, N, H)`, `h: (N, H)`.
///
/// # Errors
/// Shapes that do not fit together, no steps, or a length beyond the steps.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::recurrent::{Direction, Weights, gru};
///
/// let device = Device::flex();
/// let weights = Weights {
///     w_ih: Tensor::zeros([3, 4], &device),
///     w_hh: Tensor::zeros([3, 1], &device),
///     bias: None,
/// };
/// let (x, h0) = (Tensor::ones([3, 2, 4], &device), Tensor::ones([2, 1], &device));
/// let direction = Direction { lengths: Some(vec![3, 1]), ..Default::default() };
/// let run = gru(x, h0, weights, &direction)?;
/// // An update gate of ½, as often as each sequence is long.
/// assert_eq!(run.h.into_data().try_to_vec::<f32>().expect("f32"), [0.125, 0.5]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Cho et al., *Learning phrase representations using RNN encoder–decoder*, 2014.
///
/// # Differences from PyTorch
/// A length may be 0: that sequence's last state is its first.
pub fn gru(
    x: Tensor<3>,
    h0: Tensor<2>,
    weights: Weights,
    direction: &Direction,
) -> Result<Recurrence, OpError> {
    check("gru", 3, &x, &[("h0", &h0)], &weights, direction)?;
    if has_kernels(&x) {
        return Ok(run(Gru, x, h0, None, weights, direction).0);
    }
    let none = Tensor::zeros_like(&h0);
    Ok(composed::run(x, [h0, none], weights, direction, step).0)
}
