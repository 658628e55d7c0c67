//! Training steps and forward passes of whole networks, as the classes of `models.py` say.
//!
//! ResNet-18 and MobileNet V2 are not trained: candle has no backward pass for a max pool whose
//! windows overlap, and runs a depthwise convolution channel by channel.

use super::ops::adamw;
use super::{CPU, attention, check, parameters, targets};
use crate::protocol::{Step, Steps, only, timed};
use anyhow::Result;
use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::ops::layer_norm_slow;
use candle_nn::{
    AdamW, BatchNorm, Conv2d, Conv2dConfig, Init, Linear, Module, ModuleT, Optimizer, VarBuilder,
    VarMap, batch_norm, conv2d_no_bias, linear,
};

type Candle<T> = candle_core::Result<T>;

pub(super) fn make(name: &str, shape: &[usize]) -> Result<Option<Steps>> {
    Ok(Some(only(match name {
        "cnn4_train" => train::<Cnn4, Sgd>(shape, 10, Sgd::new)?,
        "mlp_train" => train::<Mlp, Sgd>(shape, 10, Sgd::new)?,
        "encoder_train" => train::<Encoder, AdamW>(shape, 10, adamw)?,
        "resnet18_infer" | "resnet18_infer_1" => infer(shape, |model| Ok(model))?,
        "resnet18_infer_folded" | "resnet18_infer_1_folded" => infer(shape, ResNet18::fold)?,
        _ => return Ok(None),
    })))
}

/// A network from a batch to logits.
pub(super) trait Network: Sized + 'static {
    const PARAMETERS: usize;
    fn new(vb: VarBuilder) -> Candle<Self>;
    fn forward(&self, x: &Tensor, train: bool) -> Candle<Tensor>;
}

trait Update: 'static {
    fn update(&mut self, grads: &GradStore) -> Candle<()>;
}

impl Update for AdamW {
    fn update(&mut self, grads: &GradStore) -> Candle<()> {
        self.step(grads)
    }
}

/// The rows' SGD. candle's has neither momentum nor weight decay; this is written like its AdamW.
struct Sgd(Vec<(Var, Var)>);

impl Sgd {
    fn new(vars: Vec<Var>) -> Result<Self> {
        let with_velocity = |var: Var| Ok((var.clone(), Var::from_tensor(&var.zeros_like()?)?));
        let vars = vars.into_iter().map(with_velocity);
        Ok(Self(vars.collect::<Candle<_>>()?))
    }
}

impl Update for Sgd {
    fn update(&mut self, grads: &GradStore) -> Candle<()> {
        for (var, velocity) in &self.0 {
            if let Some(grad) = grads.get(var.as_tensor()) {
                let var_now = var.as_detached_tensor();
                let decayed = (grad + (&var_now * 5e-4)?)?;
                let next = ((velocity.as_detached_tensor() * 0.9)? + decayed)?;
                velocity.set(&next)?;
                var.set(&(var_now - (next * 0.01)?)?)?;
            }
        }
        Ok(())
    }
}

/// Forward, loss, backward, the optimiser's step.
fn train<N: Network, U: Update>(
    shape: &[usize],
    classes: usize,
    optimizer: fn(Vec<Var>) -> Result<U>,
) -> Result<Step> {
    let variables = VarMap::new();
    let model = N::new(VarBuilder::from_varmap(&variables, DType::F32, &CPU))?;
    let vars = parameters(&variables);
    let x = Tensor::randn(0f32, 1f32, shape, &CPU)?;
    let targets = targets(shape[0], classes)?;
    let grads = move || cross_entropy(&model.forward(&x, true)?, &targets)?.backward();
    check(&grads()?, &vars, N::PARAMETERS)?;
    let mut optimizer = optimizer(vars)?;
    Ok(Box::new(move || {
        let (outcome, ms) = timed(|| {
            let grads = grads()?;
            optimizer.update(&grads)?;
            Candle::Ok(grads)
        });
        outcome?;
        Ok(ms)
    }))
}

