//! Initialisers against PyTorch (`fixtures/init.py`), and rules for whole models.

use burn::module::{Module, Param, RunningState};
use burn::tensor::{Device, Tensor};
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::init::{self, FanMode, Nonlinearity, Rule, Scheme, apply};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::norm::{BatchNorm2d, BatchNormConfig};
use onggi_nn::state;
use onggi_ops::testing::{Golden, assert_close, values};

const KAIMING: Rule = Rule::KaimingNormal {
    mode: FanMode::FanIn,
    nonlinearity: Nonlinearity::Relu,
};

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

fn golden() -> Golden {
    Golden::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/init.safetensors"
    ))
}

#[test]
fn constants_are_pytorchs() {
    fn check<const D: usize>(name: &str, got: Tensor<D>) {
        let (shape, expected) = golden().raw(name);
        assert_eq!(got.dims().to_vec(), shape, "{name}");
        assert_eq!(values(&got), expected, "{name}");
    }
    let device = onggi_ops::testing::device();
    for shape in [[3, 5], [4, 2], [3, 3]] {
        let name = format!("eye.{}x{}", shape[0], shape[1]);
        check(&name, init::eye(shape, &device));
    }
    check("dirac.3_1", init::dirac([4, 3, 5], 1, &device).unwrap());
    check("dirac.3_3", init::dirac([6, 2, 4], 3, &device).unwrap());
    check("dirac.4_2", init::dirac([4, 6, 3, 2], 2, &device).unwrap());
    check("dirac.4_1", init::dirac([5, 3, 3, 4], 1, &device).unwrap());
    check(
        "dirac.5_2",
        init::dirac([4, 2, 3, 2, 3], 2, &device).unwrap(),
    );
    assert_eq!(values(&init::constant([2, 1], 0.3, &device)), [0.3, 0.3]);
    assert_eq!(values(&init::zeros([2], &device)), [0.0, 0.0]);
    assert_eq!(values(&init::ones([1, 2], &device)), [1.0, 1.0]);
}

#[test]
fn gains_and_fans_are_pytorchs() {
    let gains = [
        Nonlinearity::Linear,
        Nonlinearity::Sigmoid,
        Nonlinearity::Tanh,
        Nonlinearity::Relu,
        Nonlinearity::LeakyRelu { slope: 0.2 },
        Nonlinearity::Selu,
    ];
    let gains = gains.map(|f| f.gain() as f32);
    assert_close("gains", &gains, &golden().values("gains"), 1e-7);
    let shapes: [&[usize]; 2] = [&[5, 7], &[5, 7, 3, 2]];
    let fans = shapes.map(|shape| {
        [FanMode::FanIn, FanMode::FanOut].map(|mode| init::fan(shape, mode).unwrap() as f32)
    });
    assert_eq!(fans.concat(), golden().values("fans"));
}

