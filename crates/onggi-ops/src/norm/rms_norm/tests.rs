use super::*;
use crate::testing::{assert_gradients, assert_same_outcome, outcome, random, values};

const EPS: f64 = 1e-5;

fn leaves([rows, len]: [usize; 2]) -> [Tensor<1>; 2] {
    [random([rows * len], 1) * 2.0 + 0.5, random([len], 2) + 1.0]
}

fn normalised(v: &[Tensor<1>], shape: [usize; 2]) -> Tensor<1> {
    let weight = Some(v[1].clone());
    let y = rms_norm(v[0].clone().reshape(shape), [shape[1]], weight, Some(EPS));
    y.unwrap().flatten::<1>(0, 1)
}

#[test]
fn kernel_equals_composed_default() {
    for shape in [[3, 1], [5, 7], [6, 45], [300, 77], [9, 20_011]] {
        assert_same_outcome(
            &format!("{shape:?}"),
            &leaves(shape),
            |v| normalised(v, shape),
            |v| {
                let x = v[0].clone().reshape(shape);
                composed(x, v[1].clone(), EPS).flatten::<1>(0, 1)
            },
            2e-5,
        );
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let shape = [6, 9];
    let forward = |v: &[Tensor<1>]| normalised(v, shape);
    assert_gradients("rms_norm", &leaves(shape), forward, 1e-2, 2e-3);
}

#[test]
fn no_eps_is_that_of_f32() {
    let x = random([2, 4], 1) * 1e-3;
    let y = |eps| values(&rms_norm(x.clone(), [4], None, eps).unwrap());
    assert_eq!(y(None), y(Some(f64::from(f32::EPSILON))));
    assert_ne!(y(None), y(Some(0.0)));
}

#[test]
fn input_may_lie_in_any_order() {
    let x = random([7, 5, 6], 1).permute([1, 2, 0]);
    let copied = Tensor::from_data(x.clone().into_data(), &crate::testing::device());
    let y = |x: Tensor<3>| values(&rms_norm(x, [7], None, None).unwrap());
    assert_eq!(y(x), y(copied));
}

#[test]
fn an_empty_batch_has_a_zero_parameter_gradient() {
    let out = outcome(&leaves([0, 3]), |v| normalised(v, [0, 3]));
    assert_eq!(out, [vec![], vec![], vec![0.0; 3]]);
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
fn mistakes_are_errors() {
    let error = rms_norm(random([2, 3], 1), [4], None, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rms_norm: `x` must have [4] as its last axes, but its shape is [2, 3]"
    );
    assert!(rms_norm(random([2, 3], 1), [3], Some(random([2], 1)), None).is_err());
    assert!(rms_norm(random([2, 3], 1), [3], None, Some(f64::INFINITY)).is_err());
}
