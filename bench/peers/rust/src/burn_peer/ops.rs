//! Single operations, forward and backward through a fixed random upstream gradient, and steps of
//! optimisers.

use super::models::{Network, ResNet18, adamw, sgd};
use super::{device, gradients, random, targets};
use crate::protocol::{Step, Steps, only, timed};
use crate::rows::{Conv, convolution, sizes};
use crate::upstream::backward;
use anyhow::{Result, ensure};
use burn::module::Module;
use burn::nn::conv::Conv2dConfig;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{AvgPool2dConfig, MaxPool2dConfig};
use burn::nn::{
    BatchNormConfig, DropoutConfig, Gelu, GroupNormConfig, GruConfig, InstanceNormConfig,
    LayerNormConfig, LinearConfig, LinearLayout, LstmConfig, PaddingConfig2d, RmsNormConfig,
};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::activation::{relu, silu, softmax};
use burn::tensor::module::attention;
use burn::tensor::{Gradients, Tensor};

pub(super) fn make(name: &str, shape: &[usize]) -> Result<Option<Steps>> {
    let device = &device();
    Ok(Some(match name {
        "batch_norm_2d" => {
            let layer = BatchNormConfig::new(shape[1]).init(device);
            only(layer_step(
                leaf::<4>(shape)?,
                layer,
                2 * shape[1],
                |l, x| l.forward(x),
            )?)
        }
        "instance_norm_2d" => {
            let layer = InstanceNormConfig::new(shape[1]).with_affine(false);
            only(layer_step(
                leaf::<4>(shape)?,
                layer.init(device),
                0,
                |l, x| l.forward(x),
            )?)
        }
        "instance_norm_2d_affine" => {
            let layer = InstanceNormConfig::new(shape[1]).init(device);
            only(layer_step(
                leaf::<4>(shape)?,
                layer,
                2 * shape[1],
                |l, x| l.forward(x),
            )?)
        }
        "group_norm" => {
            let layer = GroupNormConfig::new(32, shape[1]).init(device);
            only(layer_step(
                leaf::<4>(shape)?,
                layer,
                2 * shape[1],
                |l, x| l.forward(x),
            )?)
        }
        "layer_norm" => {
            let layer = LayerNormConfig::new(shape[1]).init(device);
            only(layer_step(
                leaf::<2>(shape)?,
                layer,
                2 * shape[1],
                |l, x| l.forward(x),
            )?)
        }
        "rms_norm" => {
            let layer = RmsNormConfig::new(shape[1]).with_epsilon(1e-6).init(device);
            only(layer_step(leaf::<2>(shape)?, layer, shape[1], |l, x| {
                l.forward(x)
            })?)
        }
        "linear" => linear(shape, 256)?,
        "linear_1536" => linear(shape, 1536)?,
        "max_pool_2d" => {
            let pool = MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init();
            only(op_step([leaf::<4>(shape)?], move |[x]| pool.forward(x))?)
        }
        "avg_pool_2d" => {
            let pool = AvgPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
            only(op_step([leaf::<4>(shape)?], move |[x]| pool.forward(x))?)
        }
        "gelu" => only(op_step([leaf::<2>(shape)?], |[x]| Gelu::new().forward(x))?),
        "silu" => only(op_step([leaf::<2>(shape)?], |[x]| silu(x))?),
        "relu" => only(op_step([leaf::<4>(shape)?], |[x]| relu(x))?),
        "relu_add" => {
            let leaves = [leaf::<4>(shape)?, leaf(shape)?];
            only(op_step(leaves, |[x, y]| relu(x + y))?)
        }
        "softmax" => only(op_step([leaf::<2>(shape)?], |[x]| softmax(x, 1))?),
        "dropout" => {
            let layer = DropoutConfig::new(0.5).init();
            only(op_step([leaf::<4>(shape)?], move |[x]| layer.forward(x))?)
        }
        "attention" => {
            let leaves = [leaf::<4>(shape)?, leaf(shape)?, leaf(shape)?];
            only(op_step(leaves, |[q, k, v]| {
                attention(q, k, v, None, None, Default::default())
            })?)
        }
        "cross_entropy" => {
            let loss = CrossEntropyLossConfig::new().init(device);
            let targets = targets(shape[0], shape[1], device);
            let forward = move |[x]: [Tensor<2>; 1]| loss.forward(x, targets.clone());
            only(op_step([leaf(shape)?], forward)?)
        }
        "lstm" => lstm(shape)?,
        "gru" => {
            let layer = GruConfig::new(shape[2], 256, true).init(device);
            let parameters = 3 * 256 * (shape[2] + 256 + 2);
            let forward = |l: &burn::nn::Gru, x| l.forward(x, None);
            only(layer_step(leaf(shape)?, layer, parameters, forward)?)
        }
        "sgd_step" => optimizer(shape, sgd)?,
        "adamw_step" => optimizer(shape, adamw)?,
        _ => match convolution(name) {
            Some(conv) => only(conv2d(shape, conv)?),
            None => return Ok(None),
        },
    }))
}

/// A normal random tensor that takes a gradient.
fn leaf<const D: usize>(shape: &[usize]) -> Result<Tensor<D>> {
    Ok(random(sizes(shape)?, &device()).require_grad())
}

