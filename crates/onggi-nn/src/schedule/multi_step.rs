//! Falls by a factor at given steps.

use crate::NnError;
use crate::error::check_range;
use serde::{Deserialize, Serialize};

/// `gamma` to the number of milestones reached, as PyTorch's `MultiStepLR`.
///
/// # Errors
/// A negative or non-finite `gamma`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiStep {
    /// Steps from which another factor holds; in any order.
    pub milestones: Vec<u64>,
    /// The factor.
    pub gamma: f64,
}

impl MultiStep {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_range("MultiStep", "gamma", self.gamma, 0.0..=f64::MAX)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        let reached = self.milestones.iter().filter(|&&at| at <= step).count();
        self.gamma.powf(reached as f64)
    }
}
