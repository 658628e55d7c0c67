//! Six pre-norm Transformer layers, 384 wide, 6 heads, 1,536 hidden; mean over the length;
//! 10,651,402 parameters. The input is embedded already.

use super::{adamw, linear, training};
use crate::suite::Step;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi::nn::linear::Linear;
use onggi::nn::norm::{LayerNorm, LayerNormConfig};
use onggi::nn::{Classifier, Mode, NnError};
use onggi::ops::activation::gelu;
use onggi::ops::attention::{AttentionOptions, multi_head_self_attention};

const WIDTH: usize = 384;
const HEADS: usize = 6;
const HIDDEN: usize = 1536;

#[derive(Module, Debug)]
struct EncoderLayer {
    norms: [LayerNorm<1>; 2],
    qkv: Linear,
    out: Linear,
    linear1: Linear,
    linear2: Linear,
}

impl EncoderLayer {
    fn forward(&self, x: Tensor<3>) -> Result<Tensor<3>, NnError> {
        let qkv = self.qkv.forward(self.norms[0].forward(x.clone())?)?;
        let y = multi_head_self_attention(qkv, HEADS, true, AttentionOptions::default())?;
        let x = x + self.out.forward(y)?;
        let y = self.linear1.forward(self.norms[1].forward(x.clone())?)?;
        Ok(x + self.linear2.forward(gelu(y))?)
    }
}

#[derive(Module, Debug)]
struct Encoder {
    layers: Vec<EncoderLayer>,
    norm: LayerNorm<1>,
    head: Linear,
}

impl Classifier<3> for Encoder {
    fn forward(&self, mut x: Tensor<3>, _mode: &Mode) -> Result<Tensor<2>, NnError> {
        for layer in &self.layers {
            x = layer.forward(x)?;
        }
        self.head
            .forward(self.norm.forward(x)?.mean_dim(1).squeeze_dim::<2>(1))
    }
}

pub(super) fn train(shape: &[usize]) -> Step {
    let device = Device::flex().autodiff();
    let norm = || {
        LayerNormConfig::new([WIDTH])
            .init(&device)
            .expect("a valid size")
    };
    let layer = || EncoderLayer {
        norms: [norm(), norm()],
        qkv: linear(WIDTH, 3 * WIDTH, &device),
        out: linear(WIDTH, WIDTH, &device),
        linear1: linear(WIDTH, HIDDEN, &device),
        linear2: linear(HIDDEN, WIDTH, &device),
    };
    let model = Encoder {
        layers: (0..6).map(|_| layer()).collect(),
        norm: norm(),
        head: linear(WIDTH, 10, &device),
    };
    training::<_, 3>(model, 10_651_402, adamw(), 1e-3, shape, 10)
}
