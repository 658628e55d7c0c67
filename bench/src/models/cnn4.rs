//! Four 3×3 convolutions on 32²: 32, 64, pool, 128, 256, pool; 391,466 parameters.

use super::conv_norm::ConvNorm;
use super::{LEARNING_RATE, linear, sgd, training};
use crate::suite::Step;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi::nn::activation::Activation;
use onggi::nn::linear::Linear;
use onggi::nn::{Classifier, Mode, NnError};
use onggi::ops::pool::{MaxPoolOptions, max_pool};

#[derive(Module, Debug)]
struct Cnn4 {
    convs: Vec<ConvNorm>,
    fc: Linear,
}

impl Classifier<4> for Cnn4 {
    fn forward(&self, mut x: Tensor<4>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        let pool = MaxPoolOptions::<2>::new(2);
        for pair in self.convs.chunks(2) {
            for conv in pair {
                x = conv.forward(x, mode)?;
            }
            x = max_pool(x, &pool)?;
        }
        super::classify(x, &self.fc)
    }
}

pub(super) fn train(shape: &[usize]) -> Step {
    let device = Device::flex().autodiff();
    let convs = [[3, 32], [32, 64], [64, 128], [128, 256]]
        .map(|channels| ConvNorm::new(channels, [3, 1, 1], Activation::Relu, &device));
    let model = Cnn4 {
        convs: convs.into(),
        fc: linear(256, 10, &device),
    };
    training::<_, 4>(model, 391_466, sgd(), LEARNING_RATE, shape, 10)
}
