//! The normalisation that a model is built with: by name, or none.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::init::{Nonlinearity, Probe};
use onggi_nn::norm::{Activation, BatchNorm, BatchNormConfig, GroupNorm, GroupNormConfig};
use onggi_nn::{Mode, NnError};
use onggi_ops::activation::relu;

/// Most groups of [`NormKind::Group`].
const MOST_GROUPS: usize = 8;

/// Which normalisation a model has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NormKind {
    /// Batch normalisation.
    #[default]
    Batch,
    /// Group normalisation, in as many groups as divide the channels, at most 8 and of at least two
    /// channels each.
    Group,
    /// None: the layers before have biases in its place.
    None,
}

impl NormKind {
    /// The norm over `channels`, if there is to be one.
    ///
    /// # Errors
    /// No channels.
    pub fn init<const R: usize>(
        self,
        channels: usize,
        device: &Device,
    ) -> Result<Option<Norm<R>>, NnError> {
        Ok(match self {
            Self::Batch => Some(Norm::Batch(BatchNormConfig::new(channels).init(device)?)),
            Self::Group => {
                let fits = |groups: &usize| channels.is_multiple_of(*groups);
                let most = MOST_GROUPS.min(channels / 2).max(1);
                let groups = (1..=most).rev().find(fits).unwrap_or(1);
                Some(Norm::Group(
                    GroupNormConfig::new(groups, channels).init(device)?,
                ))
            }
            Self::None => None,
        })
    }

    /// Whether the layer before takes a bias: a norm has its own.
    pub fn leaves_bias(self) -> bool {
        self == Self::None
    }
}

/// A normalisation over `R` axes after the channels.
#[derive(Module, Debug)]
pub enum Norm<const R: usize> {
    /// Batch normalisation.
    Batch(BatchNorm<R>),
    /// Group normalisation.
    Group(GroupNorm),
}

/// `activation(norm(x))`, or `activation(x)` without a norm; `probe` is told of what goes into the
/// activation as the output of `layer`.
///
/// # Errors
/// An input of another shape; in training, one value a channel or a group.
pub(crate) fn normalised<const R: usize, const D: usize>(
    norm: Option<&Norm<R>>,
    x: Tensor<D>,
    mode: &Mode,
    activation: Activation,
    probe: &mut Probe,
    layer: &str,
) -> Result<Tensor<D>, NnError> {
    let y = match norm {
        // Looked at, the two are done one after the other.
        Some(Norm::Batch(norm)) if probe.is_on() => norm.forward(x, mode)?,
        Some(Norm::Batch(norm)) => return norm.forward_activated(x, mode, activation),
        Some(Norm::Group(norm)) => norm.forward(x)?,
        None => x,
    };
    let nonlinearity = match activation {
        Activation::Identity => Nonlinearity::Linear,
        Activation::Relu | Activation::Relu6 => Nonlinearity::Relu,
    };
    probe.record(layer, nonlinearity, &y);
    Ok(match activation {
        Activation::Identity => y,
        Activation::Relu => relu(y),
        Activation::Relu6 => y.clamp(0.0, 6.0),
    })
}
