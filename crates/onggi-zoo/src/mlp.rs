//! Multilayer perceptron for rows of numbers.

use crate::ModelOptions;
use crate::norm::Norm;
use crate::pass::{Activation, Eager, Pass};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::dropout::Dropout;
use onggi_nn::init::{self, FanMode, Nonlinearity, Probe, Rule};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::{Classifier, Mode, NnError};
use rand_chacha::ChaCha8Rng;

/// Units of each hidden layer.
const HIDDEN: usize = 64;

const KAIMING: Rule = Rule::KaimingNormal {
    mode: FanMode::FanIn,
    nonlinearity: Nonlinearity::Relu,
};

/// Two hidden layers of 64 units times the width asked for, each linear, norm, ReLU;
/// dropout behind the last norm, whose statistics it would otherwise put off; a linear classifier. Hidden weights by Kaiming's normal rule for ReLU.
#[derive(Module, Debug)]
pub struct Mlp {
    /// Hidden linear layers; without bias where a norm follows, which has one.
    pub hidden: Vec<Linear>,
    /// Norms, none or one a hidden layer.
    pub norm: Vec<Norm<1>>,
    /// Dropout before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub fc: Linear,
}

impl Mlp {
    /// A model for rows of `columns` numbers.
    ///
    /// # Errors
    /// No columns, no classes, dropout outside of `[0, 1]`, stochastic depth, a width outside of 0.05 to 16.
    pub fn new(
        columns: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        options.no_drop_path("mlp")?;
        let (mut hidden, mut norm) = (Vec::new(), Vec::new());
        let units = options.widened(HIDDEN)?;
        for inputs in [columns, units] {
            let config = LinearConfig {
                bias: options.norm.leaves_bias(),
                ..LinearConfig::new(inputs, units)
            };
            let layer = config.init(rng, device)?;
            hidden.push(init::apply(layer, KAIMING, rng)?);
            norm.extend(options.norm.init(units, device)?);
        }
        let fc = LinearConfig::new(units, options.classes).init(rng, device)?;
        Ok(Self {
            hidden,
            norm,
            dropout: Dropout::new(options.dropout)?,
            fc,
        })
    }
}

impl Mlp {
    /// Logits of rows, layer by layer.
    ///
    /// # Errors
    /// Rows of another length.
    pub fn apply<P: Pass>(&self, pass: &mut P, mut x: P::Rows) -> Result<P::Rows, NnError> {
        for (i, linear) in self.hidden.iter().enumerate() {
            let (layer, norm) = (format!("hidden.{i}"), format!("norm.{i}"));
            let norm = (norm.as_str(), self.norm.get(i));
            x = pass.linear_norm((&layer, linear), norm, Activation::Relu, x)?;
        }
        let x = pass.dropout(&self.dropout, x)?;
        pass.linear("fc", &self.fc, Activation::Identity, x)
    }
}

impl Classifier<2> for Mlp {
    fn forward(&self, x: Tensor<2>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.observed(x, mode, &mut Probe::off())
    }

    fn observed(&self, x: Tensor<2>, mode: &Mode, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
        self.apply(&mut Eager::new(mode, probe), x)
    }
}
