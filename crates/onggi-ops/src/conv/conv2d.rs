//! 2-d convolution (cross-correlation) of images with a bank of kernels:
//!
//! ```text
//! y[n, o, i, j] = bias[o] + Σ_{c, u, v} weight[o, c, u, v] · x[n, c, i·s + u·d − p, j·s + v·d − p]
//! ```
//!
//! with stride `s`, dilation `d`, zero padding `p`, `c` over the channels of `o`'s group. The input's
//! gradient is the transposed convolution of `dy`, the weight's the correlation of `x` with `dy`,
//! the bias's the sum of `dy`.

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::conv2d::{self as kernel, Geometry};
use burn::backend::TensorMetadata;
use burn::tensor::{Tensor, module, ops::ConvOptions};
use burn_flex::FlexTensor;

/// Of `x` and `weight` (`N = 2`), or of `x`, `weight` and `bias`.
#[derive(Clone, Debug)]
struct Conv2d(Geometry);

impl<const N: usize> Operation<N> for Conv2d {
    /// `x` and `weight`.
    type Saved = [FlexTensor; 2];

    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Self::Saved) {
        let (g, bias) = (self.0, inputs.get(2).map(slice));
        let y = kernel::forward(slice(&inputs[0]), slice(&inputs[1]), bias, g);
        let y = tensor(y, [g.n, g.o, g.oh(), g.ow()]);
        (y, [inputs[0].clone(), inputs[1].clone()])
    }

    /// A gradient that nobody waits for is not computed: the first layer's input has none.
    fn backward(
        &self,
        [x, weight]: Self::Saved,
        dy: FlexTensor,
        wanted: [bool; N],
    ) -> [Option<FlexTensor>; N] {
        let g = self.0;
        std::array::from_fn(|input| {
            wanted[input].then(|| match input {
                0 => tensor(
                    kernel::input_gradient(slice(&dy), slice(&weight), g),
                    x.shape(),
                ),
                1 => tensor(
                    kernel::weight_gradient(slice(&x), slice(&dy), g),
                    weight.shape(),
                ),
                _ => tensor(kernel::bias_gradient(slice(&dy), g), [g.o]),
            })
        })
    }
}

/// How a convolution moves over its input. Pairs are (vertical, horizontal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv2dOptions {
    /// Pixels from one place of the kernel to the next. Default: 1.
    pub stride: [usize; 2],
    /// Zeros around the input, on each side. Default: 0.
    pub padding: [usize; 2],
    /// Pixels from one tap of the kernel to the next. Default: 1.
    pub dilation: [usize; 2],
    /// Groups of channels that see only each other. Default: 1.
    pub groups: usize,
}

impl Default for Conv2dOptions {
    fn default() -> Self {
        Self {
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
        }
    }
}

/// Convolves (cross-correlates) images with a bank of kernels:
///
/// `y[n, o, i, j] = bias[o] + Σ_{c, u, v} weight[o, c, u, v] · x[n, c, i·s + u·d − p, j·s + v·d − p]`
///
/// with stride `s`, dilation `d`, zero padding `p`, and `c` over the channels of `o`'s group.
///
/// # Shapes
/// `x: (N, C, H, W)`, `weight: (O, C / groups, KH, KW)`, `bias: [O]` → `(N, O, H', W')` with
/// `H' = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1`.
///
/// # Errors
/// A stride, dilation, number of groups or kernel size of 0; groups that do not divide `C` and `O`;
/// channels that do not match; a kernel larger than the padded input.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::conv::{Conv2dOptions, conv2d};
///
/// let device = Device::flex();
/// let x = Tensor::<4>::ones([1, 1, 3, 3], &device);
/// let sum = Tensor::<4>::ones([1, 1, 3, 3], &device);
/// let options = Conv2dOptions { padding: [1, 1], ..Default::default() };
/// let y = conv2d(x, sum, None, &options)?.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(y, [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// Where it is faster, 3×3 kernels at stride 1 go by Winograd's F(4×4, 3×3), whose result differs
/// from the direct sum in the last digits (see the kernel's header).
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: &Conv2dOptions,
) -> Result<Tensor<4>, OpError> {
    check(
        x.dims(),
        weight.dims(),
        bias.as_ref().map(Tensor::dims),
        options,
    )?;
    let Conv2dOptions {
        stride,
        padding,
        dilation,
        groups,
    } = options.clone();
    if !has_kernels(&x) {
        let options = ConvOptions::new(stride, padding, dilation, groups);
        return Ok(module::conv2d(x, weight, bias, options));
    }
    let ([n, c, h, w], [o, _, kh, kw]) = (x.dims(), weight.dims());
    let operation = Conv2d(Geometry {
        n,
        c,
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

fn check(
    x: [usize; 4],
    weight: [usize; 4],
    bias: Option<[usize; 1]>,
    options: &Conv2dOptions,
) -> Result<(), OpError> {
    let op = "conv2d";
    let ([_, c, h, w], [o, cg, kh, kw]) = (x, weight);
    let Conv2dOptions {
        stride,
        padding,
        dilation,
        groups,
    } = options;
    for (argument, value) in [
        ("stride", stride[0].min(stride[1])),
        ("dilation", dilation[0].min(dilation[1])),
        ("groups", *groups),
        ("kernel size", kh.min(kw)),
        ("output channels", o),
        ("input channels", c),
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
    let shape = |argument, expected: String, got: &[usize]| {
        Err(OpError::Shape {
            op,
            argument,
            expected,
            got: got.to_vec(),
        })
    };
    if o % groups != 0 {
        let expected = format!("a number of output channels that the {groups} groups divide");
        return shape("weight", expected, &weight);
    }
    if cg * groups != c {
        let expected = format!(
            "as many channels as the weight's {cg} times the {groups} group(s), that is {}",
            cg * groups
        );
        return shape("x", expected, &x);
    }
    if let Some(bias) = bias.filter(|bias| *bias != [o]) {
        return shape(
            "bias",
            format!("one value for each of the {o} output channels"),
            &bias,
        );
    }
    let least = |k: usize, d: usize, p: usize| (d * (k - 1) + 1).saturating_sub(2 * p);
    let (least_h, least_w) = (
        least(kh, dilation[0], padding[0]),
        least(kw, dilation[1], padding[1]),
    );
    if h < least_h || w < least_w {
        let expected = format!("a height of at least {least_h} and a width of at least {least_w}");
        return shape("x", expected, &x);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
