//! `onggi-bench ops`: single operations, forward and backward through a fixed upstream gradient.
//!
//! What is timed on both sides: the forward pass and the backward pass to every input that takes a
//! gradient. What is not: making tensors, freeing the gradients of the last round.

use crate::suite::{Bench, Step};
use crate::upstream;
use burn::tensor::{Device, Distribution, Tensor};
use onggi::nn::Mode;
use onggi::nn::norm::{BatchNorm2d, BatchNormConfig};
use onggi::ops::{Key, dropout::dropout};

pub(crate) const BENCHES: [Bench; 2] = [
    Bench {
        name: "batch_norm_2d",
        shape: &[32, 64, 56, 56],
        make: batch_norm_2d,
    },
    Bench {
        name: "dropout",
        shape: &[32, 64, 56, 56],
        make: dropout_half,
    },
];

fn image(shape: &[usize]) -> Tensor<4> {
    let device = Device::flex().autodiff();
    let [n, c, h, w] = *shape else {
        panic!("{shape:?} is not the shape of a batch of images")
    };
    Tensor::random([n, c, h, w], Distribution::Normal(0.0, 1.0), &device)
}

/// The layer, which keeps running statistics as its peer does.
fn batch_norm_2d(shape: &[usize]) -> Step {
    let (x, dy) = (image(shape).require_grad(), image(shape));
    let device = Device::flex().autodiff();
    let layer: BatchNorm2d = BatchNormConfig::new(shape[1])
        .init(&device)
        .expect("valid sizes");
    let mode = Mode::train(1, 0);
    Box::new(move || {
        let y = layer.forward(x.clone(), &mode).expect("the layer's shape");
        Box::new(upstream::backward(y, dy.clone()))
    })
}

fn dropout_half(shape: &[usize]) -> Step {
    let (x, dy) = (image(shape).require_grad(), image(shape));
    let mut stream = 0;
    Box::new(move || {
        stream += 1;
        let y = dropout(x.clone(), 0.5, Key { seed: 1, stream }).expect("a probability");
        Box::new(upstream::backward(y, dy.clone()))
    })
}
