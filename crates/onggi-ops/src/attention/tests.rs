use super::*;
use crate::testing::{
    assert_close, assert_gradients, assert_same_outcome, outcome, random, values,
};
use burn::tensor::FloatDType;

const KEY: Key = Key { seed: 4, stream: 9 };

/// Batch, heads, queries, keys, width and width of the values: one block of queries and several,
/// one of keys and several, odd edges, more keys than queries and the reverse.
const SIZES: [[usize; 6]; 6] = [
    [1, 1, 1, 1, 1, 1],
    [2, 3, 5, 7, 4, 6],
    [2, 2, 33, 130, 8, 8],
    [1, 2, 140, 70, 16, 5],
    [1, 2, 130, 530, 8, 12],
    [1, 1, 300, 257, 12, 4],
];

fn leaves([b, h, l, s, e, f]: [usize; 6]) -> Vec<Tensor<1>> {
    vec![
        random([b * h * l * e], 1),
        random([b * h * s * e], 2),
        random([b * h * s * f], 3),
    ]
}

fn inputs(v: &[Tensor<1>], [b, h, l, s, e, f]: [usize; 6]) -> [Tensor<4>; 3] {
    [
        v[0].clone().reshape([b, h, l, e]),
        v[1].clone().reshape([b, h, s, e]),
        v[2].clone().reshape([b, h, s, f]),
    ]
}

fn by_kernel(v: &[Tensor<1>], size: [usize; 6], options: AttentionOptions) -> Tensor<1> {
    let [q, k, v] = inputs(v, size);
    let y = scaled_dot_product_attention(q, k, v, options).unwrap();
    y.flatten(0, 3)
}

fn by_composition(v: &[Tensor<1>], size: [usize; 6], options: AttentionOptions) -> Tensor<1> {
    let [q, k, v] = inputs(v, size);
    let [batch, heads, queries, keys, width, value_width] = size;
    let sizes = Sizes {
        batch,
        heads,
        queries,
        keys,
        width,
        value_width,
    };
    let options = options.check("test", &sizes, &q).unwrap();
    composed::attend(q, k, v, &sizes, options).flatten(0, 3)
}

fn causal() -> AttentionOptions {
    AttentionOptions {
        is_causal: true,
        ..AttentionOptions::default()
    }
}

#[test]
fn kernel_equals_composed() {
    for size in SIZES {
        for is_causal in [false, true] {
            for dropout in [None, Some((0.3, KEY))] {
                for scale in [None, Some(-0.7)] {
                    let options = || AttentionOptions {
                        mask: None,
                        is_causal,
                        scale,
                        dropout,
                    };
                    assert_same_outcome(
                        &format!("{size:?}, causal {is_causal}, dropout {dropout:?}"),
                        &leaves(size),
                        |v| by_kernel(v, size, options()),
                        |v| by_composition(v, size, options()),
                        2e-5,
                    );
                }
            }
        }
    }
}

/// Additive masks get a gradient, summed over the axes along which they are the same; boolean ones
/// may leave rows without a key.
#[test]
fn masks_equal_composed() {
    for size in SIZES {
        let [b, h, l, s, ..] = size;
        for dims in [[b, h, l, s], [1, 1, l, s], [b, 1, 1, s], [1, h, 1, s]] {
            let mut leaves = leaves(size);
            leaves.push(random([dims.iter().product()], 5));
            let options = |v: &[Tensor<1>]| AttentionOptions {
                mask: Some(AttentionMask::Additive(v[3].clone().reshape(dims))),
                ..causal()
            };
            assert_same_outcome(
                &format!("{size:?}, additive {dims:?}"),
                &leaves,
                |v| by_kernel(v, size, options(v)),
                |v| by_composition(v, size, options(v)),
                2e-5,
            );
            let options = || AttentionOptions {
                mask: Some(AttentionMask::TakesPart(
                    random::<4>(dims, 6).greater_elem(0.0),
                )),
                ..AttentionOptions::default()
            };
            assert_same_outcome(
                &format!("{size:?}, boolean {dims:?}"),
                &leaves[..3],
                |v| by_kernel(v, size, options()),
                |v| by_composition(v, size, options()),
                2e-5,
            );
        }
    }
}

