use super::*;
use crate::conv::{Conv1dOptions, Conv3dOptions, conv1d, conv3d};
use crate::testing::{
    Golden, assert_golden_weighted, assert_gradients, assert_same_outcome, random, values,
};

fn golden() -> Golden {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    Golden::open(&format!("{fixtures}/convs.safetensors"))
}

fn options(
    stride: [usize; 2],
    padding: [usize; 2],
    output_padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
) -> ConvTranspose2dOptions {
    ConvTranspose2dOptions {
        stride,
        padding,
        output_padding,
        dilation,
        groups,
    }
}

#[test]
fn golden_transposed() {
    let golden = golden();
    let plain = ConvTranspose2dOptions::default();
    for (case, options) in [
        ("transpose2d", options([2; 2], [1; 2], [1; 2], [1; 2], 1)),
        (
            "transpose2d_no_bias",
            options([2; 2], [0; 2], [0; 2], [1; 2], 1),
        ),
        (
            "transpose2d_groups",
            options([3, 1], [1, 0], [2, 0], [1, 2], 2),
        ),
        ("transpose2d_plain", plain),
        (
            "transpose2d_cut",
            options([1; 2], [3; 2], [0; 2], [1; 2], 1),
        ),
        (
            "transpose2d_far",
            options([1, 2], [1; 2], [2; 2], [3; 2], 1),
        ),
    ] {
        let convolve = |x, w, b| conv_transpose2d(x, w, b, &options).unwrap();
        assert_golden_weighted::<4>(&golden, case, convolve, 3e-6);
    }
    let options = ConvTranspose1dOptions {
        stride: 2,
        padding: 1,
        output_padding: 1,
        dilation: 2,
        groups: 2,
    };
    let convolve = |x, w, b| conv_transpose1d(x, w, b, &options).unwrap();
    assert_golden_weighted::<3>(&golden, "transpose1d", convolve, 3e-6);
}

#[test]
fn golden_1d_and_3d() {
    let golden = golden();
    let one = Conv1dOptions {
        stride: 2,
        padding: 3,
        dilation: 2,
        groups: 2,
    };
    let convolve = |x, w, b| conv1d(x, w, b, &one).unwrap();
    assert_golden_weighted::<3>(&golden, "conv1d", convolve, 3e-6);
    let convolve = |x, w, b| conv1d(x, w, b, &Conv1dOptions::default()).unwrap();
    assert_golden_weighted::<3>(&golden, "conv1d_no_bias", convolve, 3e-6);
    let padded = Conv3dOptions {
        padding: [1; 3],
        ..Conv3dOptions::default()
    };
    let convolve = |x, w, b| conv3d(x, w, b, &padded).unwrap();
    assert_golden_weighted::<5>(&golden, "conv3d", convolve, 1e-5);
    let all = Conv3dOptions {
        stride: [2, 1, 2],
        padding: [1, 0, 2],
        dilation: [2, 2, 1],
        groups: 2,
    };
    let convolve = |x, w, b| conv3d(x, w, b, &all).unwrap();
    assert_golden_weighted::<5>(&golden, "conv3d_groups", convolve, 1e-5);
}

/// Against Burn's own on the CPU, with whole groups of sixteen images and without.
#[test]
fn kernels_equal_composed() {
    for (x, weight, options) in [
        (
            [17, 8, 7, 9],
            [8, 6, 3, 3],
            options([2; 2], [1; 2], [1; 2], [1; 2], 1),
        ),
        (
            [16, 4, 8, 8],
            [4, 4, 3, 3],
            options([1; 2], [1; 2], [0; 2], [1; 2], 1),
        ),
        (
            [3, 6, 5, 4],
            [6, 2, 4, 4],
            options([2; 2], [1; 2], [0; 2], [1; 2], 3),
        ),
        (
            [2, 5, 6, 6],
            [5, 1, 3, 3],
            options([2; 2], [1; 2], [1; 2], [1; 2], 5),
        ),
        (
            [1, 1, 1, 1],
            [1, 1, 1, 1],
            ConvTranspose2dOptions::default(),
        ),
    ] {
        let o = options.clone();
        let burn =
            ConvTransposeOptions::new(o.stride, o.padding, o.output_padding, o.dilation, o.groups);
        let leaves = [
            random([x.iter().product()], 1),
            random([weight.iter().product()], 2),
            random([weight[1] * o.groups], 3),
        ];
        let part = |v: &[Tensor<1>]| {
            let (x, weight) = (v[0].clone().reshape(x), v[1].clone().reshape(weight));
            (x, weight, Some(v[2].clone()))
        };
        assert_same_outcome(
            &format!("{x:?} * {weight:?}"),
            &leaves,
            |v| {
                let (x, weight, bias) = part(v);
                conv_transpose2d(x, weight, bias, &options)
                    .unwrap()
                    .flatten(0, 3)
            },
            |v| {
                let (x, weight, bias) = part(v);
                module::conv_transpose2d(x, weight, bias, burn.clone()).flatten(0, 3)
            },
            2e-5,
        );
    }
}

