//! Root-mean-square normalisation as a layer.

use super::layer_norm::check;
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::norm::rms_norm;

/// Configuration of [`RmsNorm`] over the last `R` axes.
#[derive(Clone, Debug)]
pub struct RmsNormConfig<const R: usize> {
    /// Sizes of the normalised axes.
    pub normalized_shape: [usize; R],
    /// Added to the mean square; `None`: the distance from 1 to the next `f32`, 1.19e-7.
    /// Default: `None`.
    pub eps: Option<f64>,
    /// Whether the layer has a learnable weight. Default: yes.
    pub elementwise_affine: bool,
}

impl<const R: usize> RmsNormConfig<R> {
    /// PyTorch's defaults.
    pub fn new(normalized_shape: [usize; R]) -> Self {
        Self {
            normalized_shape,
            eps: None,
            elementwise_affine: true,
        }
    }

    /// The layer: weight 1.
    ///
    /// # Errors
    /// No axis or an axis of size 0, or a negative or non-finite `eps`.
    pub fn init(&self, device: &Device) -> Result<RmsNorm<R>, NnError> {
        check("RMSNorm", self.normalized_shape, self.eps.unwrap_or(0.0))?;
        let weight = || init::parameter(Tensor::ones(self.normalized_shape, device));
        Ok(RmsNorm {
            weight: self.elementwise_affine.then(weight),
            normalized_shape: self.normalized_shape,
            eps: self.eps,
        })
    }
}

/// Divides each sample by the root mean square of its last `R` axes:
/// `y = x / √(mean(x²) + eps) · weight`, in training and evaluation alike. PyTorch's `RMSNorm`.
///
/// # Reference
/// Zhang and Sennrich, *Root mean square layer normalization*, 2019.
///
/// # Differences from PyTorch
/// An axis of size 0 is refused.
#[derive(Module, Debug)]
pub struct RmsNorm<const R: usize> {
    /// Scale, of shape `normalized_shape`.
    pub weight: Option<Param<Tensor<R>>>,
    #[module(skip)]
    normalized_shape: [usize; R],
    #[module(skip)]
    eps: Option<f64>,
}

impl<const R: usize> RmsNorm<R> {
    /// Normalises.
    ///
    /// # Shapes
    /// `x: (*, normalized_shape)` → the same.
    ///
    /// # Errors
    /// Other last axes.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        let weight = self.weight.as_ref().map(Param::val);
        Ok(rms_norm(x, self.normalized_shape, weight, self.eps)?)
    }
}
