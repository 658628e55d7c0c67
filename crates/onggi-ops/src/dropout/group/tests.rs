use super::*;
use crate::testing::{assert_same_outcome, outcome, random, values};

const KEY: Key = Key {
    seed: 11,
    stream: 4,
};

#[test]
fn kernel_equals_composed() {
    for (shape, axes) in [
        ([1, 1, 1, 1], 2),
        ([2, 3, 5, 7], 2),
        ([8, 16, 13, 11], 2),
        ([2, 3, 200, 200], 2),
        ([64, 600, 1, 1], 2),
        ([9, 16, 13, 11], 1),
    ] {
        let groups = shape[..axes].iter().product();
        let groups = Groups::new(groups, 1 << 14, 4.0 / 3.0, KEY);
        let leaf = random([shape.iter().product()], 1);
        let x = |leaves: &[Tensor<1>]| leaves[0].clone().reshape(shape);
        assert_same_outcome(
            &format!("{shape:?}"),
            &[leaf],
            |leaves| groups.clone().apply(x(leaves), axes).reshape([-1]),
            |leaves| groups.composed(x(leaves), axes).reshape([-1]),
            0.0,
        );
    }
}

/// Binomial: 4.5 standard deviations, for a key that is fixed.
#[test]
fn drops_the_asked_share_of_whole_channels() {
    let (n, c, l) = (200, 100, 3);
    for p in [0.05, 0.5, 0.8] {
        let y = channel_dropout(
            Tensor::<3>::ones([n, c, l], &crate::testing::device()),
            p,
            KEY,
        )
        .unwrap();
        let y = values(&y);
        let channels: Vec<_> = y.chunks(l).collect();
        let scale = (1.0 / (1.0 - (p * 65536.0).round() / 65536.0)) as f32;
        assert!(
            (channels.iter()).all(|c| c.iter().all(|&v| v == c[0] && (v == 0.0 || v == scale)))
        );
        let dropped = channels.iter().filter(|c| c[0] == 0.0).count() as f64;
        let draws = (n * c) as f64;
        let deviation = (draws * p * (1.0 - p)).sqrt();
        assert!(
            (dropped - draws * p).abs() < 4.5 * deviation,
            "p {p}: {dropped}"
        );
    }
}

#[test]
fn gradient_is_the_upstream_gradient_through_the_same_mask() {
    let drop = |leaves: &[Tensor<1>]| {
        let x = leaves[0].clone().reshape([10, 5, 4]);
        channel_dropout(x, 0.4, KEY).unwrap().reshape([-1])
    };
    let factors = outcome(&[Tensor::ones([200], &crate::testing::device())], drop);
    let upstream = values(&random([200], 0x5eed));
    assert!(factors[0].contains(&0.0));
    for ((dx, factor), dy) in factors[1].iter().zip(&factors[0]).zip(upstream) {
        assert_eq!(*dx, dy * factor);
    }
}

#[test]
fn a_path_is_dropped_by_sample_and_may_stay_unscaled() {
    for (scale_by_keep, kept) in [(true, 2.0), (false, 1.0)] {
        let x = Tensor::<2>::ones([4000, 3], &crate::testing::device());
        let y = values(&drop_path(x, 0.5, scale_by_keep, KEY).unwrap());
        assert!(y.chunks(3).all(|row| row == [0.0; 3] || row == [kept; 3]));
        let dropped = y.chunks(3).filter(|row| row[0] == 0.0).count() as f64;
        assert!((dropped - 2000.0).abs() < 4.5 * 1000f64.sqrt(), "{dropped}");
    }
}

#[test]
fn a_permuted_input_is_dropped_by_its_own_axes() {
    let x = random([6, 8, 10], 1);
    let permuted = channel_dropout(x.clone().permute([2, 0, 1]), 0.5, KEY).unwrap();
    let copied =
        Tensor::<3>::from_data(x.permute([2, 0, 1]).into_data(), &crate::testing::device());
    let copied = channel_dropout(copied, 0.5, KEY).unwrap();
    assert_eq!(values(&permuted), values(&copied));
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
        pool.install(|| values(&channel_dropout(random([7, 9, 1601], 1), 0.4, KEY).unwrap()))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn extremes() {
    let x = random([4, 5, 2], 1);
    let drop = |p| channel_dropout(x.clone(), p, KEY);
    assert_eq!(values(&drop(0.0).unwrap()), values(&x));
    assert_eq!(values(&drop(1.0).unwrap()), [0.0; 40]);
    assert_eq!(
        drop(1.1).unwrap_err().to_string(),
        "channel_dropout: `p` must be between 0 and 1, but is 1.1"
    );
    assert!(drop(f64::NAN).is_err());
    assert_eq!(
        channel_dropout(random([3], 1), 0.5, KEY)
            .unwrap_err()
            .to_string(),
        "channel_dropout: `x` must have at least two axes (N, C, …), but its shape is [3]"
    );
    if !crate::testing::skipped_without_nan() {
        let infinite = Tensor::<2>::full([10, 10], f32::INFINITY, &crate::testing::device());
        let y = values(&channel_dropout(infinite, 0.5, KEY).unwrap());
        assert!(y.iter().all(|&v| v == 0.0 || v == f32::INFINITY));
    }
    if crate::testing::skipped_without_empty() {
        return;
    }
    for shape in [[0, 3, 4], [2, 0, 4], [2, 3, 0]] {
        let empty = Tensor::<3>::zeros(shape, &crate::testing::device());
        assert_eq!(
            channel_dropout(empty.clone(), 0.5, KEY).unwrap().dims(),
            shape
        );
        assert_eq!(drop_path(empty, 0.5, true, KEY).unwrap().dims(), shape);
    }
}
