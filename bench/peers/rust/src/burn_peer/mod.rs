//! Burn's own layers, losses and optimisers on the flex back end with autodiff.

mod models;
mod ops;

use crate::protocol::Steps;
use anyhow::{Result, ensure};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Gradients, Int, Tensor};

/// The steps of a row on a shape, if Burn has it.
pub(crate) fn make(name: &str, shape: &[usize]) -> Result<Option<Steps>> {
    Ok(match ops::make(name, shape)? {
        Some(steps) => Some(steps),
        None => models::make(name, shape)?,
    })
}

/// The device that gradients are computed on.
fn device() -> Device {
    Device::flex().autodiff()
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// Random class indices.
fn targets(n: usize, classes: usize, device: &Device) -> Tensor<1, Int> {
    Tensor::random([n], Distribution::Uniform(0.0, classes as f64), device)
}

/// The gradients of `module`'s parameters, if they are as many numbers as `expected`.
fn gradients<M: Module>(grads: Gradients, module: &M, expected: usize) -> Result<GradientsParams> {
    struct Count<'a> {
        grads: &'a GradientsParams,
        numbers: usize,
    }
    impl ModuleVisitor for Count<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.grads.get::<D>(param.id) {
                self.numbers += grad.shape().num_elements();
            }
        }
    }
    let grads = GradientsParams::from_grads(grads, module);
    let mut count = Count {
        grads: &grads,
        numbers: 0,
    };
    module.visit(&mut count);
    let numbers = count.numbers;
    ensure!(
        numbers == expected,
        "{numbers} numbers have a gradient, not {expected}"
    );
    Ok(grads)
}
