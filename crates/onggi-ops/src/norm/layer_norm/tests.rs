use super::*;
use crate::testing::{
    assert_gradients, assert_repeats, assert_same_outcome, outcome, random, tolerance_or, values,
};
use burn::tensor::FloatDType;

const EPS: f64 = 1e-5;

/// Rows and values a row that reach every path: one thread and several, remainders of every loop,
/// rows longer than a flush, many chunks.
const SHAPES: [[usize; 2]; 8] = [
    [3, 1],
    [5, 7],
    [4, 8],
    [3, 32],
    [6, 45],
    [300, 77],
    [9, 20_011],
    [5000, 13],
];

fn leaves([rows, len]: [usize; 2]) -> [Tensor<1>; 3] {
    [
        random([rows * len], 1) * 2.0 + 0.5,
        random([len], 2) + 1.0,
        random([len], 3),
    ]
}

fn normalised(v: &[Tensor<1>], shape: [usize; 2]) -> Tensor<1> {
    let (weight, bias) = (Some(v[1].clone()), Some(v[2].clone()));
    let y = layer_norm(v[0].clone().reshape(shape), [shape[1]], weight, bias, EPS);
    y.unwrap().flatten::<1>(0, 1)
}

#[test]
fn kernel_equals_composed_default() {
    for shape in SHAPES {
        assert_same_outcome(
            &format!("{shape:?}"),
            &leaves(shape),
            |v| normalised(v, shape),
            |v| {
                let x = v[0].clone().reshape(shape);
                let y = composed::layer_norm(x, v[1].clone(), v[2].clone(), EPS);
                y.flatten::<1>(0, 1)
            },
            2e-5,
        );
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let shape = [6, 9];
    let forward = |v: &[Tensor<1>]| normalised(v, shape);
    assert_gradients("layer_norm", &leaves(shape), forward, 1e-2, 2e-3);
}

#[test]
fn several_axes_are_one_row() {
    let [x, weight, bias] = leaves([4, 30]);
    let rows = layer_norm(
        x.clone().reshape([4, 30]),
        [30],
        Some(weight.clone()),
        Some(bias.clone()),
        EPS,
    );
    let shape = [2, 3, 5];
    let y = layer_norm(
        x.reshape([4, 2, 3, 5]),
        shape,
        Some(weight.reshape(shape)),
        Some(bias.reshape(shape)),
        EPS,
    );
    assert_repeats("y", &values(&y.unwrap()), &values(&rows.unwrap()));
}

#[test]
fn parameters_are_optional() {
    let x = random([4, 6], 1);
    let (ones, zeros) = (
        Tensor::ones([6], &x.device()),
        Tensor::zeros([6], &x.device()),
    );
    let y = |weight, bias| values(&layer_norm(x.clone(), [6], weight, bias, EPS).unwrap());
    let full = y(Some(ones.clone()), Some(zeros.clone()));
    assert_eq!(full, y(None, None));
    assert_eq!(full, y(Some(ones), None));
    assert_eq!(full, y(None, Some(zeros)));
}

#[test]
fn input_may_lie_in_any_order() {
    let x = random([7, 5, 6], 1).permute([1, 2, 0]);
    let copied = Tensor::from_data(x.clone().into_data(), &crate::testing::device());
    let y = |x: Tensor<3>| values(&layer_norm(x, [7], None, None, EPS).unwrap());
    assert_eq!(y(x), y(copied));
}

#[test]
fn an_empty_batch_has_zero_parameter_gradients() {
    let out = outcome(&leaves([0, 3]), |v| normalised(v, [0, 3]));
    assert_eq!(out, [vec![], vec![], vec![0.0; 3], vec![0.0; 3]]);
}

#[test]
fn thread_count_does_not_change_a_bit() {
    if crate::testing::skipped("threads of the kernels") {
        return;
    }
    let shape = [700, 129];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let run = || outcome(&leaves(shape), |v| normalised(v, shape));
        pool.build().unwrap().install(run)
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn a_large_mean_costs_no_precision_beyond_the_inputs() {
    // Multiples of 1/64 up to 2: exact in f32 about 1e4 too.
    let x = (random([8, 100], 1) * 32.0).round().clamp(-128.0, 128.0) / 64.0;
    let y = |x| values(&layer_norm(x, [100], None, None, EPS).unwrap());
    // The composed form of other devices rounds the sum on its way: to 5e-4 of the spread, and more.
    let tolerance = tolerance_or(2e-6, 5e-3);
    crate::testing::assert_close("shifted", &y(x.clone() + 1e4), &y(x), tolerance);
}

#[test]
fn mistakes_are_errors() {
    let x = || random([2, 3, 4], 1);
    let error = layer_norm(x(), [3], None, None, EPS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer_norm: `x` must have [3] as its last axes, but its shape is [2, 3, 4]"
    );
    let error = layer_norm(x(), [4], Some(random([3], 1)), None, EPS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer_norm: `weight` must have the shape [4], but its shape is [3]"
    );
    assert!(layer_norm(x(), [4], None, None, -1.0).is_err());
    assert!(layer_norm(random([4], 1), [1, 4], None, None, EPS).is_err());
}

#[test]
fn double_precision_goes_by_the_composed_default() {
    if crate::testing::skipped_without_double() {
        return;
    }
    let x = random([3, 5], 1);
    let y = layer_norm(x.clone().cast(FloatDType::F64), [5], None, None, EPS).unwrap();
    let expected = layer_norm(x, [5], None, None, EPS).unwrap();
    let y = y.cast(FloatDType::F32);
    crate::testing::assert_close("y", &values(&y), &values(&expected), 1e-6);
}
