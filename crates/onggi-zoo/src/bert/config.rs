//! A model's `config.json`.

use super::fields::{Fields, read_text};
use crate::weights::{MAX_BYTES, WeightsError};
use crate::{distilbert, roberta};
use burn::tensor::Tensor;
use onggi_ops::activation::{gelu, gelu_tanh, relu, silu};
use std::path::Path;

/// Longest configuration that is read, in bytes: those with names of many classes have some 100 KiB.
const MAX_CONFIG: u64 = 4 << 20;

/// Bounds of the sizes: several times those of the largest encoders.
const MAX_VOCABULARY: u64 = 2_000_000;
const MAX_WIDTH: u64 = 1 << 14;
const MAX_INNER: u64 = 1 << 16;
const MAX_LAYERS: u64 = 256;
const MAX_POSITIONS: u64 = 1 << 16;
const MAX_TYPES: u64 = 1 << 10;

/// Which of BERT's kin a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncoderFamily {
    /// BERT, and MiniLM.
    Bert,
    /// RoBERTa; XLM-RoBERTa and CamemBERT.
    Roberta,
    /// DistilBERT.
    DistilBert,
}

impl EncoderFamily {
    /// What stands before the encoder's names in a model with a head.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Bert => "bert.",
            Self::Roberta => "roberta.",
            Self::DistilBert => "distilbert.",
        }
    }

    /// Whether it has a layer for the first token.
    pub(super) fn has_pooler(self) -> bool {
        self != Self::DistilBert
    }

    /// The row of the position table that is not trained.
    pub(super) fn position_padding(self, pad: usize) -> Option<usize> {
        (self == Self::Roberta).then_some(pad)
    }

    /// The family's name of what BERT calls `name`.
    pub(super) fn renamed(self, name: &str) -> String {
        let table: &[(&str, &str)] = match self {
            Self::Bert => &[],
            Self::Roberta => &roberta::NAMES,
            Self::DistilBert => &distilbert::NAMES,
        };
        let exchange = |name: String, (old, new): &(&str, &str)| name.replacen(old, new, 1);
        table.iter().fold(name.to_owned(), exchange)
    }
}

/// The function between a layer's two linear maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncoderActivation {
    /// `x · Φ(x)`: `gelu`.
    Gelu,
    /// Its approximation by `tanh`: `gelu_new`, `gelu_pytorch_tanh`.
    GeluTanh,
    /// `max(x, 0)`: `relu`.
    Relu,
    /// `x · σ(x)`: `silu`, `swish`.
    Silu,
}

impl EncoderActivation {
    /// The function by Hugging Face's name of it.
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Self::GeluTanh,
            "relu" => Self::Relu,
            "silu" | "swish" => Self::Silu,
            _ => return None,
        })
    }

    /// Each element's.
    pub(super) fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => gelu(x),
            Self::GeluTanh => gelu_tanh(x),
            Self::Relu => relu(x),
            Self::Silu => silu(x),
        }
    }
}

/// Sizes and choices of an encoder, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderConfig {
    /// Which of the kin.
    pub family: EncoderFamily,
    /// Ids of tokens.
    pub vocab_size: usize,
    /// Numbers for each token.
    pub hidden_size: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of attention, which divide `hidden_size`.
    pub heads: usize,
    /// Numbers between the two linear maps of a layer.
    pub intermediate_size: usize,
    /// Rows of the table of positions.
    pub max_position_embeddings: usize,
    /// Texts that a token can belong to; 0 for DistilBERT.
    pub type_vocab_size: usize,
    /// Id of padding.
    pub pad_token_id: usize,
    /// Between the two linear maps of a layer.
    pub activation: EncoderActivation,
    /// Added to the variance in the normalisations.
    pub layer_norm_eps: f64,
    /// Probability of dropout after embeddings and layers.
    pub dropout: f64,
    /// Probability of dropout of the attention's weights.
    pub attention_dropout: f64,
    /// Whether a masked language model's last layer is the table of words.
    pub tie_word_embeddings: bool,
}

