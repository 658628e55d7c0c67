//! Dropout of square blocks as a layer.

use crate::error::{check_positive, check_range};
use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::dropout::drop_block2d;

/// Drops square blocks of an image's features in training, about the share `p` of all elements; the
/// identity in evaluation. See [`onggi_ops::dropout::drop_block2d`].
///
/// # Reference
/// Ghiasi, Lin and Le, *DropBlock: a regularization method for convolutional networks*, 2018.
#[derive(Module, Debug)]
pub struct DropBlock2d {
    #[module(skip)]
    p: f64,
    #[module(skip)]
    block_size: usize,
}

impl DropBlock2d {
    /// A layer that drops blocks of `block_size` pixels a side.
    ///
    /// # Errors
    /// `p` outside of `[0, 1]`, or a block of no size.
    pub fn new(p: f64, block_size: usize) -> Result<Self, NnError> {
        check_range("DropBlock2d", "p", p, 0.0..=1.0)?;
        check_positive("DropBlock2d", "block_size", block_size)?;
        Ok(Self { p, block_size })
    }

    /// Applies the dropout.
    ///
    /// # Shapes
    /// `x: (N, C, H, W)` → the same.
    ///
    /// # Errors
    /// None: the settings were checked by [`DropBlock2d::new`].
    pub fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<4>, NnError> {
        match mode {
            Mode::Train(draws) if self.p > 0.0 => {
                Ok(drop_block2d(x, self.p, self.block_size, draws.key())?)
            }
            _ => Ok(x),
        }
    }
}
