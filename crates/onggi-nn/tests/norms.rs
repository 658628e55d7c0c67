//! The normalisation layers against the values that PyTorch gives (`fixtures/norms.py`).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::norm::{
    GroupNormConfig, InstanceNorm, InstanceNorm1d, InstanceNorm2d, InstanceNormConfig,
    LayerNormConfig, LocalResponseNorm, RmsNormConfig, SpectralNormConfig, from_pytorch,
    weight_norm,
};
use onggi_nn::optim::Gradients;
use onggi_nn::state::{self, StateDict, StateTensor};
use onggi_nn::{Mode, NnError, init};
use onggi_ops::testing::{Golden, assert_close, tolerance_or, values};

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

/// One case of the golden file.
struct Case {
    golden: Golden,
    name: &'static str,
    tolerance: f32,
}

impl Case {
    fn new(name: &'static str) -> Self {
        let golden = Golden::open(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/norms.safetensors"
        ));
        // With a mean ten thousand times the spread, rounding to f32 is 5e-4 of the spread; the
        // composed forms of other devices round each sum on its way too.
        let tolerance = if name.ends_with("large_mean") {
            tolerance_or(5e-4, 5e-3)
        } else {
            2e-6
        };
        Self {
            golden,
            name,
            tolerance,
        }
    }

    fn full(&self, tensor: &str) -> String {
        format!("{}.{tensor}", self.name)
    }

    fn tensor<const D: usize>(&self, tensor: &str, device: &Device) -> Tensor<D> {
        self.golden.tensor(&self.full(tensor), device)
    }

    fn close(&self, tensor: &str, got: &[f32]) {
        let name = self.full(tensor);
        assert_close(&name, got, &self.golden.values(&name), self.tolerance);
    }

    /// PyTorch's name of this crate's tensor `ours`, and PyTorch's values under this crate's name.
    fn theirs(&self, ours: &str) -> (String, StateDict) {
        let parametrized = ["original", "original0", "original1", "0._u", "0._v"];
        let parametrized = parametrized.map(|name| format!("parametrizations.weight.{name}"));
        for theirs in parametrized.into_iter().chain([ours.to_string()]) {
            let name = self.full(&format!("state.{theirs}"));
            if !self.golden.has(&name) {
                continue;
            }
            let (shape, values) = self.golden.raw(&name);
            let tensor = StateTensor { shape, values };
            let state = from_pytorch(StateDict::from([(theirs.clone(), tensor)]));
            if state.contains_key(ours) {
                return (theirs, state);
            }
        }
        panic!("{}: no tensor of PyTorch's for `{ours}`", self.name);
    }

    /// Values, gradients, buffers and evaluation of the layers that `make` makes.
    fn check<M: Module, const D: usize>(
        &self,
        make: impl Fn() -> M,
        forward: impl Fn(&M, Tensor<D>, &Mode) -> Result<Tensor<D>, NnError>,
    ) {
        let load = || {
            let layer = make();
            let names = state::collect(&layer).into_keys();
            let state = names.flat_map(|name| self.theirs(&name).1).collect();
            state::load(layer, state).unwrap()
        };
        let get = |name: &str| self.tensor::<D>(name, &device());
        let (layer, x, dy) = (load(), get("x").require_grad(), get("dy"));
        let y = forward(&layer, x.clone(), &Mode::train(1, 1)).unwrap();
        self.close("y", &values(&y));
        let grads = (y * dy.clone()).sum().backward();
        self.close("dx", &values(&x.grad(&grads).unwrap()));

        let layer = load();
        let y = forward(&layer, x.clone(), &Mode::train(1, 1)).unwrap();
        let gradients = Gradients::of(&layer, &(y * dy).sum()).unwrap();
        let mut trained = 0;
        for name in gradients.names() {
            let gradient = values(gradients.get(name).unwrap());
            self.close(&format!("grad.{}", self.theirs(name).0), &gradient);
            trained += gradient.len();
        }
        assert_eq!(trained, state::num_parameters(&layer), "{}", self.name);

        if !self.golden.has(&self.full("x2")) {
            let y = forward(&layer, x, &Mode::Eval).unwrap();
            return self.close("y", &values(&y));
        }
        for step in ["x2", "x3"] {
            forward(&layer, get(step), &Mode::train(1, 2)).unwrap();
        }
        let layer = layer.valid();
        for (ours, tensor) in state::collect(&layer) {
            let name = format!("after.{}", self.theirs(&ours).0);
            if self.golden.has(&self.full(&name)) {
                self.close(&name, &tensor.values);
            }
        }
        let x = self.tensor::<D>("x", &onggi_ops::testing::device());
        for _ in 0..2 {
            let y = forward(&layer, x.clone(), &Mode::Eval).unwrap();
            self.close("y_eval", &values(&y));
        }
    }
}

