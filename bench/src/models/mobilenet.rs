//! MobileNetV2 on 224², width 1, 3,504,872 parameters.

use super::conv_norm::ConvNorm;
use super::{LEARNING_RATE, linear, sgd, training};
use crate::suite::Step;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi::nn::activation::Activation;
use onggi::nn::linear::Linear;
use onggi::nn::{Classifier, Mode, NnError};

/// Expansion, outputs, blocks, stride of the first.
const STAGES: [[usize; 4]; 7] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
];

#[derive(Module, Debug)]
struct InvertedResidual {
    widen: Option<ConvNorm>,
    depthwise: ConvNorm,
    project: ConvNorm,
    #[module(skip)]
    residual: bool,
}

impl InvertedResidual {
    fn new([inputs, outputs]: [usize; 2], stride: usize, expand: usize, device: &Device) -> Self {
        let hidden = inputs * expand;
        let relu6 = Activation::Relu6;
        Self {
            widen: (expand > 1).then(|| ConvNorm::new([inputs, hidden], [1, 1, 1], relu6, device)),
            depthwise: ConvNorm::new([hidden, hidden], [3, stride, hidden], relu6, device),
            project: ConvNorm::new([hidden, outputs], [1, 1, 1], Activation::Identity, device),
            residual: inputs == outputs && stride == 1,
        }
    }

    fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<4>, NnError> {
        let mut y = x.clone();
        if let Some(widen) = &self.widen {
            y = widen.forward(y, mode)?;
        }
        y = self
            .project
            .forward(self.depthwise.forward(y, mode)?, mode)?;
        Ok(if self.residual { x + y } else { y })
    }
}

#[derive(Module, Debug)]
struct MobileNetV2 {
    stem: ConvNorm,
    blocks: Vec<InvertedResidual>,
    last: ConvNorm,
    fc: Linear,
}

impl MobileNetV2 {
    fn new(device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut inputs = 32;
        for [expand, outputs, repeats, stride] in STAGES {
            for block in 0..repeats {
                let stride = if block == 0 { stride } else { 1 };
                blocks.push(InvertedResidual::new(
                    [inputs, outputs],
                    stride,
                    expand,
                    device,
                ));
                inputs = outputs;
            }
        }
        Self {
            stem: ConvNorm::new([3, 32], [3, 2, 1], Activation::Relu6, device),
            blocks,
            last: ConvNorm::new([320, 1280], [1, 1, 1], Activation::Relu6, device),
            fc: linear(1280, 1000, device),
        }
    }
}

impl Classifier<4> for MobileNetV2 {
    fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        let mut x = self.stem.forward(x, mode)?;
        for block in &self.blocks {
            x = block.forward(x, mode)?;
        }
        super::classify(self.last.forward(x, mode)?, &self.fc)
    }
}

pub(super) fn train(shape: &[usize]) -> Step {
    let device = Device::flex().autodiff();
    training::<_, 4>(
        MobileNetV2::new(&device),
        3_504_872,
        sgd(),
        LEARNING_RATE,
        shape,
        1000,
    )
}
