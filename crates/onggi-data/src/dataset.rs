//! What the loader asks of a data set.

use crate::DataError;

/// How a sample is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// As it is: for validation, test and prediction.
    Eval,
    /// Augmented; every random choice is a function of (seed, epoch, sample index).
    Train {
        /// Seed of the run.
        seed: u64,
        /// Epoch.
        epoch: u64,
    },
}

/// A labelled data set that can be read from several threads at once.
///
/// # Example
/// ```
/// use onggi_data::{DataError, Dataset, View};
///
/// /// Two points on a line.
/// struct Points;
///
/// impl Dataset for Points {
///     fn len(&self) -> usize {
///         2
///     }
///     fn sample_shape(&self) -> Vec<usize> {
///         vec![1]
///     }
///     fn label(&self, index: usize) -> usize {
///         index
///     }
///     fn num_classes(&self) -> usize {
///         2
///     }
///     fn source(&self, index: usize) -> String {
///         format!("row {}", index + 1)
///     }
///     fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
///         out[0] = index as f32;
///         Ok(())
///     }
/// }
/// ```
pub trait Dataset: Send + Sync {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of one sample: `[C, H, W]` or `[F]`.
    fn sample_shape(&self) -> Vec<usize>;

    /// Label of sample `index < len()`, below `num_classes()`; 0 where the data set has no labels.
    fn label(&self, index: usize) -> usize;

    /// Number of classes; 0 where the data set has quantities.
    fn num_classes(&self) -> usize;

    /// The quantity of sample `index < len()`, for a regressor; `None` where the data set has
    /// classes.
    fn target(&self, index: usize) -> Option<f32> {
        let _ = index;
        None
    }

    /// Length of sample `index < len()` without its padding, where samples are sequences of ids `[L]` that
    /// end in zeros; `None` elsewhere. A loader that shuffles puts sequences of like length into a batch,
    /// and cuts the zeros that all of a batch end in. In [`View::Train`] the length may be another.
    fn sequence_len(&self, index: usize) -> Option<usize> {
        let _ = index;
        None
    }

    /// Where sample `index < len()` came from: a path, or `row 17`.
    fn source(&self, index: usize) -> String;

    /// Writes sample `index < len()`, normalised, into `out`, whose length is the product of
    /// [`Dataset::sample_shape`].
    ///
    /// # Errors
    /// Where the sample cannot be read or does not fit `out`.
    fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError>;
}
