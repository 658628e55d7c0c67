//! Stochastic depth.

use crate::error::check_range;
use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::dropout::drop_path;

/// Zeroes a residual block's branch, sample by sample, with probability `p` in training; the
/// identity in evaluation. To stand before the addition of the shortcut.
///
/// Blocks near the output are usually dropped more often, see [`linear_rates`](Self::linear_rates).
///
/// # Reference
/// Huang et al., *Deep networks with stochastic depth*, 2016.
#[derive(Module, Debug)]
pub struct DropPath {
    #[module(skip)]
    p: f64,
    #[module(skip)]
    scale_by_keep: bool,
}

impl DropPath {
    /// A layer that drops with probability `p` and multiplies what it keeps by `1/(1 − p)`.
    ///
    /// # Errors
    /// `p` outside of `[0, 1]`.
    pub fn new(p: f64) -> Result<Self, NnError> {
        check_range("DropPath", "p", p, 0.0..=1.0)?;
        Ok(Self {
            p,
            scale_by_keep: true,
        })
    }

    /// Sets whether what is kept is multiplied by `1/(1 − p)`, so that its expectation stays.
    pub fn with_scale_by_keep(mut self, scale_by_keep: bool) -> Self {
        self.scale_by_keep = scale_by_keep;
        self
    }

    /// The probabilities of `blocks` blocks that rise from 0 to `p` in equal steps.
    ///
    /// ```
    /// use onggi_nn::dropout::DropPath;
    ///
    /// assert_eq!(DropPath::linear_rates(0.5, 3), [0.0, 0.25, 0.5]);
    /// ```
    pub fn linear_rates(p: f64, blocks: usize) -> Vec<f64> {
        let last = blocks.saturating_sub(1).max(1) as f64;
        (0..blocks).map(|block| p * (block as f64 / last)).collect()
    }

    /// Applies stochastic depth.
    ///
    /// # Shapes
    /// `x: (N, *)` → the same.
    ///
    /// # Errors
    /// None: `p` was checked by [`DropPath::new`].
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        match mode {
            Mode::Train(draws) if self.p > 0.0 => {
                Ok(drop_path(x, self.p, self.scale_by_keep, draws.key())?)
            }
            _ => Ok(x),
        }
    }
}
