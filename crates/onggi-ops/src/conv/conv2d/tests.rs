use super::*;
use crate::testing::{self, assert_same_outcome, values};

fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    testing::random(shape, seed) + 0.3
}

/// Against Burn's own convolution, which is the default on other devices: stride, padding,
/// dilation, groups, Winograd's shapes with and without whole groups of images, a stem, 1×1.
#[test]
fn kernel_equals_composed_default() {
    for (x, weight, stride, padding, dilation, groups) in [
        ([2, 3, 9, 7], [4, 3, 3, 3], 1, 1, 1, 1),
        ([2, 4, 9, 8], [6, 2, 3, 2], 2, 1, 1, 2),
        ([3, 4, 11, 11], [4, 1, 3, 3], 1, 2, 2, 4),
        ([16, 8, 14, 14], [8, 8, 3, 3], 1, 1, 1, 1),
        ([33, 16, 7, 7], [24, 16, 3, 3], 1, 1, 1, 1),
        ([2, 3, 33, 31], [8, 3, 7, 7], 2, 3, 1, 1),
        ([4, 16, 14, 14], [8, 16, 1, 1], 2, 0, 1, 1),
        ([4, 16, 14, 14], [8, 16, 1, 1], 1, 0, 1, 1),
        ([1, 1, 1, 1], [1, 1, 1, 1], 1, 0, 1, 1),
    ] {
        let options = Conv2dOptions {
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [dilation; 2],
            groups,
        };
        let burn_options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], groups);
        let leaves = [
            random([x.iter().product()], 1),
            random([weight.iter().product()], 2),
            random([weight[0]], 3),
        ];
        for parameters in [2, 3] {
            let parts = |v: &[Tensor<1>]| {
                let (x, weight) = (v[0].clone().reshape(x), v[1].clone().reshape(weight));
                (x, weight, v.get(2).cloned())
            };
            let flat = |y: Tensor<4>| y.flatten::<1>(0, 3);
            assert_same_outcome(
                &format!("{x:?} * {weight:?}"),
                &leaves[..parameters],
                |v| {
                    let (x, weight, bias) = parts(v);
                    flat(conv2d(x, weight, bias, &options).unwrap())
                },
                |v| {
                    let (x, weight, bias) = parts(v);
                    flat(module::conv2d(x, weight, bias, burn_options.clone()))
                },
                // Below 8e-6 for 200 seeds with AVX2; other registers sum in another order.
                2e-5,
            );
        }
    }
}

#[test]
fn input_may_lie_in_any_order() {
    let (x, weight) = (random([2, 9, 7, 3], 1), random([4, 3, 3, 3], 2));
    let permuted = x.permute([0, 3, 1, 2]);
    let copied = Tensor::from_data(permuted.clone().into_data(), &crate::testing::device());
    let y = |x| values(&conv2d(x, weight.clone(), None, &Conv2dOptions::default()).unwrap());
    assert_eq!(y(permuted), y(copied));
}

#[test]
fn mistakes_are_errors() {
    let message = |x: [usize; 4], weight: [usize; 4], options: Conv2dOptions| {
        conv2d(random(x, 1), random(weight, 2), None, &options)
            .unwrap_err()
            .to_string()
    };
    let plain = Conv2dOptions::default;
    assert_eq!(
        message([1, 3, 8, 8], [4, 2, 3, 3], plain()),
        "conv2d: `x` must have as many channels as the weight's 2 times the 1 group(s), that is 2, \
         but its shape is [1, 3, 8, 8]"
    );
    assert_eq!(
        message([1, 3, 2, 8], [4, 3, 3, 3], plain()),
        "conv2d: `x` must have a height of at least 3 and a width of at least 3, but its shape is \
         [1, 3, 2, 8]"
    );
    let zero = Conv2dOptions {
        stride: [0, 1],
        ..plain()
    };
    assert_eq!(
        message([1, 3, 8, 8], [4, 3, 3, 3], zero),
        "conv2d: `stride` must be at least 1, but is 0"
    );
    let groups = Conv2dOptions {
        groups: 3,
        ..plain()
    };
    assert!(message([1, 3, 8, 8], [4, 1, 3, 3], groups).contains("3 groups divide"));
}
