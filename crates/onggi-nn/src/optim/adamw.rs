//! AdamW.

use super::{Gradients, Optimizer, update_parameters};
use crate::NnError;
use crate::error::check_range;
use burn::module::Module;
use burn::tensor::Tensor;
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
    steps: i32,
    moments: BTreeMap<String, [Tensor<1>; 2]>,
}

impl AdamW {
    /// An optimiser without history.
    ///
    /// # Errors
    /// A beta outside of `[0, 1)`, a negative or non-finite `eps` or `weight_decay`.
    pub fn new(config: AdamWConfig) -> Result<Self, NnError> {
        for beta in config.betas {
            check_range("AdamW", "betas", beta, 0.0..=1.0 - f64::EPSILON)?;
        }
        check_range("AdamW", "eps", config.eps, 0.0..=f64::MAX)?;
        check_range("AdamW", "weight_decay", config.weight_decay, 0.0..=f64::MAX)?;
        Ok(Self {
            config,
            steps: 0,
            moments: BTreeMap::new(),
        })
    }
}

impl Optimizer for AdamW {
    fn step<M: Module>(&mut self, model: M, gradients: Gradients, lr: f64) -> M {
        self.steps += 1;
        let AdamWConfig {
            betas: [beta1, beta2],
            eps,
            weight_decay,
        } = self.config;
        let unbias = [1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps)];
        let moments = &mut self.moments;
        update_parameters(model, gradients, |name, decays, p, g| {
            let [m, v] = moments
                .remove(name)
                .unwrap_or_else(|| [g.zeros_like(), g.zeros_like()]);
            let m = m * beta1 + g.clone() * (1.0 - beta1);
            let v = v * beta2 + g.square() * (1.0 - beta2);
            let p = if decays && weight_decay > 0.0 {
                p * (1.0 - lr * weight_decay)
            } else {
                p
            };
            let root = v.clone().sqrt() * (1.0 / unbias[1].sqrt()) + eps;
            let p = p - m.clone() / root * (lr / unbias[0]);
            moments.insert(name.to_string(), [m, v]);
            p
        })
    }
}
