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
use crate::flex::{contiguous, fits_kernels, slice, tensor};
use crate::kernels::batch_norm::{self as kernel, Dims};
use burn::backend::tensor::FloatTensor;
use burn::backend::{AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::FlexTensor;

/// Batch normalisation on a back end. The defaults are composed of the back end's own operations
/// and run on any device.
/// The methods are called `fused_…` because `Backend` has a `batch_norm` of its own.
#[backend_extension(Flex, Autodiff)]
pub trait BatchNormOps: Backend {
    /// `(y, mean, var)` by the batch's statistics; the variance is the biased one.
    fn fused_batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::train::<Self>(x, weight, bias, eps)
    }

    /// `y` by given statistics.
    fn fused_batch_norm_eval(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        var: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        composed::eval::<Self>(x, weight, bias, mean, var, eps)
    }

    /// `(dx, dweight, dbias)`; `batch_statistics` says whether `mean` and `var` came from `x`.
    fn fused_batch_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        var: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
        batch_statistics: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::backward::<Self>(x, weight, mean, var, dy, eps, batch_statistics)
    }
}

mod composed {
    use super::{Backend, FloatTensor, Shape, TensorMetadata};

    /// `[C]` as `[1, C, 1, …]`, to broadcast over an input of `rank` axes.
    fn broadcast<B: Backend>(v: FloatTensor<B>, rank: usize) -> FloatTensor<B> {
        let mut shape = vec![1; rank];
        shape[1] = v.shape()[0];
        B::float_reshape(v, Shape::from(shape))
    }

    /// Sum over every axis but the channels': `[C]`.
    fn sum<B: Backend>(mut x: FloatTensor<B>) -> FloatTensor<B> {
        let (rank, channels) = (x.shape().len(), x.shape()[1]);
        for axis in (0..rank).filter(|&axis| axis != 1) {
            x = B::float_sum_dim(x, axis);
        }
        B::float_reshape(x, Shape::from(vec![channels]))
    }

    fn values_per_channel(shape: &Shape) -> f64 {
        (shape.num_elements() / shape[1]) as f64
    }

    fn rstd<B: Backend>(var: FloatTensor<B>, eps: f64) -> FloatTensor<B> {
        B::float_recip(B::float_sqrt(B::float_add_scalar(var, eps.into())))
    }

    pub(super) fn train<B: Backend>(
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        bias: FloatTensor<B>,
        eps: f64,
    ) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
        let (rank, m) = (x.shape().len(), values_per_channel(&x.shape()));
        let mean = B::float_div_scalar(sum::<B>(x.clone()), m.into());
        let centred = B::float_sub(x.clone(), broadcast::<B>(mean.clone(), rank));
        let var = sum::<B>(B::float_mul(centred.clone(), centred));
        let var = B::float_div_scalar(var, m.into());
        let y = eval::<B>(x, weight, bias, mean.clone(), var.clone(), eps);
        (y, mean, var)
    }

    pub(super) fn eval<B: Backend>(
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        bias: FloatTensor<B>,
        mean: FloatTensor<B>,
        var: FloatTensor<B>,
        eps: f64,
    ) -> FloatTensor<B> {
        let rank = x.shape().len();
        let scale = B::float_mul(weight, rstd::<B>(var, eps));
        let y = B::float_sub(x, broadcast::<B>(mean, rank));
        let y = B::float_mul(y, broadcast::<B>(scale, rank));
        B::float_add(y, broadcast::<B>(bias, rank))
    }

    pub(super) fn backward<B: Backend>(
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        mean: FloatTensor<B>,
        var: FloatTensor<B>,
        dy: FloatTensor<B>,
        eps: f64,
        batch_statistics: bool,
    ) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
        let (rank, m) = (x.shape().len(), values_per_channel(&x.shape()));
        let rstd = rstd::<B>(var, eps);
        let normalised = B::float_sub(x, broadcast::<B>(mean, rank));
        let normalised = B::float_mul(normalised, broadcast::<B>(rstd.clone(), rank));
        let dbias = sum::<B>(dy.clone());
        let dweight = sum::<B>(B::float_mul(dy.clone(), normalised.clone()));
        let mut dx = dy;
        if batch_statistics {
            let level = B::float_div_scalar(dbias.clone(), m.into());
            let slope = B::float_div_scalar(dweight.clone(), m.into());
            dx = B::float_sub(dx, broadcast::<B>(level, rank));
            dx = B::float_sub(dx, B::float_mul(normalised, broadcast::<B>(slope, rank)));
        }
        dx = B::float_mul(dx, broadcast::<B>(B::float_mul(weight, rstd), rank));
        (dx, dweight, dbias)
    }
}

fn dims(shape: &Shape) -> Dims {
    Dims {
        n: shape[0],
        c: shape[1],
        l: shape[2..].iter().product(),
    }
}

