//! Recurrent layers over whole sequences: one layer in one direction.
//!
//! All start from a state, go over `x (L, N, I)` step by step, and return the states of all steps
//! and the last. Gradients go through both, to the input, the first state and the parameters.

mod gru;
mod lstm;
mod rnn;
#[cfg(test)]
mod tests;

pub use gru::gru;
pub use lstm::lstm;
pub use rnn::{Nonlinearity, rnn};

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::recurrent::{self as kernel, Cell, Parameters, Sequences, Wanted};
use burn::backend::{DispatchTensor, TensorMetadata};
use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;
use std::sync::Arc;

/// Parameters of one layer in one direction, with `G` gates: 4 of an LSTM, 3 of a GRU, 1 of a plain
/// RNN.
#[derive(Clone, Debug)]
pub struct Weights {
    /// `(G · H, I)`.
    pub w_ih: Tensor<2>,
    /// `(G · H, H)`.
    pub w_hh: Tensor<2>,
    /// `b_ih` and `b_hh`, `[G · H]` each.
    pub bias: Option<[Tensor<1>; 2]>,
}

/// How a layer goes over its sequences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Direction {
    /// Whether it starts at each sequence's end. Default: no.
    pub reverse: bool,
    /// Steps of each sequence, in any order, if they differ. Past its end a sequence keeps its
    /// state, and its outputs are 0; its inputs there do not matter. Default: all `L`.
    pub lengths: Option<Vec<usize>>,
}

/// What a layer makes of its sequences.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// The states of all steps, `(L, N, H)`, in the order of the input.
    pub y: Tensor<3>,
    /// The last state of each sequence, `(N, H)`.
    pub h: Tensor<2>,
}

/// On any device, of tensor operations whose gradient Burn knows.
mod composed {
    use super::*;

    /// Goes over the steps. `step` makes the state and the memory from the sums over the input and
    /// over the state, biases among them, and the state and the memory before.
    pub(super) fn run(
        x: Tensor<3>,
        [h0, c0]: [Tensor<2>; 2],
        weights: Weights,
        direction: &Direction,
        step: impl Fn([Tensor<2>; 2], [Tensor<2>; 2]) -> [Tensor<2>; 2],
    ) -> (Recurrence, Tensor<2>) {
        let ([steps, batch, input], [_, hidden]) = (x.dims(), h0.dims());
        if batch == 0 {
            return (nothing(steps, h0), c0);
        }
        let product = |v: Tensor<2>, w: &Tensor<2>, bias: Option<&Tensor<1>>| {
            let sums = v.matmul(w.clone().transpose());
            match bias {
                Some(bias) => sums + bias.clone().unsqueeze(),
                None => sums,
            }
        };
        let [b_ih, b_hh] = match &weights.bias {
            Some([b_ih, b_hh]) => [Some(b_ih), Some(b_hh)],
            None => [None, None],
        };
        let rows = x.reshape([steps * batch, input]);
        let inputs = product(rows, &weights.w_ih, b_ih);
        let mut states = vec![None; steps];
        let (mut h, mut c) = (h0, c0);
        for i in 0..steps {
            let t = if direction.reverse { steps - 1 - i } else { i };
            let sums = [
                inputs.clone().narrow(0, t * batch, batch),
                product(h.clone(), &weights.w_hh, b_hh),
            ];
            let [mut h_after, mut c_after] = step(sums, [h.clone(), c.clone()]);
            let mut y = h_after.clone();
            if let Some(lengths) = &direction.lengths {
                let runs = mask(lengths, t..t + 1, &h).reshape([batch, 1]);
                let rests = -runs.clone() + 1.0;
                y = y * runs.clone();
                h_after = h_after * runs.clone() + h * rests.clone();
                c_after = c_after * runs + c * rests;
            }
            (h, c) = (h_after, c_after);
            states[t] = Some(y.reshape([1, batch, hidden]));
        }
        let y = Tensor::cat(states.into_iter().flatten().collect(), 0);
        (Recurrence { y, h }, c)
    }
}

/// What becomes of no sequences.
fn nothing(steps: usize, h0: Tensor<2>) -> Recurrence {
    let y = Tensor::zeros([steps, 0, h0.dims()[1]], (&h0.device(), h0.dtype()));
    Recurrence { y, h: h0 }
}

