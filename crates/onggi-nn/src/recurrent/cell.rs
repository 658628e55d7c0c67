//! One step of a recurrent layer.

use super::Nonlinearity;
use super::config::draw;
use super::stack::name;
use crate::NnError;
use crate::error::check_positive;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::recurrent::{Direction, Weights, gru, lstm, rnn};
use rand_chacha::ChaCha8Rng;

/// Configuration of [`LstmCell`], [`GruCell`] and [`RnnCell`].
#[derive(Clone, Debug)]
pub struct RecurrentCellConfig {
    /// Values of an input.
    pub input_size: usize,
    /// Values of a state.
    pub hidden_size: usize,
    /// Whether biases are added. Default: yes.
    pub bias: bool,
    /// What a plain recurrent cell makes of its sums; the others ignore it. Default: `tanh`.
    pub nonlinearity: Nonlinearity,
}

impl RecurrentCellConfig {
    /// PyTorch's defaults.
    pub fn new(input_size: usize, hidden_size: usize) -> Self {
        Self {
            input_size,
            hidden_size,
            bias: true,
            nonlinearity: Nonlinearity::Tanh,
        }
    }

    /// The cell, initialised as PyTorch does: all parameters uniform in `±1/√hidden_size`.
    ///
    /// # Errors
    /// A size of 0.
    pub fn init<const GATES: usize>(
        &self,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<RecurrentCell<GATES>, NnError> {
        let layer = name(GATES);
        check_positive(layer, "input_size", self.input_size)?;
        check_positive(layer, "hidden_size", self.hidden_size)?;
        let sizes = [GATES, self.input_size, self.hidden_size];
        let ([weight_ih, weight_hh], bias) = draw(sizes, self.bias, false, rng, device);
        let [bias_ih, bias_hh] = match bias {
            Some(bias) => bias.map(Some),
            None => [None, None],
        };
        Ok(RecurrentCell {
            weight_ih,
            weight_hh,
            bias_ih,
            bias_hh,
            nonlinearity: self.nonlinearity,
        })
    }
}

/// One step of a long short-term memory.
pub type LstmCell = RecurrentCell<4>;
/// One step of a gated recurrent unit.
pub type GruCell = RecurrentCell<3>;
/// One step of a plain recurrent network.
pub type RnnCell = RecurrentCell<1>;

/// One step of a recurrent layer of `GATES` gates: [`LstmCell`], [`GruCell`], [`RnnCell`].
///
/// # Differences from PyTorch
/// The states are not optional.
#[derive(Module, Debug)]
pub struct RecurrentCell<const GATES: usize> {
    /// `(GATES · H, I)`.
    pub weight_ih: Param<Tensor<2>>,
    /// `(GATES · H, H)`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[GATES · H]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[GATES · H]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
    #[module(skip)]
    nonlinearity: Nonlinearity,
}

impl<const GATES: usize> RecurrentCell<GATES> {
    fn weights(&self) -> Weights {
        let bias = self.bias_ih.as_ref().zip(self.bias_hh.as_ref());
        Weights {
            w_ih: self.weight_ih.val(),
            w_hh: self.weight_hh.val(),
            bias: bias.map(|(ih, hh)| [ih.val(), hh.val()]),
        }
    }
}

impl LstmCell {
    /// The state and the memory after a step.
    ///
    /// # Shapes
    /// `x: (N, I)`, `h, c: (N, H)` → `(N, H)` twice.
    ///
    /// # Errors
    /// Shapes that do not fit together.
    pub fn forward(
        &self,
        x: Tensor<2>,
        h: Tensor<2>,
        c: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), NnError> {
        let direction = Direction::default();
        let (out, c) = lstm(x.unsqueeze_dim(0), h, c, self.weights(), &direction)?;
        Ok((out.h, c))
    }
}

impl GruCell {
    /// The state after a step.
    ///
    /// # Shapes
    /// `x: (N, I)`, `h: (N, H)` → `(N, H)`.
    ///
    /// # Errors
    /// Shapes that do not fit together.
    pub fn forward(&self, x: Tensor<2>, h: Tensor<2>) -> Result<Tensor<2>, NnError> {
        let direction = Direction::default();
        Ok(gru(x.unsqueeze_dim(0), h, self.weights(), &direction)?.h)
    }
}

impl RnnCell {
    /// The state after a step.
    ///
    /// # Shapes
    /// `x: (N, I)`, `h: (N, H)` → `(N, H)`.
    ///
    /// # Errors
    /// Shapes that do not fit together.
    pub fn forward(&self, x: Tensor<2>, h: Tensor<2>) -> Result<Tensor<2>, NnError> {
        let (x, direction) = (x.unsqueeze_dim(0), Direction::default());
        Ok(rnn(x, h, self.weights(), self.nonlinearity, &direction)?.h)
    }
}
