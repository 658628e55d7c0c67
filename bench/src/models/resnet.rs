//! ResNet-18 on 224²: 7×7 stem, eight basic blocks, 11,689,512 parameters.

use super::conv_norm::ConvNorm;
use super::{LEARNING_RATE, inference, linear, sgd, training};
use crate::suite::Step;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi::nn::activation::Activation;
use onggi::nn::linear::Linear;
use onggi::nn::{Classifier, Mode, NnError};
use onggi::ops::activation::add_relu;
use onggi::ops::pool::{MaxPoolOptions, max_pool};

#[derive(Module, Debug)]
struct BasicBlock {
    first: ConvNorm,
    second: ConvNorm,
    shortcut: Option<ConvNorm>,
}

impl BasicBlock {
    fn new(inputs: usize, outputs: usize, stride: usize, device: &Device) -> Self {
        let conv = |inputs, kernel, stride, activation| {
            ConvNorm::new([inputs, outputs], [kernel, stride, 1], activation, device)
        };
        Self {
            first: conv(inputs, 3, stride, Activation::Relu),
            second: conv(outputs, 3, 1, Activation::Identity),
            shortcut: ((inputs, stride) != (outputs, 1))
                .then(|| conv(inputs, 1, stride, Activation::Identity)),
        }
    }

    fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<4>, NnError> {
        let y = self.first.forward(x.clone(), mode)?;
        let y = self.second.forward(y, mode)?;
        let shortcut = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x, mode)?,
            None => x,
        };
        Ok(add_relu(y, shortcut)?)
    }
}

#[derive(Module, Debug)]
pub(crate) struct ResNet18 {
    stem: ConvNorm,
    blocks: Vec<BasicBlock>,
    fc: Linear,
}

/// The model, as PyTorch initialises it.
pub(crate) fn resnet18(device: &Device) -> ResNet18 {
    ResNet18::new(device)
}

impl ResNet18 {
    fn new(device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut inputs = 64;
        for (outputs, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
            blocks.push(BasicBlock::new(inputs, outputs, stride, device));
            blocks.push(BasicBlock::new(outputs, outputs, 1, device));
            inputs = outputs;
        }
        Self {
            stem: ConvNorm::new([3, 64], [7, 2, 1], Activation::Relu, device),
            blocks,
            fc: linear(512, 1000, device),
        }
    }
}

impl Classifier<4> for ResNet18 {
    fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        let pool = MaxPoolOptions::<2>::new(3).with_stride(2).with_padding(1);
        let mut x = max_pool(self.stem.forward(x, mode)?, &pool)?;
        for block in &self.blocks {
            x = block.forward(x, mode)?;
        }
        super::classify(x, &self.fc)
    }
}

pub(super) fn train(shape: &[usize]) -> Step {
    let device = Device::flex().autodiff();
    training::<_, 4>(
        ResNet18::new(&device),
        11_689_512,
        sgd(),
        LEARNING_RATE,
        shape,
        1000,
    )
}

pub(super) fn infer(shape: &[usize]) -> Step {
    inference::<_, 4>(ResNet18::new(&Device::flex()), shape)
}
