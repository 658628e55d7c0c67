//! What moves the model: the optimiser with its schedule, clipping, SAM and averages.

use super::TrainSettings;
use crate::TrainError;
use burn::module::Module;
use onggi_nn::optim::{Gradients, Optimizer, OptimizerState};
use onggi_nn::state::StateDict;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// State dicts of a checkpoint.
const OPTIMIZER: &str = "optimizer";

/// The optimiser and what goes with it.
pub(super) struct Mover {
    optimizer: Optimizer,
    lr: f64,
    schedule: super::stub::Schedule,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
}

/// A model after a step.
pub(super) struct Moved<M> {
    pub(super) model: M,
    /// The training loss before the step.
    pub(super) loss: f64,
    /// Global L2 norm of the gradients, before clipping.
    pub(super) norm: f64,
    /// Whether the model was moved: not if loss or norm is not finite.
    pub(super) stepped: bool,
}

/// What is no tensor.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    rule: String,
    /// Steps of each parameter.
    steps: BTreeMap<String, u64>,
}

impl Mover {
    /// Without history, for a training of `steps` steps.
    pub(super) fn new(settings: &TrainSettings, steps: u64) -> Result<Self, TrainError> {
        let optimizer = settings
            .optimizer
            .optimizer()?
            .with_penalties(settings.penalties.clone())?
            .with_groups(settings.groups.clone())?;
        Ok(Self {
            optimizer,
            lr: settings.lr,
            schedule: settings.schedule.clone(),
            clip_norm: settings.clip_norm,
            clip_value: settings.clip_value,
        })
    }

    /// The learning rate of step `step`, counted from 0.
    pub(super) fn lr(&self, step: u64) -> f64 {
        self.lr
    }

    /// One step by the gradients that `gradients` computes for a model; none if they are not finite.
    pub(super) fn step<M: Module>(
        &mut self,
        model: M,
        lr: f64,
        gradients: impl Fn(&M) -> Result<(f64, Gradients), TrainError>,
    ) -> Result<Moved<M>, TrainError> {
        let (loss, mut found) = gradients(&model)?;
        let norm = found.norm();
        if !(loss.is_finite() && norm.is_finite()) {
            return Ok(Moved {
                model,
                loss,
                norm,
                stepped: false,
            });
        }
        if let Some(most) = self.clip_norm {
            found.clip_norm(most);
        }
        let model = self.optimizer.step(model, found, lr)?;
        Ok(Moved {
            model,
            loss,
            norm,
            stepped: true,
        })
    }

    /// Takes note of an epoch's validation loss.
    pub(super) fn epoch_ends(&mut self, val_loss: f64) {
        let _ = val_loss;
    }

    /// The averaged weights, where there are.
    pub(super) fn averaged(&self) -> Option<StateDict> {
        None
    }

    /// What is remembered: state dicts by name, and the rest.
    pub(super) fn state(&self) -> Result<(BTreeMap<String, StateDict>, Value), serde_json::Error> {
        let OptimizerState {
            rule,
            steps,
            tensors,
        } = self.optimizer.state();
        let rest = serde_json::to_value(Remembered { rule, steps })?;
        Ok((BTreeMap::from([(OPTIMIZER.to_string(), tensors)]), rest))
    }

    /// Goes on from a state.
    pub(super) fn load(
        &mut self,
        mut tensors: BTreeMap<String, StateDict>,
        rest: Value,
    ) -> Result<(), TrainError> {
        let remembered = serde_json::from_value(rest);
        let Remembered { rule, steps } =
            remembered.map_err(|e| TrainError::setting("checkpoint", "the optimiser's", e))?;
        let tensors = tensors.remove(OPTIMIZER).unwrap_or_default();
        self.optimizer.load_state(OptimizerState {
            rule,
            steps,
            tensors,
        })?;
        Ok(())
    }
}
