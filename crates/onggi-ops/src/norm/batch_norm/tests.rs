use super::*;
use crate::testing::{self, Golden, assert_close, assert_same_outcome, here, on_cpu, values};

const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/batch_norm.safetensors"
);

/// `y` and the gradients of `x`, `weight` and `bias` through the upstream `dy`.
struct Outcome {
    y: Vec<f32>,
    dx: Vec<f32>,
    dweight: Vec<f32>,
    dbias: Vec<f32>,
}

fn train<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    dy: Tensor<D>,
) -> Outcome {
    let [weight, bias] = [weight, bias].map(|t| Tensor::from_inner(t).require_grad());
    let (x, dy) = (Tensor::from_inner(x).require_grad(), Tensor::from_inner(dy));
    let out = batch_norm(x.clone(), weight.clone(), bias.clone(), 1e-5).unwrap();
    let grads = (out.y.clone() * dy).sum().backward();
    Outcome {
        y: values(&out.y),
        dx: values(&x.grad(&grads).unwrap()),
        dweight: values(&weight.grad(&grads).unwrap()),
        dbias: values(&bias.grad(&grads).unwrap()),
    }
}

/// The case's parameter, or the constant of a layer without one.
fn parameter(golden: &Golden, case: &str, name: &str, channels: usize, constant: f32) -> Tensor<1> {
    let device = crate::testing::device();
    let full = format!("{case}.{name}");
    if golden.has(&full) {
        golden.tensor(&full, &device)
    } else {
        Tensor::full([channels], constant, &device)
    }
}

fn golden<const D: usize>(case: &str, tolerance: f32) {
    let (golden, device) = (Golden::open(GOLDEN), crate::testing::device());
    let get = |name: &str| golden.tensor::<D>(&format!("{case}.{name}"), &device);
    let (x, dy) = (get("x1"), get("dy"));
    let channels = x.dims()[1];
    let weight = parameter(&golden, case, "weight", channels, 1.0);
    let bias = parameter(&golden, case, "bias", channels, 0.0);
    let out = train(x.clone(), weight.clone(), bias.clone(), dy.clone());
    let check = |name: &str, got: &[f32]| {
        let name = format!("{case}.{name}");
        if golden.has(&name) {
            assert_close(&name, got, &golden.values(&name), tolerance);
        }
    };
    check("y", &out.y);
    check("dx", &out.dx);
    check("dweight", &out.dweight);
    check("dbias", &out.dbias);

    let mean = golden.tensor::<1>(&format!("{case}.running_mean_3"), &device);
    let var = golden.tensor::<1>(&format!("{case}.running_var_3"), &device);
    let [weight, bias] = [weight, bias].map(|t| Tensor::from_inner(t).require_grad());
    let (x, dy) = (Tensor::from_inner(x).require_grad(), Tensor::from_inner(dy));
    let [mean, var] = [mean, var].map(Tensor::from_inner);
    let y = batch_norm_eval(x.clone(), weight.clone(), bias.clone(), mean, var, 1e-5).unwrap();
    let grads = (y.clone() * dy).sum().backward();
    check("y_eval", &values(&y));
    check("dx_eval", &values(&x.grad(&grads).unwrap()));
    check("dweight_eval", &values(&weight.grad(&grads).unwrap()));
    check("dbias_eval", &values(&bias.grad(&grads).unwrap()));
}

#[test]
fn golden_2d() {
    golden::<4>("2d", 2e-6);
}

#[test]
fn golden_1d() {
    golden::<2>("1d", 2e-6);
}

#[test]
fn golden_1d_with_length() {
    golden::<3>("1d_length", 2e-6);
}

#[test]
fn golden_3d() {
    golden::<5>("3d", 2e-6);
}

#[test]
fn golden_one_channel() {
    golden::<4>("one_channel", 2e-6);
}

#[test]
fn golden_two_values_a_channel() {
    golden::<4>("two_values", 2e-5);
}

#[test]
fn golden_without_parameters() {
    golden::<4>("no_affine", 2e-6);
}

/// With a mean ten thousand times the spread, one rounding of the saved `f32` mean is 5e-4 of the
/// spread; `E[x²] − E[x]²` in `f32` would be off by more than the variance itself. The composed form
/// sums in `f32` as well.
#[test]
fn golden_large_mean() {
    golden::<4>("large_mean", testing::tolerance_or(1e-3, 5e-3));
}

fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    testing::random(shape, seed) * 2.0 + 0.5
}

/// None, those in the kernels, and one that is not.
const ACTIVATIONS: [Activation; 4] = [
    Activation::Identity,
    Activation::Relu,
    Activation::Relu6,
    Activation::Silu,
];

/// Kernel against composed default, on shapes that reach every path: one thread and several,
/// remainders of every loop, channels longer than a flush.
#[test]
fn kernel_equals_composed_default() {
    for shape in [
        [5, 1, 1, 1],
        [3, 5, 1, 1],
        [4, 3, 7, 5],
        [2, 2, 96, 96],
        [9, 40, 16, 16],
    ] {
        let statistics = random([shape[1]], 5).square() + 0.1;
        let leaves = [
            random([shape.iter().product()], 1),
            random([shape[1]], 3),
            random([shape[1]], 4),
        ];
        let image = |leaves: &[Tensor<1>]| leaves[0].clone().reshape(shape);
        let flat = |out: BatchNormalized<4>| out.y.flatten::<1>(0, 3);
        for activation in ACTIVATIONS {
            assert_same_outcome(
                &format!("training on {shape:?} with {activation:?}"),
                &leaves,
                |v| {
                    let (weight, bias) = (v[1].clone(), v[2].clone());
                    flat(batch_norm_activated(image(v), weight, bias, 1e-5, activation).unwrap())
                },
                |v| {
                    let (weight, bias) = (v[1].clone(), v[2].clone());
                    activation.apply(flat(composed::train(image(v), weight, bias, 1e-5)))
                },
                2e-5,
            );
        }
        let out = |got: bool| {
            let [x, weight, bias] = leaves.each_ref().map(here);
            let (x, eps) = (x.reshape(shape), 1e-5);
            if got {
                batch_norm(x, weight, bias, eps).unwrap()
            } else {
                composed::train(x, weight, bias, eps)
            }
        };
        let (got, expected) = (out(true), on_cpu(|| out(false)));
        assert_close("mean", &values(&got.mean), &values(&expected.mean), 1e-5);
        assert_close("var", &values(&got.var), &values(&expected.var), 1e-5);
        let (mean, var) = (statistics.clone() - 0.5, statistics);
        let eval = |y: Tensor<4>| y.flatten::<1>(0, 3);
        for activation in ACTIVATIONS {
            let parameters = |v: &[Tensor<1>]| {
                let (weight, bias) = (v[1].clone(), v[2].clone());
                (image(v), weight, bias, here(&mean), here(&var))
            };
            assert_same_outcome(
                &format!("evaluation on {shape:?} with {activation:?}"),
                &leaves,
                |v| {
                    let (x, weight, bias, mean, var) = parameters(v);
                    let y = batch_norm_eval_activated(x, weight, bias, mean, var, 1e-5, activation);
                    eval(y.unwrap())
                },
                |v| {
                    let (x, weight, bias, mean, var) = parameters(v);
                    eval(activation.apply(composed::eval(x, weight, bias, mean, var, 1e-5)))
                },
                1e-5,
            );
        }
    }
}

/// The directional derivative by central differences, through a non-trivial upstream gradient.
#[test]
fn gradients_equal_finite_differences() {
    let shape = [4, 3, 6, 5];
    let (x, dy, direction) = (random(shape, 1), random(shape, 2), random(shape, 3));
    let (weight, bias) = (random([3], 4), random([3], 5));
    let out = train(x.clone(), weight.clone(), bias.clone(), dy.clone());
    let loss = |x: Tensor<4>| -> f64 {
        let y = batch_norm(x, weight.clone(), bias.clone(), 1e-5).unwrap().y;
        values(&(y * dy.clone()))
            .iter()
            .map(|&v| f64::from(v))
            .sum()
    };
    let step = 1e-2;
    let difference = (loss(x.clone() + direction.clone() * step)
        - loss(x - direction.clone() * step))
        / (2.0 * step);
    let derivative: f64 = out
        .dx
        .iter()
        .zip(values(&direction))
        .map(|(&dx, d)| f64::from(dx) * f64::from(d))
        .sum();
    assert!(
        derivative.abs() > 1.0,
        "the check must not be trivial: {derivative}"
    );
    assert!(
        (difference / derivative - 1.0).abs() < 2e-3,
        "{difference} against {derivative}"
    );
}

