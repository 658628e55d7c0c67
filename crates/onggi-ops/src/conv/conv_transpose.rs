//! Transposed convolution: the gradient of a convolution in its input, as an operation of its own.
//!
//! ```text
//! y[n, o, i·s + u·d − p] = bias[o] + Σ_{c, u} weight[c, o, u] · x[n, c, i]
//! ```
//!
//! with stride `s`, dilation `d`, padding `p`, in each axis, `c` over the channels of `o`'s group. Its
//! own gradients are the convolution of `dy` (for the input) and the convolution's weight gradient
//! with `dy` and `x` in each other's places.

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::conv2d::{self as kernel, Geometry};
use burn::backend::TensorMetadata;
use burn::tensor::{Tensor, module, ops::ConvTransposeOptions};
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// The transpose of the convolution of a geometry, of `x` and `weight` (`N = 2`), or of `x`,
/// `weight` and `bias`.
#[derive(Clone, Debug)]
struct ConvTranspose(Geometry);

impl<const N: usize> Operation<N> for ConvTranspose {
    /// `x` and `weight`.
    type Saved = [FlexTensor; 2];

    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Self::Saved) {
        let g = self.0;
        let mut y = kernel::input_gradient(slice(&inputs[0]), slice(&inputs[1]), g);
        if let Some(bias) = inputs.get(2).map(slice) {
            let planes = y.par_chunks_mut((g.h * g.w).max(1)).enumerate();
            planes.for_each(|(plane, y)| {
                let bias = bias[plane % g.c];
                y.iter_mut().for_each(|y| *y += bias);
            });
        }
        let y = tensor(y, [g.n, g.c, g.h, g.w]);
        (y, [inputs[0].clone(), inputs[1].clone()])
    }

    fn backward(
        &self,
        [x, weight]: Self::Saved,
        dy: FlexTensor,
        wanted: [bool; N],
    ) -> [Option<FlexTensor>; N] {
        let g = self.0;
        std::array::from_fn(|input| {
            wanted[input].then(|| match input {
                0 => {
                    let dx = kernel::forward(slice(&dy), slice(&weight), None, g);
                    tensor(dx, x.shape())
                }
                1 => {
                    let dweight = kernel::weight_gradient(slice(&dy), slice(&x), g);
                    tensor(dweight, weight.shape())
                }
                _ => {
                    // The sum over `y`'s planes, as over those of a 1×1 convolution's result.
                    let pixels = Geometry {
                        o: g.c,
                        kh: 1,
                        kw: 1,
                        stride: [1; 2],
                        padding: [0; 2],
                        dilation: [1; 2],
                        groups: 1,
                        ..g
                    };
                    tensor(kernel::bias_gradient(slice(&dy), pixels), [g.c])
                }
            })
        })
    }
}

/// How a transposed convolution moves over its output. Pairs are (vertical, horizontal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTranspose2dOptions {
    /// Output pixels from one place of the kernel to the next. Default: 1.
    pub stride: [usize; 2],
    /// Pixels that are cut off the output, on each side. Default: 0.
    pub padding: [usize; 2],
    /// Pixels that the output gets below and to the right. Default: 0.
    pub output_padding: [usize; 2],
    /// Pixels from one tap of the kernel to the next. Default: 1.
    pub dilation: [usize; 2],
    /// Groups of channels that see only each other. Default: 1.
    pub groups: usize,
}

impl Default for ConvTranspose2dOptions {
    fn default() -> Self {
        Self {
            stride: [1; 2],
            padding: [0; 2],
            output_padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
        }
    }
}

/// [`ConvTranspose2dOptions`] of sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTranspose1dOptions {
    /// Output positions from one place of the kernel to the next. Default: 1.
    pub stride: usize,
    /// Positions that are cut off the output, on each side. Default: 0.
    pub padding: usize,
    /// Positions that the output gets behind. Default: 0.
    pub output_padding: usize,
    /// Positions from one tap of the kernel to the next. Default: 1.
    pub dilation: usize,
    /// Groups of channels that see only each other. Default: 1.
    pub groups: usize,
}

impl Default for ConvTranspose1dOptions {
    fn default() -> Self {
        Self {
            stride: 1,
            padding: 0,
            output_padding: 0,
            dilation: 1,
            groups: 1,
        }
    }
}

