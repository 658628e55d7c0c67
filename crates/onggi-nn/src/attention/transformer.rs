//! The Transformer's encoder and decoder.

use super::{Masks, MultiheadAttention, MultiheadAttentionConfig};
use crate::activation::Activation;
use crate::dropout::Dropout;
use crate::error::{check_positive, check_range};
use crate::linear::{Linear, LinearConfig};
use crate::norm::{LayerNorm, LayerNormConfig};
use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

/// Configuration of the Transformer's layers and of stacks of them.
#[derive(Clone, Debug)]
pub struct TransformerLayerConfig {
    /// Width of the tokens.
    pub d_model: usize,
    /// Heads of the attention, which divide `d_model`.
    pub nhead: usize,
    /// Width between the two linear maps. Default: 2048.
    pub dim_feedforward: usize,
    /// Probability of dropout after each part, inside the feed-forward part, and of attention
    /// weights. Default: 0.1.
    pub dropout: f64,
    /// Between the two linear maps. Default: ReLU.
    pub activation: Activation,
    /// Added to the variance in the normalisations. Default: 1e-5.
    pub layer_norm_eps: f64,
    /// Whether tensors are `(N, L, E)` instead of `(L, N, E)`. Default: no.
    pub batch_first: bool,
    /// Whether each part normalises its input, instead of the sum with its result. Default: no.
    pub norm_first: bool,
    /// Whether linear maps and normalisations have biases. Default: yes.
    pub bias: bool,
}

impl TransformerLayerConfig {
    /// PyTorch's defaults.
    pub fn new(d_model: usize, nhead: usize) -> Self {
        Self {
            d_model,
            nhead,
            dim_feedforward: 2048,
            dropout: 0.1,
            activation: Activation::Relu,
            layer_norm_eps: 1e-5,
            batch_first: false,
            norm_first: false,
            bias: true,
        }
    }

    /// Sets the width between the two linear maps.
    #[must_use]
    pub fn with_dim_feedforward(mut self, dim_feedforward: usize) -> Self {
        self.dim_feedforward = dim_feedforward;
        self
    }

    /// Sets the probability of dropout.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets the function between the two linear maps.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets the order of the first two axes.
    #[must_use]
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// Sets whether each part normalises its input.
    #[must_use]
    pub fn with_norm_first(mut self, norm_first: bool) -> Self {
        self.norm_first = norm_first;
        self
    }

