//! Falls by a factor at even distances.

use crate::NnError;
use crate::error::{check_positive, check_range};
use serde::{Deserialize, Serialize};

/// `gamma^⌊step / step_size⌋`, as PyTorch's `StepLR`.
///
/// # Errors
/// A `step_size` of 0, a negative or non-finite `gamma`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDecay {
    /// Steps between two falls.
    pub step_size: u64,
    /// Factor of each.
    pub gamma: f64,
}

impl StepDecay {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_positive("StepDecay", "step_size", self.step_size as usize)?;
        check_range("StepDecay", "gamma", self.gamma, 0.0..=f64::MAX)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        self.gamma.powf((step / self.step_size.max(1)) as f64)
    }
}