/// 1 at the times at which a sequence runs, else 0: `(times, N, 1)`, on the device of `like`.
fn mask<const D: usize>(
    lengths: &[usize],
    times: std::ops::Range<usize>,
    like: &Tensor<D>,
) -> Tensor<3> {
    let shape = [times.len(), lengths.len(), 1];
    let runs = times.flat_map(|t| lengths.iter().map(move |&len| f32::from(t < len)));
    let data = TensorData::new(runs.collect::<Vec<f32>>(), shape);
    Tensor::from_data(data, (&like.device(), like.dtype()))
}

/// Of `x`, `h0`, `w_ih`, `w_hh`, with a memory `c0`, and with biases `b_ih` and `b_hh`, in this
/// order. The result is that of [`kernel::forward`].
#[derive(Clone, Debug)]
struct Layer<C> {
    cell: C,
    sequences: Sequences,
}

/// A run, for its gradient.
#[derive(Clone, Debug)]
struct Saved {
    x: FlexTensor,
    w_ih: FlexTensor,
    w_hh: FlexTensor,
    bias: Option<[FlexTensor; 2]>,
    output: FlexTensor,
    gates: Arc<Vec<f32>>,
    memories: Arc<Vec<f32>>,
}

impl Saved {
    fn parameters(&self) -> Parameters<'_> {
        Parameters {
            w_ih: slice(&self.w_ih),
            w_hh: slice(&self.w_hh),
            bias: self.bias.as_ref().map(|bias| bias.each_ref().map(slice)),
        }
    }
}

impl<C: Cell, const N: usize> Operation<N> for Layer<C> {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Saved) {
        let first_bias = 4 + usize::from(C::MEMORY);
        let bias = (N > first_bias).then(|| [0, 1].map(|i| inputs[first_bias + i].clone()));
        let mut saved = Saved {
            x: inputs[0].clone(),
            w_ih: inputs[2].clone(),
            w_hh: inputs[3].clone(),
            bias,
            output: inputs[1].clone(),
            gates: Arc::default(),
            memories: Arc::default(),
        };
        let c0 = if C::MEMORY { slice(&inputs[4]) } else { &[] };
        let start = [slice(&inputs[1]), c0];
        let x = slice(&saved.x);
        let run = kernel::forward(self.cell, &self.sequences, x, start, saved.parameters());
        let len = run.output.len();
        saved.output = tensor(run.output, [len]);
        saved.gates = Arc::new(run.gates);
        saved.memories = Arc::new(run.memories);
        (saved.output.clone(), saved)
    }

    fn backward(
        &self,
        mut saved: Saved,
        dy: FlexTensor,
        wanted: [bool; N],
    ) -> [Option<FlexTensor>; N] {
        // Its last use overwrites it.
        let gates = std::mem::take(&mut saved.gates);
        let gates = Arc::try_unwrap(gates).unwrap_or_else(|gates| gates.to_vec());
        let out = kernel::backward(
            self.cell,
            &self.sequences,
            slice(&saved.x),
            saved.parameters(),
            (slice(&saved.output), gates, &saved.memories),
            slice(&dy),
            Wanted {
                x: wanted[0],
                w_ih: wanted[2],
                w_hh: wanted[3],
            },
        );
        let Sequences { batch, hidden, .. } = self.sequences;
        let bias = [C::INPUTS * hidden];
        let mut gradients = vec![
            tensor_or_none(out.dx, saved.x.shape().to_vec()),
            tensor_or_none(out.dh0, vec![batch, hidden]),
            tensor_or_none(out.dw_ih, saved.w_ih.shape().to_vec()),
            tensor_or_none(out.dw_hh, saved.w_hh.shape().to_vec()),
        ];
        if C::MEMORY {
            gradients.push(tensor_or_none(out.dc0, vec![batch, hidden]));
        }
        if saved.bias.is_some() {
            gradients.push(tensor_or_none(out.db_ih, bias.to_vec()));
            gradients.push(tensor_or_none(out.db_hh, bias.to_vec()));
        }
        std::array::from_fn(|i| gradients[i].take())
    }
}

/// The tensor, unless it was not computed.
fn tensor_or_none(values: Vec<f32>, shape: Vec<usize>) -> Option<FlexTensor> {
    (values.len() == shape.iter().product::<usize>()).then(|| tensor(values, shape))
}

