//! Normalisation.

use super::{axes, forward_backward, leaf};
use crate::suite::{Bench, Step};
use burn::tensor::Device;
use onggi::nn::Mode;
use onggi::nn::norm::{BatchNorm2d, BatchNormConfig};
use onggi::ops::norm::{group_norm as group, instance_norm, layer_norm as layer, rms_norm as rms};

pub(super) const BENCHES: [Bench; 6] = [
    Bench {
        name: "batch_norm_2d",
        shape: &[32, 64, 56, 56],
        make: batch_norm_2d,
    },
    Bench {
        name: "instance_norm_2d",
        shape: &[32, 64, 56, 56],
        make: instance_norm_2d,
    },
    Bench {
        name: "instance_norm_2d_affine",
        shape: &[32, 64, 56, 56],
        make: instance_norm_2d_affine,
    },
    Bench {
        name: "group_norm",
        shape: &[32, 64, 56, 56],
        make: group_norm,
    },
    Bench {
        name: "layer_norm",
        shape: &[4096, 768],
        make: layer_norm,
    },
    Bench {
        name: "rms_norm",
        shape: &[4096, 768],
        make: rms_norm,
    },
];

/// The layer, which keeps running statistics as its peer does.
fn batch_norm_2d(shape: &[usize]) -> Step {
    let x = leaf::<4>(axes(shape));
    let layer: BatchNorm2d = BatchNormConfig::new(shape[1])
        .init(&Device::flex().autodiff())
        .expect("valid sizes");
    let mode = Mode::train(1, 0);
    forward_backward(move || layer.forward(x.clone(), &mode).expect("the layer's shape"))
}

fn instance_norm_2d(shape: &[usize]) -> Step {
    let x = leaf::<4>(axes(shape));
    forward_backward(move || {
        instance_norm(x.clone(), None, None, 1e-5)
            .expect("valid sizes")
            .y
    })
}

fn instance_norm_2d_affine(shape: &[usize]) -> Step {
    let (x, weight, bias) = (leaf::<4>(axes(shape)), leaf([shape[1]]), leaf([shape[1]]));
    forward_backward(move || {
        let (weight, bias) = (Some(weight.clone()), Some(bias.clone()));
        instance_norm(x.clone(), weight, bias, 1e-5)
            .expect("valid sizes")
            .y
    })
}

fn group_norm(shape: &[usize]) -> Step {
    let (x, weight, bias) = (leaf::<4>(axes(shape)), leaf([shape[1]]), leaf([shape[1]]));
    forward_backward(move || {
        let (weight, bias) = (Some(weight.clone()), Some(bias.clone()));
        group(x.clone(), 32, weight, bias, 1e-5).expect("valid sizes")
    })
}

fn layer_norm(shape: &[usize]) -> Step {
    let (x, weight, bias) = (leaf::<2>(axes(shape)), leaf([shape[1]]), leaf([shape[1]]));
    let size = [shape[1]];
    forward_backward(move || {
        let (weight, bias) = (Some(weight.clone()), Some(bias.clone()));
        layer(x.clone(), size, weight, bias, 1e-5).expect("valid sizes")
    })
}

fn rms_norm(shape: &[usize]) -> Step {
    let (x, weight) = (leaf::<2>(axes(shape)), leaf([shape[1]]));
    let size = [shape[1]];
    forward_backward(move || {
        rms(x.clone(), size, Some(weight.clone()), Some(1e-6)).expect("valid sizes")
    })
}
