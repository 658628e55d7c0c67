//! How to train.

use super::{Averaging, CheckpointEvery, Schedule};
use crate::objective::{Loss, balanced};
use crate::{EarlyStoppingConfig, Objective, TrainError};
use onggi_data::{Dataset, Loader, LoaderConfig, Mixing};
use onggi_nn::optim::{AdamW, Group, RuleConfig, Sam};
use onggi_nn::regularize::Penalty;
use std::sync::Arc;
use std::time::Duration;

/// Batches that the loader makes ahead.
const PREFETCH: usize = 4;

/// How to train; [`TrainSettings::default`] has AdamW at a constant learning rate of 1e-3, and
/// nothing of what may be left out.
#[derive(Clone, Debug)]
pub struct TrainSettings {
    /// What the model is trained for. Default: cross-entropy without label smoothing.
    pub objective: Objective,
    /// Whether the classes weigh the same in the training loss, however few their samples. The figures
    /// after each epoch are of all samples alike. Default: no.
    pub balanced: bool,
    /// Passes over the training data, at most. Default: 10.
    pub epochs: usize,
    /// Samples a batch. Default: 32.
    pub batch: usize,
    /// Batches a step: their gradients are added up. Default: 1.
    pub accumulate: usize,
    /// The rule that moves parameters. Default: AdamW.
    pub optimizer: RuleConfig,
    /// Learning rate; the schedule makes a share of it. Default: 1e-3.
    pub lr: f64,
    /// The learning rate's course. Default: constant.
    pub schedule: Schedule,
    /// Averaged weights, which are measured and kept in place of the last ones. Default: `None`.
    pub averaging: Option<Averaging>,
    /// Penalties on all weights but those of groups with their own. Default: none.
    pub penalties: Vec<Penalty>,
    /// Parameters with settings of their own, by the pattern of their names: learning rates by depth,
    /// frozen layers. A parameter belongs to the first group that it matches. Default: none.
    pub groups: Vec<Group>,
    /// Largest L2 norm of all gradients together. Default: `None`, any.
    pub clip_norm: Option<f64>,
    /// Largest absolute value of a gradient; by value first, then by norm. Default: `None`, any.
    pub clip_value: Option<f64>,
    /// Ways in which the samples of a batch are mixed with each other; one is drawn for each batch.
    /// Default: none.
    pub mixing: Vec<Mixing>,
    /// Two passes a step, the second where the loss is highest nearby. Default: `None`.
    pub sam: Option<Sam>,
    /// Which epoch is the best, and when to stop. Default: by validation loss, never.
    pub early_stopping: EarlyStoppingConfig,
    /// Steps in a row that are skipped, as the loss or a gradient is not finite, after which training
    /// ends. Default: 10.
    pub max_skipped: usize,
    /// Time to train for, after which the epoch at hand is cut short. Default: `None`, any.
    pub time: Option<Duration>,
    /// Bytes that the process may take, by an estimate; larger batches are passed in parts. Linux
    /// only. Default: `None`, any.
    pub max_memory: Option<u64>,
    /// When checkpoints are written, where the trainer has a place for them. Default: by the clock.
    pub checkpoint: CheckpointEvery,
    /// Seed of the order, of augmentation and of dropout. Default: 0.
    pub seed: u64,
    /// Threads that read and augment samples; the result does not depend on it. Default: 1.
    pub workers: usize,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            objective: Objective::CrossEntropy {
                label_smoothing: 0.0,
            },
            balanced: false,
            epochs: 10,
            batch: 32,
            accumulate: 1,
            optimizer: RuleConfig::AdamW(AdamW::default()),
            lr: 1e-3,
            schedule: Schedule::default(),
            averaging: None,
            penalties: Vec::new(),
            groups: Vec::new(),
            clip_norm: None,
            clip_value: None,
            mixing: Vec::new(),
            sam: None,
            early_stopping: EarlyStoppingConfig::default(),
            max_skipped: 10,
            time: None,
            max_memory: None,
            checkpoint: CheckpointEvery::Auto,
            seed: 0,
            workers: 1,
        }
    }
}

impl TrainSettings {
    /// An error for what no part of the training checks itself.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        for (setting, value) in [
            ("epochs", self.epochs),
            ("accumulate", self.accumulate),
            ("max_skipped", self.max_skipped),
        ] {
            if value == 0 {
                return Err(TrainError::setting(setting, "at least 1", value));
            }
        }
        for (setting, value) in [
            ("clip_norm", self.clip_norm),
            ("clip_value", self.clip_value),
            ("lr", Some(self.lr)),
        ] {
            if let Some(value) = value.filter(|value| !(*value > 0.0 && value.is_finite())) {
                return Err(TrainError::setting(setting, "above 0 and finite", value));
            }
        }
        if self.max_memory.is_some() {
            crate::memory::peak()?;
        }
        Ok(())
    }

    /// The training loss.
    pub(super) fn loss(&self, train: &Arc<dyn Dataset>) -> Result<Loss, TrainError> {
        Loss::new(self.objective, self.balanced.then(|| balanced(train)))
    }

    /// Batches of training data, in an order drawn anew every epoch.
    pub(super) fn loader(&self, train: &Arc<dyn Dataset>) -> Result<Loader, TrainError> {
        let config = LoaderConfig {
            batch_size: self.batch,
            shuffle: Some(self.seed),
            drop_last: false,
            workers: self.workers,
            prefetch: PREFETCH,
        };
        Ok(Loader::new(train.clone(), config)?)
    }
}
