//! Convolutions over neighbouring tokens, and the strongest answer of each.

use super::{EMBEDDING, classify, plain, table, tokens::Tokens};
use crate::ModelOptions;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use onggi_nn::conv::{Conv1d, Conv1dConfig};
use onggi_nn::dropout::Dropout;
use onggi_nn::embedding::Embedding;
use onggi_nn::init::{Nonlinearity, Probe};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::{Mode, NnError};
use onggi_ops::activation::relu;
use onggi_ops::pool::adaptive_max_pool;
use rand_chacha::ChaCha8Rng;

const NAME: &str = "cnn";

/// Tokens that a convolution looks at.
const WINDOWS: [usize; 3] = [3, 4, 5];

/// Maps of each convolution, before the width asked for: the paper's 100, to a multiple of 8.
const MAPS: usize = 96;

/// `fc(dropout(max over places of relu(conv(embeddings))))`, with convolutions over 3, 4 and 5 tokens side by
/// side. A window lies inside its text; a text that is shorter than the window has one window.
///
/// # Reference
/// Kim, *Convolutional neural networks for sentence classification*, EMNLP 2014: its CNN-rand.
#[derive(Module, Debug)]
pub struct TextCnn {
    /// Embeddings of 128 values times the width.
    pub embedding: Embedding,
    /// One convolution a window.
    pub convs: Vec<Conv1d>,
    /// Before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub fc: Linear,
}

impl TextCnn {
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
        let (width, maps) = (options.widened(EMBEDDING)?, options.widened(MAPS)?);
        let embedding = table(vocabulary, width, 0.1, rng, device)?;
        let convs = WINDOWS.map(|window| Conv1dConfig::new(width, maps, window).init(rng, device));
        Ok(Self {
            embedding,
            convs: convs.into_iter().collect::<Result<_, _>>()?,
            dropout: Dropout::new(options.dropout)?,
            fc: LinearConfig::new(maps * WINDOWS.len(), options.classes).init(rng, device)?,
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
        let longest = WINDOWS[WINDOWS.len() - 1];
        let tokens = Tokens::read(NAME, ids, longest)?;
        let x: Tensor<3> = self.embedding.forward(tokens.ids.clone())?;
        let x = x.swap_dims(1, 2);
        let mut strongest = Vec::new();
        for (i, (conv, window)) in self.convs.iter().zip(WINDOWS).enumerate() {
            let y = conv.forward(x.clone())?;
            let [n, maps, places] = y.dims();
            // After ReLU nothing is below the 0 that windows over padding are given.
            let inside = tokens.first(places, |len| len.saturating_sub(window) + 1, &y);
            let y = y * inside.unsqueeze_dim(1);
            probe.record(&format!("convs.{i}"), Nonlinearity::Relu, &y);
            let y = adaptive_max_pool(relu(y), [Some(1)])?;
            strongest.push(y.reshape([n, maps]));
        }
        let x = self.dropout.forward(Tensor::cat(strongest, 1), mode)?;
        classify(&self.fc, x, probe)
    }
}