/// One forward pass in eval mode, with weights that take no gradient.
fn infer(shape: &[usize], change: fn(ResNet18) -> Candle<ResNet18>) -> Result<Step> {
    let variables = VarMap::new();
    ResNet18::new(VarBuilder::from_varmap(&variables, DType::F32, &CPU))?;
    let data = variables.data().lock().expect("no thread panicked with it");
    let fixed = data
        .iter()
        .map(|(name, var)| (name.clone(), var.as_detached_tensor()));
    let vb = VarBuilder::from_tensors(fixed.collect(), DType::F32, &CPU);
    let model = change(ResNet18::new(vb)?)?;
    let x = Tensor::randn(0f32, 1f32, shape, &CPU)?;
    Ok(Box::new(move || {
        let (y, ms) = timed(|| model.forward(&x, false));
        y?;
        Ok(ms)
    }))
}

/// Convolution without bias and batch normalisation, which may be folded into it.
struct ConvNorm {
    conv: Conv2d,
    norm: Option<BatchNorm>,
}

impl ConvNorm {
    fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        vb: VarBuilder,
    ) -> Candle<Self> {
        let config = Conv2dConfig {
            padding: kernel / 2,
            stride,
            ..Default::default()
        };
        Ok(Self {
            conv: conv2d_no_bias(inputs, outputs, kernel, config, vb.pp("conv"))?,
            norm: Some(batch_norm(outputs, 1e-5, vb.pp("norm"))?),
        })
    }

    fn fold(&mut self) -> Candle<()> {
        if let Some(norm) = self.norm.take() {
            self.conv = self.conv.absorb_bn(&norm)?;
        }
        Ok(())
    }

    fn forward(&self, x: &Tensor, train: bool) -> Candle<Tensor> {
        let y = self.conv.forward(x)?;
        match &self.norm {
            Some(norm) => norm.forward_t(&y, train),
            None => Ok(y),
        }
    }
}

struct BasicBlock {
    first: ConvNorm,
    second: ConvNorm,
    shortcut: Option<ConvNorm>,
}