/// Runs a layer by its kernel; the last memory comes beside.
fn run<C: Cell>(
    cell: C,
    x: Tensor<3>,
    h0: Tensor<2>,
    c0: Option<Tensor<2>>,
    weights: Weights,
    direction: &Direction,
) -> (Recurrence, Option<Tensor<2>>) {
    let ([steps, batch, input], [_, hidden]) = (x.dims(), h0.dims());
    if batch == 0 {
        return (nothing(steps, h0), c0);
    }
    let sequences = Sequences {
        steps,
        batch,
        input,
        hidden,
        reverse: direction.reverse,
        lengths: direction.lengths.clone(),
    };
    let state = batch * hidden;
    let [first, last] = sequences.ends();
    let states = sequences.states();
    let layer = Layer { cell, sequences };
    let mut inputs = vec![
        x.into_dispatch(),
        h0.into_dispatch(),
        weights.w_ih.into_dispatch(),
        weights.w_hh.into_dispatch(),
    ];
    inputs.extend(c0.map(Tensor::into_dispatch));
    if let Some(bias) = weights.bias {
        inputs.extend(bias.map(Tensor::into_dispatch));
    }
    let output = match inputs.len() {
        4 => apply::<C, 4>(layer, inputs),
        5 => apply::<C, 5>(layer, inputs),
        6 => apply::<C, 6>(layer, inputs),
        _ => apply::<C, 7>(layer, inputs),
    };
    let part = |start: usize| {
        let part = output.clone().narrow(0, start, state);
        part.reshape([batch, hidden])
    };
    let after = if first == 0 { state } else { 0 };
    let mut y = (output.clone().narrow(0, after, steps * state)).reshape([steps, batch, hidden]);
    if let Some(lengths) = &direction.lengths {
        y = y.clone() * mask(lengths, 0..steps, &y);
    }
    let h = part(last * state);
    let c = C::MEMORY.then(|| part(states));
    (Recurrence { y, h }, c)
}

fn apply<C: Cell, const N: usize>(layer: Layer<C>, inputs: Vec<DispatchTensor>) -> Tensor<1> {
    let inputs: [DispatchTensor; N] = match inputs.try_into() {
        Ok(inputs) => inputs,
        Err(inputs) => unreachable!("{} inputs instead of {N}", inputs.len()),
    };
    fused::apply(layer, inputs).y()
}

fn check(
    op: &'static str,
    gates: usize,
    x: &Tensor<3>,
    states: &[(&'static str, &Tensor<2>)],
    weights: &Weights,
    direction: &Direction,
) -> Result<(), OpError> {
    let shape = |argument, expected: String, got: &[usize]| {
        Err(OpError::Shape {
            op,
            argument,
            expected,
            got: got.to_vec(),
        })
    };
    let ([steps, batch, input], [rows, hidden]) = (x.dims(), weights.w_hh.dims());
    if steps == 0 || input == 0 {
        let expected = "(L, N, I) with at least one step and one value a step".to_string();
        return shape("x", expected, &x.dims());
    }
    if hidden == 0 || rows != gates * hidden {
        let expected = format!("({gates} · H, H) with H at least 1");
        return shape("w_hh", expected, &weights.w_hh.dims());
    }
    if weights.w_ih.dims() != [rows, input] {
        let expected = format!("({rows}, {input}), as w_hh and x say");
        return shape("w_ih", expected, &weights.w_ih.dims());
    }
    for (argument, bias) in ["b_ih", "b_hh"]
        .into_iter()
        .zip(weights.bias.iter().flatten())
    {
        if bias.dims() != [rows] {
            return shape(
                argument,
                format!("{rows} values, as w_hh says"),
                &bias.dims(),
            );
        }
    }
    for (argument, state) in states {
        if state.dims() != [batch, hidden] {
            let expected = format!("({batch}, {hidden}), as x and w_hh say");
            return shape(argument, expected, &state.dims());
        }
    }
    let Some(lengths) = &direction.lengths else {
        return Ok(());
    };
    if lengths.len() != batch {
        let expected = format!("one value for each of the {batch} sequences");
        return shape("lengths", expected, &[lengths.len()]);
    }
    match lengths.iter().find(|&&len| len > steps) {
        Some(&len) => Err(OpError::Range {
            op,
            argument: "lengths",
            expected: "at most the steps of x",
            got: len as f64,
        }),
        None => Ok(()),
    }
}
