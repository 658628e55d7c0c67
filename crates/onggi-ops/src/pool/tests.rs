use super::*;
use crate::testing::{
    Golden, assert_golden, assert_gradients, assert_same_outcome, outcome, random, values,
};
use burn::tensor::Tensor;

fn golden() -> Golden {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    Golden::open(&format!("{fixtures}/pool.safetensors"))
}

fn max_options<const R: usize>(
    kernel_size: [usize; R],
    stride: [usize; R],
    padding: [usize; R],
    dilation: usize,
    ceil_mode: bool,
) -> MaxPoolOptions<R> {
    MaxPoolOptions {
        kernel_size,
        stride,
        padding,
        dilation: [dilation; R],
        ceil_mode,
    }
}

fn avg_options<const R: usize>(
    kernel_size: [usize; R],
    stride: [usize; R],
    padding: [usize; R],
    ceil_mode: bool,
    count_include_pad: bool,
) -> AvgPoolOptions<R> {
    AvgPoolOptions {
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override: None,
    }
}

#[test]
fn golden_max() {
    let golden = golden();
    let two = |case: &str, options: MaxPoolOptions<2>| {
        assert_golden::<4>(&golden, case, |x| max_pool(x, &options).unwrap(), 1e-6);
    };
    two("max_3_2_1", max_options([3; 2], [2; 2], [1; 2], 1, false));
    two("max_2", MaxPoolOptions::new(2));
    two("max_ceil", max_options([3, 2], [2, 3], [1, 0], 1, true));
    two("max_dilated", max_options([3; 2], [1, 3], [1; 2], 2, false));
    two("max_ties", max_options([3; 2], [1; 2], [1; 2], 1, false));
    let one = max_options([3], [2], [1], 1, true);
    assert_golden::<3>(&golden, "max_1d", |x| max_pool(x, &one).unwrap(), 1e-6);
    let three = |case: &str, options: MaxPoolOptions<3>| {
        assert_golden::<5>(&golden, case, |x| max_pool(x, &options).unwrap(), 1e-6);
    };
    three("max_3d", max_options([2, 3, 3], [2, 1, 2], [1; 3], 1, true));
    three(
        "max_3d_dilated",
        max_options([2; 3], [1; 3], [1; 3], 2, false),
    );
}

#[test]
fn golden_avg() {
    let golden = golden();
    let two = |case: &str, options: AvgPoolOptions<2>| {
        assert_golden::<4>(&golden, case, |x| avg_pool(x, &options).unwrap(), 1e-6);
    };
    two(
        "avg_3_2_1",
        avg_options([3; 2], [2; 2], [1; 2], false, true),
    );
    two(
        "avg_excluded",
        avg_options([3; 2], [2; 2], [1; 2], true, false),
    );
    two("avg_ceil", avg_options([3, 2], [2, 3], [1; 2], true, true));
    let divisor = avg_options([3; 2], [2; 2], [1; 2], true, true).with_divisor_override(5);
    two("avg_divisor", divisor);
    two("avg_sparse", AvgPoolOptions::new(2).with_stride(4));
    let one = avg_options([4], [3], [2], true, false);
    assert_golden::<3>(&golden, "avg_1d", |x| avg_pool(x, &one).unwrap(), 1e-6);
    let three = |case: &str, options: AvgPoolOptions<3>| {
        assert_golden::<5>(&golden, case, |x| avg_pool(x, &options).unwrap(), 1e-6);
    };
    three(
        "avg_3d",
        avg_options([2, 3, 3], [2, 1, 2], [1; 3], true, true),
    );
    three(
        "avg_3d_excluded",
        avg_options([3; 3], [2; 3], [1; 3], true, false),
    );
}

#[test]
fn golden_adaptive() {
    let golden = golden();
    let avg = |case: &str, size: [Option<usize>; 2]| {
        assert_golden::<4>(&golden, case, |x| adaptive_avg_pool(x, size).unwrap(), 1e-6);
    };
    avg("adaptive_avg", [Some(3), Some(4)]);
    avg("adaptive_avg_even", [Some(4), Some(2)]);
    avg("adaptive_avg_more", [Some(5), None]);
    avg("adaptive_avg_one", [Some(1); 2]);
    let one = |x| adaptive_avg_pool(x, [Some(4)]).unwrap();
    assert_golden::<3>(&golden, "adaptive_avg_1d", one, 1e-6);
    let size = [Some(2), Some(4), Some(3)];
    let three = |x| adaptive_avg_pool(x, size).unwrap();
    assert_golden::<5>(&golden, "adaptive_avg_3d", three, 1e-6);
    let two = |x| adaptive_max_pool(x, [Some(3), Some(4)]).unwrap();
    assert_golden::<4>(&golden, "adaptive_max", two, 1e-6);
    let one = |x| adaptive_max_pool(x, [Some(4)]).unwrap();
    assert_golden::<3>(&golden, "adaptive_max_1d", one, 1e-6);
    let three = |x| adaptive_max_pool(x, size).unwrap();
    assert_golden::<5>(&golden, "adaptive_max_3d", three, 1e-6);
}

