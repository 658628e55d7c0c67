//! Which course the learning rate takes.

use crate::TrainError;
use onggi_nn::schedule::OneCycle;

/// The learning rate's course over the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Schedule {
    /// The same all along.
    #[default]
    Constant,
    /// [`OneCycle`], with the settings' learning rate as the highest.
    OneCycle {
        /// Share of the steps in which it rises.
        warmup: f64,
    },
}

/// A [`Schedule`] over a training's steps.
#[derive(Debug)]
pub(super) enum Course {
    Constant(f64),
    OneCycle(OneCycle),
}

impl Course {
    pub(super) fn new(schedule: Schedule, lr: f64, steps: u64) -> Result<Self, TrainError> {
        Ok(match schedule {
            Schedule::Constant => Self::Constant(lr),
            Schedule::OneCycle { warmup } => Self::OneCycle(OneCycle::new(lr, steps, warmup)?),
        })
    }

    /// The learning rate of step `step`, counted from 0.
    pub(super) fn at(&self, step: u64) -> f64 {
        match self {
            Self::Constant(lr) => *lr,
            Self::OneCycle(cycle) => cycle.at(step),
        }
    }
}
