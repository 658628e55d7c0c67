//! Layers, losses and clipping against the values that PyTorch gives (`fixtures/generate.py`).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::linear::LinearConfig;
use onggi_nn::loss::CrossEntropy;
use onggi_nn::norm::{BatchNorm, BatchNorm2d, BatchNormConfig};
use onggi_nn::optim::{ClipNorm, Gradients, NormType, Optimizer, Sgd};
use onggi_nn::state::{self, StateDict, StateTensor};
use onggi_nn::{Mode, NnError, init};
use onggi_ops::testing::{Golden, assert_close, values};

fn open(name: &str) -> Golden {
    Golden::open(&format!(
        "{}/tests/fixtures/{name}.safetensors",
        env!("CARGO_MANIFEST_DIR")
    ))
}

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

#[test]
fn cross_entropy() {
    let golden = open("cross_entropy");
    for (case, smoothing) in [
        ("plain", 0.0),
        ("smoothing", 0.1),
        ("weighted", 0.0),
        ("weighted_smoothing", 0.1),
        ("extreme", 0.0),
        ("extreme_smoothing", 0.1),
    ] {
        let get = |name: &str| format!("{case}.{name}");
        let weight = golden
            .has(&get("weight"))
            .then(|| golden.values(&get("weight")));
        let logits = golden.tensor::<2>(&get("logits"), &device()).require_grad();
        let targets = golden.values(&get("targets"));
        let classes: Vec<_> = targets.iter().map(|&class| class as usize).collect();
        let loss = CrossEntropy::new(smoothing, weight)
            .unwrap()
            .forward(logits.clone(), &classes)
            .unwrap();
        // Through an upstream gradient of 3.
        let grads = (loss.clone() * 3.0).backward();
        assert_close(
            &get("loss"),
            &values(&loss),
            &golden.values(&get("loss")),
            1e-6,
        );
        let dlogits = values(&(logits.grad(&grads).unwrap() / 3.0));
        assert_close(
            &get("dlogits"),
            &dlogits,
            &golden.values(&get("dlogits")),
            1e-6,
        );
    }
}

#[test]
fn cross_entropy_refuses_what_has_no_loss() {
    let logits = || Tensor::<2>::zeros([2, 3], &device());
    let loss = CrossEntropy::new(0.0, None).unwrap();
    assert_eq!(
        loss.forward(logits(), &[0, 3]).unwrap_err().to_string(),
        "cross_entropy: each class must be at least 0 and below 3, but one is 3"
    );
    assert!(loss.forward(logits(), &[0]).is_err());
    assert!(
        loss.forward(Tensor::<2>::zeros([0, 3], &device()), &[])
            .is_err()
    );
    let weighted = |weight: &[f32]| CrossEntropy::new(0.0, Some(weight.to_vec()));
    assert!(
        weighted(&[1.0, 2.0])
            .unwrap()
            .forward(logits(), &[0, 1])
            .is_err()
    );
    assert!(
        weighted(&[0.0, 0.0, 1.0])
            .unwrap()
            .forward(logits(), &[0, 1])
            .is_err()
    );
    assert!(weighted(&[-1.0]).is_err());
    assert!(CrossEntropy::new(1.5, None).is_err());
}

#[test]
fn linear() {
    let (golden, device) = (open("linear"), device());
    let mut layer = LinearConfig::new(4, 6)
        .init(&mut init::generator(1), &device)
        .unwrap();
    layer.weight = Param::from_tensor(golden.tensor::<2>("weight", &device));
    layer.bias = Some(Param::from_tensor(golden.tensor::<1>("bias", &device)));
    let rows = |name: &str| {
        let x = golden.tensor::<3>(name, &device);
        let [n, l, c] = x.dims();
        x.reshape([n * l, c])
    };
    let x = rows("x").require_grad();
    let y = layer.forward(x.clone()).unwrap();
    assert_close("y", &values(&y), &golden.values("y"), 1e-6);
    let loss = (y * rows("dy")).sum();
    let grads = loss.backward();
    let check = |name: &str, got: Vec<f32>| {
        assert_close(name, &got, &golden.values(name), 1e-6);
    };
    check("dx", values(&x.grad(&grads).unwrap()));
    check("dweight", values(&layer.weight.val().grad(&grads).unwrap()));
    check(
        "dbias",
        values(&layer.bias.unwrap().val().grad(&grads).unwrap()),
    );
    assert!(
        LinearConfig::new(0, 6)
            .init(&mut init::generator(1), &device)
            .is_err()
    );
}