fn layer<const R: usize, const D: usize>(name: &'static str, config: LayerNormConfig<R>) {
    let make = || config.init(&device()).unwrap();
    Case::new(name).check::<_, D>(make, |layer, x, _| layer.forward(x));
}

#[test]
fn layer_norm() {
    layer::<1, 3>("layer.last", LayerNormConfig::new([7]));
    layer::<1, 2>("layer.wide", LayerNormConfig::new([67]));
    layer::<3, 4>("layer.three_axes", LayerNormConfig::new([3, 3, 5]));
    let no_affine = LayerNormConfig {
        elementwise_affine: false,
        ..LayerNormConfig::new([9])
    };
    layer::<1, 2>("layer.no_affine", no_affine);
    let no_bias = LayerNormConfig {
        bias: false,
        eps: 1e-3,
        ..LayerNormConfig::new([9])
    };
    layer::<1, 2>("layer.no_bias", no_bias);
    layer::<1, 2>("layer.one_value", LayerNormConfig::new([1]));
    layer::<1, 2>("layer.large_mean", LayerNormConfig::new([33]));
}

fn rms<const R: usize, const D: usize>(name: &'static str, config: RmsNormConfig<R>) {
    let make = || config.init(&device()).unwrap();
    Case::new(name).check::<_, D>(make, |layer, x, _| layer.forward(x));
}

#[test]
fn rms_norm() {
    rms::<1, 3>("rms.last", RmsNormConfig::new([7]));
    let two_axes = RmsNormConfig {
        eps: Some(1e-3),
        ..RmsNormConfig::new([3, 7])
    };
    rms::<2, 3>("rms.two_axes", two_axes);
    let no_affine = RmsNormConfig {
        elementwise_affine: false,
        ..RmsNormConfig::new([41])
    };
    rms::<1, 2>("rms.no_affine", no_affine);
    rms::<1, 2>("rms.large_mean", RmsNormConfig::new([33]));
}

fn group<const D: usize>(name: &'static str, config: GroupNormConfig) {
    let make = || config.init(&device()).unwrap();
    Case::new(name).check::<_, D>(make, |layer, x, _| layer.forward(x));
}

#[test]
fn group_norm() {
    group::<4>("group.three", GroupNormConfig::new(3, 6));
    group::<4>("group.one", GroupNormConfig::new(1, 6));
    group::<4>("group.channels", GroupNormConfig::new(6, 6));
    group::<2>("group.two_axes", GroupNormConfig::new(2, 6));
    group::<5>("group.five_axes", GroupNormConfig::new(2, 4));
    let no_affine = GroupNormConfig {
        affine: false,
        eps: 1e-3,
        ..GroupNormConfig::new(2, 4)
    };
    group::<3>("group.no_affine", no_affine);
    group::<3>("group.one_channel", GroupNormConfig::new(1, 1));
    group::<4>("group.large_mean", GroupNormConfig::new(2, 4));
}

fn instance<const R: usize, const D: usize>(
    name: &'static str,
    channels: usize,
    affine: bool,
    track_running_stats: bool,
) {
    let config = InstanceNormConfig {
        affine,
        track_running_stats,
        momentum: if name.ends_with("1d") { 0.3 } else { 0.1 },
        ..InstanceNormConfig::new(channels)
    };
    let make = || config.init::<R>(&device()).unwrap();
    let forward = |layer: &InstanceNorm<R>, x: Tensor<D>, mode: &Mode| layer.forward(x, mode);
    Case::new(name).check(make, forward);
}

#[test]
fn instance_norm() {
    instance::<1, 3>("instance.1d", 3, false, false);
    instance::<2, 4>("instance.2d", 3, true, false);
    instance::<3, 5>("instance.3d", 2, true, true);
    instance::<2, 4>("instance.tracked", 3, true, true);
    instance::<1, 3>("instance.tracked_1d", 3, false, true);
    instance::<2, 3>("instance.unbatched", 3, true, true);
    instance::<2, 4>("instance.one_channel", 1, false, true);
    instance::<2, 4>("instance.large_mean", 3, true, true);
}

