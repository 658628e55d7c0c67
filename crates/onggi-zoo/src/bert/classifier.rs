//! Classes of texts by an encoder.

use super::{Pooling, TextEncoder, Tokens};
use crate::ZooError;
use burn::module::Module;
use burn::tensor::{Int, Tensor};
use onggi_nn::dropout::Dropout;
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::lora::LoraConfig;
use onggi_nn::{Mode, Network, NnError};
use rand_chacha::ChaCha8Rng;

/// An encoder and a linear layer over the vector that stands for a text.
///
/// It takes token ids in which padding is known by its id, `pad_token_id`.
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
        let tokens = Tokens::with_padding(x, self.encoder.config().pad_token_id);
        let hidden = self.encoder.forward(&tokens, mode)?;
        let features = self.encoder.pooled(hidden, &tokens, self.pooling)?;
        self.classifier
            .forward(self.dropout.forward(features, mode)?)
    }
}
