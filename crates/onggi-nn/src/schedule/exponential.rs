//! Falls by a factor at every step.

use crate::NnError;
use crate::error::check_range;
use serde::{Deserialize, Serialize};

/// `gamma^step`, as PyTorch's `ExponentialLR`.
///
/// # Errors
/// A negative or non-finite `gamma`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exponential {
    /// Factor of each step.
    pub gamma: f64,
}

impl Exponential {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_range("Exponential", "gamma", self.gamma, 0.0..=f64::MAX)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        self.gamma.powf(step as f64)
    }
}
