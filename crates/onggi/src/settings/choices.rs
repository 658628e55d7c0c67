//! The settings that are one of a few words.

use clap::ValueEnum;
use onggi_zoo::NormKind;
use serde::{Deserialize, Serialize};

/// Which rule moves the parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Optimizer {
    /// Adam with decoupled weight decay
    #[default]
    Adamw,
    /// Gradient descent with Nesterov's momentum
    Sgd,
    /// Adam, its weight decay in the gradient
    Adam,
    /// Adam with Nesterov's momentum
    Nadam,
    /// Gradients divided by a running root mean square
    Rmsprop,
    /// Gradients divided by the root of the sum of all squares
    Adagrad,
    /// The sign of a momentum
    Lion,
    /// Adam with a trust ratio a layer, for large batches
    Lamb,
}

impl Optimizer {
    /// Learning rate and weight decay unless others are asked for. Those of adamw and sgd were chosen
    /// on data/fashion-mini; the others follow from the rules' papers in proportion to adamw's.
    pub(super) fn defaults(self) -> (f64, f64) {
        match self {
            Self::Adamw => (0.003, 0.05),
            Self::Sgd => (0.05, 5e-4),
            Self::Adam | Self::Nadam => (0.003, 0.0),
            Self::Rmsprop => (0.001, 0.0),
            Self::Adagrad => (0.02, 0.0),
            Self::Lion => (0.0005, 0.3),
            Self::Lamb => (0.01, 0.05),
        }
    }
}

/// The learning rate's course over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum ScheduleName {
    /// Up for the warm-up, then down along a cosine to nearly 0
    OneCycle,
    /// The same all along
    Constant,
    /// Linearly up for the warm-up, then down along a cosine to 0
    Cosine,
    /// As cosine, three times, each fall twice as long as the one before
    CosineRestarts,
    /// Linearly up for the warm-up, then linearly down to 0
    Linear,
    /// Linearly up for the warm-up, then down by the square to 0
    Polynomial,
    /// Linearly up for the warm-up, then by the same factor each step to a hundredth
    Exponential,
    /// A tenth after half of the steps, a hundredth after three quarters
    MultiStep,
    /// Half when the validation loss has not fallen for three epochs
    Plateau,
}

/// Which normalisation a model has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum NormName {
    /// By the batch's mean and variance
    #[default]
    Batch,
    /// By the running statistics of pretrained weights, which training does not move
    FrozenBatch,
    /// By each sample's own, over groups of channels: for small batches
    Group,
    /// None; the layers have biases instead
    None,
}

impl From<NormName> for NormKind {
    fn from(name: NormName) -> Self {
        match name {
            NormName::Batch => Self::Batch,
            NormName::FrozenBatch => Self::FrozenBatch,
            NormName::Group => Self::Group,
            NormName::None => Self::None,
        }
    }
}

/// Which epoch's weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keep {
    /// The best on validation data
    Best,
    /// The last
    Last,
}

/// What to do with missing values in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MissingValues {
    /// Fill in the column's median over the training rows, and say so
    Impute,
    /// End with an error that names them
    Refuse,
}

/// What an epoch is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum MonitorName {
    /// The validation loss
    ValLoss,
    /// The validation accuracy
    ValAccuracy,
}
