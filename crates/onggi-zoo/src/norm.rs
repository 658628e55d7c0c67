//! The normalisation that a model is built with: by name, or none.

use crate::pass::{Activation, nonlinearity};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_nn::init::Probe;
use onggi_nn::norm::{BatchNorm, BatchNormConfig, GroupNorm, GroupNormConfig};
use onggi_nn::{Mode, NnError};

/// Most groups of [`NormKind::Group`].
const MOST_GROUPS: usize = 8;

/// Which normalisation a model has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NormKind {
    /// Batch normalisation.
    #[default]
    Batch,
    /// Batch normalisation by running statistics that training does not move: for a pretrained model
    /// that is tuned on few samples.
    FrozenBatch,
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
        self.init_with(&BatchNormConfig::new(channels), device)
    }

    /// The norm over the channels of `config`, which says how a batch normalisation is to be.
    ///
    /// # Errors
    /// No channels.
    pub fn init_with<const R: usize>(
        self,
        config: &BatchNormConfig,
        device: &Device,
    ) -> Result<Option<Norm<R>>, NnError> {
        let channels = config.num_features;
        Ok(match self {
            Self::Batch => Some(Norm::Batch(config.init(device)?)),
            Self::FrozenBatch => Some(Norm::FrozenBatch(config.init(device)?)),
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
    /// Batch normalisation by its running statistics, in training too.
    FrozenBatch(BatchNorm<R>),
    /// Group normalisation.
    Group(GroupNorm),
}

impl<const R: usize> Norm<R> {
    /// `activation(norm(x))`, in one go where there is a kernel for the two.
    ///
    /// # Shapes
    /// `x: (N, C, *)` → the same.
    ///
    /// # Errors
    /// An input of another shape; in training, one value a channel or a group.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        mode: &Mode,
        activation: Activation,
    ) -> Result<Tensor<D>, NnError> {
        match self {
            Self::Batch(norm) => norm.forward_activated(x, mode, activation),
            Self::FrozenBatch(norm) => norm.forward_activated(x, &Mode::Eval, activation),
            Self::Group(norm) => Ok(activation.apply(norm.forward(x)?)),
        }
    }
}

/// What a batch normalisation does in evaluation: `scale · x + offset`, channel by channel.
pub(crate) struct Affine {
    /// `weight / √(var + eps)`.
    pub(crate) scale: Vec<f64>,
    /// `bias − mean · scale`.
    pub(crate) offset: Vec<f64>,
}

impl Affine {
    /// By the running statistics.
    ///
    /// # Errors
    /// A norm without them.
    pub(crate) fn of<const R: usize>(norm: &BatchNorm<R>) -> Result<Self, NnError> {
        let (Some(mean), Some(var)) = (&norm.running_mean, &norm.running_var) else {
            return Err(NnError::Config {
                layer: "BatchNorm",
                argument: "track_running_stats",
                expected: "true, to be folded or exported".into(),
                got: "false".into(),
            });
        };
        let values = |x: Tensor<1>| x.into_data().iter::<f64>().collect::<Vec<_>>();
        let (mean, var) = (values(mean.value_sync()), values(var.value_sync()));
        let parameter = |p: &Option<Param<Tensor<1>>>, default| match p {
            Some(p) => values(p.val()),
            None => vec![default; mean.len()],
        };
        let (weight, bias) = (parameter(&norm.weight, 1.0), parameter(&norm.bias, 0.0));
        let pairs = weight.iter().zip(&var);
        let scale: Vec<f64> = pairs.map(|(w, v)| w / (v + norm.eps()).sqrt()).collect();
        let triples = bias.iter().zip(&mean).zip(&scale);
        let offset = triples.map(|((b, m), s)| b - m * s).collect();
        Ok(Self { scale, offset })
    }

    /// Makes the weight, outputs first, and the bias of the layer before do its work too: the new bias.
    pub(crate) fn fold(&self, weight: &mut [f32], bias: Option<&[f32]>) -> Vec<f32> {
        let channels = self.scale.len().max(1);
        let rows = weight.chunks_exact_mut((weight.len() / channels).max(1));
        for (row, scale) in rows.zip(&self.scale) {
            row.iter_mut()
                .for_each(|w| *w = (f64::from(*w) * scale) as f32);
        }
        let bias = |c: usize| bias.map_or(0.0, |bias| f64::from(bias[c]));
        let folded = self.scale.iter().zip(&self.offset).enumerate();
        folded
            .map(|(c, (scale, offset))| (bias(c) * scale + offset) as f32)
            .collect()
    }
}

/// `activation(norm(x))`, or `activation(x)` without a norm; `probe` is told of what goes into the
/// activation as the output of `layer`.
///
/// # Errors
/// As [`Norm::forward`].
pub(crate) fn normalised<const R: usize, const D: usize>(
    norm: Option<&Norm<R>>,
    x: Tensor<D>,
    mode: &Mode,
    activation: Activation,
    probe: &mut Probe,
    layer: impl FnOnce() -> String,
) -> Result<Tensor<D>, NnError> {
    match norm {
        Some(norm) if !probe.is_on() => return norm.forward(x, mode, activation),
        None if !probe.is_on() => return Ok(activation.apply(x)),
        _ => {}
    }
    // Looked at, the two are done one after the other.
    let x = match norm {
        Some(norm) => norm.forward(x, mode, Activation::Identity)?,
        None => x,
    };
    probe.record(&layer(), nonlinearity(activation), &x);
    Ok(activation.apply(x))
}
