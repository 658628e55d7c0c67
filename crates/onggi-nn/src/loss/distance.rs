//! Losses of regression: functions of the difference `d = x − t`.

use super::{Reduction, check_same_shape, reduce, with_reduction};
use crate::NnError;
use crate::error::check_range;
use burn::tensor::Tensor;

/// `l = d²`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::{MseLoss, Reduction};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([1.0, 3.0], &device);
/// let loss = MseLoss::default().with_reduction(Reduction::Sum);
/// assert_eq!(loss.forward(x.clone(), x * 2.0)?.into_scalar::<f32>(), 10.0);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MseLoss {
    reduction: Reduction,
}

/// `l = |d|`, with gradient 0 at 0.
#[derive(Clone, Debug, Default)]
pub struct L1Loss {
    reduction: Reduction,
}

/// `l = d² / (2·beta)` where `|d| < beta`, `|d| − beta/2` elsewhere: a [`HuberLoss`] over `beta`.
///
/// # Reference
/// Girshick, *Fast R-CNN*, 2015.
#[derive(Clone, Debug)]
pub struct SmoothL1Loss {
    beta: f64,
    reduction: Reduction,
}

/// `l = d²/2` where `|d| ≤ delta`, `delta · (|d| − delta/2)` elsewhere.
///
/// # Reference
/// Huber, *Robust estimation of a location parameter*, 1964.
#[derive(Clone, Debug)]
pub struct HuberLoss {
    delta: f64,
    reduction: Reduction,
}
with_reduction!(MseLoss, L1Loss, SmoothL1Loss, HuberLoss);

impl MseLoss {
    /// The loss of predictions `x`.
    ///
    /// # Shapes
    /// `x, target: *` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("MseLoss", &x, &target)?;
        Ok(reduce((x - target).square(), self.reduction))
    }
}

impl L1Loss {
    /// The loss of predictions `x`.
    ///
    /// # Shapes
    /// `x, target: *` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("L1Loss", &x, &target)?;
        Ok(reduce((x - target).abs(), self.reduction))
    }
}

impl Default for SmoothL1Loss {
    /// `beta` is 1.
    fn default() -> Self {
        Self {
            beta: 1.0,
            reduction: Reduction::Mean,
        }
    }
}

impl SmoothL1Loss {
    /// A mean loss that is quadratic below `beta`; 0 makes it an [`L1Loss`].
    ///
    /// # Errors
    /// A negative or non-finite `beta`.
    pub fn new(beta: f64) -> Result<Self, NnError> {
        check_range("SmoothL1Loss", "beta", beta, 0.0..=f64::MAX)?;
        Ok(Self {
            beta,
            ..Self::default()
        })
    }

    /// The loss of predictions `x`.
    ///
    /// # Shapes
    /// `x, target: *` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("SmoothL1Loss", &x, &target)?;
        let losses = if self.beta == 0.0 {
            (x - target).abs()
        } else {
            huber(x - target, self.beta) / self.beta
        };
        Ok(reduce(losses, self.reduction))
    }
}

impl Default for HuberLoss {
    /// `delta` is 1.
    fn default() -> Self {
        Self {
            delta: 1.0,
            reduction: Reduction::Mean,
        }
    }
}

impl HuberLoss {
    /// A mean loss that is quadratic up to `delta`.
    ///
    /// # Errors
    /// A `delta` that is not above 0 and finite.
    pub fn new(delta: f64) -> Result<Self, NnError> {
        if !(delta > 0.0 && delta.is_finite()) {
            return Err(NnError::config(
                "HuberLoss",
                "delta",
                "above 0 and finite",
                delta,
            ));
        }
        Ok(Self {
            delta,
            ..Self::default()
        })
    }

    /// The loss of predictions `x`.
    ///
    /// # Shapes
    /// `x, target: *` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("HuberLoss", &x, &target)?;
        Ok(reduce(huber(x - target, self.delta), self.reduction))
    }
}

/// `c · (|d| − c/2)` with `c = min(|d|, delta)`.
fn huber<const D: usize>(d: Tensor<D>, delta: f64) -> Tensor<D> {
    let d = d.abs();
    let c = d.clone().clamp_max(delta);
    c.clone() * (d - c * 0.5)
}
