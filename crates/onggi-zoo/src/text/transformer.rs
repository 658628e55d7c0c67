//! A small encoder of the Transformer.

use super::{EMBEDDING, classify, plain, table, tokens::Tokens};
use crate::ModelOptions;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use onggi_nn::attention::{
    Mask, Masks, TransformerEncoder, TransformerLayerConfig, sinusoidal_positions,
};
use onggi_nn::dropout::Dropout;
use onggi_nn::embedding::Embedding;
use onggi_nn::init::{Nonlinearity, Probe};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::{Mode, NnError};
use onggi_ops::activation::Activation;
use rand_chacha::ChaCha8Rng;

const NAME: &str = "transformer";

/// Heads, which divide any width.
const HEADS: usize = 4;

/// Encoder layers.
const LAYERS: usize = 2;

/// `fc(dropout(mean over the text of encoder(√E · embedding + position)))`: two layers of four heads, each part
/// normalised first, GELU between linear maps of twice the width. Padding is not attended to and does not count
/// in the mean. Positions are sinusoids, so a text may have any length.
///
/// # Reference
/// Vaswani et al., *Attention is all you need*, 2017; Xiong et al., *On layer normalization in the Transformer
/// architecture*, 2020.
#[derive(Module, Debug)]
pub struct TextTransformer {
    /// Embeddings of 128 values times the width.
    pub embedding: Embedding,
    /// The layers, and a norm behind them.
    pub encoder: TransformerEncoder,
    /// Before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub fc: Linear,
}

impl TextTransformer {
    /// A model for ids below `vocabulary`; `dropout` is that of the layers, too.
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
        // Times √E the embeddings have a standard deviation of 1, beside positions of at most 1.
        let std = 1.0 / (width as f64).sqrt();
        let embedding = table(vocabulary, width, std, rng, device)?;
        let layer = TransformerLayerConfig::new(width, HEADS)
            .with_dim_feedforward(2 * width)
            .with_dropout(options.dropout)
            .with_activation(Activation::Gelu)
            .with_batch_first(true)
            .with_norm_first(true);
        Ok(Self {
            embedding,
            encoder: layer.init_encoder(LAYERS, true, rng, device)?,
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
        let x: Tensor<3> = self.embedding.forward(tokens.ids.clone())?;
        let [n, length, width] = x.dims();
        let positions = sinusoidal_positions(length, width, &x.device())?;
        let x = x * (width as f64).sqrt() + positions.unsqueeze();
        let masks = Masks {
            key_padding_mask: tokens.padded().then(|| Mask::Ignored(tokens.padding())),
            ..Masks::default()
        };
        let inside: Tensor<3> = tokens.first(length, |len| len, &x).unsqueeze_dim(2);
        let mut x = self.dropout.forward(x, mode)?;
        for (i, layer) in self.encoder.layers.iter().enumerate() {
            x = layer.forward(x, &masks, mode)?;
            if probe.is_on() {
                let units = (x.clone() * inside.clone()).swap_dims(1, 2);
                probe.record(&format!("encoder.layers.{i}"), Nonlinearity::Linear, &units);
            }
        }
        if let Some(norm) = &self.encoder.norm {
            x = norm.forward(x)?;
        }
        let count = inside.clone().sum_dim(1);
        let mean = ((x * inside).sum_dim(1) / count).reshape([n, width]);
        classify(&self.fc, self.dropout.forward(mean, mode)?, probe)
    }
}
