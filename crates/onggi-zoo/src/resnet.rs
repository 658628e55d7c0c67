//! ResNet and ResNeXt, with torchvision's names, which timm's `*.tv_in1k` share.
//!
//! A stage's stride is that of its first 3×3 convolution, also in bottlenecks (torchvision's form, known
//! as v1.5).
//!
//! # Reference
//! He et al., *Deep residual learning for image recognition*, 2016; Xie et al., *Aggregated residual
//! transformations for deep neural networks*, 2017.

use crate::layers::{KAIMING_FAN_OUT, Layers, padded};
use crate::pass::{Activation, Pass};
use crate::{Backbone, BasicBlock, ModelOptions, Norm};
use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::init::{self, Scheme};
use onggi_nn::linear::Linear;
use onggi_ops::pool::MaxPoolOptions;
use rand_chacha::ChaCha8Rng;

/// Channels of the stem and of each stage, before a bottleneck's expansion.
const PLANES: [usize; 4] = [64, 128, 256, 512];
/// Channels that a bottleneck puts out for each of those.
const EXPANSION: usize = 4;

/// Blocks a stage by depth, and whether they are bottlenecks.
fn plan(depth: usize) -> Result<([usize; 4], bool), NnError> {
    Ok(match depth {
        18 => ([2, 2, 2, 2], false),
        34 => ([3, 4, 6, 3], false),
        50 => ([3, 4, 6, 3], true),
        101 => ([3, 4, 23, 3], true),
        152 => ([3, 8, 36, 3], true),
        _ => {
            return Err(NnError::Config {
                layer: "ResNet",
                argument: "depth",
                expected: "18, 34, 50, 101 or 152".into(),
                got: depth.to_string(),
            });
        }
    })
}

/// A 1×1 convolution to fewer channels, a 3×3 one, and a 1×1 one to four times as many:
/// `y = relu(bn3(conv3(relu(bn2(conv2(relu(bn1(conv1(x)))))))) + shortcut(x))`.
#[derive(Module, Debug)]
pub struct Bottleneck {
    /// 1×1.
    pub conv1: Conv2d,
    /// Its norm.
    pub bn1: Option<Norm<2>>,
    /// 3×3, with the block's stride and groups.
    pub conv2: Conv2d,
    /// Its norm.
    pub bn2: Option<Norm<2>>,
    /// 1×1.
    pub conv3: Conv2d,
    /// Its norm.
    pub bn3: Option<Norm<2>>,
    /// Shortcut where the shape changes.
    pub downsample: Option<(Conv2d, Option<Norm<2>>)>,
    /// Stochastic depth on the convolutions' side.
    pub drop_path: DropPath,
}

impl Bottleneck {
    /// A block from `inputs` to `4 · planes` channels, by way of `width` in `groups`.
    fn new(
        [inputs, planes]: [usize; 2],
        [width, groups]: [usize; 2],
        stride: usize,
        drop_path: f64,
        layers: &mut Layers<'_>,
    ) -> Result<Self, NnError> {
        let outputs = planes * EXPANSION;
        let (conv1, bn1) = layers.conv_norm(padded(inputs, width, 1))?;
        let middle = padded(width, width, 3)
            .with_stride(stride)
            .with_groups(groups);
        let (conv2, bn2) = layers.conv_norm(middle)?;
        let (conv3, bn3) = layers.conv_norm(padded(width, outputs, 1))?;
        let downsample = if stride != 1 || inputs != outputs {
            Some(layers.conv_norm(padded(inputs, outputs, 1).with_stride(stride))?)
        } else {
            None
        };
        Ok(Self {
            conv1,
            bn1,
            conv2,
            bn2,
            conv3,
            bn3,
            downsample,
            drop_path: DropPath::new(drop_path)?,
        })
    }

    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        use Activation::{Identity, Relu};
        let (conv1, bn1) = (("conv1", &self.conv1), ("bn1", self.bn1.as_ref()));
        let (conv2, bn2) = (("conv2", &self.conv2), ("bn2", self.bn2.as_ref()));
        let (conv3, bn3) = (("conv3", &self.conv3), ("bn3", self.bn3.as_ref()));
        let y = pass.conv_norm(conv1, bn1, Relu, x.clone())?;
        let y = pass.conv_norm(conv2, bn2, Relu, y)?;
        let y = pass.conv_norm(conv3, bn3, Identity, y)?;
        let y = pass.drop_path(&self.drop_path, y)?;
        let shortcut = match &self.downsample {
            Some((conv, norm)) => {
                let norm = ("downsample.1", norm.as_ref());
                pass.conv_norm(("downsample.0", conv), norm, Identity, x)?
            }
            None => x,
        };
        pass.add(y, shortcut, Relu)
    }
}

/// A block of either kind.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a model has one kind
pub enum ResidualBlock {
    /// Of ResNet-18 and -34.
    Basic(BasicBlock),
    /// Of the deeper ones.
    Bottleneck(Bottleneck),
}

impl ResidualBlock {
    fn apply<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Map, NnError> {
        match self {
            Self::Basic(block) => block.apply(pass, x),
            Self::Bottleneck(block) => block.apply(pass, x),
        }
    }
}

