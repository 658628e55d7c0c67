//! Max-norm: a bound on the weights of each output unit.

use super::Effect;
use crate::NnError;
use serde::{Deserialize, Serialize};

/// Scales the incoming weights of each output unit whose L2 norm is above `max_norm` down to it,
/// after each step. A unit's weights are a row of a linear layer's weight, a filter of a
/// convolution's.
///
/// # Errors
/// A `max_norm` that is not above 0 and finite.
///
/// # Reference
/// Srebro and Shraibman, *Rank, trace-norm and max-norm*, 2005; Srivastava et al., *Dropout*, 2014,
/// which recommends it beside dropout, at 3 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxNorm {
    /// Largest norm.
    pub max_norm: f64,
}

impl MaxNorm {
    pub(super) fn check(&self) -> Result<(), NnError> {
        if self.max_norm > 0.0 && self.max_norm.is_finite() {
            return Ok(());
        }
        let expected = "above 0 and finite";
        Err(NnError::config(
            "MaxNorm",
            "max_norm",
            expected,
            self.max_norm,
        ))
    }

    pub(super) fn effect(&self) -> Effect {
        Effect {
            max_norm: Some(self.max_norm),
            ..Effect::default()
        }
    }
}
