//! Layer normalisation as a layer.

use crate::error::{check_positive, check_range};
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::norm::layer_norm;

/// Configuration of [`LayerNorm`] over the last `R` axes.
#[derive(Clone, Debug)]
pub struct LayerNormConfig<const R: usize> {
    /// Sizes of the normalised axes.
    pub normalized_shape: [usize; R],
    /// Added to the variance. Default: 1e-5.
    pub eps: f64,
    /// Whether the layer has a learnable weight. Default: yes.
    pub elementwise_affine: bool,
    /// Whether it has a learnable bias too. Default: yes.
    pub bias: bool,
}

impl<const R: usize> LayerNormConfig<R> {
    /// PyTorch's defaults.
    pub fn new(normalized_shape: [usize; R]) -> Self {
        Self {
            normalized_shape,
            eps: 1e-5,
            elementwise_affine: true,
            bias: true,
        }
    }

    /// The layer: weight 1, bias 0.
    ///
    /// # Errors
    /// No axis or an axis of size 0, or a negative or non-finite `eps`.
    pub fn init(&self, device: &Device) -> Result<LayerNorm<R>, NnError> {
        check("LayerNorm", self.normalized_shape, self.eps)?;
        let shape = self.normalized_shape;
        let weight = || init::parameter(Tensor::ones(shape, device));
        let bias = || init::parameter(Tensor::zeros(shape, device));
        Ok(LayerNorm {
            weight: self.elementwise_affine.then(weight),
            bias: (self.elementwise_affine && self.bias).then(bias),
            normalized_shape: shape,
            eps: self.eps,
        })
    }
}

/// What layer and root-mean-square normalisation refuse in a configuration.
pub(super) fn check<const R: usize>(
    layer: &'static str,
    normalized_shape: [usize; R],
    eps: f64,
) -> Result<(), NnError> {
    let smallest = normalized_shape.into_iter().min().unwrap_or(0);
    check_positive(layer, "normalized_shape", smallest)?;
    check_range(layer, "eps", eps, 0.0..=f64::MAX)
}

/// Normalises each sample over its last `R` axes: `y = (x − mean) / √(var + eps) · weight + bias`,
/// in training and evaluation alike.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_nn::norm::LayerNormConfig;
///
/// let device = Device::flex();
/// let layer = LayerNormConfig::new([4]).init(&device)?;
/// assert_eq!(layer.forward(Tensor::<3>::ones([2, 3, 4], &device))?.dims(), [2, 3, 4]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Ba, Kiros and Hinton, *Layer normalization*, 2016.
///
/// # Differences from PyTorch
/// An axis of size 0 is refused.
#[derive(Module, Debug)]
pub struct LayerNorm<const R: usize> {
    /// Scale, of shape `normalized_shape`.
    pub weight: Option<Param<Tensor<R>>>,
    /// Offset, of shape `normalized_shape`.
    pub bias: Option<Param<Tensor<R>>>,
    #[module(skip)]
    normalized_shape: [usize; R],
    #[module(skip)]
    eps: f64,
}

impl<const R: usize> LayerNorm<R> {
    /// Normalises.
    ///
    /// # Shapes
    /// `x: (*, normalized_shape)` → the same.
    ///
    /// # Errors
    /// Other last axes.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        let [weight, bias] = [&self.weight, &self.bias].map(|p| p.as_ref().map(Param::val));
        Ok(layer_norm(
            x,
            self.normalized_shape,
            weight,
            bias,
            self.eps,
        )?)
    }
}