fn response<const D: usize>(name: &'static str, size: usize, constants: Option<[f64; 3]>) {
    let make = || {
        let layer = LocalResponseNorm::new(size).unwrap();
        let Some([alpha, beta, k]) = constants else {
            return layer;
        };
        layer.with_constants(alpha, beta, k).unwrap()
    };
    Case::new(name).check::<_, D>(make, |layer, x, _| layer.forward(x));
}

#[test]
fn local_response_norm() {
    response::<4>("response.five", 5, None);
    response::<4>("response.strong", 4, Some([2.0, 0.6, 1.5]));
    let strong = Some([2.0, 0.75, 1.0]);
    response::<3>("response.wider_than_channels", 9, strong);
    response::<5>("response.one", 1, strong);
}

fn linear() -> Linear {
    let config = LinearConfig::new(5, 4);
    config.init(&mut init::generator(1), &device()).unwrap()
}

fn conv() -> Conv2d {
    let config = Conv2dConfig::new(3, 4, 3);
    config.init(&mut init::generator(1), &device()).unwrap()
}

#[test]
fn weight_norm_of_linear_and_convolution() {
    for (name, dim) in [("weight.linear", 0), ("weight.columns", 1)] {
        let make = || weight_norm(linear(), "weight", Some(dim)).unwrap();
        Case::new(name).check(make, |layer, x: Tensor<2>, _| layer.forward(x));
    }
    for (name, dim) in [("weight.conv", Some(0)), ("weight.whole", None)] {
        let make = || weight_norm(conv(), "weight", dim).unwrap();
        Case::new(name).check(make, |layer, x, _| layer.forward(x));
    }
}

#[test]
fn weight_norm_starts_from_the_weight() {
    let layer = weight_norm(conv(), "weight", Some(0)).unwrap();
    let expected = values(&conv().weight.val());
    assert_close("weight", &values(&layer.weight.val()), &expected, 1e-6);
    let names: Vec<_> = state::collect(&layer).into_keys().collect();
    assert_eq!(names, ["bias", "weight", "weight.weight_norm.g"]);
}

#[test]
fn spectral_norm_of_linear_and_convolution() {
    let apply = |config: SpectralNormConfig| {
        let make = move || config.apply(linear(), "weight", &mut init::generator(2));
        move || make().unwrap()
    };
    let forward = |layer: &Linear, x: Tensor<2>, _: &Mode| layer.forward(x);
    let config = SpectralNormConfig::default();
    Case::new("spectral.linear").check(apply(config.clone()), forward);
    Case::new("spectral.inputs").check(apply(SpectralNormConfig { dim: 1, ..config }), forward);
    let config = SpectralNormConfig {
        n_power_iterations: 2,
        ..SpectralNormConfig::default()
    };
    let make = || {
        config
            .apply(conv(), "weight", &mut init::generator(2))
            .unwrap()
    };
    Case::new("spectral.conv").check(make, |layer, x, _| layer.forward(x));
}

/// A diagonal weight's singular values are its entries.
#[test]
fn spectral_norm_finds_the_largest_singular_value() {
    let mut layer = LinearConfig::new(3, 3)
        .init(&mut init::generator(1), &onggi_ops::testing::device())
        .unwrap();
    let diagonal = [[0.5, 0.0, 0.0], [0.0, -4.0, 0.0], [0.0, 0.0, 2.0]];
    layer.weight = burn::module::Param::from_data(diagonal, &onggi_ops::testing::device());
    let config = SpectralNormConfig::default();
    let layer = config
        .apply(layer, "weight", &mut init::generator(2))
        .unwrap();
    let expected = [0.125, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.5];
    assert_close("weight", &values(&layer.weight.val()), &expected, 1e-5);
}

