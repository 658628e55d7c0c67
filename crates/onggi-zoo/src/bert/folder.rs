//! A model's folder, as Hugging Face's hub has it.

use super::EncoderConfig;
use crate::weights::{self, WeightsError};
use onggi_nn::state::StateDict;
use std::path::{Path, PathBuf};

/// Names of weights' files, the first that is there counts.
const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// Where the parts of a model are: `config.json`, `tokenizer.json` and `model.safetensors` (or
/// `pytorch_model.bin`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderFolder {
    /// Sizes and choices.
    pub config: PathBuf,
    /// How texts become ids.
    pub tokenizer: PathBuf,
    /// The state dict.
    pub weights: PathBuf,
}

impl EncoderFolder {
    /// Names of the files on the hub: configuration, tokenizer, weights.
    pub const FILES: [&'static str; 3] = ["config.json", "tokenizer.json", WEIGHTS[0]];

    /// Finds the files.
    ///
    /// # Errors
    /// Names the first that is not there.
    pub fn find(folder: &Path) -> Result<Self, WeightsError> {
        let missing = |what: &str| WeightsError::File {
            path: folder.to_path_buf(),
            source: Box::new(WeightsError::unsupported(format!(
                "a model's folder holds config.json, tokenizer.json and model.safetensors; there is \
                 no {what}"
            ))),
        };
        let part = |name: &str| {
            let path = folder.join(name);
            path.is_file().then_some(path)
        };
        Ok(Self {
            config: part("config.json").ok_or_else(|| missing("config.json"))?,
            tokenizer: part("tokenizer.json").ok_or_else(|| missing("tokenizer.json"))?,
            weights: (WEIGHTS.iter().find_map(|name| part(name)))
                .ok_or_else(|| missing("model.safetensors"))?,
        })
    }

    /// Reads the configuration and the weights.
    ///
    /// # Errors
    /// As of [`EncoderConfig::read`] and [`weights::read`].
    pub fn read(&self) -> Result<(EncoderConfig, StateDict), WeightsError> {
        let config = EncoderConfig::read(&self.config)?;
        Ok((config, weights::read(&self.weights)?))
    }
}
