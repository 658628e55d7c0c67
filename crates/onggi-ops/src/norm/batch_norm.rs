//! Batch normalisation over `(N, C, *)`, one mean and variance a channel.
//!
//! Training: `y = (x − mean) / √(var + eps) · weight + bias`, with the mean and the biased variance
//! of the channel over the batch and all axes after the channels. Its gradient goes through both
//! statistics, with `x̂ = (x − mean) / √(var + eps)` and `m` values a channel:
//!
//! ```text
//! dbias   = Σ dy
//! dweight = Σ dy · x̂
//! dx      = weight / √(var + eps) · (dy − dbias / m − x̂ · dweight / m)
//! ```
//!
//! Evaluation: the same with given statistics, which are constants: `dx = dy · weight / √(var+eps)`.
//!
//! # Reference
//! Ioffe and Szegedy, *Batch normalization*, 2015.

use crate::OpError;
use crate::activation::Activation;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::batch_norm::{self as kernel, Dims, IDENTITY, RELU, RELU6};
use burn::backend::TensorMetadata;
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;

/// On any device, of tensor operations whose gradient Burn knows.
mod composed {
    use super::{BatchNormalized, Tensor};

    /// `[C]` as `[1, C, 1, …]`, to broadcast over an input of `D` axes.
    fn broadcast<const D: usize>(v: Tensor<1>) -> Tensor<D> {
        let mut shape = [1; D];
        shape[1] = v.dims()[0];
        v.reshape(shape)
    }

    /// Mean over every axis but the channels': `[C]`.
    fn mean<const D: usize>(mut x: Tensor<D>) -> Tensor<1> {
        let channels = x.dims()[1];
        for axis in (0..D).filter(|&axis| axis != 1) {
            x = x.mean_dim(axis);
        }
        x.reshape([channels])
    }

    pub(super) fn train<const D: usize>(
        x: Tensor<D>,
        weight: Tensor<1>,
        bias: Tensor<1>,
        eps: f64,
    ) -> BatchNormalized<D> {
        let centre = mean(x.clone());
        let var = mean((x.clone() - broadcast(centre.clone())).square());
        let y = eval(x, weight, bias, centre.clone(), var.clone(), eps);
        let (mean, var) = (centre.detach(), var.detach());
        BatchNormalized { y, mean, var }
    }

    pub(super) fn eval<const D: usize>(
        x: Tensor<D>,
        weight: Tensor<1>,
        bias: Tensor<1>,
        mean: Tensor<1>,
        var: Tensor<1>,
        eps: f64,
    ) -> Tensor<D> {
        let scale = weight * (var + eps).sqrt().recip();
        (x - broadcast(mean)) * broadcast(scale) + broadcast(bias)
    }
}

fn dims(shape: &Shape) -> Dims {
    Dims {
        n: shape[0],
        c: shape[1],
        l: shape[2..].iter().product(),
    }
}

/// By the batch's own statistics, of `x`, `weight` and `bias`, through the activation `A`.
#[derive(Clone, Debug)]
struct BatchNorm<const A: u8> {
    eps: f64,
}

/// By given statistics, of `x`, `weight`, `bias`, `mean` and `var`.
#[derive(Clone, Debug)]
struct BatchNormEval<const A: u8> {
    eps: f64,
}

#[derive(Clone, Debug)]
struct Saved {
    x: FlexTensor,
    weight: FlexTensor,
    mean: FlexTensor,
    var: FlexTensor,
    /// What `y` has at `mean`.
    offset: FlexTensor,
}

impl Saved {
    /// `dx`, `dweight`, `dbias`; `batch_statistics` says whether `mean` and `var` came from `x`.
    fn backward<const A: u8>(
        self,
        dy: &FlexTensor,
        eps: f64,
        batch_statistics: bool,
    ) -> [FlexTensor; 3] {
        let dims = dims(&self.x.shape());
        let channel = [&self.weight, &self.mean, &self.var, &self.offset].map(slice);
        let (x, dy) = (slice(&self.x), slice(dy));
        let out = kernel::backward::<A>(x, dy, dims, channel, eps, batch_statistics);
        [
            tensor(out.dx, self.x.shape()),
            tensor(out.dweight, [dims.c]),
            tensor(out.dbias, [dims.c]),
        ]
    }
}

