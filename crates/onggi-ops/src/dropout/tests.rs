use super::*;
use crate::testing::{self, values};
use proptest::prelude::*;

const KEY: Key = Key {
    seed: 11,
    stream: 3,
};

fn random(len: usize) -> Tensor<1> {
    testing::random([len], 5) * 2.0 + 1.0
}

#[test]
fn gradient_is_the_upstream_gradient_through_the_same_mask() {
    let (x, dy) = (
        Tensor::from_inner(random(1000)).require_grad(),
        random(1000) * 3.0 + 1.0,
    );
    let y = dropout(x.clone(), 0.3, KEY).unwrap();
    let grads = (y.clone() * Tensor::from_inner(dy.clone()))
        .sum()
        .backward();
    let (x_values, y, dy) = (values(&x), values(&y), values(&dy));
    let dx = values(&x.grad(&grads).unwrap());
    let scale = (1.0 / (1.0 - (0.3f64 * 65536.0).round() / 65536.0)) as f32;
    for i in 0..1000 {
        let factor = if y[i] == 0.0 { 0.0 } else { scale };
        assert!((y[i] - x_values[i] * factor).abs() < 1e-5);
        assert!(
            (dx[i] - dy[i] * factor).abs() < 1e-5,
            "{i}: {} {}",
            dx[i],
            dy[i] * factor
        );
    }
    assert!(y.contains(&0.0));
}

/// Binomial: 4.5 standard deviations, for a key that is fixed.
#[test]
fn keeps_the_asked_share() {
    for p in [0.01, 0.1, 0.5, 0.9] {
        let n = 200_000;
        let y = dropout(Tensor::<1>::ones([n], &crate::testing::device()), p, KEY).unwrap();
        let dropped = values(&y).iter().filter(|&&v| v == 0.0).count() as f64;
        let deviation = (n as f64 * p * (1.0 - p)).sqrt();
        assert!(
            (dropped - n as f64 * p).abs() < 4.5 * deviation,
            "p {p}: {dropped}"
        );
    }
}

#[test]
fn neighbours_are_independent() {
    let y = values(
        &dropout(
            Tensor::<1>::ones([400_000], &crate::testing::device()),
            0.5,
            KEY,
        )
        .unwrap(),
    );
    for distance in [1, 16, 32, 64, 128] {
        let pairs = y.iter().zip(&y[distance..]);
        let both = pairs.filter(|(a, b)| **a > 0.0 && **b > 0.0).count() as f64;
        let share = both / (y.len() - distance) as f64;
        assert!((share - 0.25).abs() < 0.005, "distance {distance}: {share}");
    }
}

#[test]
fn kernel_equals_composed_default_to_the_bit() {
    for len in [1, 63, 64, 65, 40_000, 70_001] {
        let dropout = Dropout {
            threshold: 1 << 14,
            scale: 4.0 / 3.0,
            key: KEY,
        };
        let got = values(&dropout.run(random(len)));
        let expected = testing::on_cpu(|| values(&dropout.composed(random(len))));
        assert_eq!(got, expected, "{len}");
        assert_eq!(got.contains(&0.0), len > 1);
    }
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
        pool.install(|| values(&dropout(random(100_003), 0.4, KEY).unwrap()))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn extremes() {
    let x = random(10);
    assert_eq!(values(&dropout(x.clone(), 0.0, KEY).unwrap()), values(&x));
    assert_eq!(values(&dropout(x.clone(), 1.0, KEY).unwrap()), [0.0; 10]);
    let infinite = Tensor::<1>::full([100], f32::INFINITY, &crate::testing::device());
    let y = values(&dropout(infinite, 0.5, KEY).unwrap());
    assert!(y.iter().all(|&v| v == 0.0 || v == f32::INFINITY));
    assert_eq!(
        dropout(x.clone(), -0.1, KEY).unwrap_err().to_string(),
        "dropout: `p` must be between 0 and 1, but is -0.1"
    );
    assert!(dropout(x, f64::NAN, KEY).is_err());
}

proptest! {
    #[test]
    fn element_depends_on_key_and_index_alone(len in 1usize..5000, more in 0usize..5000) {
        let short = dropout(Tensor::<1>::ones([len], &crate::testing::device()), 0.5, KEY).unwrap();
        let long = dropout(Tensor::<1>::ones([len + more], &crate::testing::device()), 0.5, KEY).unwrap();
        prop_assert_eq!(&values(&short)[..], &values(&long)[..len]);
    }
}
