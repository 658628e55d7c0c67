//! SqueezeNet 1.0 and 1.1, with torchvision's names.
//!
//! # Reference
//! Iandola et al., *SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
//! size*, 2016.

use crate::layers::{Layers, NARROW_NORMAL, padded};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::dropout::Dropout;
use onggi_nn::identity::Identity;
use onggi_nn::init::{self, FanMode, Nonlinearity, Rule, Scheme};
use onggi_ops::pool::MaxPoolOptions;
use rand_chacha::ChaCha8Rng;

/// A layer between the stem and the classifier: a fire module, or a max pooling.
#[derive(Clone, Copy)]
enum Plan {
    /// Channels that it squeezes to, and that each of its two expansions puts out.
    Fire(usize, usize),
    Pool,
}

/// Which SqueezeNet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqueezeNetVersion {
    /// 1.0, with a 7×7 stem.
    V1_0,
    /// 1.1, with less than half of the multiply-adds.
    V1_1,
}

impl SqueezeNetVersion {
    /// Channels and kernel of the stem, and what follows its activation.
    fn plan(self) -> (usize, usize, [Plan; 11]) {
        use Plan::{Fire, Pool};
        let (a, b, c, d) = (Fire(16, 64), Fire(32, 128), Fire(48, 192), Fire(64, 256));
        match self {
            Self::V1_0 => (96, 7, [Pool, a, a, b, Pool, b, c, c, d, Pool, d]),
            Self::V1_1 => (64, 3, [Pool, a, a, Pool, b, b, Pool, c, c, d, d]),
        }
    }
}

/// A 1×1 convolution to few channels, and a 1×1 and a 3×3 one of those side by side.
#[derive(Module, Debug)]
pub struct Fire {
    /// 1×1, to few channels.
    pub squeeze: Conv2d,
    /// 1×1.
    pub expand1x1: Conv2d,
    /// 3×3.
    pub expand3x3: Conv2d,
}

impl Fire {
    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        let x = pass.conv("squeeze", &self.squeeze, Activation::Relu, x)?;
        let a = pass.conv("expand1x1", &self.expand1x1, Activation::Relu, x.clone())?;
        let b = pass.conv("expand3x3", &self.expand3x3, Activation::Relu, x)?;
        pass.concat(vec![a, b])
    }
}

/// A place in the list of layers, which counts those without weights too.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum SqueezeNetLayer {
    /// Stem.
    Conv(Conv2d),
    /// ReLU.
    Relu(Identity),
    /// Max pooling, 3×3 with stride 2.
    Pool(Identity),
    /// Fire module.
    Fire(Fire),
}

/// SqueezeNet.
///
/// Its classifier is a 1×1 convolution, whose outputs are averaged after a ReLU. So the features of an
/// image are not one vector of 512 numbers but as many as there are places in the last map, one behind
/// the other: `(N, 512 · H · W)`, channel by channel.
#[derive(Module, Debug)]
pub struct SqueezeNet {
    /// Stem, poolings and fire modules.
    pub features: Vec<SqueezeNetLayer>,
    /// Dropout and the classifier, which is at 1 of the state dict.
    pub classifier: (Dropout, Conv2d),
}

impl SqueezeNet {
    /// A model for images of `channels` channels, of 17 (1.0: 21) pixels a side or more.
    ///
    /// # Errors
    /// No channels, no classes, stochastic depth, another norm, or options out of range.
    pub fn new(
        version: SqueezeNetVersion,
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        options.no_drop_path("SqueezeNet")?;
        options.no_norm("SqueezeNet")?;
        let mut layers = Layers::new(options, rng, device);
        let (base, kernel, plan) = version.plan();
        let mut inputs = options.widened(base)?;
        let stem = Conv2dConfig::new(channels, inputs, kernel).with_stride(2);
        let mut features = vec![
            SqueezeNetLayer::Conv(layers.conv(&stem)?),
            SqueezeNetLayer::Relu(Identity),
        ];
        for step in plan {
            features.push(match step {
                Plan::Pool => SqueezeNetLayer::Pool(Identity),
                Plan::Fire(squeezed, outputs) => {
                    let (squeezed, outputs) =
                        (options.widened(squeezed)?, options.widened(outputs)?);
                    let squeeze = layers.conv(&padded(inputs, squeezed, 1))?;
                    inputs = 2 * outputs;
                    SqueezeNetLayer::Fire(Fire {
                        squeeze,
                        expand1x1: layers.conv(&padded(squeezed, outputs, 1))?,
                        expand3x3: layers.conv(&padded(squeezed, outputs, 3))?,
                    })
                }
            });
        }
        let classifier = layers.conv(&padded(inputs, options.classes, 1))?;
        let scheme = |rule| Scheme {
            conv: Some(rule),
            ..Scheme::default()
        };
        let kaiming = Rule::KaimingUniform {
            mode: FanMode::FanIn,
            nonlinearity: Nonlinearity::Relu,
        };
        let features = init::apply(features, scheme(kaiming), rng)?;
        let classifier = init::apply(classifier, scheme(NARROW_NORMAL), rng)?;
        Ok(Self {
            features,
            classifier: (Dropout::new(options.dropout)?, classifier),
        })
    }
}

impl Backbone for SqueezeNet {
    fn classifier(&self) -> &'static str {
        "classifier.1"
    }

    fn features<P: Pass>(&self, pass: &mut P, mut x: P::Map) -> Result<P::Rows, NnError> {
        let pool = MaxPoolOptions {
            ceil_mode: true,
            ..MaxPoolOptions::new(3).with_stride(2)
        };
        for (i, layer) in self.features.iter().enumerate() {
            let name = format!("features.{i}");
            x = match layer {
                SqueezeNetLayer::Conv(conv) => pass.conv(&name, conv, Activation::Relu, x)?,
                SqueezeNetLayer::Relu(_) => x,
                SqueezeNetLayer::Pool(_) => pass.part(&name, |pass| pass.max_pool(&pool, x))?,
                SqueezeNetLayer::Fire(fire) => pass.part(&name, |pass| fire.apply(pass, x))?,
            };
        }
        pass.flatten(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let (dropout, classifier) = &self.classifier;
        let [_, channels, ..] = classifier.weight.dims();
        let x = pass.dropout(dropout, features)?;
        let x = pass.unflatten(channels, x)?;
        let x = pass.conv("classifier.1", classifier, Activation::Relu, x)?;
        pass.pooled(x)
    }
}
