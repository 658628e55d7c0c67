//! BERT and its kin, encoders of texts: BERT and MiniLM as they are here, RoBERTa and DistilBERT by the
//! names and positions in which they differ (`roberta.rs`, `distilbert.rs`).
//!
//! A model is made of a [configuration](EncoderConfig), as Hugging Face's `config.json` has it, and of a
//! state dict with Hugging Face's names, with or without what comes before them (`bert.`, `roberta.`,
//! `distilbert.`).
//!
//! # Reference
//! Devlin et al., *BERT: pre-training of deep bidirectional transformers for language understanding*, 2019;
//! Wang et al., *MiniLM: deep self-attention distillation for task-agnostic compression of pre-trained
//! transformers*, 2020.

mod classifier;
mod config;
mod fields;
mod folder;
mod layer;
mod masked;
mod pooling;
mod rows;
mod weights;

pub use classifier::{TextClassifier, TextFeatures};
pub use config::{EncoderActivation, EncoderConfig, EncoderFamily};
#[cfg(feature = "tokenizers")]
pub(crate) use fields::read_text;
pub use folder::EncoderFolder;
pub use layer::{EncoderLayer, Projection};
pub use masked::{MaskedLm, MaskedLmHead};
pub use pooling::Pooling;
pub use rows::{EncoderRow, TEXT_ENCODERS};

use crate::ZooError;
use burn::module::Module;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use onggi_nn::dropout::Dropout;
use onggi_nn::embedding::Embedding;
use onggi_nn::linear::Linear;
use onggi_nn::lora::LoraConfig;
use onggi_nn::norm::LayerNorm;
use onggi_nn::state::StateDict;
use onggi_nn::{Mode, NnError};
use rand_chacha::ChaCha8Rng;
use weights::{Given, Origin};

/// Name in errors.
const NAME: &str = "TextEncoder";

/// A batch of token ids.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Ids below `vocab_size`, `(N, L)`.
    pub input_ids: Tensor<2, Int>,
    /// Whether each is a token of the text, not padding, `(N, L)`; without it all are.
    pub attention_mask: Option<Tensor<2, Bool>>,
    /// To which of two texts each belongs, below `type_vocab_size`, `(N, L)`; without it all to the first.
    pub token_type_ids: Option<Tensor<2, Int>>,
}

impl Tokens {
    /// Rows of ids, padded on the right with `pad` to the longest.
    pub fn padded(rows: &[Vec<u32>], pad: usize, device: &Device) -> Self {
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(rows.len() * longest);
        let mut mask = Vec::with_capacity(rows.len() * longest);
        for row in rows {
            ids.extend(row.iter().map(|&id| i64::from(id)));
            mask.extend(row.iter().map(|_| true));
            ids.resize(ids.len() + longest - row.len(), pad as i64);
            mask.resize(ids.len(), false);
        }
        let shape = [rows.len(), longest];
        let full = mask.iter().all(|&token| token);
        let mask = || Tensor::from_data(TensorData::new(mask, shape), device);
        Self {
            input_ids: Tensor::from_data(TensorData::new(ids, shape), device),
            attention_mask: (!full).then(mask),
            token_type_ids: None,
        }
    }

    /// Ids whose padding is known by its id.
    pub fn with_padding(input_ids: Tensor<2, Int>, pad: usize) -> Self {
        Self {
            attention_mask: Some(input_ids.clone().not_equal_elem(pad as i64)),
            input_ids,
            token_type_ids: None,
        }
    }
}

/// What a token begins as: the sum of its word's, its place's and its text's vector, normalised.
#[derive(Module, Debug)]
pub struct TextEmbeddings {
    /// `[vocab_size, hidden_size]`.
    pub word_embeddings: Embedding,
    /// `[max_position_embeddings, hidden_size]`.
    pub position_embeddings: Embedding,
    /// `[type_vocab_size, hidden_size]`; DistilBERT has none.
    pub token_type_embeddings: Option<Embedding>,
    /// After the sum.
    pub norm: LayerNorm<1>,
    /// After the norm.
    pub dropout: Dropout,
}

