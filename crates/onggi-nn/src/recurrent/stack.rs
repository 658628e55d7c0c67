//! Layers on layers, in one direction or both.

use super::Nonlinearity;
use crate::dropout::Dropout;
use crate::{Mode, NnError};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use onggi_ops::recurrent::{Direction, Recurrence, Weights, gru, lstm, rnn};

/// Gates of a long short-term memory.
pub(super) const LSTM: usize = 4;
/// Gates of a gated recurrent unit.
pub(super) const GRU: usize = 3;

/// Long short-term memory, see [`onggi_ops::recurrent::lstm`].
pub type Lstm = Recurrent<4>;
/// Gated recurrent unit, see [`onggi_ops::recurrent::gru`].
pub type Gru = Recurrent<3>;
/// Plain recurrent network, see [`onggi_ops::recurrent::rnn`].
pub type Rnn = Recurrent<1>;

/// PyTorch's name of a layer of so many gates.
pub(super) fn name(gates: usize) -> &'static str {
    match gates {
        LSTM => "Lstm",
        GRU => "Gru",
        _ => "Rnn",
    }
}

/// What a recurrent layer makes of its sequences.
#[derive(Clone, Debug)]
pub struct Output {
    /// The last layer's states at all steps, `(L, N, D·H)` with `D = 2` directions side by side or
    /// 1; `(N, L, D·H)` for a layer with `batch_first`.
    pub y: Tensor<3>,
    /// The last state of each layer and direction, `(layers · D, N, H)`.
    pub h: Tensor<3>,
}

/// Recurrent layers of `GATES` gates, each on the states of the one before: [`Lstm`], [`Gru`],
/// [`Rnn`]. Made by [`RecurrentConfig`](super::RecurrentConfig).
///
/// Lists of parameters have an element a layer; in a state dict they bear PyTorch's names, such as
/// `weight_ih_l0` and `weight_ih_l0_reverse`, so PyTorch's weights load as they are.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::recurrent::{Lstm, RecurrentConfig};
/// use onggi_nn::{Mode, init};
///
/// let device = Device::flex();
/// let config = RecurrentConfig::new(8, 16).with_num_layers(2).with_batch_first(true);
/// let layer: Lstm = config.init(&mut init::generator(1), &device)?;
/// let x = Tensor::ones([4, 10, 8], &device);
/// // Four sequences, one of which ends early.
/// let (out, c) = layer.forward(x, None, Some(&[10, 10, 7, 10]), &Mode::Eval)?;
/// assert_eq!(out.y.dims(), [4, 10, 16]);
/// assert_eq!((out.h.dims(), c.dims()), ([2, 4, 16], [2, 4, 16]));
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Differences from PyTorch
/// No projection of the state (`proj_size`) and no input without a batch. Lengths are an argument
/// instead of a packed sequence, in any order.
#[derive(Module, Debug)]
pub struct Recurrent<const GATES: usize> {
    /// `(GATES · H, I)`, with `I = D·H` after the first layer.
    pub weight_ih_l: Vec<Param<Tensor<2>>>,
    /// `(GATES · H, H)`.
    pub weight_hh_l: Vec<Param<Tensor<2>>>,
    /// `[GATES · H]`; no element without biases.
    pub bias_ih_l: Vec<Param<Tensor<1>>>,
    /// `[GATES · H]`; no element without biases.
    pub bias_hh_l: Vec<Param<Tensor<1>>>,
    /// The other direction's; no element in a layer of one direction.
    pub weight_ih_l_reverse: Vec<Param<Tensor<2>>>,
    /// The other direction's.
    pub weight_hh_l_reverse: Vec<Param<Tensor<2>>>,
    /// The other direction's.
    pub bias_ih_l_reverse: Vec<Param<Tensor<1>>>,
    /// The other direction's.
    pub bias_hh_l_reverse: Vec<Param<Tensor<1>>>,
    pub(super) dropout: Dropout,
    #[module(skip)]
    pub(super) batch_first: bool,
    #[module(skip)]
    pub(super) bidirectional: bool,
    #[module(skip)]
    pub(super) nonlinearity: Nonlinearity,
}