#[test]
fn golden_lp() {
    let golden = golden();
    let ceil = LpPoolOptions::<2>::new(2.0, 3)
        .with_stride(2)
        .with_ceil_mode(true);
    assert_golden::<4>(&golden, "lp_2", |x| lp_pool(x, &ceil).unwrap(), 2e-6);
    let cube = LpPoolOptions::<2>::new(3.0, 2);
    assert_golden::<4>(&golden, "lp_3", |x| lp_pool(x.abs(), &cube).unwrap(), 2e-6);
    let sum = LpPoolOptions::<1>::new(1.0, 3).with_stride(2);
    assert_golden::<3>(&golden, "lp_1", |x| lp_pool(x, &sum).unwrap(), 2e-6);
    let three = LpPoolOptions::<3>::new(2.0, 2);
    assert_golden::<5>(&golden, "lp_3d", |x| lp_pool(x, &three).unwrap(), 2e-6);
}

/// A norm of zeros is 0 and has no slope.
#[test]
fn lp_of_zeros_has_gradient_zero() {
    let options = LpPoolOptions::<1>::new(2.0, 2);
    let zeros = [Tensor::<1>::zeros([4], &crate::testing::device())];
    let got = outcome(&zeros, |v| {
        lp_pool(v[0].clone().reshape([1, 1, 4]), &options)
            .unwrap()
            .flatten(0, 2)
    });
    assert_eq!(got, [vec![0.0; 2], vec![0.0; 4]]);
}

/// Shapes with remainders, more than one block a row, strides 1 to 3, and enough for all threads.
#[test]
fn kernels_equal_composed() {
    for (shape, kernel, stride, padding, dilation, ceil) in [
        ([3, 5, 17, 35], [3, 3], [2, 2], [1, 1], 1, false),
        ([2, 8, 64, 50], [2, 2], [2, 2], [0, 0], 1, true),
        ([1, 2, 9, 70], [3, 5], [1, 1], [1, 2], 1, false),
        ([2, 1, 13, 40], [4, 3], [3, 4], [2, 1], 1, true),
        ([2, 2, 300, 260], [3, 3], [3, 3], [1, 1], 1, false),
        ([1, 3, 20, 21], [2, 3], [2, 1], [0, 0], 3, false),
        ([2, 1, 1, 1], [1, 1], [1, 1], [0, 0], 1, false),
    ] {
        let leaves = [random([shape.iter().product()], 1)];
        let x = |v: &[Tensor<1>]| v[0].clone().reshape(shape);
        let step = |axis: usize| Step {
            taps: kernel[axis],
            stride: stride[axis],
            padding: padding[axis],
            dilation,
        };
        let axes = |count| [0, 1].map(|axis| strided(shape[2 + axis], step(axis), ceil, count));
        let g = |count| geometry("test", shape, axes(count)).unwrap();
        let what = format!("{shape:?} by {kernel:?}");
        assert_same_outcome(
            &format!("max of {what}"),
            &leaves,
            |v| max::apply(x(v), 2, g(false)).flatten(0, 3),
            |v| composed::max(x(v), &g(false)).flatten(0, 3),
            1e-6,
        );
        if dilation == 1 {
            for (count, divisor) in [(true, None), (false, None), (true, Some(3.0))] {
                assert_same_outcome(
                    &format!("mean of {what}"),
                    &leaves,
                    |v| avg::apply(x(v), 2, g(count), divisor).flatten(0, 3),
                    |v| composed::mean(x(v), &g(count), divisor).flatten(0, 3),
                    2e-6,
                );
            }
        }
    }
}

#[test]
fn gradients_are_the_derivatives() {
    let leaf = [random([2 * 3 * 9 * 8], 4)];
    let x = |v: &[Tensor<1>]| v[0].clone().reshape([2, 3, 9, 8]);
    let options = AvgPoolOptions::<2>::new(3).with_stride(2).with_padding(1);
    let mean = |v: &[Tensor<1>]| avg_pool(x(v), &options).unwrap().flatten(0, 3);
    assert_gradients("avg_pool", &leaf, mean, 1e-2, 1e-3);
    let options = MaxPoolOptions::<2>::new(3).with_stride(2).with_padding(1);
    let max = |v: &[Tensor<1>]| max_pool(x(v), &options).unwrap().flatten(0, 3);
    assert_gradients("max_pool", &leaf, max, 1e-4, 2e-2);
}

