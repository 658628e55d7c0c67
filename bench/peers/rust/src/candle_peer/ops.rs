//! Single operations, forward and backward, and a step of AdamW.

use super::models::{Network, ResNet18};
use super::{CPU, attention, check, parameters, targets};
use crate::protocol::{Step, Steps, only, timed};
use crate::rows::{Conv, convolution, sizes};
use anyhow::{Result, ensure};
use candle_core::{DType, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::ops::{layer_norm_slow, silu, softmax};
use candle_nn::{
    AdamW, BatchNorm, Conv2d, Conv2dConfig, Dropout, GRUConfig, GroupNorm, LSTMConfig, Linear,
    Module, Optimizer, ParamsAdamW, RNN, RmsNorm, VarBuilder, VarMap, gru, lstm,
};

pub(super) fn make(name: &str, shape: &[usize]) -> Result<Option<Steps>> {
    Ok(Some(only(match name {
        "batch_norm_2d" => {
            let (x, [w, b]) = (leaf(shape)?, [leaf(&shape[1..2])?, leaf(&shape[1..2])?]);
            let mean = Tensor::zeros(shape[1], DType::F32, &CPU)?;
            let var = Tensor::ones(shape[1], DType::F32, &CPU)?;
            let layer = BatchNorm::new(shape[1], mean, var, tensor(&w), tensor(&b), 1e-5)?;
            step(vec![x.clone(), w, b], move || layer.forward_train(&x))?
        }
        "group_norm" => {
            let (x, [w, b]) = (leaf(shape)?, [leaf(&shape[1..2])?, leaf(&shape[1..2])?]);
            let layer = GroupNorm::new(tensor(&w), tensor(&b), shape[1], 32, 1e-5)?;
            step(vec![x.clone(), w, b], move || layer.forward(&x))?
        }
        // Its faster layer norm and RMS norm have no backward pass.
        "layer_norm" => {
            let (x, [w, b]) = (leaf(shape)?, [leaf(&shape[1..])?, leaf(&shape[1..])?]);
            step(vec![x.clone(), w.clone(), b.clone()], move || {
                layer_norm_slow(&x, &w, &b, 1e-5)
            })?
        }
        "rms_norm" => {
            let (x, w) = (leaf(shape)?, leaf(&shape[1..])?);
            let layer = RmsNorm::new(tensor(&w), 1e-6);
            step(vec![x.clone(), w], move || layer.forward_diff(&x))?
        }
        "linear" => linear(shape, 256)?,
        "linear_1536" => linear(shape, 1536)?,
        "avg_pool_2d" => unary(shape, |x| x.avg_pool2d(2))?,
        "gelu" => unary(shape, Tensor::gelu_erf)?,
        "silu" => unary(shape, silu)?,
        "relu" => unary(shape, Tensor::relu)?,
        "relu_add" => {
            let (x, y) = (leaf(shape)?, leaf(shape)?);
            step(vec![x.clone(), y.clone()], move || {
                (x.as_tensor() + y.as_tensor())?.relu()
            })?
        }
        "softmax" => unary(shape, |x| softmax(x, 1))?,
        "dropout" => unary(shape, |x| Dropout::new(0.5).forward(x, true))?,
        "attention" => {
            let [q, k, v] = [leaf(shape)?, leaf(shape)?, leaf(shape)?];
            step(vec![q.clone(), k.clone(), v.clone()], move || {
                attention(&q, &k, &v)
            })?
        }
        "cross_entropy" => {
            let targets = targets(shape[0], shape[1])?;
            unary(shape, move |x| cross_entropy(x, &targets))?
        }
        "lstm" => recurrent(shape, |features, vb| {
            lstm(features, 256, LSTMConfig::default(), vb)
        })?,
        "gru" => recurrent(shape, |features, vb| {
            gru(features, 256, GRUConfig::default(), vb)
        })?,
        "adamw_step" => adamw_step(shape)?,
        _ => match convolution(name) {
            Some(conv) => conv2d(shape, conv)?,
            None => return Ok(None),
        },
    })))
}

/// The rows' AdamW.
pub(super) fn adamw(vars: Vec<Var>) -> Result<AdamW> {
    let settings = ParamsAdamW {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.01,
    };
    Ok(AdamW::new(vars, settings)?)
}

/// A normal random tensor that takes a gradient.
fn leaf(shape: &[usize]) -> Result<Var> {
    Ok(Var::randn(0f32, 1f32, shape, &CPU)?)
}

fn tensor(var: &Var) -> Tensor {
    var.as_tensor().clone()
}

/// A step that runs `forward` and its backward pass: gradients of `leaves`.
fn step(
    leaves: Vec<Var>,
    forward: impl Fn() -> candle_core::Result<Tensor> + 'static,
) -> Result<Step> {
    let numbers = leaves.iter().map(|leaf| leaf.elem_count()).sum();
    check(&forward()?.backward()?, &leaves, numbers)?;
    Ok(Box::new(move || {
        let (grads, ms) = timed(|| forward()?.backward());
        grads?;
        Ok(ms)
    }))
}

fn unary(
    shape: &[usize],
    forward: impl Fn(&Tensor) -> candle_core::Result<Tensor> + 'static,
) -> Result<Step> {
    let x = leaf(shape)?;
    step(vec![x.clone()], move || forward(&x))
}

fn linear(shape: &[usize], out: usize) -> Result<Step> {
    let (x, w, b) = (leaf(shape)?, leaf(&[out, shape[1]])?, leaf(&[out])?);
    let layer = Linear::new(tensor(&w), Some(tensor(&b)));
    step(vec![x.clone(), w, b], move || layer.forward(&x))
}

fn conv2d(shape: &[usize], conv: &Conv) -> Result<Step> {
    let w = leaf(&[conv.out, shape[1] / conv.groups, conv.kernel, conv.kernel])?;
    let config = Conv2dConfig {
        padding: conv.padding,
        stride: conv.stride,
        groups: conv.groups,
        ..Default::default()
    };
    let layer = Conv2d::new(tensor(&w), None, config);
    let x = leaf(shape)?;
    if conv.input_gradient {
        step(vec![x.clone(), w], move || layer.forward(&x))
    } else {
        let x = x.as_detached_tensor();
        step(vec![w], move || layer.forward(&x))
    }
}

fn recurrent<R: RNN + 'static>(
    shape: &[usize],
    make: fn(usize, VarBuilder) -> candle_core::Result<R>,
) -> Result<Step> {
    let [_, _, features] = sizes(shape)?;
    let variables = VarMap::new();
    let layer = make(
        features,
        VarBuilder::from_varmap(&variables, DType::F32, &CPU),
    )?;
    let x = leaf(shape)?;
    let mut leaves = variables.all_vars();
    leaves.push(x.clone());
    step(leaves, move || layer.states_to_tensor(&layer.seq(&x)?))
}

/// `optimizer.step()` over ResNet-18's parameters, with gradients that stay.
fn adamw_step(shape: &[usize]) -> Result<Step> {
    let expected = ResNet18::PARAMETERS;
    ensure!(
        shape == [expected],
        "ResNet-18 has {expected} parameters, not {shape:?}"
    );
    let variables = VarMap::new();
    ResNet18::new(VarBuilder::from_varmap(&variables, DType::F32, &CPU))?;
    let vars = parameters(&variables);
    // candle makes an empty store of gradients in a backward pass only.
    let mut grads = leaf(&[1])?.backward()?;
    for var in &vars {
        grads.insert(var.as_tensor(), var.randn_like(0.0, 1.0)?);
    }
    check(&grads, &vars, expected)?;
    let mut optimizer = adamw(vars)?;
    Ok(Box::new(move || {
        let (outcome, ms) = timed(|| optimizer.step(&grads));
        outcome?;
        Ok(ms)
    }))
}
