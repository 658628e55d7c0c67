//! EfficientNet-Lite: EfficientNet without squeeze-and-excitation and with ReLU6, for plain processors.
//!
//! Names and padding are those of timm's `tf_efficientnet_lite*`: TensorFlow's SAME padding, batch
//! normalisation with `eps = 1e-3`. Stem and head keep their width at every size, the first and the last
//! stage their depth.
//!
//! # Reference
//! Tan and Le, *EfficientNet: rethinking model scaling for convolutional neural networks*, 2019; the
//! Lite variants: TensorFlow's TPU models, 2020.

use crate::layers::{KAIMING_FAN_OUT, round_channels};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions, Norm, NormKind};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::init::{self, Scheme};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::norm::BatchNormConfig;
use rand_chacha::ChaCha8Rng;

/// Kernel, stride, expansion, channels and blocks of a stage at width and depth 1.
pub(crate) struct Stage(
    pub(crate) usize,
    pub(crate) usize,
    pub(crate) usize,
    pub(crate) usize,
    pub(crate) usize,
);

/// Those of EfficientNet, too.
pub(crate) const STAGES: [Stage; 7] = [
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
];

/// Channels of the stem and of the head.
const STEM: usize = 32;
const HEAD: usize = 1280;

/// Factors on channels and blocks of Lite0, Lite1 and Lite2.
const SIZES: [(f64, f64); 3] = [(1.0, 1.0), (1.0, 1.1), (1.1, 1.2)];

/// A convolution of `kernel` and `stride`; strided ones get their padding from
/// [`Pass::pad_same`].
fn conv(
    [inputs, outputs]: [usize; 2],
    [kernel, stride, groups]: [usize; 3],
    norm: NormKind,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Conv2d, NnError> {
    Conv2dConfig::new(inputs, outputs, kernel)
        .with_stride(stride)
        .with_padding(if stride == 1 { kernel / 2 } else { 0 })
        .with_groups(groups)
        .with_bias(norm.leaves_bias())
        .init(rng, device)
}

fn norm_of(kind: NormKind, channels: usize, device: &Device) -> Result<Option<Norm<2>>, NnError> {
    let config = BatchNormConfig {
        eps: 1e-3,
        momentum: Some(0.01),
        ..BatchNormConfig::new(channels)
    };
    kind.init_with(&config, device)
}

/// Mobile inverted bottleneck: 1×1 expansion, depthwise convolution, 1×1 projection, and the input
/// added where the shapes allow. The first stage, which does not expand, lacks `conv_pwl` and `bn3`, and
/// its `conv_pw` projects.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    /// Expansion; the projection where nothing is expanded.
    pub conv_pw: Conv2d,
    /// Norm of the first convolution.
    pub bn1: Option<Norm<2>>,
    /// Depthwise convolution.
    pub conv_dw: Conv2d,
    /// Norm of the second.
    pub bn2: Option<Norm<2>>,
    /// Projection.
    pub conv_pwl: Option<Conv2d>,
    /// Norm of the third.
    pub bn3: Option<Norm<2>>,
    /// Stochastic depth.
    pub drop_path: DropPath,
    #[module(skip)]
    kernel: usize,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    residual: bool,
}

impl InvertedResidual {
    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        use Activation::{Identity, Relu6};
        let pw = ("conv_pw", &self.conv_pw);
        let dw = ("conv_dw", &self.conv_dw);
        let (bn1, bn2) = (("bn1", self.bn1.as_ref()), ("bn2", self.bn2.as_ref()));
        let padded = |pass: &mut P, x| match self.stride {
            1 => Ok(x),
            stride => pass.pad_same(self.kernel, stride, x),
        };
        let y = match &self.conv_pwl {
            Some(conv_pwl) => {
                let y = pass.conv_norm(pw, bn1, Relu6, x.clone())?;
                let y = padded(pass, y)?;
                let y = pass.conv_norm(dw, bn2, Relu6, y)?;
                pass.conv_norm(
                    ("conv_pwl", conv_pwl),
                    ("bn3", self.bn3.as_ref()),
                    Identity,
                    y,
                )?
            }
            None => {
                let y = padded(pass, x.clone())?;
                let y = pass.conv_norm(dw, bn1, Relu6, y)?;
                pass.conv_norm(pw, bn2, Identity, y)?
            }
        };
        if !self.residual {
            return Ok(y);
        }
        let y = pass.drop_path(&self.drop_path, y)?;
        pass.add(y, x, Identity)
    }
}

