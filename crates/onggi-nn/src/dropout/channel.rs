//! Dropout of whole channels as a layer.

use crate::error::check_range;
use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::dropout::channel_dropout;

/// Dropout of the channels of `(N, C, L)`.
pub type Dropout1d = ChannelDropout<1>;
/// Dropout of the channels of `(N, C, H, W)`.
pub type Dropout2d = ChannelDropout<2>;
/// Dropout of the channels of `(N, C, D, H, W)`.
pub type Dropout3d = ChannelDropout<3>;

/// Zeroes each channel of each sample with probability `p` in training and multiplies the others by
/// `1/(1 − p)`; the identity in evaluation. `R` axes follow the channels.
///
/// For features whose neighbours tell the same, where [`Dropout`](super::Dropout) of single elements
/// takes nothing away.
///
/// # Reference
/// Tompson et al., *Efficient object localization using convolutional networks*, 2015.
///
/// # Differences from PyTorch
/// An input without the batch's axis is an error.
#[derive(Module, Debug)]
pub struct ChannelDropout<const R: usize> {
    #[module(skip)]
    p: f64,
}

impl<const R: usize> ChannelDropout<R> {
    const NAME: &'static str = match R {
        1 => "Dropout1d",
        2 => "Dropout2d",
        _ => "Dropout3d",
    };

    /// A layer that drops with probability `p`; PyTorch's default is 0.5.
    ///
    /// # Errors
    /// `p` outside of `[0, 1]`.
    pub fn new(p: f64) -> Result<Self, NnError> {
        check_range(Self::NAME, "p", p, 0.0..=1.0)?;
        Ok(Self { p })
    }

    /// Applies dropout.
    ///
    /// # Shapes
    /// `x: (N, C, *)` with `R` axes after `C` → the same.
    ///
    /// # Errors
    /// Another number of axes.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        if D != R + 2 {
            let expected = match R {
                1 => "(N, C, L)",
                2 => "(N, C, H, W)",
                _ => "(N, C, D, H, W)",
            };
            return Err(NnError::Input {
                layer: Self::NAME,
                expected: expected.to_string(),
                got: x.dims().to_vec(),
            });
        }
        match mode {
            Mode::Train(draws) if self.p > 0.0 => Ok(channel_dropout(x, self.p, draws.key())?),
            _ => Ok(x),
        }
    }
}
