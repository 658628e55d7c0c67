use super::*;
use crate::OpError;
use crate::testing::{
    assert_gradients, assert_same_outcome, outcome, random, tolerance_or, values,
};
use burn::tensor::FloatDType;

type Function = fn(Tensor<1>) -> Tensor<1>;

const ALL: [(&str, Function); 15] = [
    ("relu", relu),
    ("leaky_relu", |x| leaky_relu(x, 0.01)),
    ("leaky_relu that turns the sign", |x| leaky_relu(x, -0.5)),
    ("elu", |x| elu(x, 1.0)),
    ("elu with a negative alpha", |x| elu(x, -0.7)),
    ("selu", selu),
    ("gelu", gelu),
    ("gelu_tanh", gelu_tanh),
    ("silu", silu),
    ("mish", mish),
    ("hardswish", hardswish),
    ("hardsigmoid", hardsigmoid),
    ("sigmoid", sigmoid),
    ("tanh", tanh),
    ("softplus", |x| softplus(x, 1.5, 2.0).unwrap()),
];

/// `f64` goes by the composed form.
fn double<const D: usize>(x: &Tensor<D>) -> Tensor<D> {
    x.clone().cast(FloatDType::F64)
}

fn single<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.cast(FloatDType::F32)
}

#[test]
fn kernels_equal_composed_forms() {
    for len in [0, 1, 7, 33, 1000, 100_003] {
        let leaves = [random([len], 1) * 3.0];
        for (name, function) in ALL {
            assert_same_outcome(
                &format!("{name} of {len}"),
                &leaves,
                |v| function(v[0].clone()),
                |v| single(function(double(&v[0]))),
                2e-6,
            );
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    // Away from the kinks, which differences step over.
    let x = random::<1>([40], 1) * 2.0;
    for (name, function) in ALL
        .into_iter()
        .filter(|(name, _)| !name.starts_with("soft"))
    {
        let smooth = |x: Tensor<1>| {
            let near = |kink: f64| (x.clone() - kink).abs().lower_elem(0.02);
            let kinks = near(0.0).bool_or(near(3.0)).bool_or(near(-3.0));
            x.clone().mask_fill(kinks, 1.0)
        };
        let leaves = [smooth(x.clone())];
        assert_gradients(name, &leaves, |v| function(v[0].clone()), 1e-3, 2e-3);
    }
}

#[test]
fn limits_and_nan_are_kept() {
    if crate::testing::skipped_without_nan() {
        return;
    }
    let at = |function: Function, x: f32| {
        let x = Tensor::<1>::from_floats([x], &crate::testing::device());
        values(&function(x))[0]
    };
    let inf = f32::INFINITY;
    for (name, function) in ALL {
        assert!(at(function, f32::NAN).is_nan(), "{name}(NaN)");
    }
    assert_eq!((at(relu, -inf), at(relu, inf)), (0.0, inf));
    assert_eq!((at(selu, -inf), at(tanh, inf)), (-1.758_099_3, 1.0));
    assert_eq!(
        (at(gelu, inf), at(silu, inf), at(mish, inf)),
        (inf, inf, inf)
    );
    assert_eq!((at(sigmoid, -inf), at(sigmoid, inf)), (0.0, 1.0));
    assert_eq!((at(hardswish, inf), at(hardsigmoid, -inf)), (inf, 0.0));
}

/// In place or not must not show: the input is held elsewhere, is a part of a larger tensor, or is
/// nobody else's.
#[test]
fn inputs_that_are_used_again_keep_their_values() {
    let x = random::<1>([1000], 1);
    let before = values(&x);
    for (name, function) in ALL {
        let y = values(&function(x.clone()));
        assert_eq!(values(&x), before, "{name} changed its input");
        let own = Tensor::from_data(x.to_data(), &crate::testing::device());
        assert_eq!(values(&function(own)), y, "{name} in place");
        let part = x.clone().narrow(0, 10, 490);
        assert_eq!(values(&function(part)), y[10..500], "{name} of a part");
        assert_eq!(values(&x), before, "{name} changed what it is a part of");
    }
    let (a, b) = (x.clone(), random::<1>([1000], 2));
    let (before_b, sum) = (values(&b), values(&add_relu(a.clone(), b.clone()).unwrap()));
    assert_eq!((values(&a), values(&b)), (before.clone(), before_b));
    assert_eq!(values(&add_relu(a, b * 1.0).unwrap()), sum);
    // An upstream gradient that two operations share.
    let x = Tensor::from_inner(x).require_grad();
    let (y, z) = (relu(x.clone() * 1.0), tanh(x.clone() * 1.0));
    let gradients = (y + z).sum().backward();
    let dx = values(&x.grad(&gradients).unwrap());
    for (x, dx) in before.iter().zip(dx) {
        let expected = f32::from(*x > 0.0) + 1.0 - x.tanh().powi(2);
        assert!((dx - expected).abs() < 1e-6, "{dx} instead of {expected}");
    }
}

#[test]
fn inputs_may_lie_in_any_order() {
    let x = random::<3>([5, 6, 4], 1).permute([2, 0, 1]);
    let copied: Tensor<3> = Tensor::from_data(x.to_data(), &crate::testing::device());
    let softmaxes = |x: Tensor<3>| values(&softmax(x, 0).unwrap());
    assert_eq!(softmaxes(x.clone()), softmaxes(copied.clone()));
    assert_eq!(values(&gelu(x.clone())), values(&gelu(copied.clone())));
    let weight = random::<1>([5], 2);
    let prelus = |x: Tensor<3>| values(&prelu(x, weight.clone()).unwrap());
    assert_eq!(prelus(x), prelus(copied));
}

#[test]
fn add_relu_equals_its_parts() {
    for len in [0, 5, 100_003] {
        assert_same_outcome(
            &format!("add_relu of {len}"),
            &[random([len], 1), random([len], 2)],
            |v| add_relu(v[0].clone(), v[1].clone()).unwrap(),
            |v| relu(v[0].clone() + v[1].clone()),
            0.0,
        );
    }
}

#[test]
fn prelu_equals_its_composed_form() {
    for (shape, weights) in [
        ([3, 5, 7, 9], 5),
        ([3, 5, 7, 9], 1),
        ([4, 33, 1, 1], 33),
        ([0, 5, 2, 2], 5),
        ([6, 24, 30, 31], 24),
        ([1500, 40, 1, 1], 40),
        ([5, 20, 40, 40], 1),
    ] {
        let leaves = [random([shape.iter().product()], 1), random([weights], 2)];
        let flat = |y: Tensor<4>| y.flatten::<1>(0, 3);
        assert_same_outcome(
            &format!("prelu of {shape:?} with {weights} weights"),
            &leaves,
            |v| flat(prelu(v[0].clone().reshape(shape), v[1].clone()).unwrap()),
            |v| {
                single(flat(
                    prelu(double(&v[0]).reshape(shape), double(&v[1])).unwrap(),
                ))
            },
            1e-5,
        );
    }
}

#[test]
fn softmax_equals_its_composed_form() {
    for (shape, dim) in [
        ([1, 1, 1], 2),
        ([3, 4, 5], 2),
        ([3, 4, 5], 1),
        ([3, 4, 5], 0),
        ([0, 4, 5], 2),
        ([2, 2, 10_007], 2),
        ([40, 30, 65], 2),
        ([5, 1000, 20], 1),
    ] {
        type Over = fn(Tensor<3>, usize) -> Result<Tensor<3>, OpError>;
        for (name, function) in [("softmax", softmax as Over), ("log_softmax", log_softmax)] {
            let flat = |x: Tensor<1>| function(x.reshape(shape), dim).unwrap().flatten::<1>(0, 2);
            assert_same_outcome(
                &format!("{name} of {shape:?} over {dim}"),
                &[random([shape.iter().product()], 1) * 4.0],
                |v| flat(v[0].clone()),
                |v| single(flat(double(&v[0]))),
                // Where the CPU's kernels sum in blocks, a device adds 10,007 terms as it likes.
                tolerance_or(3e-6, 1e-4),
            );
        }
    }
}

#[test]
fn softmax_of_extreme_values() {
    let row = |row: [f32; 4]| Tensor::<2>::from_floats([row], &crate::testing::device());
    let inf = f32::INFINITY;
    let y = values(&softmax(row([1e4, 1e4, -1e4, -inf]), 1).unwrap());
    assert_eq!(y, [0.5, 0.5, 0.0, 0.0]);
    let y = values(&log_softmax(row([1e4, 1e4 - 100.0, -1e4, -inf]), 1).unwrap());
    assert_eq!(y, [0.0, -100.0, -2e4, -inf]);
    let nan = values(&softmax(row([1.0, f32::NAN, 0.0, 0.0]), 1).unwrap());
    assert!(nan.iter().all(|v| v.is_nan()));
}

#[test]
fn thread_count_does_not_change_a_bit() {
    if crate::testing::skipped("threads of the kernels") {
        return;
    }
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let leaves = [random([120_000], 1), random([40], 2)];
            let cube = |x: &Tensor<1>| x.clone().reshape([30, 40, 100]);
            let mut all: Vec<_> = ALL
                .iter()
                .map(|(_, f)| outcome(&leaves[..1], |v| f(v[0].clone())))
                .collect();
            all.push(outcome(&leaves, |v| {
                prelu(cube(&v[0]), v[1].clone()).unwrap().flatten(0, 2)
            }));
            all.push(outcome(&leaves[..1], |v| {
                log_softmax(softmax(cube(&v[0]), 2).unwrap(), 1)
                    .unwrap()
                    .flatten(0, 2)
            }));
            all
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn mistakes_are_errors() {
    let x = || random::<2>([4, 3], 1);
    let message = |e: OpError| e.to_string();
    assert_eq!(
        message(add_relu(x(), random([4, 2], 1)).unwrap_err()),
        "add_relu: `b` must have the shape [4, 3] of `a`, but its shape is [4, 2]"
    );
    assert_eq!(
        message(prelu(x(), random([2], 1)).unwrap_err()),
        "prelu: `weight` must have one value, or one for each of the 3 channels, but its shape is \
         [2]"
    );
    assert_eq!(
        message(softmax(x(), 2).unwrap_err()),
        "softmax: `x` must have an axis 2, but its shape is [4, 3]"
    );
    assert!(prelu(random::<1>([3], 1), random([3], 1)).is_err());
    assert!(softplus(x(), 0.0, 20.0).is_err() && softplus(x(), f64::NAN, 20.0).is_err());
}

#[test]
fn slopes_at_the_kinks_are_pytorchs() {
    let slopes = |activation: Activation, x: [f32; 3]| {
        let device = crate::testing::device().autodiff();
        let x = Tensor::<1>::from_floats(x, &device).require_grad();
        let gradients = (activation.apply(x.clone()) * 3.0).sum().backward();
        values(&x.grad(&gradients).unwrap())
    };
    assert_eq!(slopes(Activation::Relu6, [0.0, 3.0, 6.0]), [0.0, 3.0, 0.0]);
    assert_eq!(
        slopes(Activation::Hardswish, [-3.0, 0.0, 3.0]),
        [0.0, 1.5, 3.0]
    );
    assert_eq!(
        slopes(Activation::Hardsigmoid, [-3.0, 0.0, 3.0]),
        [0.0, 0.5, 0.0]
    );
}
