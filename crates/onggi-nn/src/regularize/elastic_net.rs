//! Elastic net: L1 and L2 together.

use super::l1::yes;
use super::{Effect, L1, L2, check_factor};
use crate::NnError;
use crate::error::check_range;
use serde::{Deserialize, Serialize};

/// The penalty `λ(ρ‖w‖₁ + (1−ρ)/2 · ‖w‖²)`, as scikit-learn writes it: `λ` is its `alpha`, `ρ` its
/// `l1_ratio`.
///
/// Its L2 part goes through the gradient, its L1 part as in [`L1`].
///
/// # Errors
/// A negative or non-finite λ, an `l1_ratio` outside of `[0, 1]`.
///
/// # Reference
/// Zou and Hastie, *Regularization and variable selection via the elastic net*, 2005.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticNet {
    /// Strength `λ`.
    pub lambda: f64,
    /// Share `ρ` of the L1 part, a fraction.
    pub l1_ratio: f64,
    /// Whether the L1 part takes the proximal step, not the subgradient. Default: yes.
    #[serde(default = "yes")]
    pub proximal: bool,
}

impl ElasticNet {
    pub(super) fn check(&self) -> Result<(), NnError> {
        check_factor("ElasticNet", "lambda", self.lambda)?;
        check_range("ElasticNet", "l1_ratio", self.l1_ratio, 0.0..=1.0)
    }

    pub(super) fn effect(&self) -> Effect {
        let l1 = L1 {
            lambda: self.lambda * self.l1_ratio,
            proximal: self.proximal,
        };
        let l2 = L2 {
            lambda: self.lambda * (1.0 - self.l1_ratio),
        };
        Effect {
            l2_gradient: l2.effect().l2_gradient,
            ..l1.effect()
        }
    }
}