#[test]
fn reparameterized_weights_name_what_is_wrong() {
    let error = weight_norm(linear(), "wieght", Some(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "weight_norm: `name` must be the path of a parameter of the module, but is `wieght`"
    );
    assert!(weight_norm(linear(), "weight", Some(2)).is_err());
    let rng = &mut init::generator(1);
    let config = SpectralNormConfig::default();
    assert!(config.apply(linear(), "bias", rng).is_err());
    let none = SpectralNormConfig {
        n_power_iterations: 0,
        ..config
    };
    assert!(none.apply(linear(), "weight", rng).is_err());
}

#[test]
fn layers_say_what_they_expect() {
    let x = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &device());
    let instance: InstanceNorm2d = InstanceNormConfig::new(3).init(&device()).unwrap();
    let message = |x: Tensor<4>| instance.forward(x, &Mode::Eval).unwrap_err().to_string();
    assert_eq!(
        message(x([2, 4, 5, 5])),
        "InstanceNorm2d: the input must be (N, 3, H, W) or (3, H, W), but its shape is \
         [2, 4, 5, 5]"
    );
    assert_eq!(
        message(x([2, 3, 1, 1])),
        "InstanceNorm2d: the input must be (N, 3, H, W) or (3, H, W) with more than one value a \
         channel, but its shape is [2, 3, 1, 1]"
    );
    let one_axis: InstanceNorm1d = InstanceNormConfig::new(3).init(&device()).unwrap();
    let flat = Tensor::<1>::zeros([3], &device());
    assert!(one_axis.forward(flat, &Mode::Eval).is_err());
    let tracked = InstanceNormConfig {
        track_running_stats: true,
        ..InstanceNormConfig::new(3)
    };
    let tracked: InstanceNorm2d = tracked.init(&device()).unwrap();
    assert!(tracked.forward(x([2, 3, 1, 1]), &Mode::Eval).is_ok());
    assert!(
        tracked
            .forward(x([2, 3, 1, 1]), &Mode::train(1, 1))
            .is_err()
    );

    let group = GroupNormConfig::new(2, 4).init(&device()).unwrap();
    assert_eq!(
        group.forward(x([2, 3, 1, 1])).unwrap_err().to_string(),
        "GroupNorm: the input must be (N, 4, …), but its shape is [2, 3, 1, 1]"
    );
    assert_eq!(
        GroupNormConfig::new(3, 4)
            .init(&device())
            .unwrap_err()
            .to_string(),
        "GroupNorm: `num_groups` must be a divisor of the 4 channels, but is 3"
    );
    assert!(GroupNormConfig::new(0, 4).init(&device()).is_err());
    let layer = LayerNormConfig::new([5]).init(&device()).unwrap();
    assert!(layer.forward(x([2, 3, 4, 4])).is_err());
    assert!(LayerNormConfig::new([5, 0]).init(&device()).is_err());
    assert!(LayerNormConfig::new([]).init(&device()).is_err());
    let eps = RmsNormConfig {
        eps: Some(-1.0),
        ..RmsNormConfig::new([5])
    };
    assert!(eps.init(&device()).is_err());
    assert!(LocalResponseNorm::new(0).is_err());
    let response = LocalResponseNorm::new(2).unwrap();
    assert!(
        response
            .forward(Tensor::<2>::zeros([2, 3], &device()))
            .is_err()
    );
    assert!(response.with_constants(f64::NAN, 1.0, 1.0).is_err());
}

#[test]
fn empty_batches_stay_empty() {
    let x = Tensor::<4>::zeros([0, 4, 5, 5], &device());
    let check = |what: &str, y: Result<Tensor<4>, NnError>| {
        assert_eq!(y.unwrap().dims(), [0, 4, 5, 5], "{what}");
    };
    let layer = LayerNormConfig::new([4, 5, 5]).init(&device()).unwrap();
    check("layer", layer.forward(x.clone()));
    let rms = RmsNormConfig::new([5]).init(&device()).unwrap();
    check("rms", rms.forward(x.clone()));
    let group = GroupNormConfig::new(2, 4).init(&device()).unwrap();
    check("group", group.forward(x.clone()));
    let config = InstanceNormConfig {
        affine: true,
        track_running_stats: true,
        ..InstanceNormConfig::new(4)
    };
    let instance: InstanceNorm2d = config.init(&device()).unwrap();
    check("instance", instance.forward(x.clone(), &Mode::train(1, 1)));
    assert_eq!(state::collect(&instance)["running_mean"].values, [0.0; 4]);
    check("instance", instance.forward(x.clone(), &Mode::Eval));
    let response = LocalResponseNorm::new(3).unwrap();
    check("response", response.forward(x));
}
