//! What a layer, a loss or an optimiser refuses.

use onggi_ops::OpError;

/// A configuration, an input or a state that cannot be worked with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// An operation refused its arguments.
    #[error(transparent)]
    Op(#[from] OpError),
    /// A configuration value is out of its range.
    #[error("{layer}: `{argument}` must be {expected}, but is {got}")]
    Config {
        /// Layer, loss or optimiser.
        layer: &'static str,
        /// Argument's name.
        argument: &'static str,
        /// The range, in words.
        expected: String,
        /// What came.
        got: String,
    },
    /// An input has the wrong shape.
    #[error("{layer}: the input must be {expected}, but its shape is {got:?}")]
    Input {
        /// Layer or loss.
        layer: &'static str,
        /// What was expected, in words.
        expected: String,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// A state dict does not fit the model.
    #[error("the weights do not fit the model: {}", problems.join("; "))]
    State {
        /// Every missing, extra or misshapen tensor.
        problems: Vec<String>,
    },
    /// Gradients, a state or groups of an optimiser do not fit the model or the rule.
    #[error("the optimiser cannot step: {}", problems.join("; "))]
    Optimizer {
        /// All that does not fit.
        problems: Vec<String>,
    },
}

impl NnError {
    /// A [`NnError::Config`].
    pub(crate) fn config(
        layer: &'static str,
        argument: &'static str,
        expected: impl Into<String>,
        got: impl ToString,
    ) -> Self {
        Self::Config {
            layer,
            argument,
            expected: expected.into(),
            got: got.to_string(),
        }
    }
}

/// An error unless `value` is in `range`.
pub(crate) fn check_range(
    layer: &'static str,
    argument: &'static str,
    value: f64,
    range: std::ops::RangeInclusive<f64>,
) -> Result<(), NnError> {
    if range.contains(&value) {
        return Ok(());
    }
    let expected = match (*range.start(), *range.end()) {
        (start, end) if end == f64::MAX => format!("at least {start} and finite"),
        (start, end) => format!("between {start} and {end}"),
    };
    Err(NnError::config(layer, argument, expected, value))
}

/// An error if `value` is 0.
pub(crate) fn check_positive(
    layer: &'static str,
    argument: &'static str,
    value: usize,
) -> Result<(), NnError> {
    if value > 0 {
        Ok(())
    } else {
        Err(NnError::config(layer, argument, "at least 1", value))
    }
}