#[test]
fn a_query_without_keys_gets_zeros() {
    let size = [1, 2, 6, 300, 4, 3];
    let options = || AttentionOptions {
        mask: Some(AttentionMask::TakesPart(
            Tensor::<4>::zeros([1, 2, 6, 300], &crate::testing::device()).greater_elem(1.0),
        )),
        ..AttentionOptions::default()
    };
    for out in outcome(&leaves(size), |v| by_kernel(v, size, options())) {
        assert!(out.iter().all(|&v| v == 0.0));
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let size = [2, 2, 5, 6, 4, 3];
    for options in [AttentionOptions::default(), causal()] {
        let forward = |v: &[Tensor<1>]| by_kernel(v, size, options.clone());
        assert_gradients("attention", &leaves(size), forward, 1e-2, 5e-3);
    }
}

/// Heads in the last axis, apart or in one tensor, with the batch first or second.
#[test]
fn heads_in_the_last_axis() {
    let (b, h, l, s, e) = (3, 2, 5, 7, 4);
    for batch_first in [true, false] {
        let rows = |n: usize| {
            if batch_first {
                [b, n, h * e]
            } else {
                [n, b, h * e]
            }
        };
        let leaves = [
            random([b * l * h * e], 1),
            random([b * s * h * e], 2),
            random([b * s * h * e], 3),
        ];
        let parts = |v: &[Tensor<1>]| {
            let sizes = [l, s, s];
            std::array::from_fn::<_, 3, _>(|i| v[i].clone().reshape(rows(sizes[i])))
        };
        assert_same_outcome(
            &format!("apart, batch first: {batch_first}"),
            &leaves,
            |v| {
                let [q, k, v] = parts(v);
                let y = multi_head_attention(q, k, v, h, batch_first, causal()).unwrap();
                y.flatten(0, 2)
            },
            |v| {
                let [q, k, v] = parts(v).map(|x| composed::split(x, h, batch_first));
                let y = scaled_dot_product_attention(q, k, v, causal()).unwrap();
                composed::join(y, batch_first).flatten(0, 2)
            },
            1e-5,
        );
        let [a, c, _] = rows(l);
        for masked in [false, true] {
            let options = || AttentionOptions {
                mask: masked.then(|| AttentionMask::Additive(random([b, 1, l, l], 8))),
                ..causal()
            };
            assert_same_outcome(
                &format!("in one, batch first: {batch_first}"),
                &[random([b * l * 3 * h * e], 4)],
                |v| {
                    let qkv = v[0].clone().reshape([a, c, 3 * h * e]);
                    let y = multi_head_self_attention(qkv, h, batch_first, options()).unwrap();
                    y.flatten(0, 2)
                },
                |v| {
                    let qkv = v[0].clone().reshape([a, c, 3 * h * e]);
                    let third = |i: usize| {
                        let third = i * h * e..(i + 1) * h * e;
                        qkv.clone().slice([0..a, 0..c, third])
                    };
                    let [q, k, v] = [third(0), third(1), third(2)];
                    let y = multi_head_attention(q, k, v, h, batch_first, options()).unwrap();
                    y.flatten(0, 2)
                },
                1e-5,
            );
        }
    }
}

#[test]
fn weights_times_values_are_the_result() {
    let size = [2, 2, 5, 200, 4, 3];
    let [q, k, v] = inputs(&leaves(size), size);
    let options = || AttentionOptions {
        dropout: Some((0.5, KEY)),
        ..causal()
    };
    let y = scaled_dot_product_attention(q.clone(), k.clone(), v.clone(), options()).unwrap();
    let weights = attention_weights(q, k, options()).unwrap();
    assert!(values(&weights).contains(&0.0));
    assert_close("y", &values(&weights.matmul(v)), &values(&y), 1e-5);
}

/// A score far above the others, and scores whose exponentials overflow.
#[test]
fn large_scores() {
    let size = [1, 1, 3, 300, 4, 2];
    let mut leaves = leaves(size);
    leaves[0] = leaves[0].clone() * 300.0;
    assert_same_outcome(
        "large scores",
        &leaves,
        |v| by_kernel(v, size, AttentionOptions::default()),
        |v| by_composition(v, size, AttentionOptions::default()),
        1e-3,
    );
}

#[test]
fn empty_and_permuted_inputs() {
    if !crate::testing::skipped_without_empty() {
        let none = scaled_dot_product_attention(
            random([0, 2, 3, 4], 1),
            random([0, 2, 5, 4], 1),
            random([0, 2, 5, 6], 1),
            AttentionOptions::default(),
        );
        assert_eq!(none.unwrap().dims(), [0, 2, 3, 6]);
        for out in outcome(&[random([24], 1)], |leaf| {
            let q = leaf[0].clone().reshape([1, 2, 3, 4]);
            let [k, v] = [random([1, 2, 0, 4], 2), random([1, 2, 0, 2], 3)].map(Tensor::from_inner);
            let y = scaled_dot_product_attention(q, k, v, AttentionOptions::default()).unwrap();
            y.flatten(0, 3)
        }) {
            assert!(out.iter().all(|&v| v == 0.0));
        }
    }
    let x = random([2, 5, 3, 4], 1).swap_dims(1, 2);
    let copied = Tensor::from_data(x.clone().into_data(), &crate::testing::device());
    let y = |x: Tensor<4>| {
        let y = scaled_dot_product_attention(x.clone(), x.clone(), x, causal());
        values(&y.unwrap())
    };
    assert_eq!(y(x), y(copied));
}

#[test]
fn thread_count_does_not_change_a_bit() {
    if crate::testing::skipped("threads of the kernels") {
        return;
    }
    let size = [2, 3, 260, 270, 16, 16];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut leaves = leaves(size);
            leaves.push(random([270], 4));
            outcome(&leaves, |v| {
                let options = AttentionOptions {
                    mask: Some(AttentionMask::Additive(
                        v[3].clone().reshape([1, 1, 1, 270]),
                    )),
                    dropout: Some((0.1, KEY)),
                    ..causal()
                };
                by_kernel(v, size, options)
            })
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn mistakes_are_errors() {
    let x = |shape| random::<4>(shape, 1);
    let attend = |k: [usize; 4], options: AttentionOptions| {
        scaled_dot_product_attention(x([2, 3, 4, 5]), x(k), x([2, 3, 6, 5]), options)
    };
    assert_eq!(
        attend([2, 3, 6, 4], causal()).unwrap_err().to_string(),
        "scaled_dot_product_attention: `k` must have the shape [2, 3, 6, 5], to fit the queries \
         and values, but its shape is [2, 3, 6, 4]"
    );
    let masked = AttentionOptions {
        mask: Some(AttentionMask::Additive(x([2, 1, 4, 5]))),
        ..AttentionOptions::default()
    };
    assert_eq!(
        attend([2, 3, 6, 5], masked).unwrap_err().to_string(),
        "scaled_dot_product_attention: `mask` must have the shape [2, 3, 4, 6], or 1 in place of \
         some of its sizes, but its shape is [2, 1, 4, 5]"
    );
    for options in [
        AttentionOptions {
            scale: Some(f64::NAN),
            ..causal()
        },
        AttentionOptions {
            dropout: Some((1.5, KEY)),
            ..causal()
        },
    ] {
        assert!(attend([2, 3, 6, 5], options).is_err());
    }
    let rows = random::<3>([2, 3, 10], 1);
    for heads in [0, 3] {
        assert!(multi_head_self_attention(rows.clone(), heads, true, causal()).is_err());
    }
}

#[test]
fn double_precision_goes_by_the_composed_form() {
    if crate::testing::skipped_without_double() {
        return;
    }
    let x = random::<4>([1, 2, 3, 4], 1).cast(FloatDType::F64);
    let y = scaled_dot_product_attention(x.clone(), x.clone(), x, causal()).unwrap();
    assert_eq!(y.dtype(), burn::tensor::DType::F64);
}
