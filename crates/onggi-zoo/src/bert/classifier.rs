//! Classes of texts by an encoder.

use super::{Pooling, TextEncoder, Tokens};
use crate::ZooError;
use crate::pretrained::put;
use burn::module::Module;
use burn::tensor::{Int, Tensor};
use onggi_nn::dropout::Dropout;
use onggi_nn::init::{Nonlinearity, Probe};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::lora::LoraConfig;
use onggi_nn::{Mode, Network, NnError, state};
use rand_chacha::ChaCha8Rng;

/// An encoder and a linear layer over the vector that stands for a text.
///
/// It takes token ids one higher than the tokenizer's, `(N, L)`: 0 is padding, whatever the encoder's own id
/// of that is, as in a data set of texts.
#[derive(Module, Debug)]
pub struct TextClassifier {
    /// The encoder.
    pub encoder: TextEncoder,
    /// Before the classifier.
    pub dropout: Dropout,
    /// `[classes, hidden_size]`.
    pub classifier: Linear,
    #[module(skip)]
    pooling: Pooling,
}

impl TextClassifier {
    /// A classifier of `classes` classes over `encoder`'s vectors, with the encoder's dropout before it.
    ///
    /// # Errors
    /// No classes; [`Pooling::Pooler`] of an encoder without one.
    pub fn new(
        encoder: TextEncoder,
        classes: usize,
        pooling: Pooling,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, ZooError> {
        if pooling == Pooling::Pooler && encoder.pooler.is_none() {
            return Err(NnError::Config {
                layer: "TextClassifier",
                argument: "pooling",
                expected: "mean or cls: this encoder has no pooler".into(),
                got: "pooler".into(),
            }
            .into());
        }
        let device = encoder.embeddings.word_embeddings.weight.val().device();
        let config = encoder.config();
        Ok(Self {
            dropout: Dropout::new(config.dropout)?,
            classifier: LinearConfig::new(config.hidden_size, classes).init(rng, &device)?,
            encoder,
            pooling,
        })
    }

    /// The vectors that stand for texts, `(N, hidden_size)`.
    ///
    /// # Errors
    /// As of [`TextEncoder::forward`]; an id above the vocabulary.
    pub fn features(&self, x: Tensor<2, Int>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        let padding = x.clone().equal_elem(0);
        let pad = self.encoder.config().pad_token_id as i64;
        let tokens = Tokens {
            input_ids: x.sub_scalar(1).mask_fill(padding.clone(), pad),
            attention_mask: Some(padding.bool_not()),
            token_type_ids: None,
        };
        let hidden = self.encoder.forward(&tokens, mode)?;
        self.encoder.pooled(hidden, &tokens, self.pooling)
    }

    /// The model with another last layer: `weight` is `[classes][hidden_size]`.
    ///
    /// # Errors
    /// Another number of classes or features than the model has.
    pub fn with_head(self, weight: Vec<f32>, bias: Vec<f32>) -> Result<Self, ZooError> {
        let mut state = state::collect(&self);
        put(&mut state, "classifier", weight, bias)?;
        Ok(state::load(self, state)?)
    }

    /// The classifier with low-rank matrices in a frozen encoder ([`TextEncoder::with_lora`]): they and the
    /// last layer are trained.
    ///
    /// # Errors
    /// As [`LoraConfig::init`].
    pub fn with_lora(mut self, config: &LoraConfig, rng: &mut ChaCha8Rng) -> Result<Self, NnError> {
        self.encoder = self.encoder.with_lora(config, rng)?;
        Ok(self)
    }

    /// The classifier with those matrices put into the encoder's weights.
    #[must_use]
    pub fn merged(mut self) -> Self {
        self.encoder = self.encoder.merged();
        self
    }
}

impl Network<Tensor<2, Int>> for TextClassifier {
    fn outputs(&self, x: Tensor<2, Int>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.observed_outputs(x, mode, &mut Probe::off())
    }

    /// Of the layers the last alone is told of.
    fn observed_outputs(
        &self,
        x: Tensor<2, Int>,
        mode: &Mode,
        probe: &mut Probe,
    ) -> Result<Tensor<2>, NnError> {
        let features = self.dropout.forward(self.features(x, mode)?, mode)?;
        let logits = self.classifier.forward(features)?;
        probe.record("classifier", Nonlinearity::Linear, &logits);
        Ok(logits)
    }
}

/// An encoder without its head: it answers with features.
#[derive(Module, Debug)]
pub struct TextFeatures {
    /// The whole model.
    pub model: TextClassifier,
}

impl Network<Tensor<2, Int>> for TextFeatures {
    fn outputs(&self, x: Tensor<2, Int>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.model.features(x, mode)
    }
}
