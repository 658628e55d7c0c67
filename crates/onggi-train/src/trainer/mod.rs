//! The trainer.
//!
//! One epoch: a pass over the shuffled, augmented training data, a step a group of batches; then the
//! model is measured in eval mode on the validation data and on a fixed subset of the training data
//! without augmentation, so that the two figures may be compared. The weights of the best epoch are
//! kept and returned.
//!
//! A training is a [`Session`](session::Session): counters, weights, and what the optimiser, the
//! schedule, the averages and early stopping remember. A checkpoint holds all of it, so a training
//! that goes on from one does what it would have done without a pause, to the bit.

mod averaging;
mod cadence;
mod callback;
mod mover;
mod pass;
mod range_test;
mod resume;
mod schedule;
mod session;
mod settings;
mod trial;

pub use averaging::Averaging;
pub use cadence::CheckpointEvery;
pub use callback::{Callback, Progress, Start};
pub use range_test::{RangePoint, RangeTest, RangeTestConfig, range_test};
pub use schedule::Schedule;
pub use settings::TrainSettings;

use crate::checkpoint::Checkpoints;
use crate::run::EpochRecord;
use crate::{Input, Subset, TrainError};
use onggi_data::Dataset;
use onggi_nn::Network;
use serde::{Deserialize, Serialize};
use session::Session;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Training samples that the train figures are measured on: enough for a standard error of two
/// points, few enough not to be felt.
pub const TRAIN_SUBSET: usize = 500;

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// All epochs were done.
    AllEpochs,
    /// The validation figure stopped improving.
    EarlyStopping,
    /// [`Callback::interrupted`] said so.
    Interrupted,
    /// The time was up.
    Time,
    /// The loss or a gradient was infinite or NaN for too long, or the validation loss too high.
    Diverged,
}

impl Stopped {
    /// In words, for a report.
    pub fn words(self) -> &'static str {
        match self {
            Self::AllEpochs => "all epochs done",
            Self::EarlyStopping => "early stopping",
            Self::Interrupted => "interrupted",
            Self::Time => "the time was up",
            Self::Diverged => "diverged: the loss was no longer finite, or too high",
        }
    }
}

/// A trained model.
#[derive(Debug)]
pub struct Fit<M> {
    /// The model with the best epoch's weights.
    pub model: M,
    /// One record an epoch.
    pub records: Vec<EpochRecord>,
    /// Index of the best epoch's record.
    pub best: usize,
    /// Why training ended.
    pub stopped: Stopped,
    /// Steps skipped, as the loss or a gradient was not finite.
    pub skipped: u64,
    /// Time spent on training, that of earlier processes included.
    pub seconds: f64,
}

/// The data of a training.
struct Data {
    train: Arc<dyn Dataset>,
    val: Arc<dyn Dataset>,
    /// The part of `train` that the train figures are measured on.
    subset: Arc<dyn Dataset>,
}

/// Trains any model of [`Network`]: a classifier or a regressor, on images, rows of a table or token
/// ids, as its [`Input`] has it.
///
/// The result depends on the model, the data and the settings, not on the number of threads, and not
/// on whether the training was stopped on the way and gone on with.
///
/// # Example
/// See `examples/01_train_on_points.rs`, which trains on a data set of its own.
#[derive(Debug)]
pub struct Trainer {
    settings: TrainSettings,
    checkpoints: Option<(Checkpoints, BTreeMap<String, String>)>,
}

impl Trainer {
    /// A trainer without checkpoints.
    ///
    /// # Errors
    /// Settings out of their range.
    pub fn new(settings: TrainSettings) -> Result<Self, TrainError> {
        settings.check()?;
        Ok(Self {
            settings,
            checkpoints: None,
        })
    }

    /// With a folder to write checkpoints to. Where it holds one already, training goes on from it.
    ///
    /// `identity` says by hashes what the run depends on, such as its data and its settings: a
    /// checkpoint of another identity is refused.
    pub fn with_checkpoints(
        mut self,
        checkpoints: Checkpoints,
        identity: BTreeMap<String, String>,
    ) -> Self {
        self.checkpoints = Some((checkpoints, identity));
        self
    }

    /// Trains a model whose tensors are on an autodiff device ([`burn::module::Module::train`]).
    ///
    /// # Errors
    /// An empty split, samples that cannot be read, groups that match no parameter, a checkpoint that
    /// cannot be written or gone on from, an error of a callback; steps that are not finite, or an
    /// interruption, before the first epoch was done.
    pub fn fit<X: Input, M: Network<X>>(
        &self,
        model: M,
        train: &Arc<dyn Dataset>,
        val: &Arc<dyn Dataset>,
        callbacks: &mut [&mut dyn Callback],
    ) -> Result<Fit<M>, TrainError> {
        for (split, data) in [("train", train), ("validation", val)] {
            if data.is_empty() {
                return Err(TrainError::Empty { split });
            }
        }
        let data = Data {
            train: train.clone(),
            val: val.clone(),
            subset: Arc::new(Subset::evenly(train.clone(), TRAIN_SUBSET)),
        };
        let checkpoints = self
            .checkpoints
            .as_ref()
            .map(|(folder, identity)| (folder, identity));
        Session::begin(model, &self.settings, &data, checkpoints, callbacks)?.run()
    }
}
