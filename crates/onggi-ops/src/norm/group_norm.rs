//! Group and instance normalisation over `(N, C, *)`: one mean and variance a sample and group of
//! channels.
//!
//! `y = x̂ · weight + bias` with `x̂ = (x − mean) / √(var + eps)`, mean and biased variance over the
//! `m` values of a sample's group; weight and bias are one a channel. One group is layer
//! normalisation over `(C, *)`, up to the parameters' shape; as many groups as channels is instance
//! normalisation. With `g = dy · weight`:
//!
//! ```text
//! dbias   = Σ dy            over the samples and the axes after the channels
//! dweight = Σ dy · x̂        likewise
//! dx      = (g − Σ g / m − x̂ · Σ g·x̂ / m) / √(var + eps)    sums over the group
//! ```
//!
//! # Reference
//! Wu and He, *Group normalization*, 2018. Ulyanov, Vedaldi and Lempitsky, *Instance
//! normalization*, 2016.

use super::batch_norm::{check_channels, check_input};
use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::group_norm::{self as kernel, Dims};
use crate::kernels::moments::Moments;
use burn::backend::TensorMetadata;
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;
use std::sync::Arc;

/// On any device, of tensor operations whose gradient Burn knows.
mod composed {
    use super::{InstanceNormalized, Tensor};

    pub(super) fn group_norm<const D: usize>(
        x: Tensor<D>,
        groups: usize,
        weight: Tensor<1>,
        bias: Tensor<1>,
        eps: f64,
    ) -> InstanceNormalized<D> {
        let dims = x.dims();
        let (n, c) = (dims[0], dims[1]);
        let mut channels = [1; D];
        channels[1] = c;
        let [weight, bias] = [weight, bias].map(|v| v.reshape(channels));
        if dims.contains(&0) {
            let [mean, var] = [(); 2].map(|()| Tensor::zeros([n, groups], &x.device()));
            let y = x * weight + bias;
            return InstanceNormalized { y, mean, var };
        }
        let m = dims[1..].iter().product::<usize>() / groups;
        let x = x.reshape([n, groups, m]);
        let mean = x.clone().mean_dim(2);
        let x = x - mean.clone();
        let var = x.clone().square().mean_dim(2);
        let normalised = (x / (var.clone() + eps).sqrt()).reshape(dims);
        let [mean, var] = [mean, var].map(|v| v.detach().reshape([n, groups]));
        let y = normalised * weight + bias;
        InstanceNormalized { y, mean, var }
    }
}

/// Of `x`, `weight` and `bias`.
#[derive(Clone, Debug)]
struct GroupNorm {
    groups: usize,
    eps: f64,
}

impl GroupNorm {
    fn dims(&self, shape: &Shape) -> Dims {
        Dims {
            n: shape[0],
            c: shape[1],
            l: shape[2..].iter().product(),
            groups: self.groups,
        }
    }
}

#[derive(Clone, Debug)]
struct Saved {
    x: FlexTensor,
    weight: FlexTensor,
    moments: Arc<[Moments]>,
}

impl Operation<3> for GroupNorm {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        let dims = self.dims(&x.shape());
        let parameters = (slice(&weight), slice(&bias));
        let (y, moments) = kernel::forward(slice(&x), dims, parameters, self.eps);
        let y = tensor(y, x.shape());
        let moments = moments.into();
        (y, Saved { x, weight, moments })
    }

    fn backward(&self, saved: Saved, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let Saved { x, weight, moments } = saved;
        let dims = self.dims(&x.shape());
        let inputs = (slice(&x), slice(&dy));
        let out = kernel::backward(inputs, dims, slice(&weight), &moments, self.eps);
        [
            Some(tensor(out.dx, x.shape())),
            Some(tensor(out.dweight, [dims.c])),
            Some(tensor(out.dbias, [dims.c])),
        ]
    }
}

/// Result of [`instance_norm`].
#[derive(Clone, Debug)]
pub struct InstanceNormalized<const D: usize> {
    /// The normalised input.
    pub y: Tensor<D>,
    /// Each sample's mean of each channel: `[N, C]`, outside of the graph.
    pub mean: Tensor<2>,
    /// Each sample's biased variance of each channel: `[N, C]`, outside of the graph.
    pub var: Tensor<2>,
}