/// The lists of weights and of biases of one direction.
type Lists<'a> = (
    [&'a mut Vec<Param<Tensor<2>>>; 2],
    [&'a mut Vec<Param<Tensor<1>>>; 2],
);

impl<const GATES: usize> Recurrent<GATES> {
    pub(super) fn lists(&mut self, reverse: bool) -> Lists<'_> {
        if reverse {
            (
                [&mut self.weight_ih_l_reverse, &mut self.weight_hh_l_reverse],
                [&mut self.bias_ih_l_reverse, &mut self.bias_hh_l_reverse],
            )
        } else {
            (
                [&mut self.weight_ih_l, &mut self.weight_hh_l],
                [&mut self.bias_ih_l, &mut self.bias_hh_l],
            )
        }
    }

    fn weights(&self, layer: usize, reverse: bool) -> Weights {
        let (w, b) = if reverse {
            (
                [&self.weight_ih_l_reverse, &self.weight_hh_l_reverse],
                [&self.bias_ih_l_reverse, &self.bias_hh_l_reverse],
            )
        } else {
            (
                [&self.weight_ih_l, &self.weight_hh_l],
                [&self.bias_ih_l, &self.bias_hh_l],
            )
        };
        let [w_ih, w_hh] = w.map(|list| list[layer].val());
        let biased = !b[0].is_empty();
        let bias = biased.then(|| b.map(|list| list[layer].val()));
        Weights { w_ih, w_hh, bias }
    }

    /// Runs all layers by `run`, which gets the states that a layer starts from, as `states` has
    /// them, and returns those it ends with.
    fn run<const S: usize>(
        &self,
        x: Tensor<3>,
        states: Option<[Tensor<3>; S]>,
        lengths: Option<&[usize]>,
        mode: &Mode,
        run: impl Fn(Tensor<3>, [Tensor<2>; S], Weights, &Direction) -> Ran<S>,
    ) -> Result<(Tensor<3>, [Tensor<3>; S]), NnError> {
        let (layers, hidden) = (self.weight_hh_l.len(), self.weight_hh_l[0].dims()[1]);
        let input = self.weight_ih_l[0].dims()[1];
        let directions = 1 + usize::from(self.bidirectional);
        let mut x = if self.batch_first {
            x.swap_dims(0, 1)
        } else {
            x
        };
        let [_, batch, got] = x.dims();
        if got != input {
            let axes = if self.batch_first { "(N, L" } else { "(L, N" };
            let [a, b, c] = x.dims();
            return Err(NnError::Input {
                layer: name(GATES),
                expected: format!("{axes}, {input})"),
                got: if self.batch_first {
                    vec![b, a, c]
                } else {
                    vec![a, b, c]
                },
            });
        }
        let shape = [layers * directions, batch, hidden];
        for state in states.iter().flatten() {
            if state.dims() != shape {
                return Err(NnError::Input {
                    layer: name(GATES),
                    expected: format!("with a state of shape {shape:?}"),
                    got: state.dims().to_vec(),
                });
            }
        }
        let mut ends = Vec::new();
        for layer in 0..layers {
            if layer > 0 {
                x = self.dropout.forward(x, mode)?;
            }
            let mut sides = Vec::new();
            for reverse in [false, true].into_iter().take(directions) {
                let place = ends.len();
                let start = match &states {
                    Some(states) => states
                        .clone()
                        .map(|state| state.narrow(0, place, 1).squeeze_dim(0)),
                    None => std::array::from_fn(|_| {
                        Tensor::zeros([batch, hidden], (&x.device(), x.dtype()))
                    }),
                };
                let direction = Direction {
                    reverse,
                    lengths: lengths.map(<[usize]>::to_vec),
                };
                let weights = self.weights(layer, reverse);
                let (y, end) = run(x.clone(), start, weights, &direction)?;
                sides.push(y);
                ends.push(end);
            }
            x = if sides.len() == 1 {
                sides.remove(0)
            } else {
                Tensor::cat(sides, 2)
            };
        }
        let y = if self.batch_first {
            x.swap_dims(0, 1)
        } else {
            x
        };
        let ends = std::array::from_fn(|state| {
            let ends = ends.iter().map(|end| end[state].clone().unsqueeze_dim(0));
            Tensor::cat(ends.collect(), 0)
        });
        Ok((y, ends))
    }
}

/// The states of all steps, and the last.
type Ran<const S: usize> = Result<(Tensor<3>, [Tensor<2>; S]), NnError>;

/// As `run` returns it, of a layer whose only state is `h`.
fn ran(out: Recurrence) -> (Tensor<3>, [Tensor<2>; 1]) {
    (out.y, [out.h])
}

impl Lstm {
    /// Runs the layers from the states `(h0, c0)`, or from zeros, and returns the last memories
    /// beside the states. `lengths` are the steps of each sequence, if they differ.
    ///
    /// # Shapes
    /// `x: (L, N, I)`, or `(N, L, I)` with `batch_first`; states and memories `(layers · D, N, H)`.
    ///
    /// # Errors
    /// An input or a state of another shape, or a length beyond the steps.
    pub fn forward(
        &self,
        x: Tensor<3>,
        states: Option<(Tensor<3>, Tensor<3>)>,
        lengths: Option<&[usize]>,
        mode: &Mode,
    ) -> Result<(Output, Tensor<3>), NnError> {
        let states = states.map(|(h, c)| [h, c]);
        let (y, [h, c]) = self.run(x, states, lengths, mode, |x, [h, c], weights, direction| {
            let (out, c) = lstm(x, h, c, weights, direction)?;
            Ok((out.y, [out.h, c]))
        })?;
        Ok((Output { y, h }, c))
    }
}

impl Gru {
    /// Runs the layers from the states `h0`, or from zeros. `lengths` are the steps of each
    /// sequence, if they differ.
    ///
    /// # Shapes
    /// `x: (L, N, I)`, or `(N, L, I)` with `batch_first`; states `(layers · D, N, H)`.
    ///
    /// # Errors
    /// An input or a state of another shape, or a length beyond the steps.
    pub fn forward(
        &self,
        x: Tensor<3>,
        states: Option<Tensor<3>>,
        lengths: Option<&[usize]>,
        mode: &Mode,
    ) -> Result<Output, NnError> {
        let states = states.map(|h| [h]);
        let (y, [h]) = self.run(x, states, lengths, mode, |x, [h], weights, direction| {
            Ok(ran(gru(x, h, weights, direction)?))
        })?;
        Ok(Output { y, h })
    }
}

impl Rnn {
    /// Runs the layers from the states `h0`, or from zeros. `lengths` are the steps of each
    /// sequence, if they differ.
    ///
    /// # Shapes
    /// `x: (L, N, I)`, or `(N, L, I)` with `batch_first`; states `(layers · D, N, H)`.
    ///
    /// # Errors
    /// An input or a state of another shape, or a length beyond the steps.
    pub fn forward(
        &self,
        x: Tensor<3>,
        states: Option<Tensor<3>>,
        lengths: Option<&[usize]>,
        mode: &Mode,
    ) -> Result<Output, NnError> {
        let (states, f) = (states.map(|h| [h]), self.nonlinearity);
        let (y, [h]) = self.run(x, states, lengths, mode, |x, [h], weights, direction| {
            Ok(ran(rnn(x, h, weights, f, direction)?))
        })?;
        Ok(Output { y, h })
    }
}
