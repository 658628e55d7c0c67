//! Recurrent layers.

use crate::case::{Array, Case, Outcome, device, load, require, rng};
use burn::tensor::Tensor;
use onggi_nn::Mode;
use onggi_nn::recurrent::{Gru, Lstm, RecurrentConfig, Rnn};

/// Gives the layer of the case its parameters; `order` says for each of PyTorch's gates where ONNX
/// has it.
macro_rules! layer {
    ($kind:ty, $case:expr, $order:expr) => {{
        let (case, order): (&Case, &[usize]) = ($case, &$order);
        require(case.text("direction") == "forward", "one direction")?;
        let (w, b) = (case.input("W"), case.get("B"));
        let (hidden, gates) = (case.size("hidden_size"), order.len());
        let layer: $kind = RecurrentConfig::new(w.shape[2], hidden)
            .with_bias(b.is_some())
            .with_batch_first(case.is("layout"))
            .init(&mut rng(), &device())?;
        let rows = gates * hidden;
        let half = |part: usize| {
            let b = b?;
            let values = b.values[part * rows..][..rows].to_vec();
            Some(Array {
                shape: vec![rows],
                values,
                boolean: false,
            })
        };
        let matrix = |w: &Array| w.reshaped(&w.shape[1..]);
        let parts = [
            Some(matrix(w)),
            Some(matrix(case.input("R"))),
            half(0),
            half(1),
        ];
        let parts = parts.map(|part| Some(sorted(part?, order)));
        let names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];
        let parts: Vec<_> = names
            .into_iter()
            .zip(parts.iter().map(Option::as_ref))
            .collect();
        load(layer, &parts)?
    }};
}

/// The blocks of rows, one a gate, in this order.
fn sorted(array: Array, order: &[usize]) -> Array {
    let block = array.values.len() / order.len();
    let blocks = order
        .iter()
        .flat_map(|&g| &array.values[g * block..][..block]);
    Array {
        values: blocks.copied().collect(),
        ..array.clone()
    }
}

/// Y with the axis of directions, and the last states.
fn outputs(case: &Case, y: Tensor<3>, last: impl IntoIterator<Item = Tensor<3>>) -> Outcome {
    let batch_first = case.is("layout");
    let y = y.unsqueeze_dim::<4>(if batch_first { 2 } else { 1 });
    let last = last.into_iter().map(|state| {
        Some(Array::of(match batch_first {
            true => state.swap_dims(0, 1),
            false => state,
        }))
    });
    Ok([Some(Array::of(y))].into_iter().chain(last).collect())
}

pub(crate) fn lstm(case: &Case) -> Outcome {
    require(case.get("P").is_none(), "no peepholes")?;
    let layer = layer!(Lstm, case, [0, 2, 3, 1]);
    let (out, c) = layer.forward(case.input("X").tensor(), None, None, &Mode::Eval)?;
    outputs(case, out.y, [out.h, c])
}

pub(crate) fn gru(case: &Case) -> Outcome {
    let (x, hidden) = (case.input("X"), case.size("hidden_size"));
    // With one step from a state of zeros and no hidden bias the two forms are the same.
    let unbiased = |b: &Array| b.values[3 * hidden..].iter().all(|&v| v == 0.0);
    let plain = x.shape[case.size("layout")] == 1
        && case.get("initial_h").is_none()
        && case.get("B").is_none_or(unbiased);
    require(
        case.is("linear_before_reset") || plain,
        "the reset gate acts before the hidden product (Cho), PyTorch's after it",
    )?;
    let out = layer!(Gru, case, [1, 0, 2]).forward(x.tensor(), None, None, &Mode::Eval)?;
    outputs(case, out.y, [out.h])
}

pub(crate) fn rnn(case: &Case) -> Outcome {
    let layer = layer!(Rnn, case, [0]);
    let out = layer.forward(case.input("X").tensor(), None, None, &Mode::Eval)?;
    outputs(case, out.y, [out.h])
}
