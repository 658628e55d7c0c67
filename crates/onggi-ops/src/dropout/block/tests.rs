use super::*;
use crate::testing::{outcome, random, values};

const KEY: Key = Key { seed: 4, stream: 1 };

fn drop(shape: [usize; 4], p: f64, block: usize) -> Vec<f32> {
    values(
        &drop_block2d(
            Tensor::ones(shape, &crate::testing::device()),
            p,
            block,
            KEY,
        )
        .unwrap(),
    )
}

#[test]
fn dropped_elements_lie_in_whole_blocks() {
    for (h, w, b) in [(16, 16, 3), (9, 21, 5), (8, 8, 2), (7, 7, 7), (4, 9, 7)] {
        let y = drop([20, 5, h, w], 0.2, b);
        assert!(y.contains(&0.0), "{h} × {w}, {b}");
        let b = b.min(h).min(w);
        for plane in y.chunks(h * w) {
            let mut covered = vec![false; h * w];
            let inside = |i: usize, j: usize| (0..b * b).map(move |k| (i + k / b) * w + j + k % b);
            for i in 0..=h - b {
                for j in 0..=w - b {
                    if inside(i, j).all(|at| plane[at] == 0.0) {
                        inside(i, j).for_each(|at| covered[at] = true);
                    }
                }
            }
            for (at, covered) in covered.into_iter().enumerate() {
                assert_eq!(plane[at] == 0.0, covered, "{h} × {w}, {b}: {at}");
            }
        }
    }
}

/// A plane of size b holds one block, with probability γ = p.
#[test]
fn seeds_have_the_share_gamma() {
    let n = 40_000;
    let y = drop([n, 1, 3, 3], 0.1, 3);
    let dropped = y.chunks(9).filter(|plane| plane[0] == 0.0).count() as f64;
    let deviation = (n as f64 * 0.1 * 0.9).sqrt();
    assert!(
        (dropped - n as f64 * 0.1).abs() < 4.5 * deviation,
        "{dropped}"
    );
}

/// An inner pixel is kept if none of the 9 blocks over it starts.
#[test]
fn an_inner_pixel_is_dropped_by_any_of_its_blocks() {
    let (h, p) = (15, 0.15);
    let gamma = p * 225.0 / (9.0 * 169.0);
    let share = 1.0 - (1.0f64 - gamma).powi(9);
    let y = drop([2000, 4, h, h], p, 3);
    let centre = y
        .chunks(h * h)
        .filter(|plane| plane[7 * h + 7] == 0.0)
        .count() as f64;
    let deviation = (8000.0 * share * (1.0 - share)).sqrt();
    assert!(
        (centre - 8000.0 * share).abs() < 4.5 * deviation,
        "{centre}"
    );
}

#[test]
fn the_mean_of_a_constant_is_kept_and_the_gradient_is_the_mask() {
    let shape = [2, 3, 12, 12];
    let drop = |leaves: &[Tensor<1>]| {
        let x = leaves[0].clone().reshape(shape);
        drop_block2d(x, 0.3, 3, KEY).unwrap().reshape([-1])
    };
    let len = shape.iter().product();
    let outcome = outcome(&[Tensor::ones([len], &crate::testing::device())], drop);
    let mean = outcome[0].iter().sum::<f32>() / len as f32;
    assert!((mean - 1.0).abs() < 1e-5, "{mean}");
    let dy = values(&random([len], 0x5eed));
    for i in 0..len {
        assert_eq!(outcome[1][i], dy[i] * outcome[0][i]);
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
        pool.install(|| drop([8, 16, 15, 15], 0.2, 5))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn extremes() {
    assert_eq!(drop([2, 3, 4, 4], 0.0, 3), [1.0; 96]);
    assert!(
        drop([2, 3, 4, 4], 1.0, 1)
            .iter()
            .filter(|&&y| y != 0.0)
            .count()
            < 2
    );
    assert!(drop([0, 3, 4, 4], 0.5, 3).is_empty());
    assert!(drop([2, 3, 0, 4], 0.5, 3).is_empty());
    let refused = |p, block| {
        let x = Tensor::ones([1, 1, 4, 4], &crate::testing::device());
        drop_block2d(x, p, block, KEY).unwrap_err().to_string()
    };
    assert_eq!(
        refused(0.1, 0),
        "drop_block2d: `block_size` must be at least 1, but is 0"
    );
    assert_eq!(
        refused(1.5, 3),
        "drop_block2d: `p` must be between 0 and 1, but is 1.5"
    );
}
