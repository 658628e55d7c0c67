//! What training, evaluating and the files of a run can fail with.

use onggi_data::DataError;
use onggi_nn::NnError;
use std::io;
use std::path::PathBuf;

/// A training, an evaluation or a run's file that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model refused its input or its weights.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// A data set is empty.
    #[error(
        "the {split} split is empty: training needs samples to learn from and others to judge by"
    )]
    Empty {
        /// Which split.
        split: &'static str,
    },
    /// The loss became infinite or NaN before any epoch was done.
    #[error(
        "the loss became {loss} in step {step}, before the first epoch was done: lower the learning \
         rate (it was {lr:e}), or look for extreme values in the data"
    )]
    Diverged {
        /// Step, from 1.
        step: u64,
        /// The loss.
        loss: f64,
        /// The learning rate.
        lr: f64,
    },
    /// Training was interrupted before the first epoch was done.
    #[error("interrupted before the first epoch was done: there are no weights to keep")]
    Interrupted,
    /// A setting is out of its range.
    #[error("`{setting}` must be {expected}, but is {got}")]
    Setting {
        /// Name.
        setting: &'static str,
        /// The range, in words.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// A figure that cannot be computed from what came.
    #[error("{what}: expected {expected}, got {got}")]
    Measure {
        /// The figure.
        what: &'static str,
        /// What it needs, in words.
        expected: String,
        /// What came.
        got: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Reason.
        source: io::Error,
    },
    /// A file of a run is damaged, or is not what it should be.
    #[error("{path}: {reason}", path = path.display())]
    File {
        /// File.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A folder is not a run.
    #[error(
        "{path} is not a run folder: it has no {missing}; give the folder that `onggi train` printed, \
         e.g. runs/photos-1", path = path.display()
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file it should have.
        missing: &'static str,
    },
}

impl TrainError {
    /// An I/O error with its path.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
