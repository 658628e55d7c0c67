//! Alpha dropout as layers.

use crate::error::check_range;
use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::dropout::{alpha_dropout, feature_alpha_dropout};

/// Sets each element to SELU's saturation value with probability `p` in training, and scales and
/// shifts so that mean 0 and variance 1 are kept; the identity in evaluation. See
/// [`onggi_ops::dropout::alpha_dropout`].
///
/// # Reference
/// Klambauer et al., *Self-normalizing neural networks*, 2017.
#[derive(Module, Debug)]
pub struct AlphaDropout {
    #[module(skip)]
    p: f64,
}

impl AlphaDropout {
    /// A layer that drops with probability `p`; PyTorch's default is 0.5.
    ///
    /// # Errors
    /// `p` outside of `[0, 1]`.
    pub fn new(p: f64) -> Result<Self, NnError> {
        check_range("AlphaDropout", "p", p, 0.0..=1.0)?;
        Ok(Self { p })
    }

    /// Applies alpha dropout.
    ///
    /// # Shapes
    /// `x: *` → `*`.
    ///
    /// # Errors
    /// None: `p` was checked by [`AlphaDropout::new`].
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        match mode {
            Mode::Train(draws) if self.p > 0.0 => Ok(alpha_dropout(x, self.p, draws.key())?),
            _ => Ok(x),
        }
    }
}

/// [`AlphaDropout`] of whole channels.
///
/// # Reference
/// Klambauer et al., *Self-normalizing neural networks*, 2017.
#[derive(Module, Debug)]
pub struct FeatureAlphaDropout {
    #[module(skip)]
    p: f64,
}

impl FeatureAlphaDropout {
    /// A layer that drops with probability `p`; PyTorch's default is 0.5.
    ///
    /// # Errors
    /// `p` outside of `[0, 1]`.
    pub fn new(p: f64) -> Result<Self, NnError> {
        check_range("FeatureAlphaDropout", "p", p, 0.0..=1.0)?;
        Ok(Self { p })
    }

    /// Applies alpha dropout to channels.
    ///
    /// # Shapes
    /// `x: (N, C, *)` → the same.
    ///
    /// # Errors
    /// Fewer than two axes.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        if D < 2 {
            return Err(NnError::Input {
                layer: "FeatureAlphaDropout",
                expected: "(N, C, *)".to_string(),
                got: x.dims().to_vec(),
            });
        }
        match mode {
            Mode::Train(draws) if self.p > 0.0 => {
                Ok(feature_alpha_dropout(x, self.p, draws.key())?)
            }
            _ => Ok(x),
        }
    }
}
