//! Group normalisation as a layer.

use crate::error::{check_positive, check_range};
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::norm::group_norm;

/// Configuration of [`GroupNorm`].
#[derive(Clone, Debug)]
pub struct GroupNormConfig {
    /// Groups that the channels fall into.
    pub num_groups: usize,
    /// Channels.
    pub num_channels: usize,
    /// Added to the variance. Default: 1e-5.
    pub eps: f64,
    /// Whether the layer has a learnable weight and bias a channel. Default: yes.
    pub affine: bool,
}

impl GroupNormConfig {
    /// PyTorch's defaults.
    pub fn new(num_groups: usize, num_channels: usize) -> Self {
        Self {
            num_groups,
            num_channels,
            eps: 1e-5,
            affine: true,
        }
    }

    /// The layer: weight 1, bias 0.
    ///
    /// # Errors
    /// No channels, groups that do not divide them, or a negative or non-finite `eps`.
    pub fn init(&self, device: &Device) -> Result<GroupNorm, NnError> {
        let (layer, channels) = ("GroupNorm", self.num_channels);
        check_positive(layer, "num_channels", channels)?;
        check_positive(layer, "num_groups", self.num_groups)?;
        if !channels.is_multiple_of(self.num_groups) {
            let expected = format!("a divisor of the {channels} channels");
            return Err(NnError::config(
                layer,
                "num_groups",
                expected,
                self.num_groups,
            ));
        }
        check_range(layer, "eps", self.eps, 0.0..=f64::MAX)?;
        let weight = || init::parameter(Tensor::ones([channels], device));
        let bias = || init::parameter(Tensor::zeros([channels], device));
        Ok(GroupNorm {
            weight: self.affine.then(weight),
            bias: self.affine.then(bias),
            num_groups: self.num_groups,
            num_channels: channels,
            eps: self.eps,
        })
    }
}

/// Normalises each group of neighbouring channels of each sample:
/// `y = (x − mean) / √(var + eps) · weight + bias`, in training and evaluation alike.
///
/// One group is [`LayerNorm`](super::LayerNorm) over `(C, *)`, but with one weight and bias a
/// channel; as many groups as channels is [`InstanceNorm`](super::InstanceNorm).
///
/// # Reference
/// Wu and He, *Group normalization*, 2018.
#[derive(Module, Debug)]
pub struct GroupNorm {
    /// Scale, `[C]`.
    pub weight: Option<Param<Tensor<1>>>,
    /// Offset, `[C]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    num_groups: usize,
    #[module(skip)]
    num_channels: usize,
    #[module(skip)]
    eps: f64,
}

impl GroupNorm {
    /// Groups that the channels fall into.
    pub fn num_groups(&self) -> usize {
        self.num_groups
    }

    /// What is added to the variance.
    pub fn eps(&self) -> f64 {
        self.eps
    }

    /// Normalises.
    ///
    /// # Shapes
    /// `x: (N, C, *)` → the same.
    ///
    /// # Errors
    /// Fewer than two axes, another number of channels, or one sample with one value a group.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        if D < 2 || x.dims()[1] != self.num_channels {
            return Err(NnError::Input {
                layer: "GroupNorm",
                expected: format!("(N, {}, …)", self.num_channels),
                got: x.dims().to_vec(),
            });
        }
        let [weight, bias] = [&self.weight, &self.bias].map(|p| p.as_ref().map(Param::val));
        Ok(group_norm(x, self.num_groups, weight, bias, self.eps)?)
    }
}
