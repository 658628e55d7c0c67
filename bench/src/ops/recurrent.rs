//! Recurrent layers over whole sequences, `(L, N, features)` to 256 units.

use super::{forward_backward, leaf, normal};
use crate::suite::{Bench, Step};
use onggi::ops::recurrent::{Direction, Weights, gru as run_gru, lstm as run_lstm};

pub(super) const BENCHES: [Bench; 2] = [
    Bench {
        name: "lstm",
        shape: &[32, 64, 128],
        make: lstm,
    },
    Bench {
        name: "gru",
        shape: &[32, 64, 128],
        make: gru,
    },
];

const UNITS: usize = 256;

fn weights(gates: usize, features: usize) -> Weights {
    let small = |shape: [usize; 2]| (normal(shape) * 0.05).detach().require_grad();
    Weights {
        w_ih: small([gates * UNITS, features]),
        w_hh: small([gates * UNITS, UNITS]),
        bias: Some([leaf([gates * UNITS]), leaf([gates * UNITS])]),
    }
}

fn lstm(shape: &[usize]) -> Step {
    let [n, length, features] = super::axes(shape);
    let (x, weights) = (leaf([length, n, features]), weights(4, features));
    let zeros = normal([n, UNITS]).zeros_like();
    forward_backward(move || {
        let (h, c, direction) = (zeros.clone(), zeros.clone(), Direction::default());
        let out = run_lstm(x.clone(), h, c, weights.clone(), &direction);
        out.expect("valid sizes").0.y
    })
}

fn gru(shape: &[usize]) -> Step {
    let [n, length, features] = super::axes(shape);
    let (x, weights) = (leaf([length, n, features]), weights(3, features));
    let zeros = normal([n, UNITS]).zeros_like();
    forward_backward(move || {
        let out = run_gru(
            x.clone(),
            zeros.clone(),
            weights.clone(),
            &Direction::default(),
        );
        out.expect("valid sizes").y
    })
}
