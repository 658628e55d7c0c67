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
use crate::flex::{contiguous, fits_kernels, slice, tensor};
use crate::kernels::conv2d::{self as kernel, Geometry};
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::FlexTensor;

/// 2-d convolution on a back end. The defaults are the back end's own convolutions.
///
/// The methods are called `fused_…` because `Backend` has a `conv2d` of its own.
#[backend_extension(Flex, Autodiff)]
pub trait Conv2dOps: Backend {
    /// `y` without a bias.
    fn fused_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, None, options)
    }

    /// `y` with a bias.
    fn fused_conv2d_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, Some(bias), options)
    }

    /// `dx`.
    fn fused_conv2d_input_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d_x_backward(x, weight, dy, options)
    }

    /// `dweight`.
    fn fused_conv2d_weight_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d_weight_backward(x, weight, dy, options)
    }

    /// `dbias`.
    fn fused_conv2d_bias_gradient(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let _ = (weight, options);
        Self::conv2d_bias_backward(x, bias, dy)
    }
}

fn geometry(x: &FlexTensor, weight: &FlexTensor, options: &ConvOptions<2>) -> Geometry {
    let (x, weight) = (x.shape(), weight.shape());
    Geometry {
        n: x[0],
        c: x[1],
        h: x[2],
        w: x[3],
        o: weight[0],
        kh: weight[2],
        kw: weight[3],
        stride: options.stride,
        // Both sides are padded alike: `conv2d` takes one number for them.
        padding: options.padding.map(|(before, _after)| before),
        dilation: options.dilation,
        groups: options.groups,
    }
}

fn forward(
    x: FlexTensor,
    weight: FlexTensor,
    bias: Option<FlexTensor>,
    options: &ConvOptions<2>,
) -> FlexTensor {
    if !fits_kernels(&x) {
        return Flex::conv2d(x, weight, bias, options.clone());
    }
    let (x, weight, bias) = (contiguous(x), contiguous(weight), bias.map(contiguous));
    let g = geometry(&x, &weight, options);
    let y = kernel::forward(slice(&x), slice(&weight), bias.as_ref().map(slice), g);
    tensor(y, [g.n, g.o, g.oh(), g.ow()])
}

impl Conv2dOps for Flex {
    fn fused_conv2d(x: FlexTensor, weight: FlexTensor, options: ConvOptions<2>) -> FlexTensor {
        forward(x, weight, None, &options)
    }

    fn fused_conv2d_bias(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        forward(x, weight, Some(bias), &options)
    }

    fn fused_conv2d_input_gradient(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        if !fits_kernels(&x) {
            return Self::conv2d_x_backward(x, weight, dy, options);
        }
        let (weight, dy) = (contiguous(weight), contiguous(dy));
        let g = geometry(&x, &weight, &options);
        tensor(
            kernel::input_gradient(slice(&dy), slice(&weight), g),
            x.shape(),
        )
    }

    fn fused_conv2d_weight_gradient(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        if !fits_kernels(&x) {
            return Self::conv2d_weight_backward(x, weight, dy, options);
        }
        let (x, dy) = (contiguous(x), contiguous(dy));
        let g = geometry(&x, &weight, &options);
        tensor(
            kernel::weight_gradient(slice(&x), slice(&dy), g),
            weight.shape(),
        )
    }

    fn fused_conv2d_bias_gradient(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        dy: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        if !fits_kernels(&x) {
            return Self::conv2d_bias_backward(x, bias, dy);
        }
        let dy = contiguous(dy);
        let g = geometry(&x, &weight, &options);
        tensor(kernel::bias_gradient(slice(&dy), g), bias.shape())
    }
}

/// What the backward step needs.
#[derive(Clone, Debug)]
struct Saved<T> {
    x: T,
    weight: T,
    bias: Option<T>,
    options: ConvOptions<2>,
}

#[derive(Debug)]
struct Conv2dBackward;

/// With two parents, `x` and `weight`, or three, with `bias`. A gradient that nobody waits for is
/// not computed: the first layer's input has none.
impl<B: Conv2dOps, const N: usize> Backward<B, N> for Conv2dBackward {
    type State = Saved<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let Saved {
            x,
            weight,
            bias,
            options,
        } = ops.state;
        for (index, parent) in ops.parents.into_iter().enumerate() {
            let Some(parent) = parent else { continue };
            let (x, weight, dy, options) = (x.clone(), weight.clone(), dy.clone(), options.clone());
            let gradient = match (index, &bias) {
                (0, _) => B::fused_conv2d_input_gradient(x, weight, dy, options),
                (1, _) => B::fused_conv2d_weight_gradient(x, weight, dy, options),
                (_, Some(b)) => B::fused_conv2d_bias_gradient(x, weight, b.clone(), dy, options),
                (_, None) => continue,
            };
            grads.register::<B>(parent.id, gradient);
        }
    }
}

impl<B: Conv2dOps, C: CheckpointStrategy> Conv2dOps for Autodiff<B, C> {
    fn fused_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.primitive().clone(), weight.primitive().clone());
        let y = B::fused_conv2d(x.clone(), weight.clone(), options.clone());
        let saved = Saved {
            x,
            weight,
            bias: None,
            options,
        };
        match Backward::<B, 2>::prepare::<C>(Conv2dBackward, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(saved, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_conv2d_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let [x, weight, bias] = [x, weight, bias].map(|t| t.primitive().clone());
        let y = B::fused_conv2d_bias(x.clone(), weight.clone(), bias.clone(), options.clone());
        let saved = Saved {
            x,
            weight,
            bias: Some(bias),
            options,
        };
        match Backward::<B, 3>::prepare::<C>(Conv2dBackward, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(saved, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
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
    let options = ConvOptions::new(stride, padding, dilation, groups);
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Ok(Tensor::from_dispatch(match bias {
        Some(bias) => Dispatch::fused_conv2d_bias(x, weight, bias.into_dispatch(), options),
        None => Dispatch::fused_conv2d(x, weight, options),
    }))
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