    /// An encoder layer.
    ///
    /// # Errors
    /// A size of 0, heads that do not divide `d_model`, a dropout outside of `[0, 1]`, a negative
    /// or non-finite `layer_norm_eps`.
    pub fn init_encoder_layer(
        &self,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<TransformerEncoderLayer, NnError> {
        self.check("TransformerEncoderLayer")?;
        let self_attn = self.attention().init(rng, device)?;
        let [linear1, linear2] = self.feed_forward(rng, device)?;
        Ok(TransformerEncoderLayer {
            self_attn,
            linear1,
            dropout: Dropout::new(self.dropout)?,
            linear2,
            norm1: self.norm(device)?,
            norm2: self.norm(device)?,
            dropout1: Dropout::new(self.dropout)?,
            dropout2: Dropout::new(self.dropout)?,
            activation: self.activation,
            norm_first: self.norm_first,
        })
    }

    /// A decoder layer.
    ///
    /// # Errors
    /// As [`init_encoder_layer`](Self::init_encoder_layer).
    pub fn init_decoder_layer(
        &self,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<TransformerDecoderLayer, NnError> {
        self.check("TransformerDecoderLayer")?;
        let self_attn = self.attention().init(rng, device)?;
        let multihead_attn = self.attention().init(rng, device)?;
        let [linear1, linear2] = self.feed_forward(rng, device)?;
        Ok(TransformerDecoderLayer {
            self_attn,
            multihead_attn,
            linear1,
            dropout: Dropout::new(self.dropout)?,
            linear2,
            norm1: self.norm(device)?,
            norm2: self.norm(device)?,
            norm3: self.norm(device)?,
            dropout1: Dropout::new(self.dropout)?,
            dropout2: Dropout::new(self.dropout)?,
            dropout3: Dropout::new(self.dropout)?,
            activation: self.activation,
            norm_first: self.norm_first,
        })
    }

    /// An encoder of `num_layers` layers, and a normalisation after them if `norm`.
    ///
    /// # Errors
    /// As [`init_encoder_layer`](Self::init_encoder_layer).
    pub fn init_encoder(
        &self,
        num_layers: usize,
        norm: bool,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<TransformerEncoder, NnError> {
        let layers = (0..num_layers).map(|_| self.init_encoder_layer(rng, device));
        Ok(TransformerEncoder {
            layers: layers.collect::<Result<_, _>>()?,
            norm: norm.then(|| self.norm(device)).transpose()?,
        })
    }

    /// A decoder of `num_layers` layers, and a normalisation after them if `norm`.
    ///
    /// # Errors
    /// As [`init_decoder_layer`](Self::init_decoder_layer).
    pub fn init_decoder(
        &self,
        num_layers: usize,
        norm: bool,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<TransformerDecoder, NnError> {
        let layers = (0..num_layers).map(|_| self.init_decoder_layer(rng, device));
        Ok(TransformerDecoder {
            layers: layers.collect::<Result<_, _>>()?,
            norm: norm.then(|| self.norm(device)).transpose()?,
        })
    }

    fn check(&self, layer: &'static str) -> Result<(), NnError> {
        check_positive(layer, "d_model", self.d_model)?;
        check_positive(layer, "dim_feedforward", self.dim_feedforward)?;
        check_range(layer, "layer_norm_eps", self.layer_norm_eps, 0.0..=f64::MAX)
    }

    fn attention(&self) -> MultiheadAttentionConfig {
        MultiheadAttentionConfig {
            dropout: self.dropout,
            bias: self.bias,
            batch_first: self.batch_first,
            ..MultiheadAttentionConfig::new(self.d_model, self.nhead)
        }
    }

    fn feed_forward(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<[Linear; 2], NnError> {
        let mut linear = |inputs, outputs| {
            let config = LinearConfig {
                bias: self.bias,
                ..LinearConfig::new(inputs, outputs)
            };
            config.init(rng, device)
        };
        Ok([
            linear(self.d_model, self.dim_feedforward)?,
            linear(self.dim_feedforward, self.d_model)?,
        ])
    }

    fn norm(&self, device: &Device) -> Result<LayerNorm<1>, NnError> {
        let mut config = LayerNormConfig::new([self.d_model]);
        config.eps = self.layer_norm_eps;
        config.bias = self.bias;
        config.init(device)
    }
}

/// `x + part(norm(x))`, or `norm(x + part(x))`.
fn residual(
    x: Tensor<3>,
    norm: &LayerNorm<1>,
    norm_first: bool,
    part: impl FnOnce(Tensor<3>) -> Result<Tensor<3>, NnError>,
) -> Result<Tensor<3>, NnError> {
    if norm_first {
        Ok(x.clone() + part(norm.forward(x)?)?)
    } else {
        norm.forward(x.clone() + part(x)?)
    }
}

/// `linear2(dropout(activation(linear1(x))))`.
fn feed_forward(
    x: Tensor<3>,
    [linear1, linear2]: [&Linear; 2],
    activation: Activation,
    dropout: &Dropout,
    mode: &Mode,
) -> Result<Tensor<3>, NnError> {
    let hidden = activation.apply(linear1.forward(x)?);
    linear2.forward(dropout.forward(hidden, mode)?)
}

/// Attention of a sequence to itself, and two linear maps, each added to its input:
///
/// ```text
/// norm_first:  x = x + attention(norm1(x));   y = x + feed_forward(norm2(x))
/// otherwise:   x = norm1(x + attention(x));   y = norm2(x + feed_forward(x))
/// ```
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::attention::{Masks, TransformerLayerConfig};
/// use onggi_nn::{Mode, init};
///
/// let device = Device::flex();
/// let config = TransformerLayerConfig::new(8, 2).with_batch_first(true);
/// let layer = config.init_encoder_layer(&mut init::generator(1), &device)?;
/// let x = Tensor::<3>::ones([4, 10, 8], &device);
/// assert_eq!(layer.forward(x, &Masks::default(), &Mode::train(1, 1))?.dims(), [4, 10, 8]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Vaswani et al., *Attention is all you need*, 2017; Xiong et al., *On layer normalization in the
/// Transformer architecture*, 2020 (`norm_first`).
#[derive(Module, Debug)]
pub struct TransformerEncoderLayer {
    /// Attention of the sequence to itself.
    pub self_attn: MultiheadAttention,
    /// First linear map.
    pub linear1: Linear,
    /// Between the linear maps.
    pub dropout: Dropout,
    /// Second linear map.
    pub linear2: Linear,
    /// Of the attention.
    pub norm1: LayerNorm<1>,
    /// Of the linear maps.
    pub norm2: LayerNorm<1>,
    /// After the attention.
    pub dropout1: Dropout,
    /// After the linear maps.
    pub dropout2: Dropout,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    norm_first: bool,
}

impl TransformerEncoderLayer {
    /// Applies the layer.
    ///
    /// # Shapes
    /// `src: (N, L, d_model)` → the same; without `batch_first`, `(L, N, d_model)`.
    ///
    /// # Errors
    /// Another width, or masks that do not fit.
    pub fn forward(
        &self,
        src: Tensor<3>,
        masks: &Masks,
        mode: &Mode,
    ) -> Result<Tensor<3>, NnError> {
        let x = residual(src, &self.norm1, self.norm_first, |x| {
            let y = self.self_attn.forward_self(x, masks, mode)?;
            self.dropout1.forward(y, mode)
        })?;
        residual(x, &self.norm2, self.norm_first, |x| {
            let linears = [&self.linear1, &self.linear2];
            let y = feed_forward(x, linears, self.activation, &self.dropout, mode)?;
            self.dropout2.forward(y, mode)
        })
    }
}

/// An encoder layer with an attention to another sequence between its parts:
///
/// ```text
/// x = norm1(x + attention(x));   x = norm2(x + attention(x, memory));   y = norm3(x + feed_forward(x))
/// ```
///
/// or, with `norm_first`, each part's input normalised instead of its sum.
///
/// # Reference
/// As [`TransformerEncoderLayer`].
#[derive(Module, Debug)]
pub struct TransformerDecoderLayer {
    /// Attention of the sequence to itself.
    pub self_attn: MultiheadAttention,
    /// Attention of the sequence to the memory.
    pub multihead_attn: MultiheadAttention,
    /// First linear map.
    pub linear1: Linear,
    /// Between the linear maps.
    pub dropout: Dropout,
    /// Second linear map.
    pub linear2: Linear,
    /// Of the attention to itself.
    pub norm1: LayerNorm<1>,
    /// Of the attention to the memory.
    pub norm2: LayerNorm<1>,
    /// Of the linear maps.
    pub norm3: LayerNorm<1>,
    /// After the attention to itself.
    pub dropout1: Dropout,
    /// After the attention to the memory.
    pub dropout2: Dropout,
    /// After the linear maps.
    pub dropout3: Dropout,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    norm_first: bool,
}

impl TransformerDecoderLayer {
    /// Applies the layer. `tgt_masks` is for the attention to itself ([`Masks::causal`] as a rule),
    /// `memory_masks` for that to the memory.
    ///
    /// # Shapes
    /// `tgt: (N, L, d_model)`, `memory: (N, S, d_model)` → `(N, L, d_model)`; without
    /// `batch_first` the first two axes change places.
    ///
    /// # Errors
    /// Another width, a memory of another batch, or masks that do not fit.
    pub fn forward(
        &self,
        tgt: Tensor<3>,
        memory: Tensor<3>,
        tgt_masks: &Masks,
        memory_masks: &Masks,
        mode: &Mode,
    ) -> Result<Tensor<3>, NnError> {
        let x = residual(tgt, &self.norm1, self.norm_first, |x| {
            let y = self.self_attn.forward_self(x, tgt_masks, mode)?;
            self.dropout1.forward(y, mode)
        })?;
        let x = residual(x, &self.norm2, self.norm_first, |x| {
            let attention = &self.multihead_attn;
            let y = attention.forward(x, memory.clone(), memory, memory_masks, mode)?;
            self.dropout2.forward(y, mode)
        })?;
        residual(x, &self.norm3, self.norm_first, |x| {
            let linears = [&self.linear1, &self.linear2];
            let y = feed_forward(x, linears, self.activation, &self.dropout, mode)?;
            self.dropout3.forward(y, mode)
        })
    }
}

/// Encoder layers one after another.
///
/// # Differences from PyTorch
/// Each layer draws its own initial values; there they are copies of one.
#[derive(Module, Debug)]
pub struct TransformerEncoder {
    /// The layers, first to last.
    pub layers: Vec<TransformerEncoderLayer>,
    /// After the last layer.
    pub norm: Option<LayerNorm<1>>,
}

impl TransformerEncoder {
    /// Applies the layers.
    ///
    /// # Shapes
    /// As [`TransformerEncoderLayer::forward`].
    ///
    /// # Errors
    /// As [`TransformerEncoderLayer::forward`].
    pub fn forward(
        &self,
        src: Tensor<3>,
        masks: &Masks,
        mode: &Mode,
    ) -> Result<Tensor<3>, NnError> {
        let y = (self.layers.iter()).try_fold(src, |x, layer| layer.forward(x, masks, mode))?;
        match &self.norm {
            Some(norm) => norm.forward(y),
            None => Ok(y),
        }
    }
}

/// Decoder layers one after another.
///
/// # Differences from PyTorch
/// As [`TransformerEncoder`].
#[derive(Module, Debug)]
pub struct TransformerDecoder {
    /// The layers, first to last.
    pub layers: Vec<TransformerDecoderLayer>,
    /// After the last layer.
    pub norm: Option<LayerNorm<1>>,
}

impl TransformerDecoder {
    /// Applies the layers.
    ///
    /// # Shapes
    /// As [`TransformerDecoderLayer::forward`].
    ///
    /// # Errors
    /// As [`TransformerDecoderLayer::forward`].
    pub fn forward(
        &self,
        tgt: Tensor<3>,
        memory: Tensor<3>,
        tgt_masks: &Masks,
        memory_masks: &Masks,
        mode: &Mode,
    ) -> Result<Tensor<3>, NnError> {
        let y = self.layers.iter().try_fold(tgt, |x, layer| {
            layer.forward(x, memory.clone(), tgt_masks, memory_masks, mode)
        })?;
        match &self.norm {
            Some(norm) => norm.forward(y),
            None => Ok(y),
        }
    }
}