impl BasicBlock {
    fn new(inputs: usize, outputs: usize, stride: usize, vb: VarBuilder) -> Candle<Self> {
        let shortcut = || ConvNorm::new(inputs, outputs, 1, stride, vb.pp("shortcut"));
        Ok(Self {
            first: ConvNorm::new(inputs, outputs, 3, stride, vb.pp("first"))?,
            second: ConvNorm::new(outputs, outputs, 3, 1, vb.pp("second"))?,
            shortcut: ((inputs, stride) != (outputs, 1))
                .then(shortcut)
                .transpose()?,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Candle<Tensor> {
        let y = self.first.forward(x, train)?.relu()?;
        let y = self.second.forward(&y, train)?;
        match &self.shortcut {
            Some(shortcut) => (y + shortcut.forward(x, train)?)?.relu(),
            None => (y + x)?.relu(),
        }
    }
}

pub(super) struct ResNet18 {
    stem: ConvNorm,
    blocks: Vec<BasicBlock>,
    head: Linear,
}

impl ResNet18 {
    fn fold(mut self) -> Candle<Self> {
        self.stem.fold()?;
        for block in &mut self.blocks {
            block.first.fold()?;
            block.second.fold()?;
            if let Some(shortcut) = &mut block.shortcut {
                shortcut.fold()?;
            }
        }
        Ok(self)
    }
}

impl Network for ResNet18 {
    const PARAMETERS: usize = 11_689_512;

    fn new(vb: VarBuilder) -> Candle<Self> {
        let mut blocks = Vec::new();
        for (inputs, outputs, stride) in [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)] {
            for (inputs, stride) in [(inputs, stride), (outputs, 1)] {
                let vb = vb.pp(blocks.len());
                blocks.push(BasicBlock::new(inputs, outputs, stride, vb)?);
            }
        }
        Ok(Self {
            stem: ConvNorm::new(3, 64, 7, 2, vb.pp("stem"))?,
            blocks,
            head: linear(512, 1000, vb.pp("head"))?,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Candle<Tensor> {
        let x = self.stem.forward(x, train)?.relu()?;
        // candle's pool knows no padding; after a ReLU, zeros are as good as −∞.
        let x = x.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
        let mut x = x.max_pool2d_with_stride(3, 2)?;
        for block in &self.blocks {
            x = block.forward(&x, train)?;
        }
        self.head.forward(&x.mean((2, 3))?)
    }
}

struct Cnn4 {
    layers: Vec<ConvNorm>,
    head: Linear,
}

impl Network for Cnn4 {
    const PARAMETERS: usize = 391_466;

    fn new(vb: VarBuilder) -> Candle<Self> {
        let channels = [3, 32, 64, 128, 256];
        let pairs = channels.windows(2).enumerate();
        let layers = pairs.map(|(i, pair)| ConvNorm::new(pair[0], pair[1], 3, 1, vb.pp(i)));
        Ok(Self {
            layers: layers.collect::<Candle<_>>()?,
            head: linear(256, 10, vb.pp("head"))?,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Candle<Tensor> {
        let mut x = x.clone();
        for pair in self.layers.chunks(2) {
            for layer in pair {
                x = layer.forward(&x, train)?.relu()?;
            }
            x = x.max_pool2d(2)?;
        }
        self.head.forward(&x.mean((2, 3))?)
    }
}

struct Mlp([Linear; 3]);

impl Network for Mlp {
    const PARAMETERS: usize = 235_146;

    fn new(vb: VarBuilder) -> Candle<Self> {
        Ok(Self([
            linear(784, 256, vb.pp(0))?,
            linear(256, 128, vb.pp(1))?,
            linear(128, 10, vb.pp(2))?,
        ]))
    }

    fn forward(&self, x: &Tensor, _train: bool) -> Candle<Tensor> {
        let [first, second, third] = &self.0;
        third.forward(&second.forward(&first.forward(x)?.relu()?)?.relu()?)
    }
}

const WIDTH: usize = 384;
const HEADS: usize = 6;
const HIDDEN: usize = 1536;

/// candle's faster layer norm has no backward pass.
struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    fn new(vb: VarBuilder) -> Candle<Self> {
        Ok(Self {
            weight: vb.get_with_hints(WIDTH, "weight", Init::Const(1.0))?,
            bias: vb.get_with_hints(WIDTH, "bias", Init::Const(0.0))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        layer_norm_slow(x, &self.weight, &self.bias, 1e-5)
    }
}

struct EncoderLayer {
    norms: [LayerNorm; 2],
    qkv: Linear,
    out: Linear,
    linears: [Linear; 2],
}

impl EncoderLayer {
    fn new(vb: VarBuilder) -> Candle<Self> {
        Ok(Self {
            norms: [
                LayerNorm::new(vb.pp("norm1"))?,
                LayerNorm::new(vb.pp("norm2"))?,
            ],
            qkv: linear(WIDTH, 3 * WIDTH, vb.pp("qkv"))?,
            out: linear(WIDTH, WIDTH, vb.pp("out"))?,
            linears: [
                linear(WIDTH, HIDDEN, vb.pp("linear1"))?,
                linear(HIDDEN, WIDTH, vb.pp("linear2"))?,
            ],
        })
    }

    fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        let (n, length, _) = x.dims3()?;
        let qkv = self.qkv.forward(&self.norms[0].forward(x)?)?;
        let heads = qkv
            .reshape((n, length, 3 * HEADS, WIDTH / HEADS))?
            .transpose(1, 2)?;
        let part = |i| heads.narrow(1, i * HEADS, HEADS)?.contiguous();
        let y = attention(&part(0)?, &part(1)?, &part(2)?)?;
        let y = y.transpose(1, 2)?.reshape((n, length, WIDTH))?;
        let x = (x + self.out.forward(&y)?)?;
        let hidden = self.linears[0]
            .forward(&self.norms[1].forward(&x)?)?
            .gelu_erf()?;
        &x + self.linears[1].forward(&hidden)?
    }
}

struct Encoder {
    layers: Vec<EncoderLayer>,
    norm: LayerNorm,
    head: Linear,
}

impl Network for Encoder {
    const PARAMETERS: usize = 10_651_402;

    fn new(vb: VarBuilder) -> Candle<Self> {
        let layers = (0..6).map(|i| EncoderLayer::new(vb.pp(i)));
        Ok(Self {
            layers: layers.collect::<Candle<_>>()?,
            norm: LayerNorm::new(vb.pp("norm"))?,
            head: linear(WIDTH, 10, vb.pp("head"))?,
        })
    }

    fn forward(&self, x: &Tensor, _train: bool) -> Candle<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        self.head.forward(&self.norm.forward(&x)?.mean(1)?)
    }
}
