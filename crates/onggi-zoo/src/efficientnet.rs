//! EfficientNet-B0 to -B3, with torchvision's names.
//!
//! # Reference
//! Tan and Le, *EfficientNet: rethinking model scaling for convolutional neural networks*, 2019.

use crate::efficientnet_lite::{STAGES, Stage};
use crate::layers::{ConvNorm, KAIMING_FAN_OUT, Layers, conv_norm, padded, round_channels};
use crate::mobile_block::{MobileBlock, MobileBlockConfig};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::init::{self, Rule, Scheme};
use onggi_nn::linear::Linear;
use rand_chacha::ChaCha8Rng;

/// Factors on channels and blocks of B0, B1, B2 and B3.
const SIZES: [(f64, f64); 4] = [(1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4)];
/// Channels of the stem at width 1.
const STEM: usize = 32;
/// The last convolution's channels for each of the last block's.
const EXPANSION: usize = 4;

/// A layer of [`EfficientNet`]'s features.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum EfficientNetLayer {
    /// The first and the last.
    Conv(ConvNorm),
    /// Those between them.
    Stage(Vec<MobileBlock>),
}

/// EfficientNet.
///
/// Its multi-scale maps are `features.1`, `features.2`, `features.3`, `features.5` and `features.8`, of
/// strides 2, 4, 8, 16 and 32.
#[derive(Module, Debug)]
pub struct EfficientNet {
    /// Stem, stages, last convolution.
    pub features: Vec<EfficientNetLayer>,
    /// Dropout and the classifier, which is at 1 of the state dict.
    pub classifier: (Dropout, Linear),
}

impl EfficientNet {
    /// B0 to B3 by `size` 0 to 3, for images of `channels` channels; the width asked for multiplies the
    /// size's own.
    ///
    /// # Errors
    /// No channels, no classes, a size above 3, or options out of range.
    pub fn new(
        size: usize,
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let Some(&(width, depth)) = SIZES.get(size) else {
            return Err(NnError::Config {
                layer: "EfficientNet",
                argument: "size",
                expected: "0, 1, 2 or 3".into(),
                got: size.to_string(),
            });
        };
        let widened = |base: usize| options.widened(round_channels(base as f64 * width));
        let deepened = |count: usize| (count as f64 * depth).ceil() as usize;
        let mut layers = Layers::new(options, rng, device);
        let mut inputs = widened(STEM)?;
        let stem = padded(channels, inputs, 3).with_stride(2);
        let mut features = vec![EfficientNetLayer::Conv(layers.conv_norm(stem)?)];
        let blocks = STAGES.iter().map(|stage| deepened(stage.4)).sum();
        let mut rates = DropPath::linear_rates(options.drop_path, blocks).into_iter();
        for Stage(kernel, stride, expansion, base, count) in STAGES {
            let outputs = widened(base)?;
            let mut stage = Vec::new();
            for (i, rate) in rates.by_ref().take(deepened(count)).enumerate() {
                let config = MobileBlockConfig {
                    inputs,
                    hidden: inputs * expansion,
                    outputs,
                    squeezed: Some((inputs / 4).max(1)),
                    kernel,
                    stride: if i == 0 { stride } else { 1 },
                    activation: Activation::Silu,
                    gate: [Activation::Silu, Activation::Sigmoid],
                };
                stage.push(MobileBlock::new(config, rate, &mut layers)?);
                inputs = outputs;
            }
            features.push(EfficientNetLayer::Stage(stage));
        }
        let head = EXPANSION * inputs;
        features.push(EfficientNetLayer::Conv(
            layers.conv_norm(padded(inputs, head, 1))?,
        ));
        let classifier = layers.linear(head, options.classes)?;
        let model = Self {
            features,
            classifier: (Dropout::new(options.dropout)?, classifier),
        };
        let bound = 1.0 / (options.classes as f64).sqrt();
        let uniform = Rule::Uniform {
            low: -bound,
            high: bound,
        };
        let scheme = Scheme {
            conv: Some(KAIMING_FAN_OUT),
            linear: Some(uniform),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }
}

impl Backbone for EfficientNet {
    fn classifier(&self) -> &'static str {
        "classifier.1"
    }

    fn features<P: Pass>(&self, pass: &mut P, mut x: P::Map) -> Result<P::Rows, NnError> {
        for (i, layer) in self.features.iter().enumerate() {
            let name = format!("features.{i}");
            x = match layer {
                EfficientNetLayer::Conv(layer) => {
                    conv_norm(pass, &name, layer, Activation::Silu, x)?
                }
                EfficientNetLayer::Stage(stage) => pass.part(&name, |pass| {
                    let mut x = x;
                    for (i, block) in stage.iter().enumerate() {
                        x = pass.part(&i.to_string(), |pass| block.apply(pass, x))?;
                    }
                    Ok(x)
                })?,
            };
        }
        pass.pooled(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let (dropout, classifier) = &self.classifier;
        let x = pass.dropout(dropout, features)?;
        pass.linear("classifier.1", classifier, Activation::Identity, x)
    }
}
