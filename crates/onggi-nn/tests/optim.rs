//! Optimisers against PyTorch's traces, and penalties against scikit-learn (`fixtures/optim.py`).

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use onggi_nn::optim::{
    Adagrad, Adam, AdamW, ClipNorm, Gradients, Group, Lamb, Lion, NAdam, Optimizer, RmsProp,
    RuleConfig, Sam, Sgd,
};
use onggi_nn::regularize::{DecoupledWeightDecay, ElasticNet, L1, L2, MaxNorm, Penalty};
use onggi_nn::state;
use onggi_ops::testing::{Golden, assert_close, skipped_without_double, values};

/// A weight, and a bias that decay leaves out.
#[derive(Module, Debug)]
struct Two {
    a: Param<Tensor<2>>,
    b: Param<Tensor<1>>,
}

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

fn open(name: &str) -> Golden {
    Golden::open(&format!(
        "{}/tests/fixtures/{name}.safetensors",
        env!("CARGO_MANIFEST_DIR")
    ))
}

fn two(golden: &Golden, case: &str) -> Two {
    Two {
        a: Param::from_tensor(golden.tensor(&format!("{case}.a0"), &device())),
        b: Param::from_tensor(golden.tensor(&format!("{case}.b0"), &device())),
    }
}

/// The gradients that the fixture gives for a step.
fn gradients(golden: &Golden, case: &str, step: usize, model: &Two) -> Gradients {
    let a = golden.tensor::<2>(&format!("{case}.ga{step}"), &device());
    let b = golden.tensor::<1>(&format!("{case}.gb{step}"), &device());
    let loss = (model.a.val() * a).sum() + (model.b.val() * b).sum();
    Gradients::of(model, &loss).unwrap()
}

fn assert_two(golden: &Golden, case: &str, step: usize, model: &Two) {
    let [a, b] = ["a", "b"].map(|part| format!("{case}.{part}{step}"));
    assert_close(&a, &values(&model.a.val()), &golden.values(&a), 3e-6);
    assert_close(&b, &values(&model.b.val()), &golden.values(&b), 3e-6);
}

fn with_decay(rule: RuleConfig, decay: f64) -> RuleConfig {
    let mut rule = rule;
    let weight_decay = match &mut rule {
        RuleConfig::Sgd(rule) => &mut rule.weight_decay,
        RuleConfig::Adam(rule) => &mut rule.weight_decay,
        RuleConfig::AdamW(rule) => &mut rule.weight_decay,
        RuleConfig::NAdam(rule) => &mut rule.weight_decay,
        RuleConfig::RmsProp(rule) => &mut rule.weight_decay,
        RuleConfig::Adagrad(rule) => &mut rule.weight_decay,
        RuleConfig::Lion(rule) => &mut rule.weight_decay,
        RuleConfig::Lamb(rule) => &mut rule.weight_decay,
    };
    *weight_decay = decay;
    rule
}

fn cases() -> Vec<(&'static str, RuleConfig)> {
    let sgd = |momentum, dampening, nesterov| {
        RuleConfig::Sgd(Sgd {
            momentum,
            dampening,
            nesterov,
            weight_decay: 0.0,
        })
    };
    let rmsprop = |centered, momentum, alpha| {
        RuleConfig::RmsProp(RmsProp {
            centered,
            momentum,
            alpha,
            ..RmsProp::default()
        })
    };
    vec![
        ("sgd", sgd(0.0, 0.0, false)),
        ("sgd_momentum", sgd(0.9, 0.0, false)),
        ("sgd_dampening", sgd(0.9, 0.3, false)),
        ("sgd_nesterov", sgd(0.9, 0.0, true)),
        ("adam", RuleConfig::Adam(Adam::default())),
        ("adamw", RuleConfig::AdamW(AdamW::default())),
        ("nadam", RuleConfig::NAdam(NAdam::default())),
        (
            "nadam_decoupled",
            RuleConfig::NAdam(NAdam {
                decoupled_weight_decay: true,
                momentum_decay: 0.01,
                ..NAdam::default()
            }),
        ),
        ("rmsprop", rmsprop(false, 0.0, 0.99)),
        ("rmsprop_centered", rmsprop(true, 0.0, 0.9)),
        ("rmsprop_momentum", rmsprop(false, 0.9, 0.99)),
        ("rmsprop_both", rmsprop(true, 0.9, 0.99)),
        ("adagrad", RuleConfig::Adagrad(Adagrad::default())),
        (
            "adagrad_decay",
            RuleConfig::Adagrad(Adagrad {
                lr_decay: 0.1,
                initial_accumulator_value: 0.5,
                ..Adagrad::default()
            }),
        ),
        ("lion", RuleConfig::Lion(Lion::default())),
        ("lamb", RuleConfig::Lamb(Lamb::default())),
    ]
}

