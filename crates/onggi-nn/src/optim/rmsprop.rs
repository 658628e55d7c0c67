//! RMSprop.

use super::Rule;
use crate::NnError;
use crate::error::check_range;
use onggi_ops::OpError;
use onggi_ops::optim::{RmsPropRule, Slot, rmsprop_step};
use serde::{Deserialize, Serialize};

/// Gradient descent by the gradient over the root of its mean square:
///
/// ```text
/// g ← g + wd · p
/// v ← α v + (1 − α) g²             (centered: a ← α a + (1 − α) g, and v − a² below the root)
/// b ← μ b + g / (√v + ε)
/// p ← p − lr · b
/// ```
///
/// # Errors
/// An `alpha` outside of `[0, 1)`, a momentum outside of `[0, 1]`, a negative or non-finite `eps` or
/// `weight_decay`.
///
/// # Reference
/// Tieleman and Hinton, *Lecture 6.5: rmsprop*, 2012; Graves, *Generating sequences with recurrent
/// neural networks*, 2013 (centered).
///
/// # Differences from PyTorch
/// `v − a²` is held at 0 where rounding would put it below, instead of giving NaN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// Decay of the mean of the squared gradients. Default: 0.99.
    pub alpha: f64,
    /// Added to the root. Default: 1e-8.
    pub eps: f64,
    /// Weight decay, added to the gradient. Default: 0.
    pub weight_decay: f64,
    /// Share of the last step's direction that is kept. Default: 0.
    pub momentum: f64,
    /// Whether to divide by the standard deviation of the gradients, not by their root mean square.
    /// Default: no.
    pub centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self {
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
        }
    }
}

impl Rule for RmsProp {
    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn check(&self) -> Result<(), NnError> {
        check_range("RmsProp", "alpha", self.alpha, 0.0..=1.0 - f64::EPSILON)?;
        check_range("RmsProp", "eps", self.eps, 0.0..=f64::MAX)?;
        check_range("RmsProp", "weight_decay", self.weight_decay, 0.0..=f64::MAX)?;
        check_range("RmsProp", "momentum", self.momentum, 0.0..=1.0)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn memory(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum != 0.0) {
            (false, false) => &["square_avg"],
            (true, false) => &["square_avg", "grad_avg"],
            (false, true) => &["square_avg", "momentum_buffer"],
            (true, true) => &["square_avg", "grad_avg", "momentum_buffer"],
        }
    }

    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError> {
        let rule = RmsPropRule {
            alpha: self.alpha,
            eps: self.eps,
            momentum: self.momentum,
            centered: self.centered,
        };
        rmsprop_step(slots, &rule)
    }
}
