//! The block of MobileNetV3 and EfficientNet: an inverted bottleneck with squeeze-and-excitation.
//!
//! # Reference
//! Sandler et al., *MobileNetV2: inverted residuals and linear bottlenecks*, 2018; Hu et al.,
//! *Squeeze-and-excitation networks*, 2018.

use crate::layers::{ConvNorm, Layers, conv_norm, padded};
use crate::pass::{Activation, Pass};
use burn::module::Module;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::DropPath;

/// A gate for each channel from the means of all: `x · gate(fc2(activation(fc1(mean(x)))))`.
#[derive(Module, Debug)]
pub struct SqueezeExcitation {
    /// 1×1 convolution to fewer channels.
    pub fc1: Conv2d,
    /// 1×1 convolution back.
    pub fc2: Conv2d,
}

impl SqueezeExcitation {
    fn apply<P: Pass>(
        &self,
        pass: &mut P,
        [activation, gate]: [Activation; 2],
        x: P::Map,
    ) -> Result<P::Map, NnError> {
        let y = pass.adaptive_avg_pool(1, x.clone())?;
        let y = pass.conv("fc1", &self.fc1, activation, y)?;
        let y = pass.conv("fc2", &self.fc2, gate, y)?;
        pass.gate(x, y)
    }
}

/// A layer of a [`MobileBlock`].
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum MobileLayer {
    /// Convolution and norm.
    Conv(ConvNorm),
    /// Squeeze-and-excitation.
    Gate(SqueezeExcitation),
}

/// How a [`MobileBlock`] is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MobileBlockConfig {
    pub(crate) inputs: usize,
    /// Channels of the depthwise convolution.
    pub(crate) hidden: usize,
    pub(crate) outputs: usize,
    /// Channels in the middle of squeeze-and-excitation, if there is one.
    pub(crate) squeezed: Option<usize>,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) activation: Activation,
    /// What makes a gate of squeeze-and-excitation's output, and what stands inside of it.
    pub(crate) gate: [Activation; 2],
}

/// 1×1 expansion (where it expands), depthwise convolution, squeeze-and-excitation (where there is
/// one), 1×1 projection, and the input added where the shapes allow.
#[derive(Module, Debug)]
pub struct MobileBlock {
    /// The layers, those left out not counted.
    pub block: Vec<MobileLayer>,
    /// Stochastic depth.
    pub drop_path: DropPath,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    gate: [Activation; 2],
    #[module(skip)]
    residual: bool,
}

impl MobileBlock {
    pub(crate) fn new(
        config: MobileBlockConfig,
        drop_path: f64,
        layers: &mut Layers<'_>,
    ) -> Result<Self, NnError> {
        let MobileBlockConfig {
            inputs,
            hidden,
            outputs,
            kernel,
            stride,
            ..
        } = config;
        let mut block = Vec::new();
        if hidden != inputs {
            block.push(MobileLayer::Conv(
                layers.conv_norm(padded(inputs, hidden, 1))?,
            ));
        }
        let depthwise = padded(hidden, hidden, kernel).with_stride(stride);
        block.push(MobileLayer::Conv(
            layers.conv_norm(depthwise.with_groups(hidden))?,
        ));
        if let Some(squeezed) = config.squeezed {
            block.push(MobileLayer::Gate(SqueezeExcitation {
                fc1: layers.conv(&padded(hidden, squeezed, 1))?,
                fc2: layers.conv(&padded(squeezed, hidden, 1))?,
            }));
        }
        block.push(MobileLayer::Conv(
            layers.conv_norm(padded(hidden, outputs, 1))?,
        ));
        Ok(Self {
            block,
            drop_path: DropPath::new(drop_path)?,
            activation: config.activation,
            gate: config.gate,
            residual: stride == 1 && inputs == outputs,
        })
    }

    pub(crate) fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        let mut y = x.clone();
        for (i, layer) in self.block.iter().enumerate() {
            let name = format!("block.{i}");
            y = match layer {
                MobileLayer::Conv(layer) => {
                    let last = i + 1 == self.block.len();
                    let activation = if last {
                        Activation::Identity
                    } else {
                        self.activation
                    };
                    conv_norm(pass, &name, layer, activation, y)?
                }
                MobileLayer::Gate(layer) => {
                    pass.part(&name, |pass| layer.apply(pass, self.gate, y))?
                }
            };
        }
        if !self.residual {
            return Ok(y);
        }
        let y = pass.drop_path(&self.drop_path, y)?;
        pass.add(y, x, Activation::Identity)
    }
}
