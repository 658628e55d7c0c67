//! Adam.

use super::{Gradients, Optimizer, step_parameters};
use crate::NnError;
use crate::error::check_range;
use burn::module::Module;
use onggi_ops::optim::{AdamRule, Moments, adam_step};
use std::collections::BTreeMap;

/// Configuration of [`Adam`].
#[derive(Clone, Debug)]
pub struct AdamConfig {
    /// Decay of the mean of the gradients and of their squares. Default: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-8.
    pub eps: f64,
    /// Weight decay, added to the gradient; not for parameters with one axis. Default: 0.
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// Adam: each parameter moves by the mean of its gradients over the root of their mean square. See
/// [`onggi_ops::optim::adam_step`].
///
/// The weight decay goes through the same division as the gradient, so that it weighs least where
/// gradients are large; [`AdamW`](super::AdamW) keeps it apart.
///
/// # Reference
/// Kingma and Ba, *Adam: a method for stochastic optimization*, 2015.
#[derive(Clone, Debug)]
pub struct Adam {
    config: AdamConfig,
    moments: BTreeMap<String, Moments>,
}

impl Adam {
    /// An optimiser without history.
    ///
    /// # Errors
    /// A beta outside of `[0, 1)`, a negative or non-finite `eps` or `weight_decay`.
    pub fn new(config: AdamConfig) -> Result<Self, NnError> {
        check_settings("Adam", config.betas, config.eps, config.weight_decay)?;
        Ok(Self {
            config,
            moments: BTreeMap::new(),
        })
    }
}

impl Optimizer for Adam {
    fn step<M: Module>(&mut self, model: M, gradients: Gradients, lr: f64) -> M {
        let AdamConfig {
            betas,
            eps,
            weight_decay,
        } = self.config;
        let rule = AdamRule {
            lr,
            betas,
            eps,
            gradient_scale: gradients.scale(),
        };
        let moments = &mut self.moments;
        step_parameters(model, gradients, moments, weight_decay, |slots| {
            adam_step(slots, &rule)
        })
    }
}

/// An error for settings that neither Adam nor AdamW can work with.
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
