//! Plain recurrent layer: `h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh)`, or ReLU instead of `tanh`.
//!
//! # Reference
//! Elman, *Finding structure in time*, 1990.

use super::{Direction, Recurrence, Weights, check, composed, has_kernels, run};
use crate::OpError;
use crate::kernels::recurrent::Rnn;
use burn::tensor::{Tensor, activation::relu};

/// What a plain recurrent layer makes of its sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nonlinearity {
    /// `tanh`.
    #[default]
    Tanh,
    /// `max(·, 0)`.
    Relu,
}

/// A step, of the sums over the input and over the state.
pub(super) fn step(
    nonlinearity: Nonlinearity,
    [x, h]: [Tensor<2>; 2],
    [_, c]: [Tensor<2>; 2],
) -> [Tensor<2>; 2] {
    let h = match nonlinearity {
        Nonlinearity::Tanh => (x + h).tanh(),
        Nonlinearity::Relu => relu(x + h),
    };
    [h, c]
}

/// Runs a plain recurrent layer over sequences, from the state `h0`:
///
/// `h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh)`, or ReLU instead of `tanh`.
///
/// # Shapes
/// `x: (L, N, I)`, `h0: (N, H)`, `w_ih: (H, I)`, `w_hh: (H, H)`, `b_ih, b_hh: [H]` →
/// `y: (L, N, H)`, `h: (N, H)`.
///
/// # Errors
/// Shapes that do not fit together, no steps, or a length beyond the steps.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::recurrent::{Direction, Nonlinearity, Weights, rnn};
///
/// let device = Device::flex();
/// let weights = Weights {
///     w_ih: Tensor::ones([1, 1], &device),
///     w_hh: Tensor::ones([1, 1], &device),
///     bias: None,
/// };
/// let (x, h0) = (Tensor::ones([3, 1, 1], &device), Tensor::zeros([1, 1], &device));
/// let run = rnn(x, h0, weights, Nonlinearity::Relu, &Direction::default())?;
/// assert_eq!(run.y.into_data().try_to_vec::<f32>().expect("f32"), [1.0, 2.0, 3.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Elman, *Finding structure in time*, 1990.
///
/// # Differences from PyTorch
/// A length may be 0: that sequence's last state is its first.
pub fn rnn(
    x: Tensor<3>,
    h0: Tensor<2>,
    weights: Weights,
    nonlinearity: Nonlinearity,
    direction: &Direction,
) -> Result<Recurrence, OpError> {
    check("rnn", 1, &x, &[("h0", &h0)], &weights, direction)?;
    if has_kernels(&x) {
        let cell = match nonlinearity {
            Nonlinearity::Tanh => Rnn::Tanh,
            Nonlinearity::Relu => Rnn::Relu,
        };
        return Ok(run(cell, x, h0, None, weights, direction).0);
    }
    let none = Tensor::zeros_like(&h0);
    let step = |sums, states| step(nonlinearity, sums, states);
    Ok(composed::run(x, [h0, none], weights, direction, step).0)
}
