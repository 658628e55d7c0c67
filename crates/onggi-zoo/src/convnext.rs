//! ConvNeXt-Tiny, with torchvision's names.
//!
//! # Reference
//! Liu et al., *A ConvNet for the 2020s*, 2022.

use crate::layers::{Layers, NARROW_TRUNCATED, padded};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::identity::Identity;
use onggi_nn::init::{self, Scheme};
use onggi_nn::linear::Linear;
use onggi_nn::norm::{LayerNorm, LayerNormConfig};
use rand_chacha::ChaCha8Rng;

/// Channels and blocks of each stage.
const STAGES: [(usize, usize); 4] = [(96, 3), (192, 3), (384, 9), (768, 3)];
/// What a block's output is multiplied by at first.
const LAYER_SCALE: f64 = 1e-6;

fn norm(channels: usize, device: &Device) -> Result<LayerNorm<1>, NnError> {
    let config = LayerNormConfig {
        eps: 1e-6,
        ..LayerNormConfig::new([channels])
    };
    config.init(device)
}

/// The norm of each place over its channels.
fn normed<P: Pass>(
    pass: &mut P,
    name: &str,
    norm: &LayerNorm<1>,
    x: P::Map,
) -> Result<P::Map, NnError> {
    let y = pass.tokens(x.clone())?;
    let y = pass.layer_norm(name, norm, y)?;
    pass.map_like(&x, y)
}

/// A depthwise 7×7 convolution, a norm, two linear layers with GELU between them at each place, and the
/// input added: `y = x + layer_scale · block(x)`.
#[derive(Module, Debug)]
pub struct ConvNextBlock {
    /// Factor of each channel, `[C, 1, 1]`.
    pub layer_scale: Param<Tensor<3>>,
    /// Convolution, norm and linear layers, at 0, 2, 3 and 5 of the state dict.
    pub block: (Conv2d, Identity, LayerNorm<1>, Linear, Identity, Linear),
    /// Stochastic depth.
    pub drop_path: DropPath,
}

impl ConvNextBlock {
    fn new(
        channels: usize,
        drop_path: f64,
        layers: &mut Layers<'_>,
        device: &Device,
    ) -> Result<Self, NnError> {
        let scale = Tensor::full([channels, 1, 1], LAYER_SCALE, device);
        Ok(Self {
            layer_scale: Param::from_tensor(scale),
            block: (
                layers.conv(&padded(channels, channels, 7).with_groups(channels))?,
                Identity,
                norm(channels, device)?,
                layers.linear(channels, 4 * channels)?,
                Identity,
                layers.linear(4 * channels, channels)?,
            ),
            drop_path: DropPath::new(drop_path)?,
        })
    }

    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        use Activation::{Gelu, Identity};
        let (conv, _, norm, up, _, down) = &self.block;
        let y = pass.conv("block.0", conv, Identity, x.clone())?;
        let y = pass.tokens(y)?;
        let y = pass.layer_norm("block.2", norm, y)?;
        let y = pass.token_linear("block.3", up, Gelu, y)?;
        let y = pass.token_linear("block.5", down, Identity, y)?;
        let y = pass.map_like(&x, y)?;
        let y = pass.scale("layer_scale", &self.layer_scale, y)?;
        let y = pass.drop_path(&self.drop_path, y)?;
        pass.add(y, x, Identity)
    }
}

/// A layer of [`ConvNext`]'s features.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum ConvNextLayer {
    /// 4×4 convolution with stride 4, and a norm.
    Stem((Conv2d, LayerNorm<1>)),
    /// Blocks of a stage.
    Stage(Vec<ConvNextBlock>),
    /// Norm, and 2×2 convolution with stride 2.
    Downsample((LayerNorm<1>, Conv2d)),
}

/// ConvNeXt-Tiny.
///
/// Its multi-scale maps are `features.1`, `features.3`, `features.5` and `features.7`, of strides 4, 8,
/// 16 and 32.
#[derive(Module, Debug)]
pub struct ConvNext {
    /// Stem, and stages with downsampling between them.
    pub features: Vec<ConvNextLayer>,
    /// Norm, dropout and the classifier, which is at 2 of the state dict.
    pub classifier: (LayerNorm<1>, Dropout, Linear),
}

impl ConvNext {
    /// A model for images of `channels` channels, of 32 pixels a side or more.
    ///
    /// # Errors
    /// No channels, no classes, another norm, or options out of range.
    pub fn new(
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        options.no_norm("ConvNeXt")?;
        let mut layers = Layers::new(options, rng, device);
        let blocks = STAGES.iter().map(|stage| stage.1).sum();
        let mut rates = DropPath::linear_rates(options.drop_path, blocks).into_iter();
        let mut inputs = options.widened(STAGES[0].0)?;
        let stem = Conv2dConfig::new(channels, inputs, 4).with_stride(4);
        let mut features = vec![ConvNextLayer::Stem((
            layers.conv(&stem)?,
            norm(inputs, device)?,
        ))];
        for (i, (base, count)) in STAGES.into_iter().enumerate() {
            let outputs = options.widened(base)?;
            if i > 0 {
                let conv = Conv2dConfig::new(inputs, outputs, 2).with_stride(2);
                let layer = (norm(inputs, device)?, layers.conv(&conv)?);
                features.push(ConvNextLayer::Downsample(layer));
            }
            let mut stage = Vec::new();
            for rate in rates.by_ref().take(count) {
                stage.push(ConvNextBlock::new(outputs, rate, &mut layers, device)?);
            }
            features.push(ConvNextLayer::Stage(stage));
            inputs = outputs;
        }
        let classifier = (
            norm(inputs, device)?,
            Dropout::new(options.dropout)?,
            layers.linear(inputs, options.classes)?,
        );
        let model = Self {
            features,
            classifier,
        };
        let scheme = Scheme {
            conv: Some(NARROW_TRUNCATED),
            linear: Some(NARROW_TRUNCATED),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }
}

impl Backbone for ConvNext {
    fn classifier(&self) -> &'static str {
        "classifier.2"
    }

    fn features<P: Pass>(&self, pass: &mut P, mut x: P::Map) -> Result<P::Rows, NnError> {
        use Activation::Identity;
        for (i, layer) in self.features.iter().enumerate() {
            x = pass.part(&format!("features.{i}"), |pass| match layer {
                ConvNextLayer::Stem((conv, norm)) => {
                    let x = pass.conv("0", conv, Identity, x)?;
                    normed(pass, "1", norm, x)
                }
                ConvNextLayer::Stage(blocks) => {
                    let mut x = x;
                    for (i, block) in blocks.iter().enumerate() {
                        x = pass.part(&i.to_string(), |pass| block.apply(pass, x))?;
                    }
                    Ok(x)
                }
                ConvNextLayer::Downsample((norm, conv)) => {
                    let x = normed(pass, "0", norm, x)?;
                    pass.conv("1", conv, Identity, x)
                }
            })?;
        }
        let x = pass.adaptive_avg_pool(1, x)?;
        let x = normed(pass, "classifier.0", &self.classifier.0, x)?;
        pass.flatten(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let (_, dropout, classifier) = &self.classifier;
        let x = pass.dropout(dropout, features)?;
        pass.linear("classifier.2", classifier, Activation::Identity, x)
    }
}