/// Running statistics after one and three steps, and evaluation by them.
fn running_statistics<const R: usize, const D: usize>(case: &str, momentum: Option<f64>) {
    let golden = Golden::open(&format!(
        "{}/../onggi-ops/tests/fixtures/batch_norm.safetensors",
        env!("CARGO_MANIFEST_DIR")
    ));
    let device = device();
    let get = |name: &str| golden.tensor::<D>(&format!("{case}.{name}"), &device);
    let affine = golden.has(&format!("{case}.weight"));
    let channels = get("x1").dims()[1];
    let config = BatchNormConfig {
        momentum,
        affine,
        ..BatchNormConfig::new(channels)
    };
    let mut layer: BatchNorm<R> = config.init(&device).unwrap();
    if affine {
        let parameter = |name: &str| {
            Some(Param::from_tensor(
                golden.tensor::<1>(&format!("{case}.{name}"), &device),
            ))
        };
        layer.weight = parameter("weight");
        layer.bias = parameter("bias");
    }
    for step in 1..=3 {
        layer
            .forward(get(&format!("x{step}")), &Mode::train(1, step))
            .unwrap();
        let state = state::collect(&layer);
        for name in ["running_mean", "running_var", "num_batches_tracked"] {
            let golden_name = format!("{case}.{name}_{step}");
            if golden.has(&golden_name) {
                let expected = golden.values(&golden_name);
                assert_close(&golden_name, &state[name].values, &expected, 1e-6);
            }
        }
    }
    let y = layer.forward(get("x1"), &Mode::Eval).unwrap();
    let expected = golden.values(&format!("{case}.y_eval"));
    assert_close(&format!("{case}.y_eval"), &values(&y), &expected, 1e-4);
}

#[test]
fn batch_norm_keeps_running_statistics() {
    running_statistics::<2, 4>("2d", Some(0.1));
    running_statistics::<1, 2>("1d", Some(0.1));
    running_statistics::<1, 3>("1d_length", Some(0.1));
    running_statistics::<3, 5>("3d", Some(0.1));
    running_statistics::<2, 4>("one_channel", Some(0.1));
    running_statistics::<2, 4>("no_affine", Some(0.1));
    running_statistics::<2, 4>("large_mean", Some(0.1));
}

#[test]
fn batch_norm_without_momentum_averages_all_batches() {
    running_statistics::<2, 4>("cumulative", None);
}

#[test]
fn batch_norm_without_running_statistics_uses_the_batch_in_evaluation_too() {
    let device = onggi_ops::testing::device();
    let config = BatchNormConfig {
        track_running_stats: false,
        ..BatchNormConfig::new(2)
    };
    let layer: BatchNorm2d = config.init(&device).unwrap();
    let x = init::normal([3, 2, 4, 4], 3.0, &mut init::generator(1), &device);
    let train = values(&layer.forward(x.clone(), &Mode::train(1, 1)).unwrap());
    assert_eq!(train, values(&layer.forward(x, &Mode::Eval).unwrap()));
    assert_eq!(
        state::collect(&layer).keys().collect::<Vec<_>>(),
        ["bias", "weight"]
    );
}

#[test]
fn batch_norm_says_what_it_expects() {
    let layer: BatchNorm2d = BatchNormConfig::new(3).init(&device()).unwrap();
    let error = layer
        .forward(Tensor::<3>::zeros([2, 3, 4], &device()), &Mode::Eval)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "BatchNorm2d: the input must be (N, 3, H, W), but its shape is [2, 3, 4]"
    );
    let one = Tensor::<4>::zeros([1, 3, 1, 1], &device());
    assert!(layer.forward(one.clone(), &Mode::train(1, 1)).is_err());
    assert!(layer.forward(one, &Mode::Eval).is_ok());
    for config in [
        BatchNormConfig {
            eps: -1.0,
            ..BatchNormConfig::new(3)
        },
        BatchNormConfig {
            momentum: Some(f64::NAN),
            ..BatchNormConfig::new(3)
        },
        BatchNormConfig::new(0),
    ] {
        assert!(config.init::<2>(&device()).is_err(), "{config:?}");
    }
}