#[test]
fn input_may_lie_in_any_order() {
    let (x, dy) = (random([5, 6, 4, 3], 1), random([5, 3, 6, 4], 2));
    let (weight, bias) = (random([3], 3), random([3], 4));
    let permuted = x.permute([0, 3, 1, 2]);
    let copied = Tensor::from_data(permuted.clone().into_data(), &crate::testing::device());
    let got = train(permuted, weight.clone(), bias.clone(), dy.clone());
    let expected = train(copied, weight, bias, dy);
    assert_eq!(got.y, expected.y);
    assert_eq!(got.dx, expected.dx);
}

#[test]
fn a_slice_of_a_larger_tensor_is_read_at_its_place() {
    let x = random([6, 3, 4, 4], 1);
    let part = x.clone().slice([2..5, 0..3]);
    let copied = Tensor::from_data(part.clone().into_data(), &crate::testing::device());
    let (w, b) = (random([3], 3), random([3], 4));
    let y = |x: Tensor<4>| values(&batch_norm(x, w.clone(), b.clone(), 1e-5).unwrap().y);
    assert_eq!(y(part), y(copied));
}

#[test]
fn thread_count_does_not_change_a_bit() {
    if crate::testing::skipped("threads of the kernels") {
        return;
    }
    let shape = [8, 33, 24, 24];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (x, dy) = (random(shape, 1), random(shape, 2));
            let out = train(x, random([33], 3), random([33], 4), dy);
            (out.y, out.dx, out.dweight, out.dbias)
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn mistakes_are_errors() {
    let (w, b) = (random([3], 1), random([3], 2));
    let message = |x: Tensor<4>, w: &Tensor<1>, eps| {
        batch_norm(x, w.clone(), b.clone(), eps)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(random([1, 3, 1, 1], 3), &w, 1e-5),
        "batch_norm: training needs more than one value per channel, but the input's shape is \
         [1, 3, 1, 1]; use a larger batch, or eval mode"
    );
    assert_eq!(
        message(random([2, 3, 4, 4], 3), &random([4], 1), 1e-5),
        "batch_norm: `weight` must have one value for each of the 3 channels, but its shape is [4]"
    );
    assert_eq!(
        message(random([2, 3, 4, 4], 3), &w, f64::NAN),
        "batch_norm: `eps` must be 0 or more, and finite, but is NaN"
    );
    assert!(batch_norm(random([0, 3, 4, 4], 3), w.clone(), b.clone(), 1e-5).is_err());
    assert!(batch_norm(random([7], 3), w, b, 1e-5).is_err());
}

/// `f64` goes by the composed default, and finite differences in it are exact to many digits.
#[test]
fn double_precision_goes_by_the_composed_default() {
    // A software driver of WebGPU has f64, but its differences over 1e-4 are off by percents.
    if crate::testing::skipped("differences in double precision") {
        return;
    }
    let double = |t: Tensor<4>| t.cast(burn::tensor::FloatDType::F64);
    let (x, dy) = (
        double(random([4, 3, 6, 5], 1)),
        double(random([4, 3, 6, 5], 2)),
    );
    let direction = double(random([4, 3, 6, 5], 3));
    let parameters = [4, 5].map(|seed| random([3], seed).cast(burn::tensor::FloatDType::F64));
    let [weight, bias] = parameters;
    let loss = |x: Tensor<4>| {
        let y = batch_norm(x, weight.clone(), bias.clone(), 1e-5).unwrap().y;
        (y * dy.clone()).sum().into_scalar::<f64>()
    };
    let step = 1e-4;
    let difference = (loss(x.clone() + direction.clone() * step)
        - loss(x.clone() - direction.clone() * step))
        / (2.0 * step);
    let x = Tensor::from_inner(x).require_grad();
    let constants = [weight, bias].map(Tensor::from_inner);
    let [weight, bias] = constants;
    let y = batch_norm(x.clone(), weight, bias, 1e-5).unwrap().y;
    let grads = (y * Tensor::from_inner(dy.clone())).sum().backward();
    let derivative = (x.grad(&grads).unwrap() * direction)
        .sum()
        .into_scalar::<f64>();
    assert!(
        derivative.abs() > 1.0,
        "the check must not be trivial: {derivative}"
    );
    assert!(
        (difference / derivative - 1.0).abs() < 1e-6,
        "{difference} against {derivative}"
    );
}