/// NaN is the largest, whichever comes before or after it; −∞ may be a maximum.
#[test]
fn nan_and_infinities_pass() {
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    let x = Tensor::<2>::from_floats(
        [[1.0, nan, 2.0, 3.0, low, low, low, nan]],
        &crate::testing::device(),
    );
    let y = values(&max_pool(x.clone(), &MaxPoolOptions::<1>::new(2)).unwrap());
    assert!(y[0].is_nan() && y[3].is_nan());
    assert_eq!(y[1..3], [3.0, low]);
    let y = values(&adaptive_max_pool(x, [Some(3)]).unwrap());
    assert!(y[0].is_nan() && y[2].is_nan() && y[1] == 3.0);
}

#[test]
fn input_may_lie_in_any_order_and_be_empty() {
    let permuted = random([2, 9, 7, 3], 1).permute([0, 3, 1, 2]);
    let copied = Tensor::<4>::from_data(permuted.clone().into_data(), &crate::testing::device());
    let max = |x| values(&max_pool(x, &MaxPoolOptions::<2>::new(2)).unwrap());
    assert_eq!(max(permuted.clone()), max(copied.clone()));
    let mean = |x| values(&avg_pool(x, &AvgPoolOptions::<2>::new(2)).unwrap());
    assert_eq!(mean(permuted), mean(copied.clone()));
    let one = copied.clone().narrow(0, 0, 1).reshape([3, 9, 7]);
    let unbatched = max_pool(one, &MaxPoolOptions::<2>::new(2)).unwrap();
    assert_eq!(
        values(&unbatched),
        max(copied.clone())[..values(&unbatched).len()]
    );
    let empty = || Tensor::<4>::zeros([0, 3, 9, 7], &crate::testing::device());
    let y = max_pool(empty(), &MaxPoolOptions::<2>::new(2)).unwrap();
    assert_eq!(y.dims(), [0, 3, 4, 3]);
    let y = avg_pool(empty(), &AvgPoolOptions::<2>::new(2)).unwrap();
    assert_eq!(y.dims(), [0, 3, 4, 3]);
    let y = adaptive_avg_pool(empty(), [Some(1); 2]).unwrap();
    assert_eq!(y.dims(), [0, 3, 1, 1]);
}

#[test]
fn result_does_not_depend_on_the_number_of_threads() {
    use crate::kernels::pool::{max, max_gradient, mean, mean_gradient};
    let shape = [4, 8, 33, 31];
    let step = Step {
        taps: 3,
        stride: 2,
        padding: 1,
        dilation: 1,
    };
    let axes = [
        strided(33, step, false, true),
        strided(31, step, false, true),
    ];
    let g = geometry("test", shape, axes).unwrap();
    let x = values(&random(shape, 1));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (y, at) = max(&x, &g);
            let (dx, m) = (max_gradient(&y, &at, &g), mean(&x, &g, None));
            let dm = mean_gradient(&m, &g, None);
            [y, dx, m, dm]
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn mistakes_are_errors() {
    let x = || random::<4>([1, 2, 5, 5], 1);
    let max = |options: MaxPoolOptions<2>| max_pool(x(), &options).unwrap_err().to_string();
    assert_eq!(
        max(MaxPoolOptions::new(3).with_padding(2)),
        "max_pool: `padding` must be at most half of the kernel's size, but is 2"
    );
    assert_eq!(
        max(MaxPoolOptions::new(6)),
        "max_pool: `x` must have room for the kernel, with a position of the input in every window, \
         but its shape is [1, 2, 5, 5]"
    );
    assert!(max(MaxPoolOptions::new(0)).contains("kernel_size"));
    assert!(max(MaxPoolOptions::new(2).with_stride(0)).contains("stride"));
    assert!(max(MaxPoolOptions::new(2).with_dilation(0)).contains("dilation"));
    assert!(max_pool(x(), &MaxPoolOptions::<1>::new(2)).is_err());
    assert!(max_pool(random::<4>([1, 0, 5, 5], 1), &MaxPoolOptions::<2>::new(2)).is_err());
    let one = random::<2>([1, 1], 1);
    let dilated = MaxPoolOptions::<1>::new(2).with_padding(1).with_dilation(2);
    assert!(max_pool(one, &dilated).is_err());
    let divisor = AvgPoolOptions::<2>::new(2).with_divisor_override(0);
    assert!(avg_pool(x(), &divisor).is_err());
    assert!(adaptive_avg_pool(x(), [Some(0), Some(1)]).is_err());
    assert!(lp_pool(x(), &LpPoolOptions::<2>::new(0.0, 2)).is_err());
}
