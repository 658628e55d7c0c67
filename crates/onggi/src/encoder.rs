//! Pretrained encoders of texts: found by name or folder, read, and built again for a run that was trained on one.

use crate::commands::models::encoder_files;
use crate::failure::{Failure, usage};
use crate::zoo::ImageModel;
use crate::zoo::bert::{
    EncoderConfig, EncoderFolder, EncoderRow, Pooling, TextClassifier, TextEncoder,
};
use crate::zoo::tokenizer::TextTokenizer;
use anyhow::anyhow;
use burn::tensor::Device;
use onggi_data::DataError;
use onggi_data::text::Encode;
use onggi_nn::lora::LoraConfig;
use onggi_nn::state::StateDict;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// An encoder that was named.
pub(crate) enum Encoder {
    Folder(EncoderFolder),
    Named(&'static EncoderRow),
}

/// An encoder as it was published.
pub(crate) struct Published {
    pub(crate) files: EncoderFolder,
    pub(crate) config: EncoderConfig,
    pub(crate) encoder: TextEncoder,
    pub(crate) tokenizer: TextTokenizer,
    /// Tokens of a text that are read: no more than the encoder was made for.
    pub(crate) max_tokens: usize,
}

impl Encoder {
    /// The encoder of that name or folder; none where it is neither.
    ///
    /// # Errors
    /// A folder that is no encoder's.
    pub(crate) fn named(name: &str) -> Result<Option<Self>, Failure> {
        if let Ok(row) = EncoderRow::find(name) {
            return Ok(Some(Self::Named(row)));
        }
        let folder = Path::new(name);
        if ImageModel::row(name).is_ok() || !folder.is_dir() {
            return Ok(None);
        }
        let found = EncoderFolder::find(folder).map_err(|e| anyhow!("--model: {e}"))?;
        Ok(Some(Self::Folder(found)))
    }

    fn files(&self) -> Result<EncoderFolder, Failure> {
        match self {
            Self::Folder(folder) => Ok(folder.clone()),
            Self::Named(row) => encoder_files(row).ok_or_else(|| {
                anyhow!(
                    "--model: {} is not here yet; `onggi models pull {}` downloads it, or give its folder",
                    row.name,
                    row.name
                )
                .into()
            }),
        }
    }

    /// Reads its files. Of a text `max_tokens` are read, or as many as it was made for.
    pub(crate) fn read(&self, max_tokens: usize) -> Result<Published, Failure> {
        if max_tokens < 4 {
            return usage("--max-tokens must be at least 4 for an encoder");
        }
        let files = self.files()?;
        let (config, state, tokenizer) = parts(&files, max_tokens)?;
        let max_tokens = max_tokens.min(config.max_tokens());
        let encoder = TextEncoder::from_state(&config, state, &Device::flex())
            .map_err(|e| anyhow!("{}: {e}", files.weights.display()))?;
        Ok(Published {
            files,
            config,
            encoder,
            tokenizer,
            max_tokens,
        })
    }
}

/// What is in a model's files. Its tokenizer cuts a text to `max_tokens`, or as many as the model was made for.
pub(crate) fn parts(
    files: &EncoderFolder,
    max_tokens: usize,
) -> Result<(EncoderConfig, StateDict, TextTokenizer), Failure> {
    let (config, state) = files.read().map_err(anyhow::Error::from)?;
    let tokenizer = TextTokenizer::read(&files.tokenizer, max_tokens.min(config.max_tokens()));
    let tokenizer = tokenizer.map_err(anyhow::Error::from)?;
    if tokenizer.vocab_size() > config.vocab_size {
        return Err(anyhow!(
            "{}: the tokenizer has {} ids, the model {}: they are not of one model",
            files.tokenizer.display(),
            tokenizer.vocab_size(),
            config.vocab_size
        )
        .into());
    }
    Ok((config, state, tokenizer))
}

/// Ids as a data set of texts has them: one higher than the tokenizer's, as 0 is padding.
pub(crate) struct Ids(pub(crate) TextTokenizer);

impl Encode for Ids {
    /// The tokenizer cuts by itself, before the last token, which it adds.
    fn ids(&self, text: &str, _: usize) -> Result<Vec<u32>, DataError> {
        let refused = |e: onggi_zoo::weights::WeightsError| DataError::Tokenizer {
            reason: e.to_string(),
        };
        let (ids, cut) = self.0.ids(text).map_err(refused)?;
        let mut ids: Vec<u32> = ids.into_iter().map(|id| id + 1).collect();
        if cut || ids.is_empty() {
            ids.push(1);
        }
        Ok(ids)
    }
}

/// What the weights file of a run says of the encoder in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EncoderDescription {
    /// Its `config.json`.
    pub(crate) config: String,
    /// Rank of the matrices beside its projections, where it was tuned by such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lora: Option<usize>,
}

impl EncoderDescription {
    /// A classifier of `classes` classes over the mean of the tokens, with random weights.
    pub(crate) fn build(
        &self,
        classes: usize,
        dropout: f64,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<TextClassifier, anyhow::Error> {
        let mut config = EncoderConfig::parse(&self.config)?;
        config.dropout = dropout;
        let encoder = TextEncoder::new(&config, rng, device)?;
        self.classifier(encoder, classes, rng)
    }

    /// A classifier over `encoder`, with the matrices that tune it, if there are such.
    pub(crate) fn classifier(
        &self,
        mut encoder: TextEncoder,
        classes: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<TextClassifier, anyhow::Error> {
        // The mean of the tokens needs none.
        encoder.pooler = None;
        let model = TextClassifier::new(encoder, classes, Pooling::Mean, rng)?;
        Ok(match self.lora {
            None => model,
            Some(r) => {
                let config = LoraConfig {
                    r,
                    ..LoraConfig::default()
                };
                model.with_lora(&config, rng)?
            }
        })
    }
}