impl EncoderConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// A file that cannot be read, of more than 4 MiB, or as of [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let in_file = |source| WeightsError::File {
            path: path.to_path_buf(),
            source: Box::new(source),
        };
        let text = read_text(path, MAX_CONFIG, "a configuration")?;
        Self::parse(&text).map_err(in_file)
    }

    /// Reads the text of a `config.json`. What it leaves out is Hugging Face's default.
    ///
    /// # Errors
    /// No JSON object; a model that is not of this family; a size out of bounds; heads that do not divide
    /// the hidden size; an activation that is not known, by name.
    pub fn parse(text: &str) -> Result<Self, WeightsError> {
        let fields = Fields::parse(text)?;
        let kind = fields.text("model_type", "bert")?;
        let family = match kind {
            "bert" => EncoderFamily::Bert,
            "roberta" | "xlm-roberta" | "camembert" => EncoderFamily::Roberta,
            "distilbert" => EncoderFamily::DistilBert,
            other => {
                return Err(WeightsError::unsupported(format!(
                    "config.json: there is no encoder of the type `{}`; there is: bert, roberta, \
                     xlm-roberta, camembert, distilbert",
                    other.escape_debug()
                )));
            }
        };
        let distil = family == EncoderFamily::DistilBert;
        // BERT's name of a field and DistilBERT's.
        let name = |bert, of_distil| if distil { of_distil } else { bert };
        fields.only("position_embedding_type", "absolute")?;
        fields.never("is_decoder")?;
        fields.never("add_cross_attention")?;
        let roberta = family == EncoderFamily::Roberta;
        let vocabulary = if roberta { 50_265 } else { 30_522 };
        let act = fields.text(name("hidden_act", "activation"), "gelu")?;
        let activation = EncoderActivation::parse(act).ok_or_else(|| {
            WeightsError::unsupported(format!(
                "config.json: the activation `{}` is not known; there is: gelu, gelu_new, \
                 gelu_pytorch_tanh, relu, silu",
                act.escape_debug()
            ))
        })?;
        let size = |field, default, most| fields.size(field, default, 1, most);
        let config = Self {
            family,
            vocab_size: size("vocab_size", vocabulary, MAX_VOCABULARY)?,
            hidden_size: size(name("hidden_size", "dim"), 768, MAX_WIDTH)?,
            layers: size(
                name("num_hidden_layers", "n_layers"),
                if distil { 6 } else { 12 },
                MAX_LAYERS,
            )?,
            heads: size(name("num_attention_heads", "n_heads"), 12, MAX_WIDTH)?,
            intermediate_size: size(name("intermediate_size", "hidden_dim"), 3072, MAX_INNER)?,
            max_position_embeddings: size("max_position_embeddings", 512, MAX_POSITIONS)?,
            type_vocab_size: match distil {
                true => 0,
                false => size("type_vocab_size", 2, MAX_TYPES)?,
            },
            pad_token_id: fields.size("pad_token_id", u64::from(roberta), 0, MAX_VOCABULARY)?,
            activation,
            layer_norm_eps: fields.number("layer_norm_eps", 1e-12, 1.0)?,
            dropout: fields.number(name("hidden_dropout_prob", "dropout"), 0.1, 1.0)?,
            attention_dropout: fields.number(
                name("attention_probs_dropout_prob", "attention_dropout"),
                0.1,
                1.0,
            )?,
            tie_word_embeddings: fields.flag("tie_word_embeddings", true)?,
        };
        config.check()
    }

    fn check(self) -> Result<Self, WeightsError> {
        let refuse = |reason: String| Err(WeightsError::unsupported(reason));
        if !self.hidden_size.is_multiple_of(self.heads) {
            return refuse(format!(
                "config.json: the hidden size must be a multiple of the heads, but {} is none of {}",
                self.hidden_size, self.heads
            ));
        }
        if self.pad_token_id >= self.vocab_size {
            return refuse(format!(
                "config.json: `pad_token_id` must be below vocab_size, {}, but is {}",
                self.vocab_size, self.pad_token_id
            ));
        }
        let roberta = self.family == EncoderFamily::Roberta;
        if roberta && self.max_position_embeddings < self.pad_token_id + 2 {
            return refuse(format!(
                "config.json: `max_position_embeddings` must be above pad_token_id + 1, {}, but is {}",
                self.pad_token_id + 1,
                self.max_position_embeddings
            ));
        }
        let bytes = 4 * self.parameters() as u64;
        if bytes > MAX_BYTES {
            return Err(WeightsError::TooLarge {
                bytes,
                limit: MAX_BYTES,
            });
        }
        Ok(self)
    }

    /// Values of the encoder, with the pooler where the family has one.
    pub fn parameters(&self) -> usize {
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        let tables = self.vocab_size + self.max_position_embeddings + self.type_vocab_size;
        let layer = 4 * (width + 1) * width + 4 * width + (width + 1) * inner + (inner + 1) * width;
        let pooler = usize::from(self.family.has_pooler()) * (width + 1) * width;
        (tables + 2) * width + self.layers * layer + pooler
    }

    /// The longest sequence, in tokens.
    pub fn max_tokens(&self) -> usize {
        match self.family {
            EncoderFamily::Roberta => self.max_position_embeddings - self.pad_token_id - 1,
            EncoderFamily::Bert | EncoderFamily::DistilBert => self.max_position_embeddings,
        }
    }

    /// Probability of dropout after the attention's projection.
    pub(super) fn attention_output_dropout(&self) -> f64 {
        match self.family {
            EncoderFamily::DistilBert => 0.0,
            EncoderFamily::Bert | EncoderFamily::Roberta => self.dropout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sizes() {
        let base = EncoderConfig::parse(r#"{"model_type": "bert"}"#).unwrap();
        assert_eq!(base.parameters(), 109_482_240);
        assert_eq!((base.max_tokens(), base.pad_token_id), (512, 0));
        let distil = EncoderConfig::parse(r#"{"model_type": "distilbert"}"#).unwrap();
        assert_eq!(distil.parameters(), 66_362_880);
        let roberta = r#"{"model_type": "roberta", "max_position_embeddings": 514,
            "type_vocab_size": 1, "layer_norm_eps": 1e-05}"#;
        let roberta = EncoderConfig::parse(roberta).unwrap();
        assert_eq!(roberta.parameters(), 124_645_632);
        assert_eq!((roberta.max_tokens(), roberta.layer_norm_eps), (512, 1e-5));
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| EncoderConfig::parse(text).unwrap_err().to_string();
        for (text, says) in [
            ("", "damaged or cut short: config.json: "),
            ("[]", "damaged or cut short: config.json: "),
            (r#"{"model_type": "gpt2"}"#, "no encoder of the type `gpt2`"),
            (
                r#"{"num_attention_heads": 7}"#,
                "config.json: the hidden size must be a multiple of the heads, but 768 is none of 7",
            ),
            (
                r#"{"hidden_act": "wobble"}"#,
                "config.json: the activation `wobble` is not known; there is: gelu, gelu_new, \
                 gelu_pytorch_tanh, relu, silu",
            ),
            (
                r#"{"hidden_size": 0}"#,
                "config.json: `hidden_size` must be a whole number from 1 to 16384, but is 0",
            ),
            (r#"{"vocab_size": 1e18}"#, "`vocab_size` must be"),
            (
                r#"{"num_hidden_layers": -3}"#,
                "`num_hidden_layers` must be",
            ),
            (
                r#"{"layer_norm_eps": "small"}"#,
                "between 0 and 1, but is \"small\"",
            ),
            (
                r#"{"pad_token_id": 30522}"#,
                "below vocab_size, 30522, but is 30522",
            ),
            (
                r#"{"position_embedding_type": "relative_key"}"#,
                "must be \"absolute\", but is \"relative_key\"",
            ),
            (r#"{"is_decoder": true}"#, "`is_decoder` must be false"),
            (
                r#"{"model_type": "roberta", "max_position_embeddings": 2}"#,
                "above pad_token_id + 1, 2, but is 2",
            ),
            (
                r#"{"hidden_size": 16384, "num_attention_heads": 1, "num_hidden_layers": 256}"#,
                "at most 4294967296 bytes",
            ),
        ] {
            let got = error(text);
            assert!(got.contains(says), "{got}");
        }
    }

    #[test]
    fn names_of_the_kin() {
        let name = "encoder.layer.3.attention.output.LayerNorm.weight";
        let of = |family: EncoderFamily, name| family.renamed(name);
        assert_eq!(of(EncoderFamily::Bert, name), name);
        assert_eq!(
            of(EncoderFamily::DistilBert, name),
            "transformer.layer.3.sa_layer_norm.weight"
        );
        let name = "encoder.layer.0.output.LayerNorm.bias";
        assert_eq!(
            of(EncoderFamily::DistilBert, name),
            "transformer.layer.0.output_layer_norm.bias"
        );
        assert_eq!(
            of(EncoderFamily::Roberta, "cls.predictions.bias"),
            "lm_head.bias"
        );
    }

    #[test]
    fn a_file_is_bounded_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, vec![b' '; MAX_CONFIG as usize + 1]).unwrap();
        let error = EncoderConfig::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("config.json: a configuration is read up to"),
            "{error}"
        );
        std::fs::write(&path, b"\xff\xfe").unwrap();
        let error = EncoderConfig::read(&path).unwrap_err().to_string();
        assert!(error.contains("is UTF-8, this is not"), "{error}");
        assert!(
            EncoderConfig::read(dir.path())
                .unwrap_err()
                .to_string()
                .contains("plain file")
        );
        assert!(EncoderConfig::read(&dir.path().join("no")).is_err());
    }
}