#[test]
fn gradients_are_the_derivatives() {
    let leaves = [
        random([2 * 4 * 20], 1),
        random([4 * 3 * 6], 2),
        random([6], 3),
    ];
    let options = options([2, 1], [1, 0], [1, 0], [1, 2], 2);
    let convolve = |v: &[Tensor<1>]| {
        let (x, w) = (
            v[0].clone().reshape([2, 4, 5, 4]),
            v[1].clone().reshape([4, 3, 3, 2]),
        );
        conv_transpose2d(x, w, Some(v[2].clone()), &options)
            .unwrap()
            .flatten(0, 3)
    };
    assert_gradients("conv_transpose2d", &leaves, convolve, 1e-2, 1e-3);
}

#[test]
fn input_may_lie_in_any_order_and_be_empty() {
    let weight = random::<4>([3, 2, 3, 3], 2);
    let permuted = random([2, 9, 7, 3], 1).permute([0, 3, 1, 2]);
    let copied = Tensor::<4>::from_data(permuted.clone().into_data(), &crate::testing::device());
    let options = ConvTranspose2dOptions::default();
    let y = |x| conv_transpose2d(x, weight.clone(), None, &options).unwrap();
    assert_eq!(values(&y(permuted)), values(&y(copied)));
    let empty = Tensor::<4>::zeros([0, 3, 9, 7], &crate::testing::device());
    assert_eq!(y(empty).dims(), [0, 2, 11, 9]);
    let (empty, weight) = (
        Tensor::<5>::zeros([0, 2, 4, 4, 4], &crate::testing::device()),
        random([3, 2, 2, 2, 2], 1),
    );
    let y = conv3d(empty, weight, None, &Conv3dOptions::default()).unwrap();
    assert_eq!(y.dims(), [0, 3, 3, 3, 3]);
}

#[test]
fn mistakes_are_errors() {
    let message = |x: [usize; 4], weight: [usize; 4], options: ConvTranspose2dOptions| {
        conv_transpose2d(random(x, 1), random(weight, 2), None, &options)
            .unwrap_err()
            .to_string()
    };
    let plain = ConvTranspose2dOptions::default;
    assert_eq!(
        message([1, 3, 4, 4], [2, 4, 3, 3], plain()),
        "conv_transpose2d: `x` must have as many channels as the weight's 2, but its shape is \
         [1, 3, 4, 4]"
    );
    assert_eq!(
        message(
            [1, 2, 4, 4],
            [2, 4, 3, 3],
            options([2; 2], [0; 2], [2, 0], [1; 2], 1)
        ),
        "conv_transpose2d: `output_padding` must be below the stride or the dilation, but is 2"
    );
    assert!(
        message(
            [1, 2, 1, 1],
            [2, 4, 1, 1],
            options([1; 2], [1; 2], [0; 2], [1; 2], 1)
        )
        .contains("cuts off")
    );
    assert!(
        message(
            [1, 2, 4, 4],
            [2, 4, 3, 3],
            options([1; 2], [0; 2], [0; 2], [1; 2], 3)
        )
        .contains("3 groups")
    );
    assert!(message([1, 2, 0, 4], [2, 4, 3, 3], plain()).contains("image size"));
    let volume = conv3d(
        random([1, 2, 1, 4, 4], 1),
        random([3, 2, 2, 3, 3], 1),
        None,
        &Conv3dOptions::default(),
    );
    assert!(
        volume
            .unwrap_err()
            .to_string()
            .contains("a depth of at least 2")
    );
}
