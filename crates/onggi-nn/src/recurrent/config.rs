//! How a recurrent layer is made.

use super::Nonlinearity;
use super::stack::{LSTM, Recurrent, name};
use crate::NnError;
use crate::dropout::Dropout;
use crate::error::{check_positive, check_range};
use crate::init;
use burn::module::Param;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

/// Configuration of [`Lstm`](super::Lstm), [`Gru`](super::Gru) and [`Rnn`](super::Rnn).
#[derive(Clone, Debug)]
pub struct RecurrentConfig {
    /// Values of an input.
    pub input_size: usize,
    /// Values of a state.
    pub hidden_size: usize,
    /// Layers, each on the states of the one before. Default: 1.
    pub num_layers: usize,
    /// Whether biases are added. Default: yes.
    pub bias: bool,
    /// Whether inputs and outputs are `(N, L, …)` instead of `(L, N, …)`. Default: no.
    pub batch_first: bool,
    /// Probability of dropping an output of each layer but the last, in training. Default: 0.
    pub dropout: f64,
    /// Whether each layer also goes over the sequences from their ends. Default: no.
    pub bidirectional: bool,
    /// What a plain recurrent network makes of its sums; the others have no choice. Default: `tanh`.
    pub nonlinearity: Nonlinearity,
    /// Whether the biases of an LSTM's forget gate start with a sum of 1, so that it remembers from
    /// the start. Default: no, as in PyTorch.
    pub forget_bias: bool,
}

impl RecurrentConfig {
    /// One layer, PyTorch's defaults.
    pub fn new(input_size: usize, hidden_size: usize) -> Self {
        Self {
            input_size,
            hidden_size,
            num_layers: 1,
            bias: true,
            batch_first: false,
            dropout: 0.0,
            bidirectional: false,
            nonlinearity: Nonlinearity::Tanh,
            forget_bias: false,
        }
    }

    /// Sets the number of layers.
    pub fn with_num_layers(mut self, num_layers: usize) -> Self {
        self.num_layers = num_layers;
        self
    }

    /// Sets whether biases are added.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets whether the batch's axis comes first.
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// Sets the probability of dropping between layers.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether each layer goes both ways.
    pub fn with_bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets what a plain recurrent network makes of its sums.
    pub fn with_nonlinearity(mut self, nonlinearity: Nonlinearity) -> Self {
        self.nonlinearity = nonlinearity;
        self
    }

    /// Sets whether an LSTM's forget gate starts with a bias of 1.
    pub fn with_forget_bias(mut self, forget_bias: bool) -> Self {
        self.forget_bias = forget_bias;
        self
    }

    /// The layer, initialised as PyTorch does: all parameters uniform in `±1/√hidden_size`.
    ///
    /// # Errors
    /// A size or a number of layers of 0, `dropout` outside of `[0, 1]`, or an option that another
    /// kind of layer has.
    ///
    /// # Reference
    /// For the bias of the forget gate: Jozefowicz, Zaremba and Sutskever, *An empirical exploration
    /// of recurrent network architectures*, 2015.
    pub fn init<const GATES: usize>(
        &self,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Recurrent<GATES>, NnError> {
        let layer = name(GATES);
        for (argument, size) in [
            ("input_size", self.input_size),
            ("hidden_size", self.hidden_size),
            ("num_layers", self.num_layers),
        ] {
            check_positive(layer, argument, size)?;
        }
        check_range(layer, "dropout", self.dropout, 0.0..=1.0)?;
        if GATES != 1 && self.nonlinearity != Nonlinearity::Tanh {
            let got = format!("{:?}", self.nonlinearity);
            let expected = "Tanh, as only a plain RNN has a choice";
            return Err(NnError::config(layer, "nonlinearity", expected, got));
        }
        if self.forget_bias && !(GATES == LSTM && self.bias) {
            let expected = "false, as only an LSTM with biases has a forget gate's bias";
            return Err(NnError::config(layer, "forget_bias", expected, true));
        }
        let mut out = Recurrent {
            weight_ih_l: Vec::new(),
            weight_hh_l: Vec::new(),
            bias_ih_l: Vec::new(),
            bias_hh_l: Vec::new(),
            weight_ih_l_reverse: Vec::new(),
            weight_hh_l_reverse: Vec::new(),
            bias_ih_l_reverse: Vec::new(),
            bias_hh_l_reverse: Vec::new(),
            dropout: Dropout::new(self.dropout)?,
            batch_first: self.batch_first,
            bidirectional: self.bidirectional,
            nonlinearity: self.nonlinearity,
        };
        let directions = 1 + usize::from(self.bidirectional);
        for layer in 0..self.num_layers {
            let input = match layer {
                0 => self.input_size,
                _ => directions * self.hidden_size,
            };
            for reverse in [false, true].into_iter().take(directions) {
                let sizes = [GATES, input, self.hidden_size];
                let drawn = draw(sizes, self.bias, self.forget_bias, rng, device);
                let (weights, biases) = out.lists(reverse);
                for (list, weight) in weights.into_iter().zip(drawn.0) {
                    list.push(weight);
                }
                for (list, bias) in biases.into_iter().zip(drawn.1.into_iter().flatten()) {
                    list.push(bias);
                }
            }
        }
        Ok(out)
    }
}

/// The weights over the input and the state, and their biases, of one layer in one direction.
type Drawn = ([Param<Tensor<2>>; 2], Option<[Param<Tensor<1>>; 2]>);

/// Draws the parameters of `gates` gates, in PyTorch's order.
pub(super) fn draw(
    [gates, input, hidden]: [usize; 3],
    bias: bool,
    forget_bias: bool,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Drawn {
    let weights = [input, hidden].map(|columns| {
        let weight = init::default_uniform([gates * hidden, columns], hidden, rng, device);
        init::parameter(weight)
    });
    let biases = bias.then(|| {
        // PyTorch's two biases only ever appear as a sum here, so one of them has it all.
        [1.0, 0.0].map(|value| {
            let bias: Tensor<1> = init::default_uniform([gates * hidden], hidden, rng, device);
            init::parameter(if forget_bias {
                let forget = Tensor::full([hidden], value, device);
                bias.slice_assign(hidden..2 * hidden, forget)
            } else {
                bias
            })
        })
    });
    (weights, biases)
}
