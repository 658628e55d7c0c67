//! NAdam.

use super::Rule;
use super::adam::{MOMENTS, check_settings};
use crate::NnError;
use crate::error::check_range;
use onggi_ops::OpError;
use onggi_ops::optim::{AdamRule, NAdamRule, Slot, nadam_step};
use serde::{Deserialize, Serialize};

/// [`Adam`](super::Adam) with Nesterov's momentum, which rises from `β₁/2` to `β₁`:
///
/// ```text
/// μₜ = β₁ (1 − ½ · 0.96^(ψ t))
/// m̂ = μₜ₊₁ m / (1 − Πᵢ₌₁ᵗ⁺¹ μᵢ) + (1 − μₜ) g / (1 − Πᵢ₌₁ᵗ μᵢ)
/// ```
///
/// and all else as in Adam.
///
/// # Errors
/// A beta outside of `[0, 1)`, a negative or non-finite `eps`, `weight_decay` or `momentum_decay`.
///
/// # Reference
/// Dozat, *Incorporating Nesterov momentum into Adam*, 2016.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NAdam {
    /// Decay of the mean of the gradients and of their squares. Default: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-8.
    pub eps: f64,
    /// Weight decay. Default: 0.
    pub weight_decay: f64,
    /// Whether the weight decay shrinks the parameter by `lr · wd · p`, instead of adding to the
    /// gradient. Default: no.
    pub decoupled_weight_decay: bool,
    /// Speed `ψ` at which the momentum rises. Default: 0.004.
    pub momentum_decay: f64,
}

impl Default for NAdam {
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled_weight_decay: false,
            momentum_decay: 4e-3,
        }
    }
}

impl Rule for NAdam {
    fn name(&self) -> &'static str {
        "nadam"
    }

    fn check(&self) -> Result<(), NnError> {
        check_settings("NAdam", self.betas, self.eps, self.weight_decay)?;
        check_range(
            "NAdam",
            "momentum_decay",
            self.momentum_decay,
            0.0..=f64::MAX,
        )
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn memory(&self) -> &'static [&'static str] {
        &MOMENTS
    }

    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError> {
        let rule = NAdamRule {
            adam: AdamRule {
                betas: self.betas,
                eps: self.eps,
                decoupled: self.decoupled_weight_decay,
            },
            momentum_decay: self.momentum_decay,
        };
        nadam_step(slots, &rule)
    }
}
