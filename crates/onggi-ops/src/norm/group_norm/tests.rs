use super::*;
use crate::norm::layer_norm;
use crate::testing::{
    assert_close, assert_gradients, assert_same_outcome, device, here, on_cpu, outcome, random,
    values,
};
use burn::tensor::FloatDType;

const EPS: f64 = 1e-5;

/// `(N, C, L)` and the groups.
type Case = ([usize; 3], usize);

fn leaves(([n, c, l], _): Case) -> [Tensor<1>; 3] {
    [
        random([n * c * l], 1) * 2.0 + 0.5,
        random([c], 2) + 1.0,
        random([c], 3),
    ]
}

fn normalised(v: &[Tensor<1>], (shape, groups): Case) -> Tensor<1> {
    let (weight, bias) = (Some(v[1].clone()), Some(v[2].clone()));
    let y = group_norm(v[0].clone().reshape(shape), groups, weight, bias, EPS);
    y.unwrap().flatten::<1>(0, 2)
}

#[test]
fn kernel_equals_composed_default() {
    // One thread and several, remainders of every loop, channels and groups longer than a flush,
    // several rows a chunk.
    for case in [
        ([3, 18, 1], 2),
        ([2, 6, 7], 3),
        ([2, 6, 45], 6),
        ([3, 4, 77], 1),
        ([40, 16, 49], 4),
        ([2, 4, 9_001], 2),
        ([3, 2, 20_011], 2),
    ] {
        assert_same_outcome(
            &format!("{case:?}"),
            &leaves(case),
            |v| normalised(v, case),
            |v| {
                let x = v[0].clone().reshape(case.0);
                let out = composed::group_norm(x, case.1, v[1].clone(), v[2].clone(), EPS);
                out.y.flatten::<1>(0, 2)
            },
            2e-5,
        );
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let case = ([3, 4, 5], 2);
    let forward = |v: &[Tensor<1>]| normalised(v, case);
    assert_gradients("group_norm", &leaves(case), forward, 1e-2, 2e-3);
}

#[test]
fn one_group_is_layer_norm_over_the_channels_and_all_after_them() {
    let x = random([3, 6, 4, 5], 1);
    let group = group_norm(x.clone(), 1, None, None, EPS).unwrap();
    let layer = layer_norm(x, [6, 4, 5], None, None, EPS).unwrap();
    assert_close("y", &values(&group), &values(&layer), 1e-6);
}

#[test]
fn as_many_groups_as_channels_is_instance_norm() {
    let (x, weight, bias) = (random([3, 6, 4, 5], 1), random([6], 2), random([6], 3));
    let group = group_norm(x.clone(), 6, Some(weight.clone()), Some(bias.clone()), EPS).unwrap();
    let instance = instance_norm(x, Some(weight), Some(bias), EPS).unwrap().y;
    assert_eq!(values(&group), values(&instance));
}

#[test]
fn instance_norm_returns_its_statistics() {
    let x = random([2, 3, 50], 1) + 10.0;
    let got = instance_norm(x.clone(), None, None, EPS).unwrap();
    let expected = on_cpu(|| {
        let (x, ones) = (here(&x), Tensor::ones([3], &device()));
        composed::group_norm(x, 3, ones.clone(), ones, EPS)
    });
    assert_eq!(got.mean.dims(), [2, 3]);
    assert_close("mean", &values(&got.mean), &values(&expected.mean), 1e-6);
    assert_close("var", &values(&got.var), &values(&expected.var), 1e-5);
}

#[test]
fn input_may_lie_in_any_order() {
    let x = random([5, 6, 4, 3], 1).permute([0, 3, 1, 2]);
    let copied = Tensor::from_data(x.clone().into_data(), &crate::testing::device());
    let y = |x: Tensor<4>| values(&group_norm(x, 3, None, None, EPS).unwrap());
    assert_eq!(y(x), y(copied));
}

#[test]
fn an_empty_batch_has_zero_parameter_gradients() {
    let case = ([0, 4, 5], 2);
    let out = outcome(&leaves(case), |v| normalised(v, case));
    assert_eq!(out, [vec![], vec![], vec![0.0; 4], vec![0.0; 4]]);
    let no_places = group_norm(random([2, 4, 0], 1), 2, None, None, EPS).unwrap();
    assert_eq!(no_places.dims(), [2, 4, 0]);
}

#[test]
fn thread_count_does_not_change_a_bit() {
    if crate::testing::skipped("threads of the kernels") {
        return;
    }
    for case in [([9, 12, 500], 3), ([9, 12, 500], 12)] {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let run = || outcome(&leaves(case), |v| normalised(v, case));
            pool.build().unwrap().install(run)
        };
        assert_eq!(run(1), run(3));
    }
}

#[test]
fn mistakes_are_errors() {
    let x = |shape: [usize; 3]| random(shape, 1);
    let error = group_norm(x([2, 4, 3]), 3, None, None, EPS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "group_norm: `num_groups` must be a divisor of the number of channels, but is 3"
    );
    assert!(group_norm(x([2, 4, 3]), 0, None, None, EPS).is_err());
    assert!(group_norm(x([2, 4, 3]), 2, Some(random([2], 1)), None, EPS).is_err());
    assert!(group_norm(x([2, 4, 3]), 2, None, None, f64::NAN).is_err());
    assert!(group_norm(x([1, 4, 1]), 4, None, None, EPS).is_err());
    assert!(group_norm(x([2, 4, 1]), 4, None, None, EPS).is_ok());
    let error = instance_norm(x([2, 4, 1]), None, None, EPS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "instance_norm: `x` must have more than one value a channel in each sample, but its shape \
         is [2, 4, 1]"
    );
    assert!(instance_norm(random([4], 1), None, None, EPS).is_err());
}

#[test]
fn double_precision_goes_by_the_composed_default() {
    if crate::testing::skipped_without_double() {
        return;
    }
    let x = random([3, 4, 5], 1);
    let y = group_norm(x.clone().cast(FloatDType::F64), 2, None, None, EPS).unwrap();
    let expected = group_norm(x, 2, None, None, EPS).unwrap();
    let y = y.cast(FloatDType::F32);
    assert_close("y", &values(&y), &values(&expected), 1e-6);
}
