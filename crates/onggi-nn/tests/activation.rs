//! Activations as layers against the values that PyTorch gives (`fixtures/activation.py`).

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use onggi_nn::activation::{
    Approximate, ELU, GELU, Hardsigmoid, Hardswish, LeakyReLU, LogSoftmax, Mish, PReLUConfig, ReLU,
    SELU, SiLU, Sigmoid, Softmax, Softplus, Tanh,
};
use onggi_nn::flatten::Flatten;
use onggi_nn::identity::Identity;
use onggi_nn::{NnError, state};
use onggi_ops::activation::add_relu;
use onggi_ops::testing::{Golden, assert_close, values};

fn open() -> Golden {
    Golden::open(&format!(
        "{}/tests/fixtures/activation.safetensors",
        env!("CARGO_MANIFEST_DIR")
    ))
}

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

/// As [`assert_close`], but infinities must be met, and what PyTorch cannot say (NaN) is not asked.
fn check(name: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    let mut finite = (Vec::new(), Vec::new());
    assert_eq!(got.len(), expected.len(), "{name}");
    for (&got, &expected) in got.iter().zip(expected) {
        if expected.is_finite() {
            finite.0.push(got);
            finite.1.push(expected);
        } else if !expected.is_nan() {
            assert_eq!(got, expected, "{name}");
        }
    }
    assert_close(name, &finite.0, &finite.1, tolerance);
}

#[test]
fn elementwise() {
    type Forward = Box<dyn Fn(Tensor<1>) -> Tensor<1>>;
    let cases: Vec<(&str, Forward)> = vec![
        ("relu", Box::new(|x| ReLU.forward(x))),
        ("leaky_relu", Box::new(|x| LeakyReLU::default().forward(x))),
        (
            "leaky_relu_0.2",
            Box::new(|x| LeakyReLU::new(0.2).forward(x)),
        ),
        ("elu", Box::new(|x| ELU::default().forward(x))),
        ("elu_0.5", Box::new(|x| ELU::new(0.5).forward(x))),
        ("selu", Box::new(|x| SELU.forward(x))),
        ("gelu", Box::new(|x| GELU::default().forward(x))),
        (
            "gelu_tanh",
            Box::new(|x| GELU::new(Approximate::Tanh).forward(x)),
        ),
        ("silu", Box::new(|x| SiLU.forward(x))),
        ("mish", Box::new(|x| Mish.forward(x))),
        ("hardswish", Box::new(|x| Hardswish.forward(x))),
        ("hardsigmoid", Box::new(|x| Hardsigmoid.forward(x))),
        ("sigmoid", Box::new(|x| Sigmoid.forward(x))),
        ("tanh", Box::new(|x| Tanh.forward(x))),
        (
            "softplus",
            Box::new(|x| Softplus::default().forward(x).unwrap()),
        ),
        (
            "softplus_3_1",
            Box::new(|x| Softplus::new(3.0, 1.0).unwrap().forward(x).unwrap()),
        ),
    ];
    let (golden, device) = (open(), device());
    let dy = golden.tensor::<1>("dy", &device);
    for (name, forward) in cases {
        let x = golden.tensor::<1>("x", &device).require_grad();
        let y = forward(x.clone());
        let gradients = (y.clone() * dy.clone()).sum().backward();
        let get = |part: &str| golden.values(&format!("{name}.{part}"));
        check(&format!("{name}.y"), &values(&y), &get("y"), 5e-7);
        let dx = values(&x.grad(&gradients).unwrap());
        check(&format!("{name}.dx"), &dx, &get("dx"), 1e-6);
    }
}

#[test]
fn add_relu_has_one_gradient_for_both() {
    let (golden, device) = (open(), device());
    let dy = golden.tensor::<1>("dy", &device);
    let a = golden.tensor::<1>("x", &device).require_grad();
    let b = golden.tensor::<1>("add_relu.x2", &device).require_grad();
    let y = add_relu(a.clone(), b.clone()).unwrap();
    let gradients = (y.clone() * dy).sum().backward();
    let get = |part: &str| golden.values(&format!("add_relu.{part}"));
    check("y", &values(&y), &get("y"), 1e-6);
    check(
        "dx",
        &values(&a.grad(&gradients).unwrap()),
        &get("dx"),
        1e-6,
    );
    check(
        "dx2",
        &values(&b.grad(&gradients).unwrap()),
        &get("dx2"),
        1e-6,
    );
}

