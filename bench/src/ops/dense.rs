//! Linear layers and attention.

use super::{axes, forward_backward, leaf};
use crate::suite::{Bench, Step};
use onggi::ops::attention::{AttentionOptions, scaled_dot_product_attention};
use onggi::ops::linear::linear as apply;

pub(super) const BENCHES: [Bench; 3] = [
    Bench {
        name: "linear",
        shape: &[64, 784],
        make: |shape| linear(shape, 256),
    },
    Bench {
        name: "linear_1536",
        shape: &[2048, 384],
        make: |shape| linear(shape, 1536),
    },
    Bench {
        name: "attention",
        shape: &[16, 6, 128, 64],
        make: attention,
    },
];

fn linear(shape: &[usize], outputs: usize) -> Step {
    let (x, weight) = (leaf::<2>(axes(shape)), leaf([outputs, shape[1]]));
    let bias = leaf([outputs]);
    forward_backward(move || {
        apply(x.clone(), weight.clone(), Some(bias.clone())).expect("valid sizes")
    })
}

fn attention(shape: &[usize]) -> Step {
    let [q, k, v] = [(); 3].map(|()| leaf::<4>(axes(shape)));
    forward_backward(move || {
        let options = AttentionOptions::default();
        scaled_dot_product_attention(q.clone(), k.clone(), v.clone(), options).expect("equal sizes")
    })
}
