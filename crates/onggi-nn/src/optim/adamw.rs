//! AdamW.

use super::Rule;
use super::adam::{MOMENTS, check_settings};
use crate::NnError;
use onggi_ops::OpError;
use onggi_ops::optim::{AdamRule, Slot, adam_step};
use serde::{Deserialize, Serialize};

/// [`Adam`](super::Adam) with decoupled weight decay:
///
/// ```text
/// p ← p − lr · wd · p
/// m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
/// p ← p − lr · m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// # Errors
/// A beta outside of `[0, 1)`, a negative or non-finite `eps` or `weight_decay`.
///
/// # Reference
/// Loshchilov and Hutter, *Decoupled weight decay regularization*, 2019.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// Decay of the mean of the gradients and of their squares. Default: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-8.
    pub eps: f64,
    /// Decoupled weight decay. Default: 0.01.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.01,
        }
    }
}

impl Rule for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn check(&self) -> Result<(), NnError> {
        check_settings("AdamW", self.betas, self.eps, self.weight_decay)
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
            decoupled: true,
        };
        adam_step(slots, &rule)
    }
}
