//! A recurrent layer in both directions, and the largest value of each unit: gru, lstm.

use super::{EMBEDDING, classify, plain, table, tokens::Tokens};
use crate::ModelOptions;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use onggi_nn::dropout::Dropout;
use onggi_nn::embedding::Embedding;
use onggi_nn::init::{self, Nonlinearity, Probe, Scheme};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::recurrent::{Gru, Lstm, Recurrent, RecurrentConfig};
use onggi_nn::{Mode, NnError};
use onggi_ops::pool::adaptive_max_pool;
use rand_chacha::ChaCha8Rng;

/// Units in each direction, before the width asked for.
const HIDDEN: usize = 64;

/// `fc(dropout(max over the text of the states))`, with the states of both directions side by side. A
/// direction goes over a text's own tokens alone.
///
/// The largest value of a unit over the text, and not its last: in a long text that is the shorter way back
/// to what was seen.
///
/// # Reference
/// Conneau et al., *Supervised learning of universal sentence representations from natural language inference
/// data*, EMNLP 2017 (BiLSTM with max pooling); Saxe, McClelland and Ganguli, *Exact solutions to the nonlinear
/// dynamics of learning in deep linear neural networks*, 2014 (orthogonal hidden weights).
#[derive(Module, Debug)]
pub struct TextRecurrent<const GATES: usize> {
    /// Embeddings of 128 values times the width.
    pub embedding: Embedding,
    /// One layer, both directions, 64 units each times the width.
    pub rnn: Recurrent<GATES>,
    /// Before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub fc: Linear,
}

impl<const GATES: usize> TextRecurrent<GATES> {
    /// A model for ids below `vocabulary`. Hidden weights begin orthogonal, the bias of a forget gate at 1, the
    /// embeddings with a standard deviation of 0.1.
    ///
    /// # Errors
    /// No tokens, no classes, dropout outside of `[0, 1]`, stochastic depth, a norm, a width outside of
    /// 0.05 to 16.
    pub fn new(
        name: &'static str,
        vocabulary: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        plain(options, name)?;
        let (width, hidden) = (options.widened(EMBEDDING)?, options.widened(HIDDEN)?);
        let embedding = table(vocabulary, width, 0.1, rng, device)?;
        let config = RecurrentConfig::new(width, hidden)
            .with_batch_first(true)
            .with_bidirectional(true);
        let orthogonal = Scheme {
            recurrent: true,
            forget_gate_bias: 1.0,
            ..Scheme::default()
        };
        let rnn = init::apply(config.init(rng, device)?, orthogonal, rng)?;
        Ok(Self {
            embedding,
            rnn,
            dropout: Dropout::new(options.dropout)?,
            fc: LinearConfig::new(2 * hidden, options.classes).init(rng, device)?,
        })
    }

    /// Logits by `run`, which gives the states of all steps.
    fn logits(
        &self,
        tokens: &Tokens,
        mode: &Mode,
        probe: &mut Probe,
        run: impl FnOnce(Tensor<3>, &[usize]) -> Result<Tensor<3>, NnError>,
    ) -> Result<Tensor<2>, NnError> {
        let x = self.embedding.forward(tokens.ids.clone())?;
        let y = run(x, &tokens.lengths)?;
        let [n, steps, units] = y.dims();
        if probe.is_on() {
            probe.record("rnn", Nonlinearity::Linear, &y.clone().swap_dims(1, 2));
        }
        // States lie between −1 and 1, and are 0 past a text's end: there they become −2, below all.
        let inside: Tensor<3> = tokens.first(steps, |len| len, &y).unsqueeze_dim(2);
        let y = (y + (inside - 1.0) * 2.0).swap_dims(1, 2);
        let y = adaptive_max_pool(y, [Some(1)])?.reshape([n, units]);
        classify(&self.fc, self.dropout.forward(y, mode)?, probe)
    }
}

impl TextRecurrent<3> {
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
        let rnn: &Gru = &self.rnn;
        self.logits(&Tokens::read("gru", ids, 1)?, mode, probe, |x, lengths| {
            Ok(rnn.forward(x, None, Some(lengths), mode)?.y)
        })
    }
}

impl TextRecurrent<4> {
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
        let rnn: &Lstm = &self.rnn;
        self.logits(&Tokens::read("lstm", ids, 1)?, mode, probe, |x, lengths| {
            Ok(rnn.forward(x, None, Some(lengths), mode)?.0.y)
        })
    }
}
