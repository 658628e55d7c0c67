//! Activations, softmax, dropout and the loss.

use super::{axes, forward_backward, leaf};
use crate::suite::{Bench, Step};
use burn::tensor::Tensor;
use onggi::ops::activation::{add_relu, gelu, relu, silu, softmax};
use onggi::ops::loss::{CrossEntropyOptions, cross_entropy as loss};
use onggi::ops::{Key, dropout::dropout as drop};

pub(super) const BENCHES: [Bench; 7] = [
    Bench {
        name: "relu",
        shape: &[32, 64, 56, 56],
        make: |shape| map::<4>(shape, relu),
    },
    Bench {
        name: "relu_add",
        shape: &[32, 64, 56, 56],
        make: relu_add,
    },
    Bench {
        name: "gelu",
        shape: &[2048, 1536],
        make: |shape| map::<2>(shape, gelu),
    },
    Bench {
        name: "silu",
        shape: &[2048, 1536],
        make: |shape| map::<2>(shape, silu),
    },
    Bench {
        name: "softmax",
        shape: &[4096, 1000],
        make: |shape| map::<2>(shape, |x| softmax(x, 1).expect("an axis")),
    },
    Bench {
        name: "dropout",
        shape: &[32, 64, 56, 56],
        make: dropout,
    },
    Bench {
        name: "cross_entropy",
        shape: &[128, 1000],
        make: cross_entropy,
    },
];

fn map<const D: usize>(shape: &[usize], f: impl Fn(Tensor<D>) -> Tensor<D> + 'static) -> Step {
    let x = leaf::<D>(axes(shape));
    forward_backward(move || f(x.clone()))
}

fn relu_add(shape: &[usize]) -> Step {
    let (a, b) = (leaf::<4>(axes(shape)), leaf::<4>(axes(shape)));
    forward_backward(move || add_relu(a.clone(), b.clone()).expect("equal shapes"))
}

fn dropout(shape: &[usize]) -> Step {
    let x = leaf::<4>(axes(shape));
    let mut stream = 0;
    forward_backward(move || {
        stream += 1;
        drop(x.clone(), 0.5, Key { seed: 1, stream }).expect("a probability")
    })
}

fn cross_entropy(shape: &[usize]) -> Step {
    let logits = leaf::<2>(axes(shape));
    let classes: Vec<i64> = (0..shape[0]).map(|row| (row % shape[1]) as i64).collect();
    let options = CrossEntropyOptions::default();
    forward_backward(move || loss(logits.clone(), &classes, &options).expect("valid classes"))
}
