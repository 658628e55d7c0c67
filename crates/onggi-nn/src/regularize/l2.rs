//! L2, or ridge: a penalty that makes weights small.

use super::{Effect, check_factor};
use crate::NnError;
use serde::{Deserialize, Serialize};

/// The penalty `λ/2 · ‖w‖²`, whose gradient `λ w` is added to the loss's.
///
/// # Errors
/// A negative or non-finite λ.
///
/// # Reference
/// Hoerl and Kennard, *Ridge regression*, 1970.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L2 {
    /// Strength `λ`.
    pub lambda: f64,
}

impl L2 {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_factor("L2", "lambda", self.lambda)
    }

    pub(super) fn effect(&self) -> Effect {
        Effect {
            l2_gradient: self.lambda,
            ..Effect::default()
        }
    }
}
