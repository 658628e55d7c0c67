//! L1, or lasso: a penalty that makes weights 0.

use super::{Effect, check_factor};
use crate::NnError;
use serde::{Deserialize, Serialize};

/// The penalty `λ‖w‖₁`.
///
/// Its proximal step, the default, follows the optimiser's: `w ← sign(w) · max(|w| − lr·λ, 0)`. It
/// gives exact zeros, and with gradient descent it is the method of iterative thresholding, whose
/// fixed points are the lasso's. After a rule that scales each weight's step, such as Adam, it is
/// still a soft threshold of `lr·λ`, but no longer that minimum.
///
/// The subgradient adds `λ · sign(w)` to the gradient instead. It goes through the rule's momentum
/// and scaling, never gives an exact zero, and leaves small weights swinging by about `lr·λ`.
///
/// # Errors
/// A negative or non-finite λ.
///
/// # Reference
/// Tibshirani, *Regression shrinkage and selection via the lasso*, 1996; Daubechies et al., *An
/// iterative thresholding algorithm for linear inverse problems*, 2004.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L1 {
    /// Strength `λ`.
    pub lambda: f64,
    /// Whether to take the proximal step, not the subgradient. Default: yes.
    #[serde(default = "yes")]
    pub proximal: bool,
}

pub(super) fn yes() -> bool {
    true
}

impl L1 {
    /// The proximal one.
    pub fn new(lambda: f64) -> Self {
        Self {
            lambda,
            proximal: true,
        }
    }

    pub(super) fn check(&self) -> Result<(), NnError> {
        check_factor("L1", "lambda", self.lambda)
    }

    pub(super) fn effect(&self) -> Effect {
        let (l1_gradient, l1_proximal) = if self.proximal {
            (0.0, self.lambda)
        } else {
            (self.lambda, 0.0)
        };
        Effect {
            l1_gradient,
            l1_proximal,
            ..Effect::default()
        }
    }
}
