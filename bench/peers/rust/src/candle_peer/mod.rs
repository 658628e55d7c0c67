//! candle's layers, losses and optimiser on the CPU.
//!
//! candle starts every backward pass with ones, which it writes within the timed part; another
//! upstream gradient would cost it more passes.

mod models;
mod ops;

use crate::protocol::Steps;
use anyhow::{Result, ensure};
use candle_core::backprop::GradStore;
use candle_core::{D, Device, Tensor, Var};
use candle_nn::VarMap;
use candle_nn::ops::softmax;

const CPU: Device = Device::Cpu;

/// The steps of a row on a shape, if candle has it.
pub(crate) fn make(name: &str, shape: &[usize]) -> Result<Option<Steps>> {
    Ok(match ops::make(name, shape)? {
        Some(steps) => Some(steps),
        None => models::make(name, shape)?,
    })
}

/// Random class indices.
fn targets(n: usize, classes: usize) -> Result<Tensor> {
    let uniform = Tensor::rand(0f64, classes as f64, n, &CPU)?;
    Ok(uniform.floor()?.to_dtype(candle_core::DType::U32)?)
}

/// The variables that take gradients: all but running statistics.
fn parameters(variables: &VarMap) -> Vec<Var> {
    let data = variables.data().lock().expect("no thread panicked with it");
    let trained = data.iter().filter(|(name, _)| !name.contains("running"));
    trained.map(|(_, var)| var.clone()).collect()
}

/// Fails if the gradients of `vars` are not as many numbers as `expected`.
fn check(grads: &GradStore, vars: &[Var], expected: usize) -> Result<()> {
    let grads = vars.iter().filter_map(|var| grads.get(var.as_tensor()));
    let numbers: usize = grads.map(Tensor::elem_count).sum();
    ensure!(
        numbers == expected,
        "{numbers} numbers have a gradient, not {expected}"
    );
    Ok(())
}

/// softmax(q·kᵀ/√d)·v of (N, heads, L, d), composed: candle's own have no backward pass.
fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> candle_core::Result<Tensor> {
    let scale = (q.dim(D::Minus1)? as f64).powf(-0.5);
    let scores = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? * scale)?;
    softmax(&scores, D::Minus1)?.matmul(v)
}