/// EfficientNet-Lite0, -Lite1 and -Lite2.
#[derive(Module, Debug)]
pub struct EfficientNetLite {
    /// Stem, 3×3 with stride 2.
    pub conv_stem: Conv2d,
    /// Its norm.
    pub bn1: Option<Norm<2>>,
    /// Blocks by stage.
    pub blocks: Vec<Vec<InvertedResidual>>,
    /// 1×1 convolution to 1,280 channels.
    pub conv_head: Conv2d,
    /// Its norm.
    pub bn2: Option<Norm<2>>,
    /// Dropout before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub classifier: Linear,
}

impl EfficientNetLite {
    /// `size` 0, 1 or 2, for images of `channels` channels; the width asked for multiplies the size's own.
    ///
    /// # Errors
    /// No channels, no classes, a size above 2, or options out of range.
    pub fn new(
        size: usize,
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let Some(&(width, depth)) = SIZES.get(size) else {
            let got = size.to_string();
            return Err(NnError::Config {
                layer: "EfficientNetLite",
                argument: "size",
                expected: "0, 1 or 2".into(),
                got,
            });
        };
        let kind = options.norm;
        let norm = |channels| norm_of(kind, channels, device);
        let stem = options.widened(STEM)?;
        let conv_stem = conv([channels, stem], [3, 2, 1], kind, rng, device)?;
        let last = STAGES.len() - 1;
        let counts = STAGES.iter().enumerate().map(|(i, stage)| match i {
            0 => stage.4,
            _ if i == last => stage.4,
            _ => (stage.4 as f64 * depth).ceil() as usize,
        });
        let counts: Vec<usize> = counts.collect();
        let rates = DropPath::linear_rates(options.drop_path, counts.iter().sum());
        let mut rates = rates.into_iter();
        let mut inputs = stem;
        let mut blocks = Vec::new();
        for (&Stage(kernel, stride, expansion, base, _), count) in STAGES.iter().zip(counts) {
            let outputs = options.widened(round_channels(base as f64 * width))?;
            let mut stage = Vec::new();
            for i in 0..count {
                let stride = if i == 0 { stride } else { 1 };
                let hidden = inputs * expansion;
                let expands = expansion > 1;
                let pw = if expands {
                    [inputs, hidden]
                } else {
                    [hidden, outputs]
                };
                let firsts = if expands {
                    [hidden, hidden]
                } else {
                    [hidden, outputs]
                };
                stage.push(InvertedResidual {
                    conv_pw: conv(pw, [1, 1, 1], kind, rng, device)?,
                    bn1: norm(firsts[0])?,
                    conv_dw: conv(
                        [hidden, hidden],
                        [kernel, stride, hidden],
                        kind,
                        rng,
                        device,
                    )?,
                    bn2: norm(firsts[1])?,
                    conv_pwl: if expands {
                        Some(conv([hidden, outputs], [1, 1, 1], kind, rng, device)?)
                    } else {
                        None
                    },
                    bn3: if expands { norm(outputs)? } else { None },
                    drop_path: DropPath::new(rates.next().unwrap_or(0.0))?,
                    kernel,
                    stride,
                    residual: stride == 1 && inputs == outputs,
                });
                inputs = outputs;
            }
            blocks.push(stage);
        }
        let head = options.widened(HEAD)?;
        let model = Self {
            conv_stem,
            bn1: norm(stem)?,
            blocks,
            conv_head: conv([inputs, head], [1, 1, 1], kind, rng, device)?,
            bn2: norm(head)?,
            dropout: Dropout::new(options.dropout)?,
            classifier: LinearConfig::new(head, options.classes).init(rng, device)?,
        };
        let scheme = Scheme {
            conv: Some(KAIMING_FAN_OUT),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }
}

impl Backbone for EfficientNetLite {
    fn classifier(&self) -> &'static str {
        "classifier"
    }

    fn features<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Rows, NnError> {
        let x = pass.pad_same(3, 2, x)?;
        let (stem, norm) = (("conv_stem", &self.conv_stem), ("bn1", self.bn1.as_ref()));
        let mut x = pass.conv_norm(stem, norm, Activation::Relu6, x)?;
        for (i, stage) in self.blocks.iter().enumerate() {
            x = pass.part(&format!("blocks.{i}"), |pass| {
                let mut x = x;
                for (i, block) in stage.iter().enumerate() {
                    x = pass.part(&i.to_string(), |pass| block.apply(pass, x))?;
                }
                Ok(x)
            })?;
        }
        let (head, norm) = (("conv_head", &self.conv_head), ("bn2", self.bn2.as_ref()));
        let x = pass.conv_norm(head, norm, Activation::Relu6, x)?;
        pass.pooled(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let x = pass.dropout(&self.dropout, features)?;
        pass.linear("classifier", &self.classifier, Activation::Identity, x)
    }
}
