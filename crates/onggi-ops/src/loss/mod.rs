//! Losses.

mod cross_entropy;

pub use cross_entropy::{CrossEntropyOptions, cross_entropy, cross_entropy_soft};

/// What becomes of the losses of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their (weighted) mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// They are returned one by one.
    None,
}
