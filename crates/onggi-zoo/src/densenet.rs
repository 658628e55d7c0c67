//! DenseNet-121, with torchvision's names, which timm's `densenet121.tv_in1k` shares.
//!
//! Files written by torchvision's early versions, which include the one that it still offers, have
//! `denselayer1.norm.1` where the state dict has `denselayer1.norm1`; both are taken.
//!
//! # Reference
//! Huang et al., *Densely connected convolutional networks*, 2017.

use crate::layers::{Layers, padded};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions, Norm};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::Dropout;
use onggi_nn::init::{self, FanMode, Nonlinearity, Rule, Scheme};
use onggi_nn::linear::Linear;
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions};
use rand_chacha::ChaCha8Rng;

/// Layers of each block.
const BLOCKS: [usize; 4] = [6, 12, 24, 16];
/// Channels of the stem.
const STEM: usize = 64;
/// Channels that each layer adds.
const GROWTH: usize = 32;
/// Channels between a layer's two convolutions, for each that it adds.
const BOTTLENECK: usize = 4;

/// `activation(norm(x))`, or `activation(x)` without a norm.
fn normed<P: Pass>(
    pass: &mut P,
    name: &str,
    norm: Option<&Norm<2>>,
    x: P::Map,
) -> Result<P::Map, NnError> {
    match norm {
        Some(norm) => pass.norm(name, norm, Activation::Relu, x),
        None => pass.activation(Activation::Relu, x),
    }
}

/// Makes a few channels of all those before it: `conv2(relu(norm2(conv1(relu(norm1(x))))))`.
#[derive(Module, Debug)]
pub struct DenseLayer {
    /// Norm before the first convolution.
    pub norm1: Option<Norm<2>>,
    /// 1×1.
    pub conv1: Conv2d,
    /// Norm before the second.
    pub norm2: Option<Norm<2>>,
    /// 3×3.
    pub conv2: Conv2d,
}

impl DenseLayer {
    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        let x = normed(pass, "norm1", self.norm1.as_ref(), x)?;
        let norm2 = ("norm2", self.norm2.as_ref());
        let x = pass.conv_norm(("conv1", &self.conv1), norm2, Activation::Relu, x)?;
        pass.conv("conv2", &self.conv2, Activation::Identity, x)
    }
}

/// Layers, each of which sees what all before it put out, and what went into the block.
#[derive(Module, Debug)]
pub struct DenseBlock {
    /// The layers, from `denselayer1`.
    pub denselayer_1: Vec<DenseLayer>,
}

impl DenseBlock {
    fn apply<P: Pass>(&self, pass: &mut P, mut x: P::Map) -> Result<P::Map, NnError> {
        for (i, layer) in self.denselayer_1.iter().enumerate() {
            let name = format!("denselayer{}", i + 1);
            let before = x.clone();
            let added = pass.part(&name, |pass| layer.apply(pass, before))?;
            x = pass.concat(vec![x, added])?;
        }
        Ok(x)
    }
}

/// Halves channels and sides between two blocks.
#[derive(Module, Debug)]
pub struct Transition {
    /// Norm before the convolution.
    pub norm: Option<Norm<2>>,
    /// 1×1; an average pooling follows.
    pub conv: Conv2d,
}

impl Transition {
    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        let x = normed(pass, "norm", self.norm.as_ref(), x)?;
        let x = pass.conv("conv", &self.conv, Activation::Identity, x)?;
        pass.avg_pool(&AvgPoolOptions::new(2), x)
    }
}

/// All but the classifier.
#[derive(Module, Debug)]
pub struct DenseFeatures {
    /// Stem, 7×7 with stride 2; a max pooling follows.
    pub conv0: Conv2d,
    /// Its norm.
    pub norm0: Option<Norm<2>>,
    /// The four blocks, from `denseblock1`.
    pub denseblock_1: Vec<DenseBlock>,
    /// What stands between them, from `transition1`.
    pub transition_1: Vec<Transition>,
    /// Norm of what the last block puts out.
    pub norm5: Option<Norm<2>>,
}

/// DenseNet-121.
///
/// Its multi-scale maps are `features.denseblock1` to `features.denseblock4`, of strides 4, 8, 16 and
/// 32.
#[derive(Module, Debug)]
pub struct DenseNet {
    /// All but the classifier.
    pub features: DenseFeatures,
    /// Dropout before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub classifier: Linear,
}

