//! MobileNetV3, small and large, with torchvision's names.
//!
//! Batch normalisation with `eps = 1e-3` and a momentum of 0.01, as TensorFlow's original has.
//!
//! # Reference
//! Howard et al., *Searching for MobileNetV3*, 2019.

use crate::layers::{
    ConvNorm, KAIMING_FAN_OUT, Layers, NARROW_NORMAL, conv_norm, padded, round_channels,
};
use crate::mobile_block::{MobileBlock, MobileBlockConfig};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::identity::Identity;
use onggi_nn::init::{self, Scheme};
use onggi_nn::linear::Linear;
use rand_chacha::ChaCha8Rng;

/// Kernel, channels of the depthwise convolution, outputs, squeeze-and-excitation, hard swish instead
/// of ReLU, stride.
struct Row(usize, usize, usize, bool, bool, usize);

const LARGE: &[Row] = &[
    Row(3, 16, 16, false, false, 1),
    Row(3, 64, 24, false, false, 2),
    Row(3, 72, 24, false, false, 1),
    Row(5, 72, 40, true, false, 2),
    Row(5, 120, 40, true, false, 1),
    Row(5, 120, 40, true, false, 1),
    Row(3, 240, 80, false, true, 2),
    Row(3, 200, 80, false, true, 1),
    Row(3, 184, 80, false, true, 1),
    Row(3, 184, 80, false, true, 1),
    Row(3, 480, 112, true, true, 1),
    Row(3, 672, 112, true, true, 1),
    Row(5, 672, 160, true, true, 2),
    Row(5, 960, 160, true, true, 1),
    Row(5, 960, 160, true, true, 1),
];

const SMALL: &[Row] = &[
    Row(3, 16, 16, true, false, 2),
    Row(3, 72, 24, false, false, 2),
    Row(3, 88, 24, false, false, 1),
    Row(5, 96, 40, true, true, 2),
    Row(5, 240, 40, true, true, 1),
    Row(5, 240, 40, true, true, 1),
    Row(5, 120, 48, true, true, 1),
    Row(5, 144, 48, true, true, 1),
    Row(5, 288, 96, true, true, 2),
    Row(5, 576, 96, true, true, 1),
    Row(5, 576, 96, true, true, 1),
];

/// Channels of the stem.
const STEM: usize = 16;
/// The last convolution's channels for each of the last block's.
const EXPANSION: usize = 6;

/// Which MobileNetV3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MobileNetV3Size {
    /// 11 blocks.
    Small,
    /// 15 blocks.
    Large,
}

/// A layer of [`MobileNetV3`]'s features.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum MobileNetV3Layer {
    /// The first and the last.
    Conv(ConvNorm),
    /// Those between them.
    Block(MobileBlock),
}

/// MobileNetV3.
///
/// Its features are what the hidden linear layer puts out: 1,024 numbers (small) or 1,280 (large).
#[derive(Module, Debug)]
pub struct MobileNetV3 {
    /// Stem, blocks, last convolution.
    pub features: Vec<MobileNetV3Layer>,
    /// Hidden linear layer, activation, dropout and the classifier, which is at 3 of the state dict.
    pub classifier: (Linear, Identity, Dropout, Linear),
}

impl MobileNetV3 {
    /// A model for images of `channels` channels.
    ///
    /// # Errors
    /// No channels, no classes, or options out of range.
    pub fn new(
        size: MobileNetV3Size,
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let (rows, hidden) = match size {
            MobileNetV3Size::Small => (SMALL, 1024),
            MobileNetV3Size::Large => (LARGE, 1280),
        };
        let mut layers = Layers::new(options, rng, device).with_batch_norm(1e-3, 0.01);
        let mut inputs = options.widened(STEM)?;
        let stem = padded(channels, inputs, 3).with_stride(2);
        let mut features = vec![MobileNetV3Layer::Conv(layers.conv_norm(stem)?)];
        let rates = DropPath::linear_rates(options.drop_path, rows.len());
        for (&Row(kernel, depthwise, base, gated, hard, stride), rate) in rows.iter().zip(rates) {
            let (hidden, outputs) = (options.widened(depthwise)?, options.widened(base)?);
            let config = MobileBlockConfig {
                inputs,
                hidden,
                outputs,
                squeezed: gated.then(|| round_channels((hidden / 4) as f64)),
                kernel,
                stride,
                activation: if hard {
                    Activation::Hardswish
                } else {
                    Activation::Relu
                },
                gate: [Activation::Relu, Activation::Hardsigmoid],
            };
            let block = MobileBlock::new(config, rate, &mut layers)?;
            features.push(MobileNetV3Layer::Block(block));
            inputs = outputs;
        }
        let last = EXPANSION * inputs;
        features.push(MobileNetV3Layer::Conv(
            layers.conv_norm(padded(inputs, last, 1))?,
        ));
        let hidden = options.widened(hidden)?;
        let model = Self {
            features,
            classifier: (
                layers.linear(last, hidden)?,
                Identity,
                Dropout::new(options.dropout)?,
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

impl Backbone for MobileNetV3 {
    fn classifier(&self) -> &'static str {
        "classifier.3"
    }

    fn features<P: Pass>(&self, pass: &mut P, mut x: P::Map) -> Result<P::Rows, NnError> {
        use Activation::Hardswish;
        for (i, layer) in self.features.iter().enumerate() {
            let name = format!("features.{i}");
            x = match layer {
                MobileNetV3Layer::Conv(layer) => conv_norm(pass, &name, layer, Hardswish, x)?,
                MobileNetV3Layer::Block(block) => pass.part(&name, |pass| block.apply(pass, x))?,
            };
        }
        let x = pass.pooled(x)?;
        pass.linear("classifier.0", &self.classifier.0, Hardswish, x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let (_, _, dropout, classifier) = &self.classifier;
        let x = pass.dropout(dropout, features)?;
        pass.linear("classifier.3", classifier, Activation::Identity, x)
    }
}
