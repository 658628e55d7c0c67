use super::*;
use crate::testing::{assert_gradients, assert_same_outcome, outcome, random, values};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lstm,
    Gru,
    Rnn(Nonlinearity),
}

use Kind::*;

impl Kind {
    fn gates(self) -> usize {
        match self {
            Lstm => 4,
            Gru => 3,
            Rnn(_) => 1,
        }
    }
}

#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    /// Steps, batch, input, hidden.
    sizes: [usize; 4],
    bias: bool,
    direction: Direction,
}

impl Case {
    /// `x`, `h0`, `c0`, `w_ih`, `w_hh`, and `b_ih` and `b_hh` if there are any.
    fn leaves(&self) -> Vec<Tensor<1>> {
        let [steps, batch, input, hidden] = self.sizes;
        let rows = self.kind.gates() * hidden;
        let spread = 1.0 / (hidden as f64).sqrt();
        let mut leaves = vec![
            random([steps * batch * input], 1),
            random([batch * hidden], 2),
            random([batch * hidden], 3),
            random([rows * input], 4) * spread,
            random([rows * hidden], 5) * spread,
        ];
        if self.bias {
            leaves.extend([6, 7].map(|seed| random([rows], seed) * spread));
        }
        if self.kind != Lstm {
            leaves.remove(2);
        }
        leaves
    }

    /// `y`, `h` and `c` side by side.
    fn run(&self, leaves: &[Tensor<1>], by_kernel: bool) -> Tensor<1> {
        let [steps, batch, input, hidden] = self.sizes;
        let rows = self.kind.gates() * hidden;
        let mut leaves = leaves.iter().cloned();
        let mut next = || leaves.next().unwrap();
        let x = next().reshape([steps, batch, input]);
        let h0 = next().reshape([batch, hidden]);
        let c0 = match self.kind {
            Lstm => next().reshape([batch, hidden]),
            _ => Tensor::zeros_like(&h0),
        };
        let weights = Weights {
            w_ih: next().reshape([rows, input]),
            w_hh: next().reshape([rows, hidden]),
            bias: self.bias.then(|| [next(), next()]),
        };
        let d = &self.direction;
        let (run, c) = match (self.kind, by_kernel) {
            (Lstm, true) => lstm(x, h0, c0, weights, d).unwrap(),
            (Gru, true) => (gru(x, h0, weights, d).unwrap(), c0),
            (Rnn(f), true) => (rnn(x, h0, weights, f, d).unwrap(), c0),
            (Lstm, false) => composed::run(x, [h0, c0], weights, d, super::lstm::step),
            (Gru, false) => composed::run(x, [h0, c0], weights, d, super::gru::step),
            (Rnn(f), false) => {
                let step = |sums, states| super::rnn::step(f, sums, states);
                composed::run(x, [h0, c0], weights, d, step)
            }
        };
        let mut parts = vec![run.y.flatten::<1>(0, 2), run.h.flatten(0, 1)];
        if self.kind == Lstm {
            parts.push(c.flatten(0, 1));
        }
        Tensor::cat(parts, 0)
    }
}

/// Each kind on each of `sizes`, in both directions, with lengths and without, with a bias and
/// without.
fn cases(sizes: &[[usize; 4]]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &sizes in sizes {
        let [steps, batch, ..] = sizes;
        for kind in [Lstm, Gru, Rnn(Nonlinearity::Tanh), Rnn(Nonlinearity::Relu)] {
            for variant in 0..4 {
                let lengths = (0..batch).map(|i| (i * 7 + 3) % (steps + 1)).collect();
                cases.push(Case {
                    kind,
                    sizes,
                    bias: variant < 3,
                    direction: Direction {
                        reverse: variant % 2 == 1,
                        lengths: (variant > 1).then_some(lengths),
                    },
                });
            }
        }
    }
    cases
}

/// Sizes that reach every path: one value; remainders of tiles and lanes; several parts of the
/// batch; a sum of several blocks.
#[test]
fn kernel_equals_composed_default() {
    for case in cases(&[
        [1, 1, 1, 1],
        [5, 3, 7, 5],
        [4, 37, 18, 33],
        [3, 17, 270, 40],
    ]) {
        assert_same_outcome(
            &format!("{case:?}"),
            &case.leaves(),
            |v| case.run(v, true),
            |v| case.run(v, false),
            2e-5,
        );
    }
}

