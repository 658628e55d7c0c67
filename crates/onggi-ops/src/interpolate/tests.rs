use super::*;
use crate::testing::{
    Golden, assert_golden, assert_gradients, assert_same_outcome, random, values,
};

const EDGES: Interpolation = Interpolation::Linear {
    align_corners: false,
};
const CORNERS: Interpolation = Interpolation::Linear {
    align_corners: true,
};

#[test]
fn golden() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let golden = Golden::open(&format!("{fixtures}/resample.safetensors"));
    let one = |case: &str, size: Size<1>, mode| {
        assert_golden::<3>(&golden, case, |x| interpolate(x, size, mode).unwrap(), 1e-6);
    };
    let two = |case: &str, size: Size<2>, mode| {
        assert_golden::<4>(&golden, case, |x| interpolate(x, size, mode).unwrap(), 1e-6);
    };
    let three = |case: &str, size: Size<3>, mode| {
        assert_golden::<5>(&golden, case, |x| interpolate(x, size, mode).unwrap(), 1e-6);
    };
    let cubic = |align_corners| Interpolation::Cubic { align_corners };
    one("nearest_1d", Size::To([7]), Interpolation::Nearest);
    two("nearest_2d", Size::To([9, 3]), Interpolation::Nearest);
    two(
        "nearest_scale",
        Size::Scale([1.05, 2.3]),
        Interpolation::Nearest,
    );
    three("nearest_3d", Size::Scale([2.0; 3]), Interpolation::Nearest);
    two(
        "nearest_exact",
        Size::To([11, 4]),
        Interpolation::NearestExact,
    );
    one("linear_1d", Size::To([11]), EDGES);
    one("linear_corners_1d", Size::Scale([1.7]), CORNERS);
    two("linear_2d", Size::Scale([2.0; 2]), EDGES);
    two("linear_odd_2d", Size::To([3, 12]), EDGES);
    two("linear_scale_2d", Size::Scale([1.3, 0.65]), EDGES);
    two("linear_corners_2d", Size::To([3, 12]), CORNERS);
    two("linear_one_2d", Size::To([1, 3]), CORNERS);
    three("linear_3d", Size::To([5, 3, 8]), EDGES);
    three("linear_corners_3d", Size::To([5, 3, 8]), CORNERS);
    two("cubic", Size::To([9, 4]), cubic(false));
    two("cubic_scale", Size::Scale([1.7, 2.3]), cubic(false));
    two("cubic_corners", Size::To([9, 4]), cubic(true));
    two("cubic_small", Size::To([5, 3]), cubic(false));
}

/// Enlarged, made smaller, one axis kept, enough for all threads.
#[test]
fn kernel_equals_composed() {
    let cubic = Interpolation::Cubic {
        align_corners: false,
    };
    for (shape, size) in [
        ([2, 3, 7, 9], [15, 21]),
        ([2, 3, 17, 19], [5, 33]),
        ([2, 3, 5, 33], [17, 9]),
        ([8, 8, 20, 20], [20, 41]),
        ([8, 8, 20, 20], [7, 20]),
        ([1, 1, 1, 1], [3, 2]),
    ] {
        for mode in [
            Interpolation::Nearest,
            Interpolation::NearestExact,
            EDGES,
            CORNERS,
            cubic,
        ] {
            let x = |v: &[Tensor<1>]| v[0].clone().reshape(shape);
            assert_same_outcome(
                &format!("{shape:?} to {size:?} by {mode:?}"),
                &[random([shape.iter().product()], 1)],
                |v| {
                    interpolate(x(v), Size::To(size), mode)
                        .unwrap()
                        .flatten(0, 3)
                },
                |v| {
                    let matrices = [0, 1].map(|i| matrix(shape[2 + i], size[i], None, mode));
                    let y = composed(x(v), 2, &matrices[0]);
                    composed(y, 3, &matrices[1]).flatten(0, 3)
                },
                2e-6,
            );
        }
    }
}

#[test]
fn gradients_are_the_derivatives() {
    let resized = |v: &[Tensor<1>]| {
        let x = v[0].clone().reshape([2, 1, 4, 5]);
        interpolate(x, Size::Scale([1.7, 0.7]), EDGES)
            .unwrap()
            .flatten(0, 3)
    };
    assert_gradients("interpolate", &[random([40], 1)], resized, 1e-2, 1e-3);
}

#[test]
fn result_does_not_depend_on_the_number_of_threads() {
    let x = values(&random([6, 8, 30, 30], 1));
    let sizes = [matrix(30, 47, None, EDGES), matrix(30, 61, None, EDGES)];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| resample(&x, 48, sizes.each_ref()))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn input_may_lie_in_any_order_and_be_empty() {
    let permuted = random([2, 9, 7, 3], 1).permute([0, 3, 1, 2]);
    let copied = Tensor::<4>::from_data(permuted.clone().into_data(), &crate::testing::device());
    let y = |x| values(&interpolate(x, Size::To([4, 11]), EDGES).unwrap());
    assert_eq!(y(permuted), y(copied));
    if crate::testing::skipped_without_empty() {
        return;
    }
    let empty = Tensor::<4>::zeros([0, 3, 9, 7], &crate::testing::device());
    let y = interpolate(empty, Size::To([4, 11]), EDGES).unwrap();
    assert_eq!(y.dims(), [0, 3, 4, 11]);
}

#[test]
fn mistakes_are_errors() {
    let x = || random::<3>([1, 1, 5], 1);
    let message = |size| interpolate(x(), size, EDGES).unwrap_err().to_string();
    assert_eq!(
        message(Size::Scale([0.1])),
        "interpolate: `the output's size` must be at least 1, but is 0"
    );
    assert!(message(Size::Scale([f64::NAN])).contains("scale"));
    assert!(message(Size::To([0])).contains("at least 1"));
    let cubic = Interpolation::Cubic {
        align_corners: false,
    };
    assert!(interpolate(x(), Size::To([4]), cubic).is_err());
    assert!(interpolate(x(), Size::To([4, 4]), EDGES).is_err());
}
