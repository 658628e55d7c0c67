//! MobileNetV2, with torchvision's names.
//!
//! # Reference
//! Sandler et al., *MobileNetV2: inverted residuals and linear bottlenecks*, 2018.

use crate::layers::{ConvNorm, KAIMING_FAN_OUT, Layers, NARROW_NORMAL, conv_norm, padded};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions, Norm};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::init::{self, Scheme};
use onggi_nn::linear::Linear;
use rand_chacha::ChaCha8Rng;

/// Expansion, channels, blocks and stride of each stage.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];
/// Channels of the stem and of the last convolution.
const STEM: usize = 32;
const HEAD: usize = 1280;

/// The layers of an [`InvertedBottleneck`].
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Inverted {
    /// Depthwise convolution, and projection with its norm.
    Plain((ConvNorm, Conv2d, Option<Norm<2>>)),
    /// An expansion before.
    Expanding((ConvNorm, ConvNorm, Conv2d, Option<Norm<2>>)),
}

/// 1×1 expansion (where it expands), depthwise convolution, 1×1 projection, and the input added where
/// the shapes allow.
#[derive(Module, Debug)]
pub struct InvertedBottleneck {
    /// The layers.
    pub conv: Inverted,
    /// Stochastic depth.
    pub drop_path: DropPath,
    #[module(skip)]
    residual: bool,
}

impl InvertedBottleneck {
    fn new(
        [inputs, outputs]: [usize; 2],
        [expansion, stride]: [usize; 2],
        drop_path: f64,
        layers: &mut Layers<'_>,
    ) -> Result<Self, NnError> {
        let hidden = inputs * expansion;
        let expand = if expansion > 1 {
            Some(layers.conv_norm(padded(inputs, hidden, 1))?)
        } else {
            None
        };
        let depthwise = padded(hidden, hidden, 3).with_stride(stride);
        let depthwise = layers.conv_norm(depthwise.with_groups(hidden))?;
        let (project, norm) = layers.conv_norm(padded(hidden, outputs, 1))?;
        Ok(Self {
            conv: match expand {
                Some(expand) => Inverted::Expanding((expand, depthwise, project, norm)),
                None => Inverted::Plain((depthwise, project, norm)),
            },
            drop_path: DropPath::new(drop_path)?,
            residual: stride == 1 && inputs == outputs,
        })
    }

    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        use Activation::{Identity, Relu6};
        let y = match &self.conv {
            Inverted::Plain((depthwise, project, norm)) => {
                let y = conv_norm(pass, "conv.0", depthwise, Relu6, x.clone())?;
                let norm = ("conv.2", norm.as_ref());
                pass.conv_norm(("conv.1", project), norm, Identity, y)?
            }
            Inverted::Expanding((expand, depthwise, project, norm)) => {
                let y = conv_norm(pass, "conv.0", expand, Relu6, x.clone())?;
                let y = conv_norm(pass, "conv.1", depthwise, Relu6, y)?;
                let norm = ("conv.3", norm.as_ref());
                pass.conv_norm(("conv.2", project), norm, Identity, y)?
            }
        };
        if !self.residual {
            return Ok(y);
        }
        let y = pass.drop_path(&self.drop_path, y)?;
        pass.add(y, x, Identity)
    }
}

/// A layer of [`MobileNetV2`]'s features.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum MobileNetV2Layer {
    /// The first and the last.
    Conv(ConvNorm),
    /// Those between them.
    Block(InvertedBottleneck),
}

/// MobileNetV2.
///
/// Its multi-scale maps are `features.1`, `features.3`, `features.6`, `features.13` and `features.18`,
/// of strides 2, 4, 8, 16 and 32.
#[derive(Module, Debug)]
pub struct MobileNetV2 {
    /// Stem, blocks, last convolution.
    pub features: Vec<MobileNetV2Layer>,
    /// Dropout and the classifier, which is at 1 of the state dict.
    pub classifier: (Dropout, Linear),
}

impl MobileNetV2 {
    /// A model for images of `channels` channels.
    ///
    /// # Errors
    /// No channels, no classes, or options out of range.
    pub fn new(
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let mut layers = Layers::new(options, rng, device);
        let mut inputs = options.widened(STEM)?;
        let stem = padded(channels, inputs, 3).with_stride(2);
        let mut features = vec![MobileNetV2Layer::Conv(layers.conv_norm(stem)?)];
        let blocks = STAGES.iter().map(|stage| stage.2).sum();
        let mut rates = DropPath::linear_rates(options.drop_path, blocks).into_iter();
        for (expansion, base, count, stride) in STAGES {
            let outputs = options.widened(base)?;
            for (i, rate) in rates.by_ref().take(count).enumerate() {
                let stride = if i == 0 { stride } else { 1 };
                let (ends, middle) = ([inputs, outputs], [expansion, stride]);
                let block = InvertedBottleneck::new(ends, middle, rate, &mut layers)?;
                features.push(MobileNetV2Layer::Block(block));
                inputs = outputs;
            }
        }
        let head = options.widened(HEAD)?;
        features.push(MobileNetV2Layer::Conv(
            layers.conv_norm(padded(inputs, head, 1))?,
        ));
        let classifier = layers.linear(head, options.classes)?;
        let model = Self {
            features,
            classifier: (Dropout::new(options.dropout)?, classifier),
        };
        let scheme = Scheme {
            conv: Some(KAIMING_FAN_OUT),
            linear: Some(NARROW_NORMAL),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }
}

impl Backbone for MobileNetV2 {
    fn classifier(&self) -> &'static str {
        "classifier.1"
    }

    fn features<P: Pass>(&self, pass: &mut P, mut x: P::Map) -> Result<P::Rows, NnError> {
        for (i, layer) in self.features.iter().enumerate() {
            let name = format!("features.{i}");
            x = match layer {
                MobileNetV2Layer::Conv(layer) => {
                    conv_norm(pass, &name, layer, Activation::Relu6, x)?
                }
                MobileNetV2Layer::Block(block) => pass.part(&name, |pass| block.apply(pass, x))?,
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
