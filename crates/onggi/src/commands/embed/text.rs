//! Features of texts.

use super::{Embed, Found, Pool};
use crate::commands::models::encoder_files;
use crate::failure::{Failure, usage};
use crate::output::{thousands, warn};
use crate::zoo::ImageModel;
use crate::zoo::bert::{EncoderFolder, EncoderRow, Pooling, TextEncoder, Tokens};
use crate::zoo::tokenizer::TextTokenizer;
use anyhow::anyhow;
use burn::tensor::Device;
use onggi_data::text::Texts;
use onggi_nn::Mode;
use onggi_train::linear::DenseRows;
use std::path::Path;

/// Texts that go through the encoder together.
const BATCH: usize = 32;

/// The column that names the rows of a file.
const ROW: &str = "row";

/// A model of texts that was named.
pub(super) enum Encoder {
    Folder(EncoderFolder),
    Named(&'static EncoderRow),
}

impl Encoder {
    /// The model of texts of that name or folder; none where it is neither.
    ///
    /// # Errors
    /// A folder that is no model's.
    pub(super) fn named(name: &str) -> Result<Option<Self>, Failure> {
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
}

impl Embed {
    pub(super) fn texts(&self, encoder: &Encoder) -> Result<Found, Failure> {
        if self.weights.is_some() {
            return usage("--weights is for models of images; a model of texts is a folder");
        }
        let class = self.target.as_deref().unwrap_or("class");
        let feature = |rest: &str| rest.parse::<usize>().is_ok();
        if class == ROW || class.strip_prefix('f').is_some_and(feature) {
            return usage(format!(
                "--target: a column `{class}` is written anyway; rename the one of the classes"
            ));
        }
        self.threads.start()?;
        let files = encoder.files()?;
        let (texts, classes) = self.read()?;
        if texts.empty() > 0 {
            warn(format!("{} texts are empty", thousands(texts.empty())));
        }
        let (config, state) = files.read().map_err(anyhow::Error::from)?;
        let most = self.max_tokens.min(config.max_tokens());
        let tokenizer = TextTokenizer::read(&files.tokenizer, most);
        let tokenizer = tokenizer.or_else(|e| match self.max_tokens < 4 {
            true => usage("--max-tokens must be at least 4"),
            false => Err(anyhow::Error::from(e).into()),
        })?;
        if tokenizer.vocab_size() > config.vocab_size {
            return Err(anyhow!(
                "{}: the tokenizer has {} ids, the model {}: they are not of one model",
                files.tokenizer.display(),
                tokenizer.vocab_size(),
                config.vocab_size
            )
            .into());
        }
        let device = Device::flex();
        let pooling = match self.pooling {
            Pool::Mean => Pooling::Mean,
            Pool::Cls => Pooling::Cls,
            Pool::Pooler => Pooling::Pooler,
        };
        let encoder = TextEncoder::from_state(&config, state, &device)
            .map_err(|e| anyhow!("{}: {e}", files.weights.display()))?;
        if pooling == Pooling::Pooler && encoder.pooler.is_none() {
            return usage("--pooling: this model has no pooler; take mean or cls");
        }
        let all: Vec<&str> = texts.texts().iter().map(String::as_str).collect();
        let ids = tokenizer.encode(&all).map_err(anyhow::Error::from)?;
        // Texts of like length together, so that little is padding.
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&i| (ids[i].len(), i));
        let width = config.hidden_size;
        let mut features = vec![0f32; ids.len() * width];
        for batch in order.chunks(BATCH) {
            let rows: Vec<Vec<u32>> = batch.iter().map(|&i| ids[i].clone()).collect();
            let tokens = Tokens::padded(&rows, config.pad_token_id, &device);
            let hidden = encoder.forward(&tokens, &Mode::Eval);
            let pooled = hidden.and_then(|hidden| encoder.pooled(hidden, &tokens, pooling));
            let values = pooled.map_err(anyhow::Error::from)?.into_data();
            let values: Vec<f32> = values.iter::<f32>().collect();
            for (&i, row) in batch.iter().zip(values.chunks(width)) {
                features[i * width..(i + 1) * width].copy_from_slice(row);
            }
        }
        Ok(Found {
            what: "texts",
            features: DenseRows::new(features, width)?,
            key: if self.data.is_dir() { "path" } else { ROW },
            ids: texts.ids().to_vec(),
            class: class.to_owned(),
            classes,
        })
    }

    /// The texts, and the class of each where there are classes.
    fn read(&self) -> Result<(Texts, Option<Vec<String>>), Failure> {
        let texts = match (&self.target, self.data.is_dir()) {
            (None, true) => Texts::find(&self.data)?,
            (Some(_), true) => {
                return usage(
                    "--target is a column of a file; the classes of a folder are its folders",
                );
            }
            (Some(target), false) => Texts::read(&self.data, &self.text_column, target)?,
            (None, false) => Texts::read_for(&self.data, &self.text_column, None)?,
        };
        let name = |&label: &usize| texts.classes()[label].clone();
        let names: Vec<String> = texts.labels().iter().map(name).collect();
        let classes = (!names.is_empty()).then_some(names);
        Ok((texts, classes))
    }
}
