//! Training steps and forward passes of whole networks, as the classes of `models.py` say.

use super::{device, gradients, random, targets};
use crate::protocol::{Step, Steps, only, timed};
use crate::rows::sizes;
use anyhow::{Result, ensure};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Gelu, LayerNorm, LayerNormConfig, Linear, LinearConfig,
    PaddingConfig2d,
};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, relu6};
use burn::tensor::module::attention;
use burn::tensor::{Device, Tensor};

pub(super) fn make(name: &str, shape: &[usize]) -> Result<Option<Steps>> {
    Ok(Some(match name {
        "resnet18_train" => train::<ResNet18, 4>(shape, 1000, sgd())?,
        "mobilenet_v2_train" => train::<MobileNetV2, 4>(shape, 1000, sgd())?,
        "cnn4_train" => train::<Cnn4, 4>(shape, 10, sgd())?,
        "mlp_train" => train::<Mlp, 2>(shape, 10, sgd())?,
        "encoder_train" => train::<Encoder, 3>(shape, 10, adamw())?,
        "resnet18_infer" | "resnet18_infer_1" => infer::<ResNet18, 4>(shape)?,
        _ => return Ok(None),
    }))
}

/// The rows' SGD and its learning rate.
pub(super) fn sgd() -> (ModuleOptimizer, f64) {
    let momentum = MomentumConfig::new().with_dampening(0.0);
    let sgd = SgdConfig::new()
        .with_momentum(Some(momentum))
        .with_weight_decay(Some(WeightDecayConfig::new(5e-4)));
    (sgd.init(), 0.01)
}

/// The rows' AdamW and its learning rate.
pub(super) fn adamw() -> (ModuleOptimizer, f64) {
    let adamw = AdamWConfig::new()
        .with_epsilon(1e-8)
        .with_weight_decay(0.01);
    (adamw.init(), 1e-3)
}

/// A network from a batch of rank `D` to logits.
pub(super) trait Network<const D: usize>: Module + 'static {
    const PARAMETERS: usize;
    fn new(device: &Device) -> Self;
    fn forward(&self, x: Tensor<D>) -> Tensor<2>;
}

/// Forward, loss, backward, `optimizer.step()`.
fn train<N: Network<D>, const D: usize>(
    shape: &[usize],
    classes: usize,
    (mut optimizer, lr): (ModuleOptimizer, f64),
) -> Result<Steps> {
    let device = device();
    let (model, x) = (N::new(&device), random(sizes(shape)?, &device));
    let targets = targets(shape[0], classes, &device);
    let loss = CrossEntropyLossConfig::new().init(&device);
    let grads = move |model: &N| {
        loss.forward(model.forward(x.clone()), targets.clone())
            .backward()
    };
    gradients(grads(&model), &model, N::PARAMETERS)?;
    let mut model = Some(model);
    let step: Step = Box::new(move || {
        let before = model.take().expect("put back by every step");
        let (after, ms) = timed(|| {
            let grads = GradientsParams::from_grads(grads(&before), &before);
            optimizer.step(lr, before, grads)
        });
        model = Some(after);
        Ok(ms)
    });
    Ok(only(step))
}

/// One forward pass without autodiff, which is how Burn says eval mode.
fn infer<N: Network<D>, const D: usize>(shape: &[usize]) -> Result<Steps> {
    let device = Device::flex();
    let (model, x) = (N::new(&device), random(sizes(shape)?, &device));
    ensure!(!x.device().is_autodiff(), "a device with autodiff");
    Ok(only(Box::new(move || {
        Ok(timed(|| model.forward(x.clone())).1)
    })))
}

