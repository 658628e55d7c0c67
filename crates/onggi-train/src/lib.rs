//! Training of any classifier or regressor: the trainer and its checkpoints, early stopping, metrics,
//! the verdict on the fit, weights on disk and the run folder.
//!
//! # Example
//! See `examples/01_train_on_points.rs`, which trains on a data set of its own.

#![forbid(unsafe_code)]

mod checkpoint;
pub mod diagnose;
mod early_stopping;
mod error;
mod evaluate;
mod input;
pub mod linear;
mod memory;
pub mod metrics;
mod objective;
mod plain;
pub mod run;
mod subset;
mod tensorboard;
mod trainer;
mod verdict;
mod weights;

pub use checkpoint::{Checkpoints, fingerprint};
pub use early_stopping::{EarlyStopping, EarlyStoppingConfig, KeptEpoch, Monitor};
pub use error::TrainError;
pub use evaluate::{Predictions, predict, rows};
pub use input::Input;
pub use objective::Objective;
pub use plain::plain_safetensors;
pub use subset::Subset;
pub use tensorboard::TensorBoard;
pub use trainer::{
    Averaging, Callback, CheckpointEvery, Fit, Progress, RangePoint, RangeTest, RangeTestConfig,
    Schedule, Start, Stopped, TRAIN_SUBSET, TrainSettings, Trainer, range_test,
};
pub use verdict::{Evidence, Measured, Steadiness};
pub use weights::{WeightsFile, read_weights, write_weights};