impl DenseNet {
    /// A model for images of `channels` channels, of 29 pixels a side or more.
    ///
    /// # Errors
    /// No channels, no classes, stochastic depth, or options out of range.
    pub fn new(
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        options.no_drop_path("DenseNet")?;
        let mut layers = Layers::new(options, rng, device);
        let mut inputs = options.widened(STEM)?;
        let growth = options.widened(GROWTH)?;
        let (conv0, norm0) = layers.conv_norm(padded(channels, inputs, 7).with_stride(2))?;
        let (mut blocks, mut transitions) = (Vec::new(), Vec::new());
        for (i, count) in BLOCKS.into_iter().enumerate() {
            if i > 0 {
                let norm = layers.norm(inputs)?;
                let config = padded(inputs, inputs / 2, 1).with_bias(norm.is_none());
                let conv = layers.conv(&config)?;
                transitions.push(Transition { norm, conv });
                inputs /= 2;
            }
            let mut block = Vec::new();
            for _ in 0..count {
                let norm1 = layers.norm(inputs)?;
                let middle = BOTTLENECK * growth;
                let (conv1, norm2) = layers.conv_norm(padded(inputs, middle, 1))?;
                let config = padded(middle, growth, 3).with_bias(norm1.is_none());
                block.push(DenseLayer {
                    norm1,
                    conv1,
                    norm2,
                    conv2: layers.conv(&config)?,
                });
                inputs += growth;
            }
            blocks.push(DenseBlock {
                denselayer_1: block,
            });
        }
        let model = Self {
            features: DenseFeatures {
                conv0,
                norm0,
                denseblock_1: blocks,
                transition_1: transitions,
                norm5: layers.norm(inputs)?,
            },
            dropout: Dropout::new(options.dropout)?,
            classifier: layers.linear(inputs, options.classes)?,
        };
        let mode = FanMode::FanIn;
        let slope = 5f64.sqrt();
        let scheme = Scheme {
            conv: Some(Rule::KaimingNormal {
                mode,
                nonlinearity: Nonlinearity::Relu,
            }),
            // PyTorch's default, but for a bias of 0.
            linear: Some(Rule::KaimingUniform {
                mode,
                nonlinearity: Nonlinearity::LeakyRelu { slope },
            }),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }
}

impl Backbone for DenseNet {
    fn classifier(&self) -> &'static str {
        "classifier"
    }

    fn renamed(&self, name: &str) -> Option<String> {
        if !name.contains(".denselayer") {
            return None;
        }
        ["norm.1", "norm.2", "conv.1", "conv.2"]
            .iter()
            .find_map(|old| {
                let (before, after) = name.split_once(&format!(".{old}."))?;
                Some(format!("{before}.{}.{after}", old.replace('.', "")))
            })
    }

    fn features<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Rows, NnError> {
        let features = &self.features;
        let norm0 = ("features.norm0", features.norm0.as_ref());
        let conv0 = ("features.conv0", &features.conv0);
        let x = pass.conv_norm(conv0, norm0, Activation::Relu, x)?;
        let mut x = pass.max_pool(&MaxPoolOptions::new(3).with_stride(2).with_padding(1), x)?;
        for (i, block) in features.denseblock_1.iter().enumerate() {
            let name = format!("features.denseblock{}", i + 1);
            x = pass.part(&name, |pass| block.apply(pass, x))?;
            if let Some(transition) = features.transition_1.get(i) {
                let name = format!("features.transition{}", i + 1);
                x = pass.part(&name, |pass| transition.apply(pass, x))?;
            }
        }
        let x = normed(pass, "features.norm5", features.norm5.as_ref(), x)?;
        pass.pooled(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let x = pass.dropout(&self.dropout, features)?;
        pass.linear("classifier", &self.classifier, Activation::Identity, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_known() {
        let (device, rng) = (onggi_ops::testing::device(), &mut init::generator(1));
        let options = ModelOptions {
            width: 0.1,
            ..ModelOptions::new(2)
        };
        let model = DenseNet::new(3, &options, rng, &device).unwrap();
        let renamed = |name: &str| model.renamed(name);
        let layer = "features.denseblock2.denselayer11";
        assert_eq!(
            renamed(&format!("{layer}.norm.2.running_mean")),
            Some(format!("{layer}.norm2.running_mean"))
        );
        assert_eq!(
            renamed(&format!("{layer}.conv.1.weight")),
            Some(format!("{layer}.conv1.weight"))
        );
        assert_eq!(renamed(&format!("{layer}.conv1.weight")), None);
        assert_eq!(renamed("features.transition1.norm.weight"), None);
    }
}