/// The encoder: what each token means among the others, a vector of `hidden_size` numbers.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_nn::{Mode, init};
/// use onggi_zoo::bert::{EncoderConfig, Pooling, TextEncoder, Tokens};
///
/// let config = EncoderConfig::parse(
///     r#"{"model_type": "bert", "vocab_size": 100, "hidden_size": 16, "num_hidden_layers": 2,
///         "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64}"#,
/// )?;
/// let device = Device::flex();
/// let encoder = TextEncoder::new(&config, &mut init::generator(1), &device)?;
/// let tokens = Tokens::padded(&[vec![2, 17, 3], vec![2, 3]], config.pad_token_id, &device);
/// let hidden = encoder.forward(&tokens, &Mode::Eval)?;
/// assert_eq!(hidden.dims(), [2, 3, 16]);
/// assert_eq!(encoder.pooled(hidden, &tokens, Pooling::Mean)?.dims(), [2, 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Differences from `transformers`
/// No cross-attention, no relative positions. A text of which nothing takes part gets zeros from the
/// attention, where `transformers` averages over its padding.
#[derive(Module, Debug)]
pub struct TextEncoder {
    /// The first vectors.
    pub embeddings: TextEmbeddings,
    /// `encoder.layer`.
    pub layers: Vec<EncoderLayer>,
    /// `pooler.dense`: of the first token, for tasks about the whole text.
    pub pooler: Option<Linear>,
    #[module(skip)]
    config: EncoderConfig,
}