/// A step that runs `forward` and its backward pass; `check` sees the gradients of the first run.
fn step<const D: usize>(
    forward: impl Fn() -> Tensor<D> + 'static,
    check: impl FnOnce(Gradients) -> Result<()>,
) -> Result<Step> {
    let y = forward();
    let dy = random(y.dims(), &device());
    check(backward(y, dy.clone()))?;
    Ok(Box::new(move || {
        Ok(timed(|| backward(forward(), dy.clone())).1)
    }))
}

/// A step of `forward(xs)`: gradients of `xs`.
fn op_step<const N: usize, const I: usize, const O: usize>(
    xs: [Tensor<I>; N],
    forward: impl Fn([Tensor<I>; N]) -> Tensor<O> + 'static,
) -> Result<Step> {
    let leaves = xs.clone();
    step(
        move || forward(xs.clone()),
        |grads| {
            let all = leaves.iter().all(|x| x.grad(&grads).is_some());
            ensure!(all, "an input without a gradient");
            Ok(())
        },
    )
}

/// A step of `forward(layer, x)`: gradients of x, if it takes one, and of all `parameters` numbers
/// of the layer.
fn layer_step<M: Module + 'static, const I: usize, const O: usize>(
    x: Tensor<I>,
    layer: M,
    parameters: usize,
    forward: impl Fn(&M, Tensor<I>) -> Tensor<O> + 'static,
) -> Result<Step> {
    let (leaf, module) = (x.clone(), layer.clone());
    step(
        move || forward(&layer, x.clone()),
        |grads| {
            let has = leaf.grad(&grads).is_some();
            ensure!(
                has == leaf.is_require_grad(),
                "x has no gradient, or one too many"
            );
            gradients(grads, &module, parameters).map(drop)
        },
    )
}

/// Burn keeps a weight as (inputs, outputs) or as its transpose.
fn linear(shape: &[usize], out: usize) -> Result<Steps> {
    let step = |layout| {
        let layer = LinearConfig::new(shape[1], out).with_layout(layout);
        let parameters = (shape[1] + 1) * out;
        let layer = layer.init(&device());
        layer_step(leaf::<2>(shape)?, layer, parameters, |l, x| l.forward(x))
    };
    Ok(vec![
        ("row", step(LinearLayout::Row)?),
        ("col", step(LinearLayout::Col)?),
    ])
}

fn conv2d(shape: &[usize], conv: &Conv) -> Result<Step> {
    let (kernel, pad) = (conv.kernel, conv.padding);
    let layer = Conv2dConfig::new([shape[1], conv.out], [kernel, kernel])
        .with_stride([conv.stride, conv.stride])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_groups(conv.groups)
        .with_bias(false)
        .init(&device());
    let x = leaf(shape)?.set_require_grad(conv.input_gradient);
    let parameters = conv.out * shape[1] / conv.groups * kernel * kernel;
    layer_step(x, layer, parameters, |l, x| l.forward(x))
}

fn lstm(shape: &[usize]) -> Result<Steps> {
    let [n, length, features] = sizes(shape)?;
    let step = |batch_first, shape: [usize; 3]| {
        let layer = LstmConfig::new(features, 256, true).with_batch_first(batch_first);
        let parameters = 4 * 256 * (features + 256 + 2);
        let forward = |l: &burn::nn::Lstm, x| l.forward(x, None).0;
        layer_step(leaf(&shape)?, layer.init(&device()), parameters, forward)
    };
    Ok(vec![
        ("batch_first", step(true, [n, length, features])?),
        ("time_first", step(false, [length, n, features])?),
    ])
}

/// `optimizer.step()` over ResNet-18's parameters. Burn's step takes the gradients: those that also
/// stay elsewhere, as PyTorch's do, or those that are the step's own, whose memory it may use again.
fn optimizer(shape: &[usize], make: fn() -> (ModuleOptimizer, f64)) -> Result<Steps> {
    let expected = ResNet18::PARAMETERS;
    ensure!(
        shape == [expected],
        "ResNet-18 has {expected} parameters, not {shape:?}"
    );
    let step = |own: bool| -> Result<Step> {
        let model = ResNet18::new(&device());
        let y = model.forward(random([1, 3, 64, 64], &device()));
        let grads = gradients(y.sum().backward(), &model, expected)?;
        let (mut optimizer, lr) = make();
        let mut model = Some(model);
        Ok(Box::new(move || {
            let before = model.take().expect("put back by every step");
            let grads = copy(&grads, &before, own);
            let (after, ms) = timed(|| optimizer.step(lr, before, grads));
            model = Some(after);
            Ok(ms)
        }))
    };
    Ok(vec![("kept", step(false)?), ("own", step(true)?)])
}

/// The gradients again: in memory of their own, or the same.
fn copy<M: Module>(grads: &GradientsParams, module: &M, own: bool) -> GradientsParams {
    use burn::module::{ModuleVisitor, Param};
    struct Copy<'a> {
        from: &'a GradientsParams,
        to: GradientsParams,
        own: bool,
    }
    impl ModuleVisitor for Copy<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.from.get::<D>(param.id) {
                let grad = if self.own { grad.mul_scalar(1.0) } else { grad };
                self.to.register(param.id, grad);
            }
        }
    }
    let mut copy = Copy {
        from: grads,
        to: GradientsParams::new(),
        own,
    };
    module.visit(&mut copy);
    copy.to
}
