//! Falls along half a cosine, once or again and again.

use super::anneal;
use crate::NnError;
use crate::error::{check_positive, check_range};
use serde::{Deserialize, Serialize};

/// From 1 along half a cosine to `min_factor` at `total_steps`, where it stays. For a warm-up put
/// [`LinearWarmUp`](super::LinearWarmUp) before it in a [`Sequence`](super::Sequence).
///
/// # Errors
/// A `total_steps` of 0, a `min_factor` outside of `[0, 1]`.
///
/// # Reference
/// Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*, 2017.
///
/// # Differences from PyTorch
/// `CosineAnnealingLR` rises again past `T_max`. Its `eta_min` is `min_factor` times the learning
/// rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    /// Step of the end.
    pub total_steps: u64,
    /// Factor there. Default: 0.
    #[serde(default)]
    pub min_factor: f64,
}

impl Cosine {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_positive("Cosine", "total_steps", self.total_steps as usize)?;
        check_range("Cosine", "min_factor", self.min_factor, 0.0..=1.0)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        let total = self.total_steps.max(1);
        let share = step.min(total) as f64 / total as f64;
        anneal(1.0, self.min_factor, share)
    }
}

/// From 1 along half a cosine towards `min_factor` over `first_period` steps, then again from 1 over
/// a period `period_factor` times as long, and so on; PyTorch's `CosineAnnealingWarmRestarts`.
///
/// # Errors
/// A `first_period` or `period_factor` of 0, a `min_factor` outside of `[0, 1]`.
///
/// # Reference
/// Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*, 2017.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineRestarts {
    /// Steps of the first period.
    pub first_period: u64,
    /// Quotient of a period and the one before. Default: 1.
    #[serde(default = "one")]
    pub period_factor: u64,
    /// Factor that a period ends at. Default: 0.
    #[serde(default)]
    pub min_factor: f64,
}

fn one() -> u64 {
    1
}

impl CosineRestarts {
    pub(super) fn check(&self) -> Result<(), NnError> {
        let name = "CosineRestarts";
        check_positive(name, "first_period", self.first_period as usize)?;
        check_positive(name, "period_factor", self.period_factor as usize)?;
        check_range(name, "min_factor", self.min_factor, 0.0..=1.0)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        let (mut step, mut period) = (step, self.first_period.max(1));
        if self.period_factor < 2 {
            step %= period;
        }
        while step >= period {
            step -= period;
            period = period.saturating_mul(self.period_factor);
        }
        anneal(1.0, self.min_factor, step as f64 / period as f64)
    }
}