impl TextEncoder {
    /// An encoder with random weights, normal with a deviation of 0.02, with a pooler where the family has
    /// one.
    ///
    /// # Errors
    /// None for a configuration that was checked.
    pub fn new(
        config: &EncoderConfig,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, ZooError> {
        let pooler = config.family.has_pooler();
        let mut origin = Origin::random(rng, device);
        Ok(Self::build(config, pooler, &mut origin)?)
    }

    /// The encoder with the weights of `state`, and with a pooler if there is one.
    ///
    /// Heads for other tasks are left out.
    ///
    /// # Errors
    /// Names every tensor that is missing, of another shape, or not the model's, as Hugging Face does.
    pub fn from_state(
        config: &EncoderConfig,
        state: StateDict,
        device: &Device,
    ) -> Result<Self, ZooError> {
        let mut given = Given::new(config.family, state);
        let pooler = given.has("pooler.dense.weight");
        let mut origin = Origin::given(&mut given, device);
        let encoder = Self::build(config, pooler, &mut origin)?;
        given.finish()?;
        Ok(encoder)
    }

    fn build(
        config: &EncoderConfig,
        pooler: bool,
        origin: &mut Origin<'_>,
    ) -> Result<Self, NnError> {
        let width = config.hidden_size;
        let eps = config.layer_norm_eps;
        let types = config.type_vocab_size;
        let embeddings = TextEmbeddings {
            word_embeddings: origin.embedding(
                "embeddings.word_embeddings",
                [config.vocab_size, width],
                Some(config.pad_token_id),
            )?,
            position_embeddings: origin.embedding(
                "embeddings.position_embeddings",
                [config.max_position_embeddings, width],
                config.family.position_padding(config.pad_token_id),
            )?,
            token_type_embeddings: (types > 0)
                .then(|| origin.embedding("embeddings.token_type_embeddings", [types, width], None))
                .transpose()?,
            norm: origin.norm("embeddings.LayerNorm", width, eps)?,
            dropout: Dropout::new(config.dropout)?,
        };
        let mut layers = Vec::with_capacity(config.layers);
        for i in 0..config.layers {
            layers.push(EncoderLayer::build(config, i, origin)?);
        }
        let pooler = pooler.then(|| origin.linear("pooler.dense", width, width));
        Ok(Self {
            embeddings,
            layers,
            pooler,
            config: config.clone(),
        })
    }

    /// What it was made from.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The last hidden state.
    ///
    /// # Shapes
    /// `tokens` of `(N, L)` → `(N, L, hidden_size)`.
    ///
    /// # Errors
    /// More tokens than [`EncoderConfig::max_tokens`], an id that is not in the vocabulary, a mask or types
    /// of another shape than the ids.
    pub fn forward(&self, tokens: &Tokens, mode: &Mode) -> Result<Tensor<3>, NnError> {
        let [n, l] = tokens.input_ids.dims();
        let refuse = |expected: String, got: [usize; 2]| NnError::Input {
            layer: NAME,
            expected,
            got: got.to_vec(),
        };
        if l == 0 || l > self.config.max_tokens() {
            let expected = format!("(N, L) with L from 1 to {}", self.config.max_tokens());
            return Err(refuse(expected, [n, l]));
        }
        let mask = tokens.attention_mask.as_ref();
        let types = tokens.token_type_ids.as_ref();
        let others = mask.map(Tensor::dims).into_iter();
        for got in others.chain(types.map(Tensor::dims)) {
            if got != [n, l] {
                return Err(refuse(format!("[{n}, {l}], as the ids"), got));
            }
        }
        let mut x = self.embed(tokens, mode)?;
        let mask = mask.map(|mask| mask.clone().reshape([n, 1, 1, l]));
        for layer in &self.layers {
            x = layer.forward(x, mask.as_ref(), mode)?;
        }
        Ok(x)
    }

    fn embed(&self, tokens: &Tokens, mode: &Mode) -> Result<Tensor<3>, NnError> {
        let [_, l] = tokens.input_ids.dims();
        let width = self.config.hidden_size;
        let TextEmbeddings {
            word_embeddings,
            position_embeddings,
            token_type_embeddings,
            norm,
            dropout,
        } = &self.embeddings;
        let x: Tensor<3> = word_embeddings.forward(tokens.input_ids.clone())?;
        let x = match self.config.family {
            EncoderFamily::Roberta => {
                let places = crate::roberta::positions(&tokens.input_ids, self.config.pad_token_id);
                x + position_embeddings.forward(places)?
            }
            EncoderFamily::Bert | EncoderFamily::DistilBert => {
                let places = position_embeddings.weight.val().slice([0..l, 0..width]);
                x + places.reshape([1, l, width])
            }
        };
        let x = match (token_type_embeddings, &tokens.token_type_ids) {
            (None, None) => x,
            (Some(table), Some(types)) => x + table.forward(types.clone())?,
            (Some(table), None) => {
                let first = table.weight.val().slice([0..1, 0..width]);
                x + first.reshape([1, 1, width])
            }
            (None, Some(_)) => {
                return Err(NnError::Config {
                    layer: NAME,
                    argument: "token_type_ids",
                    expected: "absent: this model has no types of tokens".into(),
                    got: "given".into(),
                });
            }
        };
        dropout.forward(norm.forward(x)?, mode)
    }

    /// The encoder with [low-rank matrices](onggi_nn::lora::LoraLinear) beside the projections of queries and values of
    /// every layer, which are trained; all else of it is frozen.
    ///
    /// # Errors
    /// As [`LoraConfig::init`].
    ///
    /// # Reference
    /// Hu et al., *LoRA: low-rank adaptation of large language models*, 2021, section 4.2.
    pub fn with_lora(self, config: &LoraConfig, rng: &mut ChaCha8Rng) -> Result<Self, NnError> {
        let (mut encoder, _) = onggi_nn::freeze(self, |_| true);
        let layers = encoder.layers.into_iter();
        let tuned = layers.map(|layer| layer.with_lora(config, rng));
        encoder.layers = tuned.collect::<Result<_, NnError>>()?;
        Ok(encoder)
    }

    /// The encoder with what [`with_lora`](Self::with_lora) added put into the weights.
    #[must_use]
    pub fn merged(mut self) -> Self {
        let merged = self.layers.into_iter().map(EncoderLayer::merged);
        self.layers = merged.collect();
        self
    }
}
