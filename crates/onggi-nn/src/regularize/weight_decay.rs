//! Decoupled weight decay, for any rule.

use super::{Effect, check_factor};
use crate::NnError;
use serde::{Deserialize, Serialize};

/// Shrinks weights past the gradient: `w ← w − lr · wd · w` before the rule moves them.
///
/// With [`Adam`](crate::optim::Adam) it makes [`AdamW`](crate::optim::AdamW), with
/// [`Sgd`](crate::optim::Sgd) what its paper calls SGDW.
///
/// # Errors
/// A negative or non-finite decay.
///
/// # Reference
/// Loshchilov and Hutter, *Decoupled weight decay regularization*, 2019.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoupledWeightDecay {
    /// Decay per unit of learning rate.
    pub weight_decay: f64,
}

impl DecoupledWeightDecay {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_factor("DecoupledWeightDecay", "weight_decay", self.weight_decay)
    }

    pub(super) fn effect(&self) -> Effect {
        Effect {
            decay: self.weight_decay,
            ..Effect::default()
        }
    }
}
