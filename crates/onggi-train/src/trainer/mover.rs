//! What moves the model: the optimiser with its schedule, clipping and SAM.

use super::TrainSettings;
use super::schedule::Course;
use crate::TrainError;
use crate::checkpoint::exact;
use burn::module::Module;
use onggi_nn::check::Finding;
use onggi_nn::optim::{ClipNorm, Gradients, Optimizer, OptimizerState, Sam};
use onggi_nn::schedule::PlateauState;
use onggi_nn::state::StateDict;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// State dicts of a checkpoint.
const OPTIMIZER: &str = "optimizer";

/// The optimiser and what goes with it.
pub(super) struct Mover {
    optimizer: Optimizer,
    course: Course,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
    sam: Option<Sam>,
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
    plateau: Option<Plateau>,
}

/// [`PlateauState`], exactly.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plateau {
    best: Option<Exact>,
    bad: u64,
    cooldown_left: u64,
    factor: Exact,
}

#[derive(Serialize, Deserialize)]
struct Exact(#[serde(with = "exact")] f64);

impl Mover {
    /// Without history, for a training of `steps` steps.
    pub(super) fn new(settings: &TrainSettings, steps: u64) -> Result<Self, TrainError> {
        let optimizer = settings
            .optimizer
            .init()?
            .with_penalties(settings.penalties.clone())?
            .with_groups(settings.groups.clone())?;
        Ok(Self {
            optimizer,
            course: Course::new(&settings.schedule, settings.lr, steps)?,
            clip_norm: settings.clip_norm,
            clip_value: settings.clip_value,
            sam: settings.sam,
        })
    }

    /// Norms of `model` that weight decay or a penalty acts on.
    pub(super) fn decay_on_norms<M: Module>(&self, model: &M) -> Vec<Finding> {
        self.optimizer.decay_on_norms(model)
    }

    /// The learning rate of step `step`, counted from 0.
    pub(super) fn lr(&self, step: u64) -> f64 {
        self.course.at(step)
    }

    /// Takes note of an epoch's validation loss.
    pub(super) fn observe(&mut self, val_loss: f64) {
        self.course.observe(val_loss);
    }

    /// One step by the gradients that `gradients` computes for a model; none if they are not finite.
    ///
    /// With SAM they are computed twice: where the model is, and where its loss is highest nearby.
    pub(super) fn step<M: Module>(
        &mut self,
        model: M,
        lr: f64,
        gradients: impl Fn(&M) -> Result<(f64, Gradients), TrainError>,
    ) -> Result<Moved<M>, TrainError> {
        let (loss, mut found) = gradients(&model)?;
        let mut norm = found.norm();
        let mut model = model;
        if let Some(sam) = self.sam.filter(|_| loss.is_finite() && norm.is_finite()) {
            let (perturbed, kept) = sam.perturb(model, &found)?;
            let second = gradients(&perturbed);
            model = kept.restore(perturbed);
            (_, found) = second?;
            norm = found.norm();
        }
        let stepped = loss.is_finite() && norm.is_finite();
        if stepped {
            if let Some(most) = self.clip_value {
                found.clip_value(most)?;
            }
            if let Some(most) = self.clip_norm {
                found.clip_norm(&ClipNorm::new(most))?;
            }
            model = self.optimizer.step(model, found, lr)?;
        }
        Ok(Moved {
            model,
            loss,
            norm,
            stepped,
        })
    }

    /// What is remembered: state dicts by name, and the rest.
    pub(super) fn state(&self) -> Result<(BTreeMap<String, StateDict>, Value), serde_json::Error> {
        let OptimizerState {
            rule,
            steps,
            tensors,
        } = self.optimizer.state();
        let plateau = self.course.state().map(|state| Plateau {
            best: state.best.map(Exact),
            bad: state.bad,
            cooldown_left: state.cooldown_left,
            factor: Exact(state.factor),
        });
        let rest = serde_json::to_value(Remembered {
            rule,
            steps,
            plateau,
        })?;
        Ok((BTreeMap::from([(OPTIMIZER.to_string(), tensors)]), rest))
    }

    /// Goes on from a state.
    pub(super) fn load(
        &mut self,
        mut tensors: BTreeMap<String, StateDict>,
        rest: Value,
    ) -> Result<(), TrainError> {
        let remembered = serde_json::from_value(rest);
        let Remembered {
            rule,
            steps,
            plateau,
        } = remembered.map_err(|e| TrainError::setting("checkpoint", "the optimiser's", e))?;
        self.course.load(plateau.map(|state| PlateauState {
            best: state.best.map(|Exact(best)| best),
            bad: state.bad,
            cooldown_left: state.cooldown_left,
            factor: state.factor.0,
        }));
        let tensors = tensors.remove(OPTIMIZER).unwrap_or_default();
        self.optimizer.load_state(OptimizerState {
            rule,
            steps,
            tensors,
        })?;
        Ok(())
    }
}
