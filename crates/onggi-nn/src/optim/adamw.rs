//! AdamW.

use super::adam::check_settings;
use super::{Gradients, Optimizer, step_parameters};
use crate::NnError;
use burn::module::Module;
use onggi_ops::optim::{AdamRule, Moments, adamw_step};
use std::collections::BTreeMap;

/// Configuration of [`AdamW`].
#[derive(Clone, Debug)]
pub struct AdamWConfig {
    /// Decay of the mean of the gradients and of their squares. Default: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the second moment. Default: 1e-8.
    pub eps: f64,
    /// Decoupled weight decay; not for parameters with one axis. Default: 0.01.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.01,
        }
    }
}

/// Adam with decoupled weight decay:
///
/// ```text
/// p ← p − lr · wd · p
/// m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
/// p ← p − lr · m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// # Reference
/// Loshchilov and Hutter, *Decoupled weight decay regularization*, 2019.
#[derive(Clone, Debug)]
pub struct AdamW {
    config: AdamWConfig,
    moments: BTreeMap<String, Moments>,
}

impl AdamW {
    /// An optimiser without history.
    ///
    /// # Errors
    /// A beta outside of `[0, 1)`, a negative or non-finite `eps` or `weight_decay`.
    pub fn new(config: AdamWConfig) -> Result<Self, NnError> {
        check_settings("AdamW", config.betas, config.eps, config.weight_decay)?;
        Ok(Self {
            config,
            moments: BTreeMap::new(),
        })
    }
}

impl Optimizer for AdamW {
    fn step<M: Module>(&mut self, model: M, gradients: Gradients, lr: f64) -> M {
        let AdamWConfig {
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
            adamw_step(slots, &rule)
        })
    }
}
