//! `onggi-bench ops`: single operations, forward and backward through a fixed upstream gradient.
//!
//! What is timed on both sides: the forward pass and the backward pass to every input that takes a
//! gradient (`peers/ops.py` says which). What is not: making tensors, freeing the gradients of the
//! last round. Of the optimisers the step alone is timed.

mod conv;
mod dense;
mod norm;
mod optim;
mod pointwise;
mod recurrent;

use crate::suite::{Bench, Step};
use crate::upstream;
use burn::tensor::{Device, Distribution, Tensor};

/// All rows.
pub(crate) fn benches() -> Vec<Bench> {
    [
        norm::BENCHES.as_slice(),
        conv::BENCHES.as_slice(),
        pointwise::BENCHES.as_slice(),
        dense::BENCHES.as_slice(),
        recurrent::BENCHES.as_slice(),
        optim::BENCHES.as_slice(),
    ]
    .concat()
}

/// Standard normal values.
fn normal<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let device = Device::flex().autodiff();
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device)
}

/// As [`normal`], taking a gradient.
fn leaf<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    normal(shape).require_grad()
}

/// A row's shape.
fn axes<const D: usize>(shape: &[usize]) -> [usize; D] {
    shape.try_into().expect("the row's shape has D axes")
}

/// `forward`, and backward through an upstream gradient that is drawn once.
fn forward_backward<const D: usize>(mut forward: impl FnMut() -> Tensor<D> + 'static) -> Step {
    let dy = normal(forward().dims());
    Box::new(move || Box::new(upstream::backward(forward(), dy.clone())))
}