#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ConvNorm {
    fn new(
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        groups: usize,
        device: &Device,
    ) -> Self {
        let pad = kernel / 2;
        let conv = Conv2dConfig::new(channels, [kernel, kernel])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
            .with_groups(groups)
            .with_bias(false);
        Self {
            conv: conv.init(device),
            norm: BatchNormConfig::new(channels[1]).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

/// Average pool, flatten, linear.
#[derive(Module, Debug)]
struct Head {
    pool: AdaptiveAvgPool2d,
    linear: Linear,
}

impl Head {
    fn new(channels: usize, classes: usize, device: &Device) -> Self {
        Self {
            pool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            linear: LinearConfig::new(channels, classes).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        self.linear.forward(self.pool.forward(x).flatten(1, 3))
    }
}

#[derive(Module, Debug)]
struct BasicBlock {
    first: ConvNorm,
    second: ConvNorm,
    shortcut: Option<ConvNorm>,
}

impl BasicBlock {
    fn new(inputs: usize, outputs: usize, stride: usize, device: &Device) -> Self {
        let shortcut = || ConvNorm::new([inputs, outputs], 1, stride, 1, device);
        Self {
            first: ConvNorm::new([inputs, outputs], 3, stride, 1, device),
            second: ConvNorm::new([outputs, outputs], 3, 1, 1, device),
            shortcut: ((inputs, stride) != (outputs, 1)).then(shortcut),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.second.forward(relu(self.first.forward(x.clone())));
        let shortcut = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x),
            None => x,
        };
        relu(y + shortcut)
    }
}

#[derive(Module, Debug)]
pub(super) struct ResNet18 {
    stem: ConvNorm,
    pool: MaxPool2d,
    blocks: Vec<BasicBlock>,
    head: Head,
}

impl Network<4> for ResNet18 {
    const PARAMETERS: usize = 11_689_512;

    fn new(device: &Device) -> Self {
        let mut blocks = Vec::new();
        for (inputs, outputs, stride) in [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)] {
            blocks.push(BasicBlock::new(inputs, outputs, stride, device));
            blocks.push(BasicBlock::new(outputs, outputs, 1, device));
        }
        let pool = MaxPool2dConfig::new([3, 3])
            .with_strides([2, 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        Self {
            stem: ConvNorm::new([3, 64], 7, 2, 1, device),
            pool: pool.init(),
            blocks,
            head: Head::new(512, 1000, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.stem.forward(x)));
        self.head
            .forward(self.blocks.iter().fold(x, |x, block| block.forward(x)))
    }
}

#[derive(Module, Debug)]
struct InvertedResidual {
    widen: Option<ConvNorm>,
    depthwise: ConvNorm,
    narrow: ConvNorm,
    residual: bool,
}

impl InvertedResidual {
    fn new(inputs: usize, outputs: usize, stride: usize, expand: usize, device: &Device) -> Self {
        let hidden = inputs * expand;
        let widen = || ConvNorm::new([inputs, hidden], 1, 1, 1, device);
        Self {
            widen: (expand > 1).then(widen),
            depthwise: ConvNorm::new([hidden, hidden], 3, stride, hidden, device),
            narrow: ConvNorm::new([hidden, outputs], 1, 1, 1, device),
            residual: inputs == outputs && stride == 1,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = match &self.widen {
            Some(widen) => relu6(widen.forward(x.clone())),
            None => x.clone(),
        };
        let y = self.narrow.forward(relu6(self.depthwise.forward(hidden)));
        if self.residual { x + y } else { y }
    }
}

#[derive(Module, Debug)]
struct MobileNetV2 {
    stem: ConvNorm,
    blocks: Vec<InvertedResidual>,
    last: ConvNorm,
    head: Head,
}

impl Network<4> for MobileNetV2 {
    const PARAMETERS: usize = 3_504_872;

    fn new(device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut inputs = 32;
        for (expand, outputs, repeats, stride) in [
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ] {
            for i in 0..repeats {
                let stride = if i == 0 { stride } else { 1 };
                blocks.push(InvertedResidual::new(
                    inputs, outputs, stride, expand, device,
                ));
                inputs = outputs;
            }
        }
        Self {
            stem: ConvNorm::new([3, 32], 3, 2, 1, device),
            blocks,
            last: ConvNorm::new([320, 1280], 1, 1, 1, device),
            head: Head::new(1280, 1000, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = relu6(self.stem.forward(x));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.head.forward(relu6(self.last.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Cnn4 {
    layers: Vec<ConvNorm>,
    pool: MaxPool2d,
    head: Head,
}

impl Network<4> for Cnn4 {
    const PARAMETERS: usize = 391_466;

    fn new(device: &Device) -> Self {
        let channels = [[3, 32], [32, 64], [64, 128], [128, 256]];
        let layers = channels.map(|channels| ConvNorm::new(channels, 3, 1, 1, device));
        Self {
            layers: layers.into(),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            head: Head::new(256, 10, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let pairs = self.layers.chunks(2);
        let x = pairs.fold(x, |x, pair| {
            self.pool
                .forward(pair.iter().fold(x, |x, layer| relu(layer.forward(x))))
        });
        self.head.forward(x)
    }
}

#[derive(Module, Debug)]
struct Mlp {
    first: Linear,
    second: Linear,
    third: Linear,
}

impl Network<2> for Mlp {
    const PARAMETERS: usize = 235_146;

    fn new(device: &Device) -> Self {
        Self {
            first: LinearConfig::new(784, 256).init(device),
            second: LinearConfig::new(256, 128).init(device),
            third: LinearConfig::new(128, 10).init(device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = relu(self.first.forward(x));
        self.third.forward(relu(self.second.forward(x)))
    }
}

const WIDTH: usize = 384;
const HEADS: usize = 6;
const HIDDEN: usize = 1536;

#[derive(Module, Debug)]
struct EncoderLayer {
    norm1: LayerNorm,
    qkv: Linear,
    out: Linear,
    norm2: LayerNorm,
    linear1: Linear,
    linear2: Linear,
}

impl EncoderLayer {
    fn new(device: &Device) -> Self {
        Self {
            norm1: LayerNormConfig::new(WIDTH).init(device),
            qkv: LinearConfig::new(WIDTH, 3 * WIDTH).init(device),
            out: LinearConfig::new(WIDTH, WIDTH).init(device),
            norm2: LayerNormConfig::new(WIDTH).init(device),
            linear1: LinearConfig::new(WIDTH, HIDDEN).init(device),
            linear2: LinearConfig::new(HIDDEN, WIDTH).init(device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, length, _] = x.dims();
        let qkv = self.qkv.forward(self.norm1.forward(x.clone()));
        let heads = qkv
            .reshape([n, length, 3 * HEADS, WIDTH / HEADS])
            .swap_dims(1, 2);
        let [q, k, v] = [0, 1, 2].map(|i| heads.clone().narrow(1, i * HEADS, HEADS));
        let y = attention(q, k, v, None, None, Default::default());
        let x = x + self
            .out
            .forward(y.swap_dims(1, 2).reshape([n, length, WIDTH]));
        let hidden = Gelu::new().forward(self.linear1.forward(self.norm2.forward(x.clone())));
        x + self.linear2.forward(hidden)
    }
}

#[derive(Module, Debug)]
struct Encoder {
    layers: Vec<EncoderLayer>,
    norm: LayerNorm,
    head: Linear,
}

impl Network<3> for Encoder {
    const PARAMETERS: usize = 10_651_402;

    fn new(device: &Device) -> Self {
        Self {
            layers: (0..6).map(|_| EncoderLayer::new(device)).collect(),
            norm: LayerNormConfig::new(WIDTH).init(device),
            head: LinearConfig::new(WIDTH, 10).init(device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let x = self.layers.iter().fold(x, |x, layer| layer.forward(x));
        self.head
            .forward(self.norm.forward(x).mean_dim(1).squeeze_dim(1))
    }
}
