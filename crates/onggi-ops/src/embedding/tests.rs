use super::*;
use crate::testing::{assert_same_outcome, outcome, random, values};
use burn::tensor::TensorData;

/// `count` rows of a table of `rows`, some of them several times.
fn indices(count: usize, rows: usize) -> Tensor<1, Int> {
    let indices: Vec<i64> = (0..count).map(|i| (i * i * 7 % rows) as i64).collect();
    Tensor::from_data(TensorData::new(indices, [count]), &crate::testing::device())
}

#[test]
fn kernel_equals_composed() {
    for (rows, width, count) in [(1, 1, 3), (11, 5, 40), (50, 33, 0), (300, 64, 1000)] {
        if count == 0 && crate::testing::skipped_without_empty() {
            continue;
        }
        for padding in [None, Some(0)] {
            let table = |v: &[Tensor<1>]| v[0].clone().reshape([rows, width]);
            assert_same_outcome(
                &format!("{rows}×{width}, {count} indices, padding {padding:?}"),
                &[random([rows * width], 1)],
                |v| {
                    let y: Tensor<2> = embedding(table(v), indices(count, rows), padding).unwrap();
                    y.flatten(0, 1)
                },
                |v| composed(table(v), indices(count, rows), padding).flatten(0, 1),
                1e-6,
            );
        }
    }
}

fn bags(weights: Option<Tensor<1>>) -> [Bag; 3] {
    [Bag::Sum { weights }, Bag::Mean, Bag::Max]
}

#[test]
fn bags_equal_composed() {
    for (rows, width, count, offsets) in [
        (11, 5, 40, vec![0, 0, 7, 8, 39, 40]),
        (300, 64, 1000, (0..100).map(|i| i * i / 10).collect()),
    ] {
        for padding in [None, Some(7)] {
            for weighted in [false, true] {
                let leaves = [random([rows * width], 1), random([count], 2)];
                let leaves = &leaves[..1 + usize::from(weighted)];
                for (kind, name) in ["sum", "mean", "max"].into_iter().enumerate() {
                    if weighted && kind > 0 {
                        continue;
                    }
                    let run = |v: &[Tensor<1>], kernel: bool| {
                        let table = v[0].clone().reshape([rows, width]);
                        let bag = bags(v.get(1).cloned())[kind].clone();
                        let indices = indices(count, rows);
                        let y = if kernel {
                            embedding_bag(table, indices, &offsets, bag, padding).unwrap()
                        } else {
                            bag::composed(table, indices, &offsets, bag, padding)
                        };
                        y.flatten(0, 1)
                    };
                    assert_same_outcome(
                        &format!("{name} of {count}, padding {padding:?}, weighted {weighted}"),
                        leaves,
                        |v| run(v, true),
                        |v| run(v, false),
                        1e-5,
                    );
                }
            }
        }
    }
}

#[test]
fn rows_that_were_not_looked_up_get_zeros() {
    let out = outcome(&[random([12], 1)], |v| {
        let indices = Tensor::<2, Int>::from_ints([[1, 1], [3, 1]], &crate::testing::device());
        let y: Tensor<3> = embedding(v[0].clone().reshape([4, 3]), indices, Some(3)).unwrap();
        assert_eq!(y.dims(), [2, 2, 3]);
        y.flatten(0, 2)
    });
    let gradient = &out[1];
    assert!(gradient[3..6].iter().all(|&v| v != 0.0));
    assert!(
        [&gradient[..3], &gradient[6..]]
            .concat()
            .iter()
            .all(|&v| v == 0.0)
    );
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
            let leaves = [random([500 * 64], 1), random([3000], 2)];
            let table = |v: &[Tensor<1>]| v[0].clone().reshape([500, 64]);
            let one = outcome(&leaves[..1], |v| {
                let y: Tensor<2> = embedding(table(v), indices(3000, 500), None).unwrap();
                y.flatten(0, 1)
            });
            let offsets: Vec<usize> = (0..300).map(|i| i * 10).collect();
            let bagged = (0..3).map(|kind| {
                let leaves = if kind == 0 { &leaves[..] } else { &leaves[..1] };
                outcome(leaves, |v| {
                    let bag = bags(v.get(1).cloned())[kind].clone();
                    let indices = indices(3000, 500);
                    let y = embedding_bag(table(v), indices, &offsets, bag, None).unwrap();
                    y.flatten(0, 1)
                })
            });
            (one, bagged.collect::<Vec<_>>())
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn mistakes_are_errors() {
    let table = || random([4, 3], 1);
    let of = |indices: [i64; 2]| Tensor::<1, Int>::from_ints(indices, &crate::testing::device());
    let message = |indices| {
        let y: Result<Tensor<2>, _> = embedding(table(), of(indices), None);
        y.unwrap_err().to_string()
    };
    if !crate::testing::skipped("the range of indices, which would have to be fetched from it") {
        assert_eq!(
            message([0, 4]),
            "embedding: index 4 at position 1 is outside of the table's 4 rows"
        );
        assert_eq!(
            message([-1, 0]),
            "embedding: index -1 at position 0 is outside of the table's 4 rows"
        );
    }
    assert!(embedding::<1, 2>(table(), of([0, 1]), Some(4)).is_err());
    assert!(embedding::<1, 3>(table(), of([0, 1]), None).is_err());
    let bag = |offsets: &[usize]| embedding_bag(table(), of([0, 1]), offsets, Bag::Mean, None);
    assert_eq!(
        bag(&[0, 3]).unwrap_err().to_string(),
        "embedding_bag: `offsets` must begin with 0, not fall, and stay within the 2 indices, but \
         are [0, 3]"
    );
    assert!(bag(&[]).is_err() && bag(&[1]).is_err() && bag(&[0, 2, 1]).is_err());
    let weights = Some(random([3], 1));
    assert!(embedding_bag(table(), of([0, 1]), &[0], Bag::Sum { weights }, None).is_err());
}

#[test]
fn indices_and_table_may_lie_in_any_order() {
    let table = random([5, 7], 1).transpose();
    let indices = Tensor::<2, Int>::from_ints([[0, 1, 2], [3, 4, 6]], &crate::testing::device());
    let y: Tensor<3> = embedding(table.clone(), indices.transpose(), None).unwrap();
    let copied = Tensor::from_data(table.into_data(), &crate::testing::device());
    let order = Tensor::<1, Int>::from_ints([0, 3, 1, 4, 2, 6], &crate::testing::device());
    let expected: Tensor<2> = embedding(copied, order, None).unwrap();
    assert_eq!(values(&y), values(&expected));
}