#[test]
fn ten_steps_equal_the_references() {
    let golden = open("optim");
    for (case, rule) in cases() {
        for (case, decay) in [(case.to_string(), 0.0), (format!("{case}_wd"), 0.05)] {
            let mut optimizer = with_decay(rule, decay).init().unwrap();
            let mut model = two(&golden, &case);
            for step in 1..=10 {
                let gradients = gradients(&golden, &case, step, &model);
                model = optimizer.step(model, gradients, 1e-2).unwrap();
                assert_two(&golden, &case, step, &model);
            }
        }
    }
}

#[test]
fn a_stored_state_goes_on_bit_for_bit() {
    let golden = open("optim");
    for (case, rule) in cases() {
        let rule = with_decay(rule, 0.05);
        let (mut optimizer, mut model) = (rule.init().unwrap(), two(&golden, case));
        let mut resumed = None;
        for step in 1..=10 {
            let of_step = gradients(&golden, case, step, &model);
            model = optimizer.step(model, of_step, 1e-2).unwrap();
            if step == 4 {
                resumed = Some((optimizer.state(), state::collect(&model)));
            }
        }
        let (memory, weights) = resumed.unwrap();
        let mut model_2 = state::load(two(&golden, case), weights).unwrap();
        let mut optimizer_2 = rule.init().unwrap();
        optimizer_2.load_state(memory.clone()).unwrap();
        assert_eq!(optimizer_2.state(), memory, "{case}");
        for step in 5..=10 {
            let of_step = gradients(&golden, case, step, &model_2);
            model_2 = optimizer_2.step(model_2, of_step, 1e-2).unwrap();
        }
        assert_eq!(state::collect(&model_2), state::collect(&model), "{case}");
        assert_eq!(optimizer_2.state(), optimizer.state(), "{case}");
    }
}

#[test]
fn sam_equals_the_reference_and_restores_to_the_bit() {
    let golden = open("optim");
    for (case, sam) in [
        ("sam", Sam::new(0.05, false).unwrap()),
        ("asam", Sam::new(0.5, true).unwrap()),
    ] {
        let get = |name: &str| format!("{case}.{name}");
        let [ha, ca] = ["ha", "ca"].map(|name| golden.tensor::<2>(&get(name), &device()));
        let [hb, cb] = ["hb", "cb"].map(|name| golden.tensor::<1>(&get(name), &device()));
        let gradients = |model: &Two| {
            let a = (model.a.val() - ca.clone()).square() * ha.clone() * 0.5;
            let b = (model.b.val() - cb.clone()).square() * hb.clone() * 0.5;
            Gradients::of(model, &(a.sum() + b.sum())).unwrap()
        };
        let mut optimizer = Optimizer::new(Sgd::default()).unwrap();
        let mut model = two(&golden, case);
        for step in 1..=10 {
            let before = state::collect(&model);
            let first = gradients(&model);
            let (nearby, perturbation) = sam.perturb(model, &first).unwrap();
            assert_ne!(state::collect(&nearby), before);
            let second = gradients(&nearby);
            model = perturbation.restore(nearby);
            assert_eq!(state::collect(&model), before);
            model = optimizer.step(model, second, 1e-2).unwrap();
            assert_two(&golden, case, step, &model);
        }
    }
    assert!(Sam::new(-1.0, false).is_err() && Sam::new(f64::NAN, false).is_err());
}

fn ones() -> Two {
    Two {
        a: Param::from_tensor(Tensor::ones([3, 4], &device())),
        b: Param::from_tensor(Tensor::ones([5], &device())),
    }
}

fn sum_gradients(model: &Two) -> Gradients {
    Gradients::of(model, &(model.a.val().sum() + model.b.val().sum())).unwrap()
}

