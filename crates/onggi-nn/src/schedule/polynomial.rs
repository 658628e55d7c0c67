//! Falls to 0 along a power.

use crate::NnError;
use crate::error::{check_positive, check_range};
use serde::{Deserialize, Serialize};

/// `(1 − step / total_steps)^power`, 0 from `total_steps` on, as PyTorch's `PolynomialLR`; with power
/// 1 a straight line.
///
/// # Errors
/// A `total_steps` of 0, a negative or non-finite `power`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polynomial {
    /// Step of the end.
    pub total_steps: u64,
    /// The power.
    pub power: f64,
}

impl Polynomial {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_positive("Polynomial", "total_steps", self.total_steps as usize)?;
        check_range("Polynomial", "power", self.power, 0.0..=f64::MAX)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        let total = self.total_steps.max(1);
        (1.0 - step.min(total) as f64 / total as f64).powf(self.power)
    }
}
