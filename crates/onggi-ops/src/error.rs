//! What an operation refuses.

/// Arguments that an operation cannot work with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OpError {
    /// A tensor has the wrong shape.
    #[error("{op}: `{argument}` must have {expected}, but its shape is {got:?}")]
    Shape {
        /// Operation.
        op: &'static str,
        /// Argument's name.
        argument: &'static str,
        /// What was expected, in words.
        expected: String,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// A number is out of its range.
    #[error("{op}: `{argument}` must be {expected}, but is {got}")]
    Range {
        /// Operation.
        op: &'static str,
        /// Argument's name.
        argument: &'static str,
        /// The range, in words.
        expected: &'static str,
        /// The number that came.
        got: f64,
    },
    /// An index names no row of the table.
    #[error("{op}: index {index} at position {at} is outside of the table's {rows} rows")]
    Index {
        /// Operation.
        op: &'static str,
        /// The index.
        index: i64,
        /// Its position among the indices.
        at: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// The starts of bags do not cut their indices.
    #[error(
        "{op}: `offsets` must begin with 0, not fall, and stay within the {indices} indices, but \
         are {got:?}"
    )]
    Offsets {
        /// Operation.
        op: &'static str,
        /// How many indices there are.
        indices: usize,
        /// The offsets that came.
        got: Vec<usize>,
    },
    /// Batch statistics need more than one value a channel.
    #[error(
        "{op}: training needs more than one value per channel, but the input's shape is {got:?}; \
         use a larger batch, or eval mode"
    )]
    OneValuePerChannel {
        /// Operation.
        op: &'static str,
        /// The input's shape.
        got: Vec<usize>,
    },
    /// A class that the logits do not have.
    #[error("{op}: each class must be at least 0 and below {classes}, but one is {got}")]
    Class {
        /// Operation.
        op: &'static str,
        /// Number of classes.
        classes: usize,
        /// The class that came.
        got: i64,
    },
    /// The mean of no losses.
    #[error(
        "{op}: there is no mean, as no row counts: the batch is empty, or each row is ignored or of \
         a class with weight 0"
    )]
    NothingToAverage {
        /// Operation.
        op: &'static str,
    },
}
