//! One layer of an encoder.

use super::EncoderConfig;
use super::weights::Origin;
use burn::module::Module;
use burn::tensor::{Bool, Tensor};
use onggi_nn::dropout::Dropout;
use onggi_nn::linear::Linear;
use onggi_nn::lora::{LoraConfig, LoraLinear};
use onggi_nn::norm::LayerNorm;
use onggi_nn::{Mode, NnError};
use onggi_ops::attention::{AttentionMask, AttentionOptions, multi_head_attention};
use rand_chacha::ChaCha8Rng;

/// A linear layer, or one that is tuned by low-rank matrices.
#[derive(Module, Debug)]
pub enum Projection {
    /// As it was trained.
    Linear(Linear),
    /// With matrices beside it.
    Lora(LoraLinear),
}

impl Projection {
    fn forward(&self, x: Tensor<3>, mode: &Mode) -> Result<Tensor<3>, NnError> {
        match self {
            Self::Linear(layer) => layer.forward(x),
            Self::Lora(layer) => layer.forward(x, mode),
        }
    }

    fn with_lora(self, config: &LoraConfig, rng: &mut ChaCha8Rng) -> Result<Self, NnError> {
        let base = match self {
            Self::Linear(layer) => layer,
            Self::Lora(layer) => layer.merge(),
        };
        config.init(base, rng).map(Self::Lora)
    }

    fn merged(self) -> Self {
        match self {
            Self::Linear(layer) => Self::Linear(layer),
            Self::Lora(layer) => Self::Linear(layer.merge()),
        }
    }
}

/// Attention of the tokens to each other and two linear layers, each added to its input and the sum
/// normalised.
#[derive(Module, Debug)]
pub struct EncoderLayer {
    /// `attention.self.query`.
    pub query: Projection,
    /// `attention.self.key`.
    pub key: Projection,
    /// `attention.self.value`.
    pub value: Projection,
    /// `attention.output.dense`: of the heads' results.
    pub attention_output: Linear,
    /// `attention.output.LayerNorm`.
    pub attention_norm: LayerNorm<1>,
    /// `intermediate.dense`.
    pub intermediate: Linear,
    /// `output.dense`.
    pub output: Linear,
    /// `output.LayerNorm`.
    pub output_norm: LayerNorm<1>,
    /// After `attention_output`.
    pub attention_dropout: Dropout,
    /// After `output`.
    pub dropout: Dropout,
    #[module(skip)]
    config: EncoderConfig,
}

impl EncoderLayer {
    /// The layer `i` of an encoder.
    pub(super) fn build(
        config: &EncoderConfig,
        i: usize,
        origin: &mut Origin<'_>,
    ) -> Result<Self, NnError> {
        let name = |part: &str| format!("encoder.layer.{i}.{part}");
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let eps = config.layer_norm_eps;
        let mut linear = |part: &str, outputs, inputs| origin.linear(&name(part), outputs, inputs);
        let query = linear("attention.self.query", width, width);
        let key = linear("attention.self.key", width, width);
        let value = linear("attention.self.value", width, width);
        let attention_output = linear("attention.output.dense", width, width);
        let intermediate = linear("intermediate.dense", inner, width);
        let output = linear("output.dense", width, inner);
        Ok(Self {
            query: Projection::Linear(query),
            key: Projection::Linear(key),
            value: Projection::Linear(value),
            attention_output,
            attention_norm: origin.norm(&name("attention.output.LayerNorm"), width, eps)?,
            intermediate,
            output,
            output_norm: origin.norm(&name("output.LayerNorm"), width, eps)?,
            attention_dropout: Dropout::new(config.attention_output_dropout())?,
            dropout: Dropout::new(config.dropout)?,
            config: config.clone(),
        })
    }

    /// The layer with low-rank matrices beside its projections of queries and values.
    pub(super) fn with_lora(
        mut self,
        config: &LoraConfig,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, NnError> {
        self.query = self.query.with_lora(config, rng)?;
        self.value = self.value.with_lora(config, rng)?;
        Ok(self)
    }

    /// The layer with them put into the weights.
    pub(super) fn merged(mut self) -> Self {
        self.query = self.query.merged();
        self.value = self.value.merged();
        self
    }

    pub(super) fn forward(
        &self,
        x: Tensor<3>,
        mask: Option<&Tensor<4, Bool>>,
        mode: &Mode,
    ) -> Result<Tensor<3>, NnError> {
        let dropout = match mode {
            Mode::Train(draws) if self.config.attention_dropout > 0.0 => {
                Some((self.config.attention_dropout, draws.key()))
            }
            _ => None,
        };
        let options = AttentionOptions {
            mask: mask.cloned().map(AttentionMask::TakesPart),
            dropout,
            ..AttentionOptions::default()
        };
        let q = self.query.forward(x.clone(), mode)?;
        let k = self.key.forward(x.clone(), mode)?;
        let v = self.value.forward(x.clone(), mode)?;
        let y = multi_head_attention(q, k, v, self.config.heads, true, options)?;
        let y = self.attention_output.forward(y)?;
        let y = self.attention_dropout.forward(y, mode)?;
        let x = self.attention_norm.forward(y + x)?;
        let y = self.intermediate.forward(x.clone())?;
        let y = self.output.forward(self.config.activation.apply(y))?;
        self.output_norm.forward(self.dropout.forward(y, mode)? + x)
    }
}