impl<const A: u8> Operation<3> for BatchNorm<A> {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        let dims = dims(&x.shape());
        let out = kernel::train::<A>(slice(&x), dims, slice(&weight), slice(&bias), self.eps);
        let y = tensor(out.y, x.shape());
        let saved = Saved {
            x,
            weight,
            mean: tensor(out.mean, [dims.c]),
            var: tensor(out.var, [dims.c]),
            offset: tensor(out.offset, [dims.c]),
        };
        (y, saved)
    }

    fn backward(
        &self,
        saved: Saved,
        dy: FlexTensor,
        _wanted: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        saved.backward::<A>(&dy, self.eps, true).map(Some)
    }
}

impl<const A: u8> Operation<5> for BatchNormEval<A> {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; 5]) -> (FlexTensor, Saved) {
        let [x, weight, bias, mean, var] = inputs;
        let channel = [&weight, &bias, &mean, &var].map(slice);
        let y = kernel::eval::<A>(slice(&x), dims(&x.shape()), channel, self.eps);
        let y = tensor(y, x.shape());
        let saved = Saved {
            x,
            weight,
            mean,
            var,
            offset: bias,
        };
        (y, saved)
    }

    fn backward(
        &self,
        saved: Saved,
        dy: FlexTensor,
        _wanted: [bool; 5],
    ) -> [Option<FlexTensor>; 5] {
        let [dx, dweight, dbias] = saved.backward::<A>(&dy, self.eps, false).map(Some);
        [dx, dweight, dbias, None, None]
    }
}

/// Result of [`batch_norm`].
#[derive(Clone, Debug)]
pub struct BatchNormalized<const D: usize> {
    /// The normalised input.
    pub y: Tensor<D>,
    /// Each channel's mean over the batch: `[C]`, outside of the graph.
    pub mean: Tensor<1>,
    /// Each channel's biased variance over the batch: `[C]`, outside of the graph.
    pub var: Tensor<1>,
}

/// Normalises each channel by the batch's own mean and variance.
///
/// `y = (x − mean) / √(var + eps) · weight + bias`
///
/// # Shapes
/// `x: (N, C, *)`, `weight, bias: [C]` → `y: (N, C, *)`, `mean, var: [C]`.
///
/// # Errors
/// Fewer than two axes, parameters that are not `[C]`, a negative or non-finite `eps`, or one value
/// a channel, whose variance says nothing. An empty batch counts as such.
///
/// # Reference
/// Ioffe and Szegedy, *Batch normalization*, 2015.
///
/// # Differences from PyTorch
/// None in `y`; running statistics are the layer's (`onggi_nn::norm::BatchNorm2d`).
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
) -> Result<BatchNormalized<D>, OpError> {
    batch_norm_activated(x, weight, bias, eps, Activation::Identity)
}

/// What the kernels do of an activation, and what is left to be done.
fn split(activation: Activation) -> (Activation, Activation) {
    match activation {
        Activation::Relu | Activation::Relu6 => (activation, Activation::Identity),
        _ => (Activation::Identity, activation),
    }
}

