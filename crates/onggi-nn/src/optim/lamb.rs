//! LAMB.

use super::Rule;
use super::adam::{MOMENTS, check_settings};
use crate::NnError;
use onggi_ops::OpError;
use onggi_ops::optim::{LambRule, Slot, lamb_step};
use serde::{Deserialize, Serialize};

/// Adam's direction, each parameter's step as long as the parameter is large; for very large batches:
///
/// ```text
/// m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
/// u = m̂ / (√v̂ + ε) + wd · p       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// p ← p − lr · ‖p‖ / ‖u‖ · u       (p − lr · u if either norm is 0)
/// ```
///
/// The norms are L2 norms over each parameter; biases and norms have theirs, too.
///
/// # Errors
/// A beta outside of `[0, 1)`, a negative or non-finite `eps` or `weight_decay`.
///
/// # Reference
/// You et al., *Large batch optimization for deep learning: training BERT in 76 minutes*, 2020,
/// algorithm 2 with `φ` the identity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lamb {
    /// Decay of the mean of the gradients and of their squares. Default: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-6.
    pub eps: f64,
    /// Weight decay, within the direction. Default: 0.01.
    pub weight_decay: f64,
}

impl Default for Lamb {
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            eps: 1e-6,
            weight_decay: 0.01,
        }
    }
}

impl Rule for Lamb {
    fn name(&self) -> &'static str {
        "lamb"
    }

    fn check(&self) -> Result<(), NnError> {
        check_settings("Lamb", self.betas, self.eps, self.weight_decay)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn memory(&self) -> &'static [&'static str] {
        &MOMENTS
    }

    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError> {
        let rule = LambRule {
            betas: self.betas,
            eps: self.eps,
        };
        lamb_step(slots, &rule)
    }
}
