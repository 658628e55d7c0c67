//! Divergence of one distribution from another.

use super::{Reduction, check_same_shape, reduce, with_reduction};
use crate::NnError;
use burn::tensor::Tensor;

/// Kullback and Leibler's divergence of log-probabilities `x` from target probabilities `t`:
/// `l = t · (ln t − x)`, 0 where `t` is 0.
///
/// The plain mean is over all elements; the divergence of the distributions is the sum over the
/// batch size, [`with_batch_mean`](Self::with_batch_mean).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::KlDivLoss;
///
/// let device = Device::flex();
/// let target = Tensor::<2>::from_floats([[0.0, 1.0]], &device);
/// let log_p = Tensor::<2>::from_floats([[0.5, 0.5]], &device).log();
/// let loss = KlDivLoss::default().with_batch_mean().forward(log_p, target)?;
/// assert!((loss.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Kullback and Leibler, *On information and sufficiency*, 1951.
#[derive(Clone, Debug, Default)]
pub struct KlDivLoss {
    log_target: bool,
    batch_mean: bool,
    reduction: Reduction,
}
with_reduction!(KlDivLoss);

impl KlDivLoss {
    /// Takes logarithms of probabilities as targets. Default: probabilities.
    pub fn with_log_target(mut self) -> Self {
        self.log_target = true;
        self
    }

    /// Divides the sum by the size of the first axis instead of by the number of elements:
    /// PyTorch's `reduction="batchmean"`. Acts on the mean alone.
    pub fn with_batch_mean(mut self) -> Self {
        self.batch_mean = true;
        self
    }

    /// The divergence.
    ///
    /// # Shapes
    /// `x, target: (N, *)` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("KlDivLoss", &x, &target)?;
        let n = x.dims()[0];
        let losses = if self.log_target {
            target.clone().exp() * (target - x)
        } else {
            let none = target.clone().equal_elem(0.0);
            let log = target.clone().mask_fill(none.clone(), 1.0).log();
            (target * (log - x)).mask_fill(none, 0.0)
        };
        if self.batch_mean && self.reduction == Reduction::Mean {
            return Ok(losses.sum() / n as f64);
        }
        Ok(reduce(losses, self.reduction))
    }
}
