use super::*;
use crate::testing::{assert_gradients, assert_same_outcome, outcome, random, values};
use burn::tensor::FloatDType;

/// `f64` goes by the composed form.
fn double<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.cast(FloatDType::F64)
}

fn single<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.cast(FloatDType::F32)
}

/// Every way to weigh, smooth and reduce.
fn all_options(k: usize) -> Vec<CrossEntropyOptions> {
    let mut all = Vec::new();
    let weight: Vec<f32> = (0..k).map(|i| 0.5 + (i % 7) as f32 * 0.3).collect();
    for weight in [None, Some(weight)] {
        for label_smoothing in [0.0, 0.1] {
            for reduction in [Reduction::Mean, Reduction::Sum, Reduction::None] {
                all.push(CrossEntropyOptions {
                    weight: weight.clone(),
                    label_smoothing,
                    ignore_index: 1,
                    reduction,
                });
            }
        }
    }
    all
}

const SHAPES: [[usize; 3]; 6] = [
    [1, 1, 1],
    [5, 3, 1],
    [2, 3, 7],
    [3, 1000, 1],
    [64, 513, 1],
    [4, 21, 300],
];

/// Classes of every kind; at least one row counts even where there is one class.
fn classes(rows: usize, k: usize) -> Vec<i64> {
    (0..rows).map(|i| ((i * 31) % k) as i64).collect()
}

#[test]
fn classes_equal_the_composed_form() {
    for shape in SHAPES {
        let [n, k, l] = shape;
        let leaves = [random([n * k * l], 1) * 3.0];
        let classes = classes(n * l, k);
        for options in all_options(k) {
            let loss = |x: Tensor<1>| cross_entropy(x.reshape(shape), &classes, &options).unwrap();
            assert_same_outcome(
                &format!("{shape:?}, {options:?}"),
                &leaves,
                |v| loss(v[0].clone()),
                |v| single(loss(double(v[0].clone()))),
                3e-6,
            );
        }
    }
}

#[test]
fn probabilities_equal_the_composed_form() {
    for shape in SHAPES {
        let [n, k, l] = shape;
        let len = n * k * l;
        let target = burn::tensor::activation::softmax(random::<3>(shape, 2), 1);
        let leaves = [random([len], 1) * 3.0, target.reshape([len])];
        for options in all_options(k) {
            let loss = |x: Tensor<1>, t: Tensor<1>| {
                cross_entropy_soft(x.reshape(shape), t.reshape(shape), &options).unwrap()
            };
            assert_same_outcome(
                &format!("{shape:?}, {options:?}"),
                &leaves,
                |v| loss(v[0].clone(), v[1].clone()),
                |v| single(loss(double(v[0].clone()), double(v[1].clone()))),
                3e-6,
            );
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let target = burn::tensor::activation::softmax(random::<2>([4, 6], 2), 1).reshape([24]);
    let leaves = [random([24], 1), target];
    for options in all_options(6) {
        let shape = |x: &Tensor<1>| x.clone().reshape([4, 6]);
        let hard = |v: &[Tensor<1>]| cross_entropy(shape(&v[0]), &[0, 1, 5, 3], &options).unwrap();
        let soft =
            |v: &[Tensor<1>]| cross_entropy_soft(shape(&v[0]), shape(&v[1]), &options).unwrap();
        assert_gradients("classes", &leaves[..1], hard, 1e-2, 2e-3);
        assert_gradients("probabilities", &leaves, soft, 1e-2, 2e-3);
    }
}

#[test]
fn large_logits_keep_their_digits() {
    let logits = |shift: f32| {
        Tensor::<2>::from_floats(
            [[shift, shift + 1.0, shift - 100.0]],
            &crate::testing::device(),
        )
    };
    let options = CrossEntropyOptions::default();
    let loss = |shift, class| values(&cross_entropy(logits(shift), &[class], &options).unwrap())[0];
    for class in 0..3 {
        assert_eq!(loss(0.0, class), loss(1e5, class));
    }
    // A class that is ruled out costs nothing unless it is the one asked for.
    let inf = f32::INFINITY;
    let x = Tensor::<2>::from_floats([[0.0, -inf, 0.0]], &crate::testing::device());
    let loss = |class| values(&cross_entropy(x.clone(), &[class], &options).unwrap())[0];
    assert!((loss(0) - 2f32.ln()).abs() < 1e-6);
    assert_eq!(loss(1), inf);
}

#[test]
fn unbatched_and_empty_inputs() {
    let options = CrossEntropyOptions::default();
    let loss = cross_entropy(
        Tensor::<1>::zeros([4], &crate::testing::device()),
        &[2],
        &options,
    )
    .unwrap();
    assert!((values(&loss)[0] - 4f32.ln()).abs() < 1e-6);
    let empty = || Tensor::<2>::zeros([0, 4], &crate::testing::device());
    let reduced = |reduction| {
        let options = CrossEntropyOptions {
            reduction,
            ..Default::default()
        };
        values(&cross_entropy(empty(), &[], &options).unwrap())
    };
    assert_eq!(reduced(Reduction::Sum), [0.0]);
    assert!(reduced(Reduction::None).is_empty());
    assert!(cross_entropy_soft(empty(), empty(), &options).is_err());
}

#[test]
fn inputs_may_lie_in_any_order() {
    let x = random::<2>([5, 60], 1).transpose();
    let copied = Tensor::<2>::from_data(x.to_data(), &crate::testing::device());
    let loss = |x| {
        let options = CrossEntropyOptions::default();
        values(&cross_entropy::<2>(x, &classes(60, 5), &options).unwrap())
    };
    assert_eq!(loss(x), loss(copied));
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
            let leaves = [random([128 * 1000], 1)];
            let options = CrossEntropyOptions {
                label_smoothing: 0.1,
                ..Default::default()
            };
            outcome(&leaves, |v| {
                let x = v[0].clone().reshape([128, 1000]);
                cross_entropy(x, &classes(128, 1000), &options).unwrap()
            })
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn mistakes_are_errors() {
    let x = || random::<2>([2, 3], 1);
    let message = |classes: &[i64], options: &CrossEntropyOptions| {
        cross_entropy(x(), classes, options)
            .unwrap_err()
            .to_string()
    };
    let default = CrossEntropyOptions::default();
    assert_eq!(
        message(&[0, 3], &default),
        "cross_entropy: each class must be at least 0 and below 3, but one is 3"
    );
    assert_eq!(
        message(&[-100, -100], &default),
        "cross_entropy: there is no mean, as no row counts: the batch is empty, or each row is \
         ignored or of a class with weight 0"
    );
    assert_eq!(
        message(&[0], &default),
        "cross_entropy: `logits` must have one row for each of the 1 classes given, but its shape \
         is [2, 3]"
    );
    assert_eq!(
        message(&[0, -1], &default),
        "cross_entropy: each class must be at least 0 and below 3, but one is -1"
    );
    let weighted = CrossEntropyOptions {
        weight: Some(vec![1.0; 4]),
        ..default.clone()
    };
    let smooth = CrossEntropyOptions {
        label_smoothing: f64::NAN,
        ..default.clone()
    };
    assert!(message(&[0, 1], &weighted).contains("one value for each of the 3 classes"));
    assert!(message(&[0, 1], &smooth).contains("between 0 and 1"));
    assert!(cross_entropy_soft(x(), random([2, 4], 1), &default).is_err());
    assert!(cross_entropy(random::<2>([2, 0], 1), &[0, 0], &default).is_err());
}