#[test]
fn groups_have_rates_decays_penalties_and_frozen_parts() {
    let step = |groups: Vec<Group>, penalties: Vec<Penalty>| {
        let rule = Sgd {
            weight_decay: 0.5,
            ..Sgd::default()
        };
        let mut optimizer = Optimizer::new(rule)
            .and_then(|optimizer| optimizer.with_groups(groups))
            .and_then(|optimizer| optimizer.with_penalties(penalties))
            .unwrap();
        let model = ones();
        let gradients = sum_gradients(&model);
        let model = optimizer.step(model, gradients, 0.1).unwrap();
        [values(&model.a.val())[0], values(&model.b.val())[0]]
    };
    let close = |got: [f32; 2], expected: [f32; 2]| assert_close("a, b", &got, &expected, 1e-6);
    let l2 = Penalty::L2(L2 { lambda: 1.0 });
    close(step(vec![], vec![]), [0.85, 0.9]);
    close(step(vec![], vec![l2]), [0.75, 0.9]);
    let group = Group {
        lr_factor: 0.1,
        weight_decay: Some(0.0),
        ..Group::new("a")
    };
    // The first group that matches counts.
    let later = Group {
        frozen: true,
        ..Group::new("*")
    };
    close(
        step(vec![group.clone(), later.clone()], vec![]),
        [0.99, 1.0],
    );
    let plain = Group {
        penalties: Some(vec![]),
        ..Group::new("a")
    };
    close(step(vec![plain], vec![l2]), [0.85, 0.9]);
    let all = Group {
        bias_and_norm: true,
        ..Group::new("b")
    };
    close(step(vec![all], vec![l2]), [0.75, 0.75]);
    let decoupled = Penalty::DecoupledWeightDecay(DecoupledWeightDecay { weight_decay: 1.0 });
    close(
        step(vec![], vec![decoupled]),
        [0.9 - 0.1 * (1.0 + 0.45), 0.9],
    );
    let max_norm = Penalty::MaxNorm(MaxNorm { max_norm: 1.0 });
    close(step(vec![], vec![max_norm]), [0.5, 0.9]);

    // A frozen group needs no gradients.
    let optimizer = Optimizer::new(Sgd::default()).unwrap();
    let frozen = Group {
        frozen: true,
        ..Group::new("a")
    };
    let optimizer = optimizer.with_groups(vec![frozen]).unwrap();
    let model = optimizer.freeze(ones());
    let gradients = sum_gradients(&model);
    assert_eq!(gradients.names().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn what_does_not_fit_is_an_error_and_leaves_the_optimiser_as_it_was() {
    #[derive(Module, Debug)]
    struct Other {
        a: Param<Tensor<2>>,
        c: Param<Tensor<1>>,
    }
    let other = Other {
        a: Param::from_tensor(Tensor::ones([2, 2], &device())),
        c: Param::from_tensor(Tensor::ones([5], &device())),
    };
    let mut optimizer = Optimizer::new(Adam::default()).unwrap();
    let model = ones();
    let own = sum_gradients(&model);
    let model = optimizer.step(model, own.clone(), 0.1).unwrap();
    let before = optimizer.state();
    let foreign = Gradients::of(&other, &(other.a.val().sum() + other.c.val().sum())).unwrap();
    let mut message = |gradients, lr| {
        let error = optimizer.step(model.clone(), gradients, lr).unwrap_err();
        assert_eq!(optimizer.state(), before);
        error.to_string()
    };
    assert_eq!(
        message(foreign, 0.1),
        "the optimiser cannot step: `a` has shape [3, 4], but a gradient of 4 values; `c` has a \
         gradient, but is not the model's"
    );
    if !skipped_without_double() {
        let double = Two {
            a: Param::from_tensor(Tensor::ones([3, 4], (&device(), DType::F64))),
            ..ones()
        };
        assert_eq!(
            message(Gradients::of(&double, &double.a.val().sum()).unwrap(), 0.1),
            "the optimiser cannot step: `a` is F32, but its gradient F64"
        );
    }
    assert_eq!(
        message(own.clone(), f64::NAN),
        "Optimizer: `lr` must be at least 0 and finite, but is NaN"
    );
    let gradients = Gradients::of(&other, &other.c.val().sum()).unwrap();
    let error = optimizer.step(other, gradients, 0.1).unwrap_err();
    assert!(error.to_string().contains("`b` has a memory, but is not"));

    let none = vec![Group::new("layr1.*")];
    let mut optimizer = optimizer.with_groups(none).unwrap();
    let error = optimizer.step(ones(), own, 0.1).unwrap_err().to_string();
    assert_eq!(
        error,
        "the optimiser cannot step: group `layr1.*` matches no parameter"
    );
    let mut sgd = Optimizer::new(Sgd::default()).unwrap();
    let error = sgd.load_state(before.clone()).unwrap_err().to_string();
    assert_eq!(
        error,
        "the optimiser cannot step: it is of `adam`, but the rule is `sgd`"
    );
    let mut torn = before.clone();
    torn.tensors.remove("a.exp_avg");
    torn.steps.remove("b");
    let error = optimizer.load_state(torn).unwrap_err().to_string();
    assert!(
        error.contains("`a.exp_avg` is missing; `b.exp_avg` has no steps"),
        "{error}"
    );
    assert_eq!(optimizer.state(), before);
}

#[test]
fn settings_out_of_range_are_refused() {
    let error = |rule: RuleConfig| rule.init().unwrap_err().to_string();
    assert_eq!(
        error(RuleConfig::Sgd(Sgd {
            momentum: 0.9,
            dampening: 0.5,
            nesterov: true,
            ..Sgd::default()
        })),
        "Sgd: `dampening` must be 0 for Nesterov's rule, but is 0.5"
    );
    assert_eq!(
        error(RuleConfig::Sgd(Sgd {
            nesterov: true,
            ..Sgd::default()
        })),
        "Sgd: `momentum` must be above 0 for Nesterov's rule, but is 0"
    );
    for name in RuleConfig::NAMES {
        let rule = with_decay(RuleConfig::by_name(name).unwrap(), f64::NAN);
        assert!(
            error(rule).contains("`weight_decay` must be at least 0"),
            "{name}"
        );
    }
    let betas = [1.0, 0.9];
    assert!(
        Optimizer::new(AdamW {
            betas,
            ..AdamW::default()
        })
        .is_err()
    );
    assert!(
        Optimizer::new(Lion {
            betas,
            ..Lion::default()
        })
        .is_err()
    );
    let rmsprop = RmsProp {
        alpha: 1.0,
        ..RmsProp::default()
    };
    assert!(Optimizer::new(rmsprop).is_err());
    let optimizer = Optimizer::new(Sgd::default()).unwrap();
    let group = Group {
        lr_factor: -1.0,
        ..Group::new("a")
    };
    assert!(optimizer.with_groups(vec![group]).is_err());
}

#[test]
fn accumulated_gradients_are_those_of_the_mean() {
    let model = ones();
    let x = Tensor::<2>::from_floats(
        [[1., 2., 3., 4.], [0., 1., 0., -1.], [2., 0., 1., 5.]],
        &device(),
    );
    let of = |factor: f64, with_b: bool| {
        let mut loss = (model.a.val() * x.clone()).sum() * factor;
        if with_b {
            loss = loss + model.b.val().sum();
        }
        Gradients::of(&model, &loss).unwrap()
    };
    let mut sum = of(1.0, false);
    let mut halved = of(6.0, true);
    halved.scale(0.5);
    sum.accumulate(halved).unwrap();
    sum.scale(0.5);
    let expected = of(2.0, false);
    assert_close(
        "a",
        &values(sum.get("a").unwrap()),
        &values(expected.get("a").unwrap()),
        1e-6,
    );
    assert_close("b", &values(sum.get("b").unwrap()), &[0.25; 5], 1e-6);

    sum.clip_value(3.0).unwrap();
    assert_eq!(values(sum.get("a").unwrap())[..4], [2., 3., 3., 3.]);
    assert!(sum.is_finite() && sum.clip_value(f64::NAN).is_err());
    let mut infinite = of(f64::INFINITY, false);
    assert!(!infinite.is_finite());
    let clip = ClipNorm {
        error_if_nonfinite: true,
        ..ClipNorm::new(1.0)
    };
    assert!(infinite.clip_norm(&clip).is_err());
    assert!(!infinite.clip_norm(&ClipNorm::new(1.0)).unwrap().is_finite());
    assert!(sum.clip_norm(&ClipNorm::new(-1.0)).is_err());
}

/// Coefficients by proximal gradient descent on scikit-learn's objective.
fn coefficients(golden: &Golden, penalty: Penalty) -> Vec<f32> {
    #[derive(Module, Debug)]
    struct Linear {
        weight: Param<Tensor<2>>,
    }
    let (x, y) = (
        golden.tensor::<2>("x", &device()),
        golden.tensor::<1>("y", &device()),
    );
    let y = y.unsqueeze_dim::<2>(1);
    let mut model = Linear {
        weight: Param::from_tensor(Tensor::zeros([10, 1], &device())),
    };
    let optimizer = Optimizer::new(Sgd::default()).unwrap();
    let mut optimizer = optimizer.with_penalties(vec![penalty]).unwrap();
    for _ in 0..3000 {
        let loss = (x.clone().matmul(model.weight.val()) - y.clone())
            .square()
            .mean()
            * 0.5;
        let gradients = Gradients::of(&model, &loss).unwrap();
        model = optimizer.step(model, gradients, 60.0).unwrap();
    }
    values(&model.weight.val())
}

#[test]
fn coefficients_equal_those_of_scikit_learn() {
    let golden = open("diabetes");
    let elastic_net = |lambda, l1_ratio| {
        Penalty::ElasticNet(ElasticNet {
            lambda,
            l1_ratio,
            proximal: true,
        })
    };
    for (model, penalty) in [
        ("lasso", Penalty::L1(L1::new(0.5))),
        ("ridge", Penalty::L2(L2 { lambda: 0.005 })),
        ("elastic_net", elastic_net(0.01, 0.5)),
        ("elastic_net_sparse", elastic_net(0.5, 0.98)),
    ] {
        let (got, expected) = (coefficients(&golden, penalty), golden.values(model));
        for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
            assert!(
                (got - expected).abs() < 1e-3,
                "{model} {i}: {got} instead of {expected}"
            );
            assert_eq!(
                *got == 0.0,
                *expected == 0.0,
                "{model} {i}: {got}, {expected}"
            );
        }
    }
    // The subgradient comes close, but to no zero.
    let subgradient = Penalty::L1(L1 {
        lambda: 0.5,
        proximal: false,
    });
    let got = coefficients(&golden, subgradient);
    assert!(got.iter().all(|&w| w != 0.0), "{got:?}");
}

#[test]
fn weight_decay_is_an_l2_penalty_for_plain_gradient_descent_only() {
    let golden = open("optim");
    let run = |rule: RuleConfig, penalty: Option<Penalty>| {
        let optimizer = rule.init().unwrap();
        let mut optimizer = optimizer
            .with_penalties(penalty.into_iter().collect())
            .unwrap();
        let mut model = two(&golden, "sgd");
        for step in 1..=10 {
            let of_step = gradients(&golden, "sgd", step, &model);
            model = optimizer.step(model, of_step, 1e-2).unwrap();
        }
        values(&model.a.val())
    };
    let apart =
        |x: &[f32], y: &[f32]| (x.iter().zip(y)).fold(0f32, |most, (x, y)| most.max((x - y).abs()));
    let l2 = Some(Penalty::L2(L2 { lambda: 0.5 }));
    let weight_decay = 0.5;
    let decoupled = Some(Penalty::DecoupledWeightDecay(DecoupledWeightDecay {
        weight_decay,
    }));

    let sgd = RuleConfig::Sgd(Sgd::default());
    let by_l2 = run(sgd, l2);
    assert_close("coupled", &run(with_decay(sgd, 0.5), None), &by_l2, 1e-6);
    assert_close("decoupled", &run(sgd, decoupled), &by_l2, 1e-6);
    assert!(apart(&run(sgd, None), &by_l2) > 0.01);

    let adam = RuleConfig::Adam(Adam::default());
    let by_l2 = run(adam, l2);
    let adamw = RuleConfig::AdamW(AdamW {
        weight_decay,
        ..AdamW::default()
    });
    assert_close("Adam's", &run(with_decay(adam, 0.5), None), &by_l2, 1e-6);
    assert_close("AdamW", &run(adamw, None), &run(adam, decoupled), 1e-6);
    assert!(apart(&run(adamw, None), &by_l2) > 0.01);
}
