//! Noise as a layer.

use crate::error::check_range;
use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::dropout::gaussian_noise;

/// Adds normal noise of standard deviation `std` in training; the identity in evaluation.
///
/// # Reference
/// Bishop, *Training with noise is equivalent to Tikhonov regularization*, 1995.
#[derive(Module, Debug)]
pub struct GaussianNoise {
    #[module(skip)]
    std: f64,
}

impl GaussianNoise {
    /// A layer that adds noise of standard deviation `std`.
    ///
    /// # Errors
    /// A negative or non-finite `std`.
    pub fn new(std: f64) -> Result<Self, NnError> {
        check_range("GaussianNoise", "std", std, 0.0..=f64::from(f32::MAX))?;
        Ok(Self { std })
    }

    /// Adds the noise.
    ///
    /// # Shapes
    /// `x: *` → `*`.
    ///
    /// # Errors
    /// None: `std` was checked by [`GaussianNoise::new`].
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        match mode {
            Mode::Train(draws) if self.std > 0.0 => Ok(gaussian_noise(x, self.std, draws.key())?),
            _ => Ok(x),
        }
    }
}