/// Transposed convolution of images, which enlarges where a convolution with the same stride makes
/// smaller:
///
/// `y[n, o, i·s + u·d − p, j·s + v·d − p] = bias[o] + Σ_{c, u, v} weight[c, o, u, v] · x[n, c, i, j]`
///
/// with stride `s`, dilation `d`, padding `p`, and `c` over the channels of `o`'s group.
///
/// # Shapes
/// `x: (N, C, H, W)`, `weight: (C, O / groups, KH, KW)`, `bias: [O]` → `(N, O, H', W')` with
/// `H' = (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1`.
///
/// # Errors
/// A stride, dilation, number of groups, kernel size or image size of 0; groups that do not divide
/// `C`; channels that do not match; an output padding that is neither below the stride nor below the
/// dilation; an output without pixels.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::conv::{ConvTranspose2dOptions, conv_transpose2d};
///
/// let device = Device::flex();
/// let x = Tensor::<4>::from_floats([[[[1.0, 2.0]]]], &device);
/// let weight = Tensor::<4>::ones([1, 1, 1, 2], &device);
/// let options = ConvTranspose2dOptions { stride: [1, 2], ..Default::default() };
/// let y = conv_transpose2d(x, weight, None, &options)?.into_data();
/// assert_eq!(y.try_to_vec::<f32>().expect("f32"), [1.0, 1.0, 2.0, 2.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, 2016.
pub fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: &ConvTranspose2dOptions,
) -> Result<Tensor<4>, OpError> {
    let bias_dims = bias.as_ref().map(Tensor::dims);
    let [h, w] = check(x.dims(), weight.dims(), bias_dims, options)?;
    let ConvTranspose2dOptions {
        stride,
        padding,
        output_padding,
        dilation,
        groups,
    } = options.clone();
    if !has_kernels(&x) {
        let options = ConvTransposeOptions::new(stride, padding, output_padding, dilation, groups);
        return Ok(module::conv_transpose2d(x, weight, bias, options));
    }
    // The convolution back gives `⌊output_padding / stride⌋` more rows and columns than `x` has.
    let more = [0, 1].map(|axis| output_padding[axis] / stride[axis]);
    let x = match more {
        [0, 0] => x,
        [below, right] => crate::pad::pad(x, [[0, below], [0, right]], crate::pad::PadMode::ZEROS)?,
    };
    let ([n, o, _, _], [_, og, kh, kw]) = (x.dims(), weight.dims());
    let operation = ConvTranspose(Geometry {
        n,
        c: og * groups,
        h,
        w,
        o,
        kh,
        kw,
        stride,
        padding,
        dilation,
        groups,
    });
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Ok(match bias {
        Some(bias) => fused::apply(operation, [x, weight, bias.into_dispatch()]).y(),
        None => fused::apply(operation, [x, weight]).y(),
    })
}

/// Transposed convolution of sequences:
///
/// `y[n, o, i·s + u·d − p] = bias[o] + Σ_{c, u} weight[c, o, u] · x[n, c, i]`
///
/// with stride `s`, dilation `d`, padding `p`, and `c` over the channels of `o`'s group.
///
/// # Shapes
/// `x: (N, C, L)`, `weight: (C, O / groups, K)`, `bias: [O]` → `(N, O, L')` with
/// `L' = (L − 1)·stride − 2·padding + dilation·(K − 1) + output_padding + 1`.
///
/// # Errors
/// As [`conv_transpose2d`]'s, whose message names the shape with a height of 1.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::conv::{ConvTranspose1dOptions, conv_transpose1d};
///
/// let device = Device::flex();
/// let x = Tensor::<3>::from_floats([[[1.0, 2.0]]], &device);
/// let weight = Tensor::<3>::ones([1, 1, 2], &device);
/// let y = conv_transpose1d(x, weight, None, &ConvTranspose1dOptions::default())?.into_data();
/// assert_eq!(y.try_to_vec::<f32>().expect("f32"), [1.0, 3.0, 2.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn conv_transpose1d(
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Option<Tensor<1>>,
    options: &ConvTranspose1dOptions,
) -> Result<Tensor<3>, OpError> {
    let options = ConvTranspose2dOptions {
        stride: [1, options.stride],
        padding: [0, options.padding],
        output_padding: [0, options.output_padding],
        dilation: [1, options.dilation],
        groups: options.groups,
    };
    let (x, weight) = (x.unsqueeze_dim::<4>(2), weight.unsqueeze_dim(2));
    Ok(conv_transpose2d(x, weight, bias, &options)?.squeeze_dim(2))
}

/// The output's height and width.
fn check(
    x: [usize; 4],
    weight: [usize; 4],
    bias: Option<[usize; 1]>,
    options: &ConvTranspose2dOptions,
) -> Result<[usize; 2], OpError> {
    let op = "conv_transpose2d";
    let ([_, _, h, w], [c, og, kh, kw]) = (x, weight);
    let ConvTranspose2dOptions {
        stride,
        padding,
        output_padding,
        dilation,
        groups,
    } = options;
    for (argument, value) in [
        ("stride", stride[0].min(stride[1])),
        ("dilation", dilation[0].min(dilation[1])),
        ("groups", *groups),
        ("kernel size", kh.min(kw)),
        ("output channels", og),
        ("input channels", c),
        ("image size", h.min(w)),
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
    let shape = |argument, expected: String, got: &[usize]| OpError::Shape {
        op,
        argument,
        expected,
        got: got.to_vec(),
    };
    if c % groups != 0 {
        let expected = format!("a number of input channels that the {groups} groups divide");
        return Err(shape("weight", expected, &weight));
    }
    if x[1] != c {
        let expected = format!("as many channels as the weight's {c}");
        return Err(shape("x", expected, &x));
    }
    if let Some(bias) = bias.filter(|bias| *bias != [og * groups]) {
        let expected = format!("one value for each of the {} output channels", og * groups);
        return Err(shape("bias", expected, &bias));
    }
    let mut size = [0; 2];
    for axis in 0..2 {
        if output_padding[axis] >= stride[axis].max(dilation[axis]) {
            return Err(OpError::Range {
                op,
                argument: "output_padding",
                expected: "below the stride or the dilation",
                got: output_padding[axis] as f64,
            });
        }
        let reach = dilation[axis] * ([kh, kw][axis] - 1);
        let whole = ([h, w][axis] - 1) * stride[axis] + reach + output_padding[axis] + 1;
        size[axis] = whole.saturating_sub(2 * padding[axis]);
        if size[axis] == 0 {
            let expected = format!("more pixels than a padding of {} cuts off", padding[axis]);
            return Err(shape("x", expected, &x));
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests;
