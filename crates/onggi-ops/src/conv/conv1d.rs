//! 1-d convolution: a [2-d one](super::conv2d) of height 1.

use super::{Conv2dOptions, conv2d};
use crate::OpError;
use burn::tensor::Tensor;

/// How a convolution moves over its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv1dOptions {
    /// Positions from one place of the kernel to the next. Default: 1.
    pub stride: usize,
    /// Zeros around the input, on each side. Default: 0.
    pub padding: usize,
    /// Positions from one tap of the kernel to the next. Default: 1.
    pub dilation: usize,
    /// Groups of channels that see only each other. Default: 1.
    pub groups: usize,
}

impl Default for Conv1dOptions {
    fn default() -> Self {
        Self {
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
        }
    }
}

/// Convolves (cross-correlates) sequences with a bank of kernels:
///
/// `y[n, o, i] = bias[o] + Σ_{c, u} weight[o, c, u] · x[n, c, i·s + u·d − p]`
///
/// with stride `s`, dilation `d`, zero padding `p`, and `c` over the channels of `o`'s group.
///
/// # Shapes
/// `x: (N, C, L)`, `weight: (O, C / groups, K)`, `bias: [O]` → `(N, O, L')` with
/// `L' = ⌊(L + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1`.
///
/// # Errors
/// As [`conv2d`]'s, whose message names the shape with a height of 1.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::conv::{Conv1dOptions, conv1d};
///
/// let device = Device::flex();
/// let x = Tensor::<3>::from_floats([[[1.0, 2.0, 4.0, 8.0]]], &device);
/// let step = Tensor::<3>::from_floats([[[-1.0, 1.0]]], &device);
/// let y = conv1d(x, step, None, &Conv1dOptions::default())?.into_data();
/// assert_eq!(y.try_to_vec::<f32>().expect("f32"), [1.0, 2.0, 4.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn conv1d(
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Option<Tensor<1>>,
    options: &Conv1dOptions,
) -> Result<Tensor<3>, OpError> {
    let options = Conv2dOptions {
        stride: [1, options.stride],
        padding: [0, options.padding],
        dilation: [1, options.dilation],
        groups: options.groups,
    };
    let y = conv2d(
        x.unsqueeze_dim::<4>(2),
        weight.unsqueeze_dim(2),
        bias,
        &options,
    )?;
    Ok(y.squeeze_dim(2))
}
