//! The mean of a text's embeddings, and a linear classifier.

use super::{EMBEDDING, classify, plain, scaled, tokens};
use crate::ModelOptions;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use onggi_nn::dropout::Dropout;
use onggi_nn::embedding::{EmbeddingBag, EmbeddingBagConfig};
use onggi_nn::init::Probe;
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::{Mode, NnError};
use rand_chacha::ChaCha8Rng;
use tokens::Tokens;

const NAME: &str = "bag_of_embeddings";

/// `fc(dropout(mean of the tokens' embeddings))`.
///
/// # Reference
/// Joulin et al., *Bag of tricks for efficient text classification*, 2017, without its n-grams.
#[derive(Module, Debug)]
pub struct BagOfEmbeddings {
    /// Mean of the embeddings of 128 values times the width.
    pub embedding: EmbeddingBag,
    /// Before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub fc: Linear,
}

impl BagOfEmbeddings {
    /// A model for ids below `vocabulary`; the embeddings begin with a standard deviation of 0.1.
    ///
    /// # Errors
    /// No tokens, no classes, dropout outside of `[0, 1]`, stochastic depth, a norm, a width outside of
    /// 0.05 to 16.
    pub fn new(
        vocabulary: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        plain(options, NAME)?;
        let width = options.widened(EMBEDDING)?;
        let config = EmbeddingBagConfig::new(vocabulary, width).with_padding_idx(tokens::PADDING);
        let mut embedding = config.init(rng, device)?;
        embedding.weight = scaled(embedding.weight, 0.1);
        Ok(Self {
            embedding,
            dropout: Dropout::new(options.dropout)?,
            fc: LinearConfig::new(width, options.classes).init(rng, device)?,
        })
    }

    /// Logits of texts; `probe` is told what the layers put out.
    ///
    /// # Shapes
    /// `ids: (N, L)` → `(N, classes)`.
    ///
    /// # Errors
    /// An id that is not below the vocabulary; no text, or none with a token.
    pub fn forward(
        &self,
        ids: Tensor<2, Int>,
        mode: &Mode,
        probe: &mut Probe,
    ) -> Result<Tensor<2>, NnError> {
        let tokens = Tokens::read(NAME, ids, 1)?;
        let x = self.embedding.forward(tokens.ids, None)?;
        classify(&self.fc, self.dropout.forward(x, mode)?, probe)
    }
}
