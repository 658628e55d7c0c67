//! Masked language models: an encoder, and a head that says which tokens fit a place.

use super::config::EncoderActivation;
use super::weights::{Given, Origin};
use super::{EncoderConfig, EncoderFamily, TextEncoder, Tokens};
use crate::ZooError;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_nn::linear::Linear;
use onggi_nn::norm::LayerNorm;
use onggi_nn::state::StateDict;
use onggi_nn::{Mode, NnError};
use onggi_ops::linear::linear;
use rand_chacha::ChaCha8Rng;

/// A linear layer, its activation and a norm before the table of words.
#[derive(Module, Debug)]
pub struct MaskedLmHead {
    /// `[hidden_size, hidden_size]`.
    pub dense: Linear,
    /// After the activation.
    pub norm: LayerNorm<1>,
    /// Of each word of the vocabulary.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    activation: EncoderActivation,
}

/// An encoder with the head of its training: for each place the likelihood of each word, by the product
/// with the words' vectors.
///
/// # Reference
/// Devlin et al., *BERT: pre-training of deep bidirectional transformers for language understanding*, 2019,
/// section 3.1.
#[derive(Module, Debug)]
pub struct MaskedLm {
    /// The encoder.
    pub encoder: TextEncoder,
    /// `cls.predictions`, `lm_head` or `vocab_…`, by family.
    pub head: MaskedLmHead,
}

impl MaskedLm {
    /// A model with random weights and without a pooler.
    ///
    /// # Errors
    /// As [`TextEncoder::new`].
    pub fn new(
        config: &EncoderConfig,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, ZooError> {
        Ok(Self::build(config, &mut Origin::random(rng, device))?)
    }

    /// The model with the weights of `state`. A pooler and copies of the words' vectors are left out.
    ///
    /// # Errors
    /// As [`TextEncoder::from_state`]; an encoder without the head has all of the head missing. A last layer
    /// that is not the table of words (`tie_word_embeddings`).
    pub fn from_state(
        config: &EncoderConfig,
        state: StateDict,
        device: &Device,
    ) -> Result<Self, ZooError> {
        let mut given = Given::new(config.family, state);
        let model = Self::build(config, &mut Origin::given(&mut given, device))?;
        given.finish()?;
        Ok(model)
    }

    fn build(config: &EncoderConfig, origin: &mut Origin<'_>) -> Result<Self, NnError> {
        let (width, eps) = (config.hidden_size, config.layer_norm_eps);
        if !config.tie_word_embeddings {
            return Err(NnError::Config {
                layer: "MaskedLm",
                argument: "tie_word_embeddings",
                expected: "true: a last layer of its own is not read".into(),
                got: "false".into(),
            });
        }
        Ok(Self {
            encoder: TextEncoder::build(config, false, origin)?,
            head: MaskedLmHead {
                dense: origin.linear("cls.predictions.transform.dense", width, width),
                norm: origin.norm("cls.predictions.transform.LayerNorm", width, eps)?,
                bias: origin.bias("cls.predictions.bias", config.vocab_size),
                // RoBERTa's head has its own.
                activation: match config.family {
                    EncoderFamily::Roberta => EncoderActivation::Gelu,
                    EncoderFamily::Bert | EncoderFamily::DistilBert => config.activation,
                },
            },
        })
    }

    /// Logits of the words at every place.
    ///
    /// # Shapes
    /// `tokens` of `(N, L)` → `(N, L, vocab_size)`.
    ///
    /// # Errors
    /// As [`TextEncoder::forward`].
    pub fn forward(&self, tokens: &Tokens, mode: &Mode) -> Result<Tensor<3>, NnError> {
        self.logits(self.encoder.forward(tokens, mode)?)
    }

    /// Logits of the words, of hidden states.
    ///
    /// # Shapes
    /// `hidden: (*, hidden_size)` → `(*, vocab_size)`.
    ///
    /// # Errors
    /// A last axis of another size.
    pub fn logits<const D: usize>(&self, hidden: Tensor<D>) -> Result<Tensor<D>, NnError> {
        let MaskedLmHead {
            dense,
            norm,
            bias,
            activation,
        } = &self.head;
        let hidden = norm.forward(activation.apply(dense.forward(hidden)?))?;
        let words = self.encoder.embeddings.word_embeddings.weight.val();
        Ok(linear(hidden, words, Some(bias.val()))?)
    }
}
