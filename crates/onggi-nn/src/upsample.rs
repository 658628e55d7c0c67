//! Upsampling as a layer.

use crate::NnError;
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::interpolate::interpolate;
pub use onggi_ops::interpolate::{Interpolation, Size};

/// Resamples the last `R` axes to another size, see
/// [`onggi_ops::interpolate`](mod@onggi_ops::interpolate).
#[derive(Module, Debug)]
pub struct Upsample<const R: usize> {
    #[module(skip)]
    size: Size<R>,
    #[module(skip)]
    mode: Interpolation,
}

impl<const R: usize> Upsample<R> {
    /// To a size or by a factor.
    ///
    /// # Errors
    /// A size of 0; a factor that is not positive and finite.
    pub fn new(size: Size<R>, mode: Interpolation) -> Result<Self, NnError> {
        let least = match size {
            Size::To(sizes) => sizes.into_iter().min().map(|size| size as f64),
            Size::Scale(scales) => {
                let bad = scales.into_iter().find(|s| !(*s > 0.0 && s.is_finite()));
                bad.or(Some(1.0))
            }
        };
        match least {
            Some(least) if least > 0.0 && least.is_finite() => Ok(Self { size, mode }),
            least => {
                let got = least.unwrap_or(0.0);
                Err(NnError::config(
                    "Upsample",
                    "size",
                    "above 0 and finite",
                    got,
                ))
            }
        }
    }

    /// Resamples.
    ///
    /// # Shapes
    /// `x: (N, C, *)` with `R` axes after `C` → the same with the new sizes.
    ///
    /// # Errors
    /// Another number of axes, an empty axis other than `N`, an output without positions.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(interpolate(x, self.size, self.mode)?)
    }
}
