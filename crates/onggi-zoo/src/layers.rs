//! What the layers of a model are made with, and what most of torchvision's models are made of.

use crate::pass::{Activation, Pass};
use crate::{ModelOptions, Norm, NormKind};
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::init::{FanMode, Nonlinearity, Rule};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::norm::BatchNormConfig;
use rand_chacha::ChaCha8Rng;

/// A convolution and its norm, `0` and `1` in the state dict, as torchvision's
/// `Conv2dNormActivation` has them.
pub type ConvNorm = (Conv2d, Option<Norm<2>>);

/// The rule of most models for the weights of convolutions.
pub(crate) const KAIMING_FAN_OUT: Rule = Rule::KaimingNormal {
    mode: FanMode::FanOut,
    nonlinearity: Nonlinearity::Relu,
};

/// Normal of standard deviation 0.01, a common rule for classifiers.
pub(crate) const NARROW_NORMAL: Rule = Rule::Normal {
    mean: 0.0,
    std: 0.01,
};

/// Normal of standard deviation 0.02, cut off at ±2: the rule of transformers, and of what follows them.
pub(crate) const NARROW_TRUNCATED: Rule = Rule::TruncNormal {
    mean: 0.0,
    std: 0.02,
    a: -2.0,
    b: 2.0,
};

/// Makes the layers of one model.
pub(crate) struct Layers<'a> {
    norm: NormKind,
    eps: f64,
    momentum: f64,
    pub(crate) rng: &'a mut ChaCha8Rng,
    device: &'a Device,
}

impl<'a> Layers<'a> {
    /// With the norm asked for and PyTorch's defaults for batch normalisation.
    pub(crate) fn new(options: &ModelOptions, rng: &'a mut ChaCha8Rng, device: &'a Device) -> Self {
        Self {
            norm: options.norm,
            eps: 1e-5,
            momentum: 0.1,
            rng,
            device,
        }
    }

    /// Other constants of batch normalisation.
    pub(crate) fn with_batch_norm(self, eps: f64, momentum: f64) -> Self {
        Self {
            eps,
            momentum,
            ..self
        }
    }

    /// A convolution.
    pub(crate) fn conv(&mut self, config: &Conv2dConfig) -> Result<Conv2d, NnError> {
        config.init(self.rng, self.device)
    }

    /// A convolution, with a bias only where no norm follows, and the norm.
    pub(crate) fn conv_norm(&mut self, config: Conv2dConfig) -> Result<ConvNorm, NnError> {
        let norm = self.norm(config.out_channels)?;
        Ok((self.conv(&config.with_bias(norm.is_none()))?, norm))
    }

    /// A norm over so many channels.
    pub(crate) fn norm(&self, channels: usize) -> Result<Option<Norm<2>>, NnError> {
        let config = BatchNormConfig {
            eps: self.eps,
            momentum: Some(self.momentum),
            ..BatchNormConfig::new(channels)
        };
        self.norm.init_with(&config, self.device)
    }

    /// A linear layer.
    pub(crate) fn linear(&mut self, inputs: usize, outputs: usize) -> Result<Linear, NnError> {
        LinearConfig::new(inputs, outputs).init(self.rng, self.device)
    }
}

/// A convolution of an odd kernel that keeps the size at stride 1.
pub(crate) fn padded(inputs: usize, outputs: usize, kernel: usize) -> Conv2dConfig {
    Conv2dConfig::new(inputs, outputs, kernel).with_padding(kernel / 2)
}

/// The part `name`: `activation(norm(conv(x)))`.
pub(crate) fn conv_norm<P: Pass>(
    pass: &mut P,
    name: &str,
    (conv, norm): &ConvNorm,
    activation: Activation,
    x: P::Map,
) -> Result<P::Map, NnError> {
    pass.part(name, |pass| {
        pass.conv_norm(("0", conv), ("1", norm.as_ref()), activation, x)
    })
}

/// `channels` to the nearest multiple of 8 that is no more than a tenth below it, as the mobile
/// networks round.
pub(crate) fn round_channels(channels: f64) -> usize {
    let rounded = ((channels + 4.0) as usize / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels {
        rounded + 8
    } else {
        rounded
    }
}
