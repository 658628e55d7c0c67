//! Stochastic gradient descent.

use super::Rule;
use crate::NnError;
use crate::error::check_range;
use onggi_ops::OpError;
use onggi_ops::optim::{SgdRule, Slot, sgd_step};
use serde::{Deserialize, Serialize};

/// Gradient descent with momentum:
///
/// ```text
/// g ← g + wd · p
/// b ← μ b + (1 − dampening) g      (first step: b = g)
/// p ← p − lr · b                   (Nesterov: p − lr · (g + μ b))
/// ```
///
/// # Errors
/// A momentum or dampening outside of `[0, 1]`, a negative or non-finite `weight_decay`, or
/// Nesterov's rule without momentum or with dampening.
///
/// # Reference
/// Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// Share of the last step's direction that is kept. Default: 0.
    pub momentum: f64,
    /// Share of the gradient that is left out of the direction, from the second step on. Default: 0.
    pub dampening: f64,
    /// Whether to look one step ahead along the momentum. Default: no.
    pub nesterov: bool,
    /// Weight decay, added to the gradient. Default: 0.
    pub weight_decay: f64,
}

impl Rule for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn check(&self) -> Result<(), NnError> {
        check_range("Sgd", "momentum", self.momentum, 0.0..=1.0)?;
        check_range("Sgd", "dampening", self.dampening, 0.0..=1.0)?;
        check_range("Sgd", "weight_decay", self.weight_decay, 0.0..=f64::MAX)?;
        if self.nesterov && self.momentum == 0.0 {
            let expected = "above 0 for Nesterov's rule";
            return Err(NnError::config("Sgd", "momentum", expected, 0));
        }
        if self.nesterov && self.dampening > 0.0 {
            let (expected, got) = ("0 for Nesterov's rule", self.dampening);
            return Err(NnError::config("Sgd", "dampening", expected, got));
        }
        Ok(())
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn memory(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 {
            &[]
        } else {
            &["momentum_buffer"]
        }
    }

    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError> {
        let rule = SgdRule {
            momentum: self.momentum,
            dampening: self.dampening,
            nesterov: self.nesterov,
        };
        sgd_step(slots, &rule)
    }
}
