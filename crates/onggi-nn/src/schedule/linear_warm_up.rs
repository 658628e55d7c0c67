//! Rises along a line, then stays.

use crate::NnError;
use crate::error::{check_positive, check_range};
use serde::{Deserialize, Serialize};

/// From `start_factor` along a line to 1 at step `steps`, where it stays; PyTorch's `LinearLR`.
///
/// # Errors
/// A `steps` of 0, a `start_factor` outside of `[0, 1]`.
///
/// # Reference
/// Goyal et al., *Accurate, large minibatch SGD*, 2017.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearWarmUp {
    /// Steps of the rise.
    pub steps: u64,
    /// Factor at step 0. At 0 the first step moves nothing. Default: 0.
    #[serde(default)]
    pub start_factor: f64,
}

impl LinearWarmUp {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_positive("LinearWarmUp", "steps", self.steps as usize)?;
        check_range("LinearWarmUp", "start_factor", self.start_factor, 0.0..=1.0)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        let steps = self.steps.max(1);
        let share = step.min(steps) as f64 / steps as f64;
        self.start_factor + (1.0 - self.start_factor) * share
    }
}
