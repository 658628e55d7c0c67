//! Adam.

use super::Rule;
use crate::NnError;
use crate::error::check_range;
use onggi_ops::OpError;
use onggi_ops::optim::{AdamRule, Slot, adam_step};
use serde::{Deserialize, Serialize};

/// Adam: each parameter moves by the mean of its gradients over the root of their mean square:
///
/// ```text
/// g ← g + wd · p
/// m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
/// p ← p − lr · m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// The weight decay goes through the same division as the gradient, so that it weighs least where
/// gradients are large; [`AdamW`](super::AdamW) keeps it apart.
///
/// # Errors
/// A beta outside of `[0, 1)`, a negative or non-finite `eps` or `weight_decay`.
///
/// # Reference
/// Kingma and Ba, *Adam: a method for stochastic optimization*, 2015.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// Decay of the mean of the gradients and of their squares. Default: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-8.
    pub eps: f64,
    /// Weight decay, added to the gradient. Default: 0.
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

impl Rule for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn check(&self) -> Result<(), NnError> {
        check_settings("Adam", self.betas, self.eps, self.weight_decay)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn memory(&self) -> &'static [&'static str] {
        &MOMENTS
    }

    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError> {
        let rule = AdamRule {
            betas: self.betas,
            eps: self.eps,
            decoupled: false,
        };
        adam_step(slots, &rule)
    }
}

/// What Adam and its kin remember, by PyTorch's names.
pub(super) const MOMENTS: [&str; 2] = ["exp_avg", "exp_avg_sq"];

/// An error for settings that Adam and its kin cannot work with.
pub(super) fn check_settings(
    optimizer: &'static str,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
) -> Result<(), NnError> {
    for beta in betas {
        check_range(optimizer, "betas", beta, 0.0..=1.0 - f64::EPSILON)?;
    }
    check_range(optimizer, "eps", eps, 0.0..=f64::MAX)?;
    check_range(optimizer, "weight_decay", weight_decay, 0.0..=f64::MAX)
}