/// Normalises each group of channels of each sample by its own mean and variance.
///
/// `y = (x − mean) / √(var + eps) · weight + bias`, where the groups are `C / num_groups`
/// neighbouring channels each. One group is [`layer_norm`](super::layer_norm) over `(C, *)`, with
/// parameters a channel; as many groups as channels is [`instance_norm`].
///
/// # Shapes
/// `x: (N, C, *)`, `weight, bias: [C]`, each optional → `(N, C, *)`.
///
/// # Errors
/// Fewer than two axes, groups that do not divide the channels, parameters that are not `[C]`, a
/// negative or non-finite `eps`, or one sample with one value a group.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_ops::norm::group_norm;
///
/// let x = Tensor::<2>::from_floats([[1.0, 3.0, 10.0, 30.0]], &Device::flex());
/// let y = group_norm(x, 2, None, None, 0.0)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Wu and He, *Group normalization*, 2018.
///
/// # Differences from PyTorch
/// An `x` without values after the channels is normalised to itself, not refused.
pub fn group_norm<const D: usize>(
    x: Tensor<D>,
    num_groups: usize,
    weight: Option<Tensor<1>>,
    bias: Option<Tensor<1>>,
    eps: f64,
) -> Result<Tensor<D>, OpError> {
    let op = "group_norm";
    let channels = check_input(op, &x, eps)?;
    if num_groups == 0 || !channels.is_multiple_of(num_groups) {
        return Err(OpError::Range {
            op,
            argument: "num_groups",
            expected: "a divisor of the number of channels",
            got: num_groups as f64,
        });
    }
    if x.dims().iter().product::<usize>() == num_groups {
        let expected = "more than one value a group".to_string();
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected,
            got: x.dims().to_vec(),
        });
    }
    Ok(normalise(op, x, num_groups, weight, bias, eps)?.y)
}

/// Normalises each channel of each sample by its own mean and variance.
///
/// `y = (x − mean) / √(var + eps) · weight + bias`. Running statistics are the layer's
/// (`onggi_nn::norm::InstanceNorm2d`).
///
/// # Shapes
/// `x: (N, C, *)`, `weight, bias: [C]`, each optional → `y: (N, C, *)`, `mean, var: (N, C)`.
///
/// # Errors
/// Fewer than two axes, parameters that are not `[C]`, a negative or non-finite `eps`, or one value
/// a channel.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_ops::norm::instance_norm;
///
/// let x = Tensor::<3>::from_floats([[[1.0, 3.0], [10.0, 30.0]]], &Device::flex());
/// let y = instance_norm(x, None, None, 0.0)?.y;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Ulyanov, Vedaldi and Lempitsky, *Instance normalization*, 2016.
pub fn instance_norm<const D: usize>(
    x: Tensor<D>,
    weight: Option<Tensor<1>>,
    bias: Option<Tensor<1>>,
    eps: f64,
) -> Result<InstanceNormalized<D>, OpError> {
    let op = "instance_norm";
    let channels = check_input(op, &x, eps)?;
    if x.dims()[2..].iter().product::<usize>() == 1 {
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected: "more than one value a channel in each sample".to_string(),
            got: x.dims().to_vec(),
        });
    }
    normalise(op, x, channels.max(1), weight, bias, eps)
}

fn normalise<const D: usize>(
    op: &'static str,
    x: Tensor<D>,
    groups: usize,
    weight: Option<Tensor<1>>,
    bias: Option<Tensor<1>>,
    eps: f64,
) -> Result<InstanceNormalized<D>, OpError> {
    let (n, channels) = (x.dims()[0], x.dims()[1]);
    let like = (&x.device(), x.dtype());
    let weight = weight.unwrap_or_else(|| Tensor::ones([channels], like));
    let bias = bias.unwrap_or_else(|| Tensor::zeros([channels], like));
    check_channels(op, channels, [("weight", &weight), ("bias", &bias)])?;
    if !has_kernels(&x) {
        return Ok(composed::group_norm(x, groups, weight, bias, eps));
    }
    let inputs = [
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ];
    let out = fused::apply(GroupNorm { groups, eps }, inputs);
    let statistic = |get: fn(&Moments) -> f32| {
        let values = out.saved.moments.iter().map(get).collect();
        out.constant(tensor(values, [n, groups]))
    };
    Ok(InstanceNormalized {
        mean: statistic(|moments| moments.mean),
        var: statistic(|moments| moments.var),
        y: out.y(),
    })
}

#[cfg(test)]
mod tests;
