//! Adagrad.

use super::Rule;
use crate::NnError;
use crate::error::check_range;
use onggi_ops::OpError;
use onggi_ops::optim::{AdagradRule, Slot, adagrad_step};
use serde::{Deserialize, Serialize};

/// Gradient descent by the gradient over the root of the sum of all its squares:
///
/// ```text
/// g ← g + wd · p
/// s ← s + g²
/// p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + ε)
/// ```
///
/// # Errors
/// A negative or non-finite setting.
///
/// # Reference
/// Duchi et al., *Adaptive subgradient methods for online learning and stochastic optimization*,
/// 2011.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adagrad {
    /// Speed at which the learning rate falls. Default: 0.
    pub lr_decay: f64,
    /// Weight decay, added to the gradient. Default: 0.
    pub weight_decay: f64,
    /// What the sum of squares begins with. Default: 0.
    pub initial_accumulator_value: f64,
    /// Added to the root. Default: 1e-10.
    pub eps: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self {
            lr_decay: 0.0,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
            eps: 1e-10,
        }
    }
}

impl Rule for Adagrad {
    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn check(&self) -> Result<(), NnError> {
        for (name, value) in [
            ("lr_decay", self.lr_decay),
            ("weight_decay", self.weight_decay),
            ("initial_accumulator_value", self.initial_accumulator_value),
            ("eps", self.eps),
        ] {
            check_range("Adagrad", name, value, 0.0..=f64::MAX)?;
        }
        Ok(())
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn memory(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError> {
        let rule = AdagradRule {
            lr_decay: self.lr_decay,
            initial_accumulator_value: self.initial_accumulator_value,
            eps: self.eps,
        };
        adagrad_step(slots, &rule)
    }
}
