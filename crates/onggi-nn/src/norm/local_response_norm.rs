//! Local response normalisation as a layer.

use crate::NnError;
use crate::error::{check_positive, check_range};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::norm::local_response_norm;

/// Normalises each value by its neighbours across the channels:
/// `y[c] = x[c] / (k + alpha / size · Σ x[i]²)^beta`, see
/// [`onggi_ops::norm::local_response_norm`].
///
/// # Reference
/// Krizhevsky, Sutskever and Hinton, *ImageNet classification with deep convolutional neural
/// networks*, 2012.
#[derive(Module, Debug)]
pub struct LocalResponseNorm {
    #[module(skip)]
    size: usize,
    #[module(skip)]
    alpha: f64,
    #[module(skip)]
    beta: f64,
    #[module(skip)]
    k: f64,
}

impl LocalResponseNorm {
    /// Over `size` channels, with PyTorch's defaults: `alpha` 1e-4, `beta` 0.75, `k` 1.
    ///
    /// # Errors
    /// A `size` of 0.
    pub fn new(size: usize) -> Result<Self, NnError> {
        check_positive("LocalResponseNorm", "size", size)?;
        Ok(Self {
            size,
            alpha: 1e-4,
            beta: 0.75,
            k: 1.0,
        })
    }

    /// Sets the factor, the exponent and the constant.
    ///
    /// # Errors
    /// One that is not finite.
    pub fn with_constants(self, alpha: f64, beta: f64, k: f64) -> Result<Self, NnError> {
        for (argument, value) in [("alpha", alpha), ("beta", beta), ("k", k)] {
            check_range("LocalResponseNorm", argument, value, f64::MIN..=f64::MAX)?;
        }
        let size = self.size;
        Ok(Self {
            size,
            alpha,
            beta,
            k,
        })
    }

    /// Normalises.
    ///
    /// # Shapes
    /// `x: (N, C, *)` with at least one axis after `C` → the same.
    ///
    /// # Errors
    /// Fewer than three axes.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(local_response_norm(
            x, self.size, self.alpha, self.beta, self.k,
        )?)
    }
}