#[test]
fn gradients_are_those_of_differences() {
    for case in cases(&[[4, 3, 5, 6]]) {
        if case.kind != Rnn(Nonlinearity::Relu) {
            let run = |v: &[Tensor<1>]| case.run(v, true);
            assert_gradients(&format!("{case:?}"), &case.leaves(), run, 1e-2, 1e-2);
        }
    }
}

#[test]
fn thread_count_does_not_change_a_bit() {
    if crate::testing::skipped("threads of the kernels") {
        return;
    }
    for case in cases(&[[9, 37, 30, 48]]) {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| outcome(&case.leaves(), |v| case.run(v, true)))
        };
        assert_eq!(run(1), run(3), "{case:?}");
    }
}

/// What lies behind a sequence's end does not matter, and its outputs there are 0.
#[test]
fn a_sequence_ends_at_its_length() {
    let device = crate::testing::device();
    for reverse in [false, true] {
        let run = |x: Tensor<3>, lengths: Option<Vec<usize>>| {
            let [_, batch, _] = x.dims();
            let weights = Weights {
                w_ih: random([12, 2], 1),
                w_hh: random([12, 4], 2),
                bias: None,
            };
            let h0 = Tensor::ones([batch, 4], &device);
            gru(x, h0, weights, &Direction { reverse, lengths }).unwrap()
        };
        let x = random([5, 2, 2], 3);
        let both = run(x.clone(), Some(vec![5, 3]));
        let alone = run(x.narrow(0, 0, 3).narrow(1, 1, 1), None);
        let of_second = |t: Tensor<3>| values(&t.narrow(1, 1, 1));
        let y = of_second(both.y);
        assert_eq!(y[..12], values(&alone.y));
        assert_eq!(y[12..], [0.0; 8]);
        assert_eq!(values(&both.h.narrow(0, 1, 1)), values(&alone.h));
    }
}

#[test]
fn input_may_lie_in_any_order_and_batches_may_be_empty() {
    let device = crate::testing::device();
    let weights = || Weights {
        w_ih: random([8, 3], 1),
        w_hh: random([8, 2], 2),
        bias: None,
    };
    let run = |x: Tensor<3>| {
        let [_, batch, _] = x.dims();
        let zeros = || Tensor::zeros([batch, 2], &device);
        lstm(x, zeros(), zeros(), weights(), &Direction::default()).unwrap()
    };
    let batch_first = random([4, 6, 3], 3);
    let permuted = batch_first.permute([1, 0, 2]);
    let copied = Tensor::from_data(permuted.clone().into_data(), &device);
    assert_eq!(values(&run(permuted).0.y), values(&run(copied).0.y));
    let (empty, c) = run(Tensor::zeros([5, 0, 3], &device));
    assert_eq!(
        (empty.y.dims(), empty.h.dims(), c.dims()),
        ([5, 0, 2], [0, 2], [0, 2])
    );
}

#[test]
fn mistakes_are_errors() {
    let message = |x: [usize; 3], h0: [usize; 2], bias: usize, lengths: Option<Vec<usize>>| {
        let weights = Weights {
            w_ih: random([6, 3], 1),
            w_hh: random([6, 2], 2),
            bias: Some([random([6], 3), random([bias], 4)]),
        };
        let direction = Direction {
            reverse: false,
            lengths,
        };
        match gru(random(x, 5), random(h0, 6), weights, &direction) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    };
    let good = ([4, 5, 3], [5, 2]);
    assert_eq!(message(good.0, good.1, 6, Some(vec![4, 0, 1, 2, 3])), "");
    assert_eq!(
        message(good.0, [4, 2], 6, None),
        "gru: `h0` must have (5, 2), as x and w_hh say, but its shape is [4, 2]"
    );
    assert_eq!(
        message(good.0, good.1, 6, Some(vec![5; 5])),
        "gru: `lengths` must be at most the steps of x, but is 5"
    );
    for (x, bias, lengths) in [
        ([0, 5, 3], 6, None),
        ([4, 5, 2], 6, None),
        (good.0, 5, None),
        (good.0, 6, Some(vec![4; 4])),
    ] {
        assert_ne!(message(x, good.1, bias, lengths), "");
    }
}
