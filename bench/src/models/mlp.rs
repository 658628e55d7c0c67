//! Linear 784 → 256 → 128 → 10 with ReLU between, 235,146 parameters.

use super::{LEARNING_RATE, linear, sgd, training};
use crate::suite::Step;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi::nn::linear::Linear;
use onggi::nn::{Classifier, Mode, NnError};
use onggi::ops::activation::relu;

#[derive(Module, Debug)]
struct Mlp {
    layers: [Linear; 3],
}

impl Classifier<2> for Mlp {
    fn forward(&self, x: Tensor<2>, _mode: &Mode) -> Result<Tensor<2>, NnError> {
        let [first, second, last] = &self.layers;
        let x = relu(first.forward(x)?);
        last.forward(relu(second.forward(x)?))
    }
}

pub(super) fn train(shape: &[usize]) -> Step {
    let device = Device::flex().autodiff();
    let layers = [[784, 256], [256, 128], [128, 10]]
        .map(|[inputs, outputs]| linear(inputs, outputs, &device));
    training::<_, 2>(Mlp { layers }, 235_146, sgd(), LEARNING_RATE, shape, 10)
}
