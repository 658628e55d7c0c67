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
    /// The loss or its gradient was infinite or NaN before any epoch was done.
    #[error(
        "the loss or its gradient was not finite in {skipped} of {step} steps, before the first epoch \
         was done (the last loss was {loss}): lower the learning rate (it was {lr:e}), or look for \
         extreme values in the data"
    )]
    Diverged {
        /// Steps tried.
        step: u64,
        /// Steps skipped among them.
        skipped: u64,
        /// The last loss.
        loss: f64,
        /// The learning rate.
        lr: f64,
    },
    /// A pattern of parameters' names that no parameter has.
    #[error("no parameter is called like `{pattern}`; there are: {names}")]
    NoParameter {
        /// The pattern.
        pattern: String,
        /// Names of parameters.
        names: String,
    },
    /// A checkpoint could not be written.
    #[error(
        "{path}: the checkpoint could not be written ({source}); the one before is intact",
        path = path.display()
    )]
    Checkpoint {
        /// Folder of the checkpoints.
        path: PathBuf,
        /// Reason.
        source: io::Error,
    },
    /// A run cannot be gone on with, as something is not what it was when it began.
    #[error(
        "the {what} changed since the run was begun, so it cannot go on as if it had not stopped: \
         put it back as it was, or train anew"
    )]
    Changed {
        /// `data`, `settings`, …
        what: String,
    },
    /// Not even the smallest batch fits.
    #[error(
        "a step of {batch} samples is estimated to need {needed} MB, more than the {limit} MB that \
         were allowed: allow more, or take a smaller model or input"
    )]
    Memory {
        /// Samples of the smallest step.
        batch: usize,
        /// Estimated megabytes of the whole process.
        needed: u64,
        /// Megabytes allowed.
        limit: u64,
    },
    /// The memory that is in use cannot be measured.
    #[error("a memory limit needs Linux's /proc/self/status, which cannot be read here: {source}")]
    NoMemoryFigures {
        /// Reason.
        source: io::Error,
    },
    /// Training was interrupted before the first epoch was done.
    #[error("interrupted before the first epoch was done: there is no model to judge yet")]
    Interrupted,
    /// A batch has another number of axes than the model's input.
    #[error("the model takes inputs of {expected} axes, the data gives batches of shape {got:?}")]
    Shape {
        /// Axes of the model's input.
        expected: usize,
        /// Shape of the batch.
        got: Vec<usize>,
    },
    /// A regression loss without one output and one target a sample.
    #[error(
        "a regression loss needs one output and one target a sample, but there are {outputs} outputs \
         a sample and {targets} targets for {samples} samples: `Dataset::target` gives the targets"
    )]
    NotRegression {
        /// Outputs a sample.
        outputs: usize,
        /// Samples of the batch.
        samples: usize,
        /// Targets of the batch.
        targets: usize,
    },
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
    /// A [`TrainError::Setting`].
    pub(crate) fn setting(
        setting: &'static str,
        expected: &'static str,
        got: impl ToString,
    ) -> Self {
        let got = got.to_string();
        Self::Setting {
            setting,
            expected,
            got,
        }
    }

    /// An I/O error with its path.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
