//! Stochastic gradient descent.

use super::{Gradients, Optimizer, step_parameters};
use crate::NnError;
use crate::error::check_range;
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::optim::{SgdRule, sgd_step};
use std::collections::BTreeMap;

/// Configuration of [`Sgd`].
#[derive(Clone, Debug, Default)]
pub struct SgdConfig {
    /// Share of the last step's direction that is kept. Default: 0.
    pub momentum: f64,
    /// Share of the gradient that is left out of the direction, from the second step on. Default: 0.
    pub dampening: f64,
    /// Whether to look one step ahead along the momentum. Default: no.
    pub nesterov: bool,
    /// Weight decay, added to the gradient; not for parameters with one axis. Default: 0.
    pub weight_decay: f64,
}

/// Gradient descent with momentum:
///
/// ```text
/// g ← g + wd · p
/// b ← μ b + (1 − dampening) g      (first step: b = g)
/// p ← p − lr · b                   (Nesterov: p − lr · (g + μ b))
/// ```
///
/// # Reference
/// Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013.
#[derive(Clone, Debug)]
pub struct Sgd {
    config: SgdConfig,
    velocities: BTreeMap<String, Tensor<1>>,
}

impl Sgd {
    /// An optimiser without history.
    ///
    /// # Errors
    /// A momentum or dampening outside of `[0, 1]`, a negative or non-finite `weight_decay`, or
    /// Nesterov's rule without momentum or with dampening.
    pub fn new(config: SgdConfig) -> Result<Self, NnError> {
        check_range("Sgd", "momentum", config.momentum, 0.0..=1.0)?;
        check_range("Sgd", "dampening", config.dampening, 0.0..=1.0)?;
        check_range("Sgd", "weight_decay", config.weight_decay, 0.0..=f64::MAX)?;
        if config.nesterov && config.momentum == 0.0 {
            let expected = "above 0 for Nesterov's rule";
            return Err(NnError::config("Sgd", "momentum", expected, 0));
        }
        if config.nesterov && config.dampening > 0.0 {
            let expected = "0 for Nesterov's rule";
            return Err(NnError::config(
                "Sgd",
                "dampening",
                expected,
                config.dampening,
            ));
        }
        Ok(Self {
            config,
            velocities: BTreeMap::new(),
        })
    }
}

impl Optimizer for Sgd {
    fn step<M: Module>(&mut self, model: M, gradients: Gradients, lr: f64) -> M {
        let SgdConfig {
            momentum,
            dampening,
            nesterov,
            weight_decay,
        } = self.config;
        let rule = SgdRule {
            lr,
            momentum,
            dampening,
            nesterov,
            gradient_scale: gradients.scale(),
        };
        let velocities = &mut self.velocities;
        step_parameters(model, gradients, velocities, weight_decay, |slots| {
            sgd_step(slots, &rule)
        })
    }
}