/// ResNet-18, -34, -50, -101 and -152, and ResNeXt.
///
/// Its multi-scale maps are `layer1` to `layer4`, of strides 4, 8, 16 and 32.
#[derive(Module, Debug)]
pub struct ResNet {
    /// Stem, 7×7 with stride 2; a max pooling follows.
    pub conv1: Conv2d,
    /// Its norm.
    pub bn1: Option<Norm<2>>,
    /// First stage.
    pub layer1: Vec<ResidualBlock>,
    /// Second stage.
    pub layer2: Vec<ResidualBlock>,
    /// Third stage.
    pub layer3: Vec<ResidualBlock>,
    /// Fourth stage.
    pub layer4: Vec<ResidualBlock>,
    /// Dropout before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub fc: Linear,
}

impl ResNet {
    /// A model of 18, 34, 50, 101 or 152 layers for images of `channels` channels. `groups` and
    /// `width_per_group` are those of the bottlenecks' 3×3 convolutions: 1 and 64 for ResNet, 32 and 4
    /// for ResNeXt 32×4d.
    ///
    /// # Errors
    /// No channels, no classes, another depth, groups in a model without bottlenecks, or options out of
    /// range.
    pub fn new(
        depth: usize,
        [groups, width_per_group]: [usize; 2],
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let (counts, bottleneck) = plan(depth)?;
        if !bottleneck && [groups, width_per_group] != [1, PLANES[0]] {
            return Err(NnError::Config {
                layer: "ResNet",
                argument: "groups and width_per_group",
                expected: format!("1 and 64 at depth {depth}"),
                got: format!("{groups} and {width_per_group}"),
            });
        }
        let first = options.widened(PLANES[0])?;
        let mut layers = Layers::new(options, rng, device);
        let (conv1, bn1) = layers.conv_norm(padded(channels, first, 7).with_stride(2))?;
        let rates = DropPath::linear_rates(options.drop_path, counts.iter().sum());
        let mut rates = rates.into_iter();
        let mut inputs = first;
        let mut stages = Vec::new();
        for (i, (base, count)) in PLANES.into_iter().zip(counts).enumerate() {
            let planes = options.widened(base)?;
            let width = (planes * width_per_group / PLANES[0]).max(1) * groups;
            let mut stage = Vec::new();
            for (j, rate) in rates.by_ref().take(count).enumerate() {
                let stride = if i > 0 && j == 0 { 2 } else { 1 };
                stage.push(if bottleneck {
                    let (ends, middle) = ([inputs, planes], [width, groups]);
                    let block = Bottleneck::new(ends, middle, stride, rate, &mut layers)?;
                    inputs = planes * EXPANSION;
                    ResidualBlock::Bottleneck(block)
                } else {
                    let (norm, rng) = (options.norm, &mut *layers.rng);
                    let mut block = BasicBlock::new(inputs, planes, stride, norm, rng, device)?;
                    block.drop_path = DropPath::new(rate)?;
                    inputs = planes;
                    ResidualBlock::Basic(block)
                });
            }
            stages.push(stage);
        }
        let [layer1, layer2, layer3, layer4] = <[_; 4]>::try_from(stages).unwrap_or_default();
        let model = Self {
            conv1,
            bn1,
            layer1,
            layer2,
            layer3,
            layer4,
            dropout: Dropout::new(options.dropout)?,
            fc: layers.linear(inputs, options.classes)?,
        };
        let scheme = Scheme {
            conv: Some(KAIMING_FAN_OUT),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }

    fn stages(&self) -> [(&'static str, &[ResidualBlock]); 4] {
        [
            ("layer1", &self.layer1),
            ("layer2", &self.layer2),
            ("layer3", &self.layer3),
            ("layer4", &self.layer4),
        ]
    }
}

/// The stem, its pooling and the stages, by their names.
pub(crate) fn trunk<P: Pass>(
    pass: &mut P,
    (conv1, bn1): (&Conv2d, Option<&Norm<2>>),
    stages: [(&str, &[ResidualBlock]); 4],
    x: P::Map,
) -> Result<P::Map, NnError> {
    let x = pass.conv_norm(("conv1", conv1), ("bn1", bn1), Activation::Relu, x)?;
    let mut x = pass.max_pool(&MaxPoolOptions::new(3).with_stride(2).with_padding(1), x)?;
    for (name, stage) in stages {
        x = pass.part(name, |pass| {
            let mut x = x;
            for (i, block) in stage.iter().enumerate() {
                x = pass.part(&i.to_string(), |pass| block.apply(pass, x))?;
            }
            Ok(x)
        })?;
    }
    Ok(x)
}

impl Backbone for ResNet {
    fn classifier(&self) -> &'static str {
        "fc"
    }

    fn features<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Rows, NnError> {
        let x = trunk(pass, (&self.conv1, self.bn1.as_ref()), self.stages(), x)?;
        pass.pooled(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let x = pass.dropout(&self.dropout, features)?;
        pass.linear("fc", &self.fc, Activation::Identity, x)
    }
}