/// torchvision's `BasicBlock` with a downsampling shortcut, by its state-dict names.
#[derive(Module, Debug)]
struct Block {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    downsample: (Conv2d, BatchNorm2d),
}

impl Block {
    fn new(device: &Device) -> Result<Self, NnError> {
        let mut rng = init::generator(1);
        let mut conv = |inputs, kernel: usize, stride| {
            Conv2dConfig::new(inputs, 6, kernel)
                .with_stride(stride)
                .with_padding(kernel / 2)
                .with_bias(false)
                .init(&mut rng, device)
        };
        let norm = || BatchNormConfig::new(6).init(device);
        Ok(Self {
            conv1: conv(4, 3, 2)?,
            bn1: norm()?,
            conv2: conv(6, 3, 1)?,
            bn2: norm()?,
            downsample: (conv(4, 1, 2)?, norm()?),
        })
    }

    fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<4>, NnError> {
        let relu = burn::tensor::activation::relu;
        let y = relu(self.bn1.forward(self.conv1.forward(x.clone())?, mode)?);
        let y = self.bn2.forward(self.conv2.forward(y)?, mode)?;
        let shortcut = self
            .downsample
            .1
            .forward(self.downsample.0.forward(x)?, mode)?;
        Ok(relu(y + shortcut))
    }
}

#[test]
fn a_pytorch_state_dict_gives_pytorch_values_and_gradients() {
    let (golden, device) = (open("basic_block"), device());
    let block = Block::new(&device).unwrap();
    let names: Vec<_> = state::collect(&block).into_keys().collect();
    let state: StateDict = names
        .iter()
        .map(|name| {
            let (shape, values) = golden.raw(&format!("state.{name}"));
            (name.clone(), StateTensor { shape, values })
        })
        .collect();
    let block = state::load(block, state).unwrap();
    let x = golden.tensor::<4>("x", &device).require_grad();
    let y = block.forward(x.clone(), &Mode::train(1, 1)).unwrap();
    assert_close("y", &values(&y), &golden.values("y"), 1e-5);
    let loss = (y * golden.tensor::<4>("dy", &device)).sum();
    let dx = x.grad(&loss.backward()).unwrap();
    assert_close("dx", &values(&dx), &golden.values("dx"), 1e-5);

    let y = block.forward(x, &Mode::train(1, 1)).unwrap();
    let loss = (y * golden.tensor::<4>("dy", &device)).sum();
    let gradients = Gradients::of(&block, &loss).unwrap();
    let trained: Vec<_> = gradients.names().map(str::to_string).collect();
    assert_eq!(trained.len(), 9, "{trained:?}");
    for name in trained {
        let expected = golden.values(&format!("grad.{name}"));
        assert_close(
            &name,
            &values(gradients.get(&name).unwrap()),
            &expected,
            2e-5,
        );
    }
}

#[test]
fn running_statistics_after_a_block_are_pytorchs() {
    let (golden, device) = (open("basic_block"), device());
    let block = Block::new(&device).unwrap();
    let mut state = state::collect(&block);
    for (name, tensor) in &mut state {
        tensor.values = golden.values(&format!("state.{name}"));
    }
    let block = state::load(block, state).unwrap();
    block
        .forward(golden.tensor::<4>("x", &device), &Mode::train(1, 1))
        .unwrap();
    let after = state::collect(&block);
    for (name, tensor) in after
        .iter()
        .filter(|(name, _)| golden.has(&format!("after.{name}")))
    {
        assert_close(
            name,
            &tensor.values,
            &golden.values(&format!("after.{name}")),
            1e-5,
        );
    }
    let y = block
        .valid()
        .forward(
            golden.tensor::<4>("x", &onggi_ops::testing::device()),
            &Mode::Eval,
        )
        .unwrap();
    assert_close("y_eval", &values(&y), &golden.values("y_eval"), 1e-5);
}

#[test]
fn a_state_dict_that_does_not_fit_names_every_tensor() {
    let block = Block::new(&device()).unwrap();
    let mut state = state::collect(&block);
    let bias = state.remove("bn1.bias").unwrap();
    state.insert("bn9.bias".into(), bias);
    state.get_mut("conv2.weight").unwrap().shape = vec![6, 6, 9];
    let message = state::load(block, state).unwrap_err().to_string();
    for expected in [
        "`bn1.bias` is missing",
        "`conv2.weight` has shape [6, 6, 9], not [6, 6, 3, 3]",
        "`bn9.bias` is not the model's",
    ] {
        assert!(message.contains(expected), "{message}");
    }
}

