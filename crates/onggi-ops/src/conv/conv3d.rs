//! 3-d convolution, as a [2-d one](super::conv2d) over images whose channels are the channels of all
//! the depths that a kernel sees:
//!
//! ```text
//! y[n, o, k] = conv2d over (c, t) of x[n, c, k·s + t·d − p] with weight[o, c, t]
//! ```
//!
//! so `x` is laid out anew once, by the depth of the kernel times as large, and everything else, the
//! gradients included, is the 2-d kernels'.

use super::{Conv2dOptions, conv2d};
use crate::OpError;
use burn::tensor::{Int, Tensor, TensorData};

/// How a convolution moves over its input. Triples are (depth, height, width).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv3dOptions {
    /// Positions from one place of the kernel to the next. Default: 1.
    pub stride: [usize; 3],
    /// Zeros around the input, on each side. Default: 0.
    pub padding: [usize; 3],
    /// Positions from one tap of the kernel to the next. Default: 1.
    pub dilation: [usize; 3],
    /// Groups of channels that see only each other. Default: 1.
    pub groups: usize,
}

impl Default for Conv3dOptions {
    fn default() -> Self {
        Self {
            stride: [1; 3],
            padding: [0; 3],
            dilation: [1; 3],
            groups: 1,
        }
    }
}

/// Convolves (cross-correlates) volumes with a bank of kernels:
///
/// `y[n, o, k, i, j] = bias[o] + Σ_{c, t, u, v} weight[o, c, t, u, v] · x[n, c, k·s + t·d − p, i·s + u·d − p, j·s + v·d − p]`
///
/// with stride `s`, dilation `d`, zero padding `p`, and `c` over the channels of `o`'s group.
///
/// # Shapes
/// `x: (N, C, D, H, W)`, `weight: (O, C / groups, KD, KH, KW)`, `bias: [O]` → `(N, O, D', H', W')` with
/// `H' = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1`, and so the others.
///
/// # Errors
/// A stride, dilation, number of groups or kernel size of 0; groups that do not divide `C` and `O`;
/// channels that do not match; a kernel larger than the padded input. Where [`conv2d`] finds it, the
/// message names the shapes without the depth.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::conv::{Conv3dOptions, conv3d};
///
/// let device = Device::flex();
/// let x = Tensor::<5>::ones([1, 1, 3, 3, 3], &device);
/// let sum = Tensor::<5>::ones([1, 1, 2, 2, 2], &device);
/// let y = conv3d(x, sum, None, &Conv3dOptions::default())?.into_data();
/// assert_eq!(y.try_to_vec::<f32>().expect("f32"), [8.0; 8]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// A gradient keeps the input once for each of the kernel's depths.
pub fn conv3d(
    x: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    options: &Conv3dOptions,
) -> Result<Tensor<5>, OpError> {
    let op = "conv3d";
    let Conv3dOptions {
        stride,
        padding,
        dilation,
        groups,
    } = options;
    let ([n, c, depth, h, w], [o, cg, taps, kh, kw]) = (x.dims(), weight.dims());
    for (argument, value) in [
        ("stride", stride[0]),
        ("dilation", dilation[0]),
        ("kernel size", taps),
        ("groups", *groups),
    ] {
        if value == 0 {
            return Err(OpError::Range {
                op,
                argument,
                expected: "at least 1",
                got: 0.0,
            });
        }
    }
    let shape = |expected: String| OpError::Shape {
        op,
        argument: "x",
        expected,
        got: x.dims().to_vec(),
    };
    if cg * groups != c {
        let expected = format!(
            "as many channels as the weight's {cg} times the {groups} group(s), that is {}",
            cg * groups
        );
        return Err(shape(expected));
    }
    let least = (dilation[0] * (taps - 1) + 1).saturating_sub(2 * padding[0]);
    if depth < least.max(1) {
        return Err(shape(format!("a depth of at least {}", least.max(1))));
    }
    let outputs = (depth + 2 * padding[0] - dilation[0] * (taps - 1) - 1) / stride[0] + 1;
    let frames = frames(x, outputs, taps, options).reshape([n * outputs, c * taps, h, w]);
    let weight = weight.reshape([o, cg * taps, kh, kw]);
    let options = Conv2dOptions {
        stride: [stride[1], stride[2]],
        padding: [padding[1], padding[2]],
        dilation: [dilation[1], dilation[2]],
        groups: *groups,
    };
    let y = conv2d(frames, weight, bias, &options)?;
    let [_, _, oh, ow] = y.dims();
    Ok(y.reshape([n, outputs, o, oh, ow]).swap_dims(1, 2))
}

/// `x` as `(N, D', C · taps, H · W)`: what each output depth sees, zeros where it is outside.
fn frames(x: Tensor<5>, outputs: usize, taps: usize, options: &Conv3dOptions) -> Tensor<4> {
    let [n, c, depth, h, w] = x.dims();
    let (stride, padding, dilation) = (options.stride[0], options.padding[0], options.dilation[0]);
    let by_depth = x.reshape([n, c, depth, h * w]);
    let device = by_depth.device();
    let by_depth = match padding {
        0 => by_depth,
        _ => {
            let zeros = Tensor::zeros([n, c, padding, h * w], (&device, by_depth.dtype()));
            Tensor::cat(vec![zeros.clone(), by_depth, zeros], 2)
        }
    };
    let mut seen = Vec::with_capacity(outputs * taps);
    for output in 0..outputs {
        seen.extend((0..taps).map(|tap| (output * stride + tap * dilation) as i64));
    }
    let seen = TensorData::new(seen, [outputs * taps]);
    by_depth
        .select(2, Tensor::<1, Int>::from_data(seen, &device))
        .reshape([n, c, outputs, taps * h * w])
        .swap_dims(1, 2)
}
