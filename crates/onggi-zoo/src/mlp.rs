//! Multilayer perceptron for rows of numbers.

use crate::ModelOptions;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::dropout::Dropout;
use onggi_nn::init::{self, FanMode, Nonlinearity, Rule};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::norm::{Activation, BatchNorm1d, BatchNormConfig};
use onggi_nn::{Classifier, Mode, NnError};
use rand_chacha::ChaCha8Rng;

/// Units of each hidden layer.
const HIDDEN: usize = 64;

const KAIMING: Rule = Rule::KaimingNormal {
    mode: FanMode::FanIn,
    nonlinearity: Nonlinearity::Relu,
};

/// Two hidden layers of 64 units, each linear, batch normalisation, ReLU, dropout; a linear
/// classifier. Hidden weights by Kaiming's normal rule for ReLU.
#[derive(Module, Debug)]
pub struct Mlp {
    /// Hidden linear layers, without bias: the norm after each has one.
    pub hidden: Vec<Linear>,
    /// Norms.
    pub norm: Vec<BatchNorm1d>,
    /// Dropout after each hidden layer.
    pub dropout: Dropout,
    /// Classifier.
    pub fc: Linear,
}

impl Mlp {
    /// A model for rows of `columns` numbers.
    ///
    /// # Errors
    /// No columns, no classes, dropout outside of `[0, 1]`.
    pub fn new(
        columns: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let (mut hidden, mut norm) = (Vec::new(), Vec::new());
        for inputs in [columns, HIDDEN] {
            let config = LinearConfig {
                bias: false,
                ..LinearConfig::new(inputs, HIDDEN)
            };
            let layer = config.init(rng, device)?;
            hidden.push(init::apply(layer, KAIMING, rng)?);
            norm.push(BatchNormConfig::new(HIDDEN).init(device)?);
        }
        let fc = LinearConfig::new(HIDDEN, options.classes).init(rng, device)?;
        Ok(Self {
            hidden,
            norm,
            dropout: Dropout::new(options.dropout)?,
            fc,
        })
    }
}

impl Classifier<2> for Mlp {
    fn forward(&self, mut x: Tensor<2>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        for (linear, norm) in self.hidden.iter().zip(&self.norm) {
            x = norm.forward_activated(linear.forward(x)?, mode, Activation::Relu)?;
            x = self.dropout.forward(x, mode)?;
        }
        self.fc.forward(x)
    }
}