/// One weight matrix, whose gradient is what the fixture says.
#[derive(Module, Debug)]
struct One {
    weight: Param<Tensor<2>>,
}

#[test]
fn a_step_leaves_names_shapes_and_the_untrained_alone() {
    let block = Block::new(&device()).unwrap();
    let x = Tensor::<4>::ones([2, 4, 9, 9], &device());
    let loss = block.forward(x, &Mode::train(1, 1)).unwrap().sum();
    let mut gradients = Gradients::of(&block, &loss).unwrap();
    gradients.clip_norm(&ClipNorm::new(1.0)).unwrap();
    let before = state::collect(&block);
    let trained = state::num_parameters(&block);
    let mut sgd = Optimizer::new(Sgd::default()).unwrap();
    let block = sgd.step(block, gradients, 0.1).unwrap();
    assert_eq!(state::num_parameters(&block), trained);
    let after = state::collect(&block);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    for (name, tensor) in &after {
        assert_eq!(tensor.shape, before[name].shape, "{name}");
        let moved = tensor.values != before[name].values;
        assert!(!name.contains("running") || !moved, "{name}");
    }
    assert_ne!(after["conv1.weight"], before["conv1.weight"]);
}

/// Three parameters whose gradients are the fixture's.
#[derive(Module, Debug)]
struct Three {
    a: Param<Tensor<2>>,
    b: Param<Tensor<1>>,
    c: Param<Tensor<3>>,
}

#[test]
fn clipping_is_by_the_norm_of_all_gradients_together() {
    let (golden, device) = (open("clip_grad_norm"), device());
    for (case, max_norm, norm_type) in [
        ("l2", 1.0, NormType::L2),
        ("max", 0.5, NormType::Max),
        ("below", 100.0, NormType::L2),
    ] {
        let name = |tensor: &str| format!("{case}.{tensor}");
        let g1 = golden.tensor::<2>(&name("g1"), &device);
        let g2 = golden.tensor::<1>(&name("g2"), &device);
        let g3 = golden.tensor::<3>(&name("g3"), &device);
        let model = Three {
            a: Param::from_tensor(g1.ones_like()),
            b: Param::from_tensor(g2.ones_like()),
            c: Param::from_tensor(g3.ones_like()),
        };
        let loss = (model.a.val() * g1).sum() + (model.b.val() * g2).sum();
        let loss = loss + (model.c.val() * g3).sum();
        let mut gradients = Gradients::of(&model, &loss).unwrap();
        let clip = ClipNorm {
            norm_type,
            ..ClipNorm::new(max_norm)
        };
        let norm = gradients.clip_norm(&clip).unwrap() as f32;
        assert_close(&name("norm"), &[norm], &golden.values(&name("norm")), 1e-6);
        for (parameter, clipped) in [("a", "c1"), ("b", "c2"), ("c", "c3")] {
            let got = values(gradients.get(parameter).unwrap());
            assert_close(&name(clipped), &got, &golden.values(&name(clipped)), 1e-6);
        }
        // The step takes them clipped too: from 1, at a rate of 1.
        let mut sgd = Optimizer::new(Sgd::default()).unwrap();
        let moved = sgd.step(model, gradients.clone(), 1.0).unwrap();
        let expected: Vec<f32> = golden.values(&name("c3")).iter().map(|c| 1.0 - c).collect();
        assert_close("step", &values(&moved.c.val()), &expected, 1e-6);
        let halved = gradients.norm() / 2.0;
        gradients.clip_norm(&ClipNorm::new(halved)).unwrap();
        assert!((gradients.norm() / halved - 1.0).abs() < 1e-5);
        let c = gradients.get("c").unwrap().clone();
        let expected: Vec<f32> = golden.values(&name("c3")).iter().map(|c| c / 2.0).collect();
        assert_close("clipped twice", &values(&c), &expected, 1e-5);
    }
}

#[test]
fn gradients_of_a_constant_are_an_error() {
    let model = One {
        weight: Param::from_tensor(Tensor::ones([2, 2], &device())),
    };
    let loss = Tensor::<1>::from_data(TensorData::from([1.0f32]), &device());
    assert!(Gradients::of(&model, &loss).is_err());
}
