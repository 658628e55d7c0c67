//! Steps of the optimisers over ResNet-18's parameters; the gradients are made beforehand.

use crate::models::{adamw, resnet18, sgd};
use crate::suite::{Bench, Step};
use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use onggi::nn::optim::{Gradients, Optimizer};
use onggi::nn::{Classifier, Mode};

pub(super) const BENCHES: [Bench; 2] = [
    Bench {
        name: "sgd_step",
        shape: &[11_689_512],
        make: |_| step(sgd(), 0.01),
    },
    Bench {
        name: "adamw_step",
        shape: &[11_689_512],
        make: |_| step(adamw(), 1e-3),
    },
];

fn step(mut optimizer: Optimizer, lr: f64) -> Step {
    let device = Device::flex().autodiff();
    let model = resnet18(&device).train();
    let x = Tensor::<4>::random([2, 3, 64, 64], Distribution::Normal(0.0, 1.0), &device);
    let logits = model
        .forward(x, &Mode::train(1, 0))
        .expect("the model's shape");
    let gradients = Gradients::of(&model, &logits.square().mean()).expect("a tracked loss");
    let mut model = Some(model);
    Box::new(move || {
        let current = model.take().expect("put back after each step");
        let moved = optimizer.step(current, gradients.clone(), lr);
        model = Some(moved.expect("the model's gradients"));
        Box::new(())
    })
}
