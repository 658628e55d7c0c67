//! Training of any classifier module: the loop, early stopping, metrics, the verdict on the fit,
//! weights on disk and the run folder.
//!
//! # Example
//! See `examples/01_train_on_points.rs`, which trains on a data set of its own.

#![forbid(unsafe_code)]

pub mod diagnose;
mod early_stopping;
mod error;
mod evaluate;
pub mod metrics;
pub mod run;
mod subset;
mod trainer;
mod verdict;
mod weights;

pub use early_stopping::EarlyStopping;
pub use error::TrainError;
pub use evaluate::{Predictions, predict};
pub use subset::Subset;
pub use trainer::{
    Fit, FitSettings, Observer, OptimizerChoice, Progress, Stopped, TRAIN_SUBSET, fit,
};
pub use verdict::{Evidence, Measured, Steadiness};
pub use weights::{WeightsFile, read_weights, write_weights};
