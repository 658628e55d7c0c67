//! Long short-term memory. From the input `x`, the state `h` and the memory `c`:
//!
//! ```text
//! i = σ(W_ii·x + b_ii + W_hi·h + b_hi)      c' = f·c + i·g
//! f = σ(W_if·x + b_if + W_hf·h + b_hf)      h' = o·tanh(c')
//! g = tanh(W_ig·x + b_ig + W_hg·h + b_hg)
//! o = σ(W_io·x + b_io + W_ho·h + b_ho)
//! ```
//!
//! The weights hold the rows of `i, f, g, o`, in this order.
//!
//! # Reference
//! Hochreiter and Schmidhuber, *Long short-term memory*, 1997; with the forget gate of Gers,
//! Schmidhuber and Cummins, *Learning to forget*, 2000.

use super::{Direction, Recurrence, Weights, check, composed, has_kernels, run};
use crate::OpError;
use crate::kernels::recurrent::Lstm;
use burn::tensor::{Tensor, activation::sigmoid};

/// A step, of the sums over the input and over the state.
pub(super) fn step([x, h]: [Tensor<2>; 2], [_, c]: [Tensor<2>; 2]) -> [Tensor<2>; 2] {
    let hidden = c.dims()[1];
    let sums = x + h;
    let gate = |gate: usize| sums.clone().narrow(1, gate * hidden, hidden);
    let (i, f) = (sigmoid(gate(0)), sigmoid(gate(1)));
    let (g, o) = (gate(2).tanh(), sigmoid(gate(3)));
    let c = f * c + i * g;
    [o * c.clone().tanh(), c]
}

/// Runs a long short-term memory over sequences, from the state `h0` and the memory `c0`; returns
/// the states and the last memory. With `i, f, g, o` the rows of the weights, in this order:
///
/// `i, f, o = σ(W_i·x + b_i + W_h·h + b_h)`, `g = tanh(…)`, `c' = f·c + i·g`, `h' = o·tanh(c')`
///
/// # Shapes
/// `x: (L, N, I)`, `h0, c0: (N, H)`, `w_ih: (4H, I)`, `w_hh: (4H, H)`, `b_ih, b_hh: [4H]` →
/// `y: (L, N, H)`, `h, c: (N, H)`.
///
/// # Errors
/// Shapes that do not fit together, no steps, or a length beyond the steps.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::recurrent::{Direction, Weights, lstm};
///
/// let device = Device::flex();
/// let weights = Weights {
///     w_ih: Tensor::zeros([4, 3], &device),
///     w_hh: Tensor::zeros([4, 1], &device),
///     bias: None,
/// };
/// let (h0, c0) = (Tensor::zeros([2, 1], &device), Tensor::ones([2, 1], &device));
/// let x = Tensor::ones([5, 2, 3], &device);
/// let (run, c) = lstm(x, h0, c0, weights, &Direction::default())?;
/// assert_eq!(run.y.dims(), [5, 2, 1]);
/// // A forget gate of ½, five times.
/// assert_eq!(c.into_data().try_to_vec::<f32>().expect("f32"), [1.0 / 32.0; 2]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Hochreiter and Schmidhuber, *Long short-term memory*, 1997.
///
/// # Differences from PyTorch
/// No projection of the state. A length may be 0: that sequence's last state is its first.
pub fn lstm(
    x: Tensor<3>,
    h0: Tensor<2>,
    c0: Tensor<2>,
    weights: Weights,
    direction: &Direction,
) -> Result<(Recurrence, Tensor<2>), OpError> {
    let states = [("h0", &h0), ("c0", &c0)];
    check("lstm", 4, &x, &states, &weights, direction)?;
    if has_kernels(&x) {
        let (out, c) = run(Lstm, x, h0, Some(c0), weights, direction);
        return Ok((out, c.expect("an LSTM's memory")));
    }
    Ok(composed::run(x, [h0, c0], weights, direction, step))
}