/// `activation(batch_norm(x))`. ReLU and ReLU6 cost nothing more than `batch_norm` alone: they take no
/// pass over memory, and their mask is computed again in the backward pass.
///
/// # Shapes
/// As [`batch_norm`].
///
/// # Errors
/// As [`batch_norm`].
pub fn batch_norm_activated<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
    activation: Activation,
) -> Result<BatchNormalized<D>, OpError> {
    let op = "batch_norm";
    let channels = check_input(op, &x, eps)?;
    check_channels(op, channels, [("weight", &weight), ("bias", &bias)])?;
    if x.dims().iter().product::<usize>() / channels.max(1) < 2 {
        return Err(OpError::OneValuePerChannel {
            op,
            got: x.dims().to_vec(),
        });
    }
    if !has_kernels(&x) {
        let mut out = composed::train(x, weight, bias, eps);
        out.y = activation.apply(out.y);
        return Ok(out);
    }
    let inputs = [
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ];
    let (fused, left) = split(activation);
    let out = match fused {
        Activation::Relu => fused::apply(BatchNorm::<RELU> { eps }, inputs),
        Activation::Relu6 => fused::apply(BatchNorm::<RELU6> { eps }, inputs),
        _ => fused::apply(BatchNorm::<IDENTITY> { eps }, inputs),
    };
    Ok(BatchNormalized {
        mean: out.constant(out.saved.mean.clone()),
        var: out.constant(out.saved.var.clone()),
        y: left.apply(out.y()),
    })
}

/// Normalises each channel by given statistics, which are constants to the gradient.
///
/// `y = (x − mean) / √(var + eps) · weight + bias`
///
/// # Shapes
/// `x: (N, C, *)`, `weight, bias, mean, var: [C]` → `(N, C, *)`.
///
/// # Errors
/// Fewer than two axes, parameters that are not `[C]`, or a negative or non-finite `eps`.
pub fn batch_norm_eval<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    mean: Tensor<1>,
    var: Tensor<1>,
    eps: f64,
) -> Result<Tensor<D>, OpError> {
    batch_norm_eval_activated(x, weight, bias, mean, var, eps, Activation::Identity)
}

/// `activation(batch_norm_eval(x))`, ReLU and ReLU6 at the cost of `batch_norm_eval` alone.
///
/// # Errors
/// As [`batch_norm_eval`].
pub fn batch_norm_eval_activated<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    mean: Tensor<1>,
    var: Tensor<1>,
    eps: f64,
    activation: Activation,
) -> Result<Tensor<D>, OpError> {
    let op = "batch_norm_eval";
    let channels = check_input(op, &x, eps)?;
    let parameters = [
        ("weight", &weight),
        ("bias", &bias),
        ("mean", &mean),
        ("var", &var),
    ];
    check_channels(op, channels, parameters)?;
    let (mean, var) = (mean.detach(), var.detach());
    if !has_kernels(&x) {
        let y = composed::eval(x, weight, bias, mean, var, eps);
        return Ok(activation.apply(y));
    }
    let inputs = [
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        mean.into_dispatch(),
        var.into_dispatch(),
    ];
    let (fused, left) = split(activation);
    Ok(left.apply(match fused {
        Activation::Relu => fused::apply(BatchNormEval::<RELU> { eps }, inputs).y(),
        Activation::Relu6 => fused::apply(BatchNormEval::<RELU6> { eps }, inputs).y(),
        _ => fused::apply(BatchNormEval::<IDENTITY> { eps }, inputs).y(),
    }))
}

pub(super) fn check_input<const D: usize>(
    op: &'static str,
    x: &Tensor<D>,
    eps: f64,
) -> Result<usize, OpError> {
    if D < 2 {
        let expected = "at least two axes (N, C, …)".to_string();
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected,
            got: x.dims().to_vec(),
        });
    }
    check_eps(op, eps)?;
    Ok(x.dims()[1])
}

pub(super) fn check_eps(op: &'static str, eps: f64) -> Result<(), OpError> {
    if eps >= 0.0 && eps.is_finite() {
        return Ok(());
    }
    let expected = "0 or more, and finite";
    Err(OpError::Range {
        op,
        argument: "eps",
        expected,
        got: eps,
    })
}

pub(super) fn check_channels<const K: usize>(
    op: &'static str,
    channels: usize,
    parameters: [(&'static str, &Tensor<1>); K],
) -> Result<(), OpError> {
    for (argument, parameter) in parameters {
        if parameter.dims() != [channels] {
            return Err(OpError::Shape {
                op,
                argument,
                expected: format!("one value for each of the {channels} channels"),
                got: parameter.dims().to_vec(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