impl BatchNormOps for Flex {
    fn fused_batch_norm(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        eps: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        if !fits_kernels(&x) {
            return composed::train::<Self>(x, weight, bias, eps);
        }
        let (x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
        let dims = dims(&x.shape());
        let out = kernel::train(slice(&x), dims, slice(&weight), slice(&bias), eps);
        (
            tensor(out.y, x.shape()),
            tensor(out.mean, [dims.c]),
            tensor(out.var, [dims.c]),
        )
    }

    fn fused_batch_norm_eval(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        mean: FlexTensor,
        var: FlexTensor,
        eps: f64,
    ) -> FlexTensor {
        if !fits_kernels(&x) {
            return composed::eval::<Self>(x, weight, bias, mean, var, eps);
        }
        let x = contiguous(x);
        let channel = [weight, bias, mean, var].map(contiguous);
        let y = kernel::eval(
            slice(&x),
            dims(&x.shape()),
            channel.each_ref().map(slice),
            eps,
        );
        tensor(y, x.shape())
    }

    fn fused_batch_norm_backward(
        x: FlexTensor,
        weight: FlexTensor,
        mean: FlexTensor,
        var: FlexTensor,
        dy: FlexTensor,
        eps: f64,
        batch_statistics: bool,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        if !fits_kernels(&x) {
            return composed::backward::<Self>(x, weight, mean, var, dy, eps, batch_statistics);
        }
        let (x, dy) = (contiguous(x), contiguous(dy));
        let channel = [weight, mean, var].map(contiguous);
        let dims = dims(&x.shape());
        let channel = channel.each_ref().map(slice);
        let out = kernel::backward(slice(&x), slice(&dy), dims, channel, eps, batch_statistics);
        (
            tensor(out.dx, x.shape()),
            tensor(out.dweight, [dims.c]),
            tensor(out.dbias, [dims.c]),
        )
    }
}

/// What the backward step needs; `mean` and `var` came from `x` if `batch_statistics`.
#[derive(Clone, Debug)]
struct Saved<T> {
    x: T,
    weight: T,
    mean: T,
    var: T,
    eps: f64,
    batch_statistics: bool,
}

#[derive(Debug)]
struct BatchNormBackward;

impl<B: BatchNormOps> Backward<B, 3> for BatchNormBackward {
    type State = Saved<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let Saved {
            x,
            weight,
            mean,
            var,
            eps,
            batch_statistics,
        } = ops.state;
        let (dx, dweight, dbias) =
            B::fused_batch_norm_backward(x, weight, mean, var, dy, eps, batch_statistics);
        for (parent, gradient) in ops.parents.into_iter().zip([dx, dweight, dbias]) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: BatchNormOps, C: CheckpointStrategy> BatchNormOps for Autodiff<B, C> {
    fn fused_batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight) = (x.primitive().clone(), weight.primitive().clone());
        let (y, mean, var) =
            B::fused_batch_norm(x.clone(), weight.clone(), bias.primitive().clone(), eps);
        let statistics = |t: &FloatTensor<B>| <Self as AutodiffBackend>::from_inner(t.clone());
        let (mean_out, var_out) = (statistics(&mean), statistics(&var));
        let y = match BatchNormBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(
                Saved {
                    x,
                    weight,
                    mean,
                    var,
                    eps,
                    batch_statistics: true,
                },
                y,
            ),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, mean_out, var_out)
    }

    fn fused_batch_norm_eval(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        var: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let [x, weight, mean, var] = [x, weight, mean, var].map(|t| t.primitive().clone());
        let y = B::fused_batch_norm_eval(
            x.clone(),
            weight.clone(),
            bias.primitive().clone(),
            mean.clone(),
            var.clone(),
            eps,
        );
        match BatchNormBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(
                Saved {
                    x,
                    weight,
                    mean,
                    var,
                    eps,
                    batch_statistics: false,
                },
                y,
            ),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
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
    let op = "batch_norm";
    let channels = check_input(op, &x, eps)?;
    check_channels(op, channels, [("weight", &weight), ("bias", &bias)])?;
    if x.dims().iter().product::<usize>() / channels.max(1) < 2 {
        return Err(OpError::OneValuePerChannel {
            op,
            got: x.dims().to_vec(),
        });
    }
    let (y, mean, var) = Dispatch::fused_batch_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        eps,
    );
    Ok(BatchNormalized {
        y: Tensor::from_dispatch(y),
        mean: Tensor::from_dispatch(mean),
        var: Tensor::from_dispatch(var),
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
    let op = "batch_norm_eval";
    let channels = check_input(op, &x, eps)?;
    let parameters = [
        ("weight", &weight),
        ("bias", &bias),
        ("mean", &mean),
        ("var", &var),
    ];
    check_channels(op, channels, parameters)?;
    Ok(Tensor::from_dispatch(Dispatch::fused_batch_norm_eval(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        mean.into_dispatch(),
        var.into_dispatch(),
        eps,
    )))
}

fn check_input<const D: usize>(
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
    if !(eps >= 0.0 && eps.is_finite()) {
        let expected = "0 or more, and finite";
        return Err(OpError::Range {
            op,
            argument: "eps",
            expected,
            got: eps,
        });
    }
    Ok(x.dims()[1])
}

fn check_channels<const K: usize>(
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