#[test]
fn softmax_over_each_axis() {
    let (golden, device) = (open(), device());
    let dy = golden.tensor::<3>("cube.dy", &device);
    for dim in 0..3 {
        for log in [false, true] {
            let x = golden.tensor::<3>("cube.x", &device).require_grad();
            let y = match log {
                true => LogSoftmax::new(dim).forward(x.clone()).unwrap(),
                false => Softmax::new(dim).forward(x.clone()).unwrap(),
            };
            let name = format!("{}softmax_{dim}", if log { "log_" } else { "" });
            let gradients = (y.clone() * dy.clone()).sum().backward();
            let get = |part: &str| golden.values(&format!("{name}.{part}"));
            assert_close(&name, &values(&y), &get("y"), 1e-6);
            let dx = values(&x.grad(&gradients).unwrap());
            assert_close(&format!("{name}.dx"), &dx, &get("dx"), 1e-6);
        }
    }
    assert!(
        Softmax::new(2)
            .forward(Tensor::<2>::zeros([2, 3], &device))
            .is_err()
    );
}

fn prelu<const D: usize>(case: &str) {
    let (golden, device) = (open(), device());
    let get = |part: &str| format!("prelu_{case}.{part}");
    let weight = golden.tensor::<1>(&get("weight"), &device);
    let config = PReLUConfig::new().with_num_parameters(weight.dims()[0]);
    let mut layer = config.init(&device).unwrap();
    assert!(values(&layer.weight.val()).iter().all(|&w| w == 0.25));
    layer.weight = Param::from_tensor(weight);
    let x = golden.tensor::<D>(&get("x"), &device).require_grad();
    let y = layer.forward(x.clone()).unwrap();
    let gradients = (y.clone() * golden.tensor(&get("dy"), &device))
        .sum()
        .backward();
    let check = |part: &str, got: Vec<f32>| {
        assert_close(&get(part), &got, &golden.values(&get(part)), 1e-6);
    };
    check("y", values(&y));
    check("dx", values(&x.grad(&gradients).unwrap()));
    check(
        "dweight",
        values(&layer.weight.val().grad(&gradients).unwrap()),
    );
}

#[test]
fn prelu_with_one_weight_or_one_a_channel() {
    prelu::<3>("one");
    prelu::<4>("channels");
    prelu::<2>("rows");
    let config = PReLUConfig::new().with_num_parameters(2);
    let layer = config.with_init(-0.5).init(&device()).unwrap();
    let state = state::collect(&layer);
    assert_eq!(state["weight"].values, [-0.5, -0.5]);
    assert!(state::load(layer, state).is_ok());
    assert!(
        PReLUConfig::new()
            .with_num_parameters(0)
            .init(&device())
            .is_err()
    );
    assert!(
        PReLUConfig::new()
            .with_init(f64::NAN)
            .init(&device())
            .is_err()
    );
}

#[test]
fn settings_without_a_meaning_are_errors() {
    assert_eq!(
        Softplus::new(0.0, 20.0).unwrap_err().to_string(),
        "Softplus: `beta` must be finite and not 0, but is 0"
    );
    assert!(Softplus::new(f64::INFINITY, 20.0).is_err());
}

#[test]
fn flatten_joins_axes() {
    let x = || Tensor::<4>::zeros([2, 3, 4, 5], &device());
    let two: Tensor<2> = Flatten::default().forward(x()).unwrap();
    assert_eq!(two.dims(), [2, 60]);
    let three: Tensor<3> = Flatten::new(-3, 2).forward(x()).unwrap();
    assert_eq!(three.dims(), [2, 12, 5]);
    let one: Tensor<1> = Flatten::new(0, -1).forward(x()).unwrap();
    assert_eq!(one.dims(), [120]);
    let same: Tensor<4> = Flatten::new(1, 1).forward(x()).unwrap();
    assert_eq!(same.dims(), [2, 3, 4, 5]);
    let wrong: Result<Tensor<3>, NnError> = Flatten::default().forward(x());
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "Flatten: the input must be one that flattens to 3 axes instead of 2, but its shape is [2, \
         3, 4, 5]"
    );
    for (start, end) in [(2, 1), (0, 4), (-5, -1)] {
        let wrong: Result<Tensor<2>, NnError> = Flatten::new(start, end).forward(x());
        assert!(wrong.is_err());
    }
    assert_eq!(Identity.forward(x()).dims(), [2, 3, 4, 5]);
}
