//! Lion.

use super::Rule;
use super::adam::check_settings;
use crate::NnError;
use onggi_ops::OpError;
use onggi_ops::optim::{LionRule, Slot, lion_step};
use serde::{Deserialize, Serialize};

/// Steps of one length in every coordinate, by the sign of the momentum:
///
/// ```text
/// c = β₁ m + (1 − β₁) g
/// p ← p − lr · (sign(c) + wd · p)
/// m ← β₂ m + (1 − β₂) g
/// ```
///
/// Its paper advises a learning rate 3 to 10 times smaller than AdamW's, and a weight decay as many
/// times larger. It remembers half as much as Adam.
///
/// # Errors
/// A beta outside of `[0, 1)`, a negative or non-finite `weight_decay`.
///
/// # Reference
/// Chen et al., *Symbolic discovery of optimization algorithms*, 2023.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lion {
    /// Share of the momentum in the direction, and in the next momentum. Default: 0.9 and 0.99.
    pub betas: [f64; 2],
    /// Decoupled weight decay. Default: 0.
    pub weight_decay: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Self {
            betas: [0.9, 0.99],
            weight_decay: 0.0,
        }
    }
}

impl Rule for Lion {
    fn name(&self) -> &'static str {
        "lion"
    }

    fn check(&self) -> Result<(), NnError> {
        check_settings("Lion", self.betas, 0.0, self.weight_decay)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn memory(&self) -> &'static [&'static str] {
        &["exp_avg"]
    }

    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError> {
        lion_step(slots, &LionRule { betas: self.betas })
    }
}