#[test]
fn every_rule_draws_for_every_shape_and_refuses_bad_numbers() {
    let (rng, device) = (&mut init::generator(1), onggi_ops::testing::device());
    let good = [
        Rule::Constant { value: 0.5 },
        Rule::Uniform {
            low: -1.0,
            high: 1.0,
        },
        Rule::Normal {
            mean: 0.0,
            std: 0.1,
        },
        Rule::TruncNormal {
            mean: 0.0,
            std: 0.02,
            a: -0.04,
            b: 0.04,
        },
        Rule::XavierUniform { gain: 1.0 },
        Rule::XavierNormal { gain: 1.0 },
        Rule::KaimingUniform {
            mode: FanMode::FanOut,
            nonlinearity: Nonlinearity::Selu,
        },
        KAIMING,
        Rule::Orthogonal { gain: 1.0 },
    ];
    for rule in good {
        let all_finite = |values: &[f32]| values.iter().all(|v| v.is_finite() && *v != 0.0);
        assert!(
            all_finite(&values(&rule.draw([6, 4], rng, &device).unwrap())),
            "{rule:?}"
        );
        assert!(
            all_finite(&values(&rule.draw([3, 4, 2, 3], rng, &device).unwrap())),
            "{rule:?}"
        );
        assert_eq!(rule.draw([0, 4], rng, &device).unwrap().dims(), [0, 4]);
    }
    let bad = [
        (
            Rule::Uniform {
                low: 1.0,
                high: 0.0,
            },
            "uniform: `low` must be at most high = 0, both finite, but is 1",
        ),
        (
            Rule::Normal {
                mean: 0.0,
                std: -1.0,
            },
            "normal: `std` must be at least 0 and finite, but is -1",
        ),
        (
            Rule::Normal {
                mean: f64::INFINITY,
                std: 1.0,
            },
            "normal: `mean` must be finite, but is inf",
        ),
        (
            Rule::XavierUniform { gain: -1.0 },
            "xavier_uniform: `gain` must be at least 0 and finite, but is -1",
        ),
    ];
    for (rule, message) in bad {
        let error = rule.draw([2, 2], rng, &device).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

/// An LSTM by PyTorch's parameter names: two inputs, three hidden units.
#[derive(Module, Debug)]
struct Lstm {
    weight_ih_l0: Param<Tensor<2>>,
    weight_hh_l0: Param<Tensor<2>>,
    bias_ih_l0: Param<Tensor<1>>,
    bias_hh_l0: Param<Tensor<1>>,
}

/// A recurrent layer whose gates show only in its shapes.
#[derive(Module, Debug)]
struct Custom {
    weight_ih: Param<Tensor<2>>,
    weight_hh: Param<Tensor<2>>,
    bias_ih: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Embedding {
    weight: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
struct MultiheadAttention {
    in_proj_weight: Param<Tensor<2>>,
    in_proj_bias: Param<Tensor<1>>,
    out_proj: Linear,
}

/// A layer of each kind, all parameters 7.
#[derive(Module, Debug)]
struct Everything {
    conv: Vec<Conv2d>,
    norm: BatchNorm2d,
    lstm: Lstm,
    custom: Custom,
    embedding: Embedding,
    attention: MultiheadAttention,
    slope: Param<Tensor<1>>,
    fc: Linear,
    frozen: Linear,
}

impl Everything {
    fn new(device: &Device) -> Self {
        fn sevens<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
            Param::from_tensor(Tensor::full(shape, 7.0, device))
        }
        let rng = &mut init::generator(1);
        let linear = |inputs, outputs| {
            let mut layer = LinearConfig::new(inputs, outputs)
                .init(&mut init::generator(1), device)
                .unwrap();
            layer.weight = sevens([outputs, inputs], device);
            layer.bias = Some(sevens([outputs], device));
            layer
        };
        let mut conv = Conv2dConfig::new(4, 6, 3).init(rng, device).unwrap();
        conv.weight = sevens([6, 4, 3, 3], device);
        conv.bias = Some(sevens([6], device));
        let mut norm: BatchNorm2d = BatchNormConfig::new(6).init(device).unwrap();
        norm.weight = Some(sevens([6], device));
        norm.bias = Some(sevens([6], device));
        norm.running_mean = Some(RunningState::new(Tensor::full([6], 7.0, device)));
        Self {
            conv: vec![conv],
            norm,
            lstm: Lstm {
                weight_ih_l0: sevens([12, 2], device),
                weight_hh_l0: sevens([12, 3], device),
                bias_ih_l0: sevens([12], device),
                bias_hh_l0: sevens([12], device),
            },
            custom: Custom {
                weight_ih: sevens([6, 5], device),
                weight_hh: sevens([6, 3], device),
                bias_ih: sevens([6], device),
            },
            embedding: Embedding {
                weight: sevens([5, 4], device),
            },
            attention: MultiheadAttention {
                in_proj_weight: sevens([12, 4], device),
                in_proj_bias: sevens([12], device),
                out_proj: linear(4, 4),
            },
            slope: sevens([1], device),
            fc: linear(6, 3),
            frozen: linear(3, 3).no_grad(),
        }
    }
}

/// Whether the rows, or else the columns, of a matrix are orthonormal.
fn is_orthonormal(values: &[f32], columns: usize) -> bool {
    let rows: Vec<&[f32]> = values.chunks(columns).collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    rows.iter().enumerate().all(|(i, a)| {
        let expected = |j| if i == j { 1.0 } else { 0.0 };
        rows.iter()
            .enumerate()
            .all(|(j, b)| (dot(a, b) - expected(j)).abs() < 1e-5)
    })
}

#[test]
fn a_rule_goes_through_a_model_by_the_kind_of_layer() {
    let model = Everything::new(&device());
    let scheme = Scheme {
        forget_gate_bias: 1.0,
        ..Scheme::from(KAIMING)
    };
    let model = apply(model, scheme, &mut init::generator(2)).unwrap();
    let state = state::collect(&model);
    let get = |name: &str| &state[name].values;
    for name in [
        "conv.0.bias",
        "norm.bias",
        "fc.bias",
        "frozen.bias",
        "lstm.bias_hh_l0",
        "custom.bias_ih",
        "attention.in_proj_bias",
        "attention.out_proj.bias",
    ] {
        assert!(get(name).iter().all(|&v| v == 0.0), "{name}");
    }
    for name in ["embedding.weight", "slope", "norm.running_mean"] {
        assert!(get(name).iter().all(|&v| v == 7.0), "{name}");
    }
    assert!(get("norm.weight").iter().all(|&v| v == 1.0));
    // Kaiming's rule for 4 · 9 inputs: √(2/36).
    let conv = get("conv.0.weight");
    let square = conv.iter().map(|v| v * v).sum::<f32>() / conv.len() as f32;
    assert!((square * 18.0 - 1.0).abs() < 0.3, "{square}");
    for name in [
        "fc.weight",
        "frozen.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
    ] {
        assert!(get(name).iter().all(|&v| v != 7.0), "{name}");
    }
    for (hidden, columns) in [("lstm.weight_hh_l0", 3), ("custom.weight_hh", 3)] {
        for gate in get(hidden).chunks(columns * columns) {
            assert!(is_orthonormal(gate, columns), "{hidden}: {gate:?}");
        }
    }
    // Xavier's bound, gate by gate: √(6 / (2 + 3)).
    let largest = get("lstm.weight_ih_l0")
        .iter()
        .fold(0f32, |m, v| m.max(v.abs()));
    assert!((0.8..=1.2f32.sqrt()).contains(&largest), "{largest}");
    let mut forget = [0.0; 12];
    forget[3..6].fill(1.0);
    assert_eq!(get("lstm.bias_ih_l0")[..], forget);
    // What was trained still is, what was frozen is not.
    assert!(model.fc.weight.is_require_grad() && model.lstm.bias_ih_l0.is_require_grad());
    assert!(!model.frozen.weight.is_require_grad());
}

#[test]
fn a_scheme_leaves_the_kinds_it_does_not_name() {
    let before = state::collect(&Everything::new(&device()));
    let changed = |scheme: Scheme| {
        let model = apply(Everything::new(&device()), scheme, &mut init::generator(3)).unwrap();
        let after = state::collect(&model);
        let names = after
            .into_iter()
            .filter(|(name, tensor)| before[name] != *tensor);
        names.map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert!(changed(Scheme::default()).is_empty());
    let conv = Some(KAIMING);
    assert_eq!(
        changed(Scheme {
            conv,
            ..Scheme::default()
        }),
        ["conv.0.bias", "conv.0.weight"]
    );
    assert_eq!(
        changed(Scheme {
            norm: true,
            ..Scheme::default()
        }),
        ["norm.bias", "norm.weight"]
    );
    let recurrent = changed(Scheme {
        recurrent: true,
        ..Scheme::default()
    });
    assert_eq!(recurrent.len(), 7);
    assert!(
        recurrent
            .iter()
            .all(|name| name.starts_with("lstm.") || name.starts_with("custom."))
    );
}

#[test]
fn a_rule_that_cannot_be_is_an_error_for_the_model_too() {
    let rule = Rule::Orthogonal { gain: f64::NAN };
    let error = apply(Everything::new(&device()), rule, &mut init::generator(3)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "orthogonal: `gain` must be at least 0 and finite, but is NaN"
    );
}
