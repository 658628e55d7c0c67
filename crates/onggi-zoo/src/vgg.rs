//! VGG, with and without batch normalisation, with torchvision's names.
//!
//! # Reference
//! Simonyan and Zisserman, *Very deep convolutional networks for large-scale image recognition*, 2015.

use crate::layers::{KAIMING_FAN_OUT, Layers, NARROW_NORMAL, padded};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions, Norm};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::Dropout;
use onggi_nn::identity::Identity;
use onggi_nn::init::{self, Scheme};
use onggi_nn::linear::Linear;
use onggi_ops::pool::MaxPoolOptions;
use rand_chacha::ChaCha8Rng;

/// Channels of each stage; a max pooling ends it.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];
/// Side of the maps that go into the first linear layer.
const POOLED: usize = 7;
/// Units of the two hidden linear layers.
const HIDDEN: usize = 4096;

/// Convolutions a stage by the number of layers with weights.
fn plan(depth: usize) -> Result<[usize; 5], NnError> {
    Ok(match depth {
        11 => [1, 1, 2, 2, 2],
        13 => [2, 2, 2, 2, 2],
        16 => [2, 2, 3, 3, 3],
        19 => [2, 2, 4, 4, 4],
        _ => {
            return Err(NnError::Config {
                layer: "VGG",
                argument: "depth",
                expected: "11, 13, 16 or 19".into(),
                got: depth.to_string(),
            });
        }
    })
}

/// A place in the list of layers, which counts those without weights too.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum VggLayer {
    /// 3×3 convolution with a bias.
    Conv(Conv2d),
    /// Norm of the convolution before.
    Norm(Norm<2>),
    /// ReLU.
    Relu(Identity),
    /// Max pooling, 2×2.
    Pool(Identity),
}

/// Two hidden linear layers and the last one, at 0, 3 and 6 of the state dict.
pub type VggClassifier = (Linear, Identity, Dropout, Linear, Identity, Dropout, Linear);

/// VGG-11, -13, -16 and -19.
///
/// Its features are the 4,096 numbers before the last linear layer. Images of any size fit: the maps
/// are averaged to 7×7.
#[derive(Module, Debug)]
pub struct Vgg {
    /// Convolutions, norms, activations and poolings.
    pub features: Vec<VggLayer>,
    /// Linear layers.
    pub classifier: VggClassifier,
}

impl Vgg {
    /// A model of 11, 13, 16 or 19 layers for images of `channels` channels.
    ///
    /// # Errors
    /// No channels, no classes, another depth, stochastic depth, another norm where there is none, or
    /// options out of range.
    pub fn new(
        depth: usize,
        batch_norm: bool,
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        options.no_drop_path("VGG")?;
        if !batch_norm {
            options.no_norm("VGG without batch normalisation")?;
        }
        let mut layers = Layers::new(options, rng, device);
        let mut features = Vec::new();
        let mut inputs = channels;
        for (base, count) in CHANNELS.into_iter().zip(plan(depth)?) {
            let outputs = options.widened(base)?;
            for _ in 0..count {
                features.push(VggLayer::Conv(layers.conv(&padded(inputs, outputs, 3))?));
                if batch_norm {
                    features.extend(layers.norm(outputs)?.map(VggLayer::Norm));
                }
                features.push(VggLayer::Relu(Identity));
                inputs = outputs;
            }
            features.push(VggLayer::Pool(Identity));
        }
        let hidden = options.widened(HIDDEN)?;
        let dropout = || Dropout::new(options.dropout);
        let model = Self {
            features,
            classifier: (
                layers.linear(inputs * POOLED * POOLED, hidden)?,
                Identity,
                dropout()?,
                layers.linear(hidden, hidden)?,
                Identity,
                dropout()?,
                layers.linear(hidden, options.classes)?,
            ),
        };
        let scheme = Scheme {
            conv: Some(KAIMING_FAN_OUT),
            linear: Some(NARROW_NORMAL),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }
}

impl Backbone for Vgg {
    fn classifier(&self) -> &'static str {
        "classifier.6"
    }

    fn features<P: Pass>(&self, pass: &mut P, mut x: P::Map) -> Result<P::Rows, NnError> {
        use Activation::Relu;
        for (i, layer) in self.features.iter().enumerate() {
            let name = format!("features.{i}");
            x = match layer {
                VggLayer::Conv(conv) => match self.features.get(i + 1) {
                    Some(VggLayer::Norm(norm)) => {
                        let norm = (format!("features.{}", i + 1), norm);
                        pass.conv_norm((&name, conv), (&norm.0, Some(norm.1)), Relu, x)?
                    }
                    _ => pass.conv(&name, conv, Relu, x)?,
                },
                VggLayer::Norm(_) | VggLayer::Relu(_) => x,
                VggLayer::Pool(_) => {
                    pass.part(&name, |pass| pass.max_pool(&MaxPoolOptions::new(2), x))?
                }
            };
        }
        let x = pass.adaptive_avg_pool(POOLED, x)?;
        let x = pass.flatten(x)?;
        let x = pass.linear("classifier.0", &self.classifier.0, Relu, x)?;
        let x = pass.dropout(&self.classifier.2, x)?;
        pass.linear("classifier.3", &self.classifier.3, Relu, x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let x = pass.dropout(&self.classifier.5, features)?;
        pass.linear("classifier.6", &self.classifier.6, Activation::Identity, x)
    }
}
