//! Reads a run folder and checks what the sections rely on, so that they need not fail.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::run::files;
use super::{EpochRecord, ReportError, Samples, Summary, TextSamples};

/// The files of a run folder, read and checked:
/// - `epochs` is not empty and its epochs rise;
/// - the confusion matrix is square and has one row and one `per_class` entry for each class.
///
/// Not checked: whether figures are finite or in range. The sections show what stands there.
pub(super) struct Run {
    pub(super) summary: Summary,
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) config: toml::Table,
    /// Empty where there is no `samples.json`.
    pub(super) samples: Samples,
    /// Empty where there is no `texts.json`.
    pub(super) texts: TextSamples,
}

impl Run {
    /// Whether the model was fitted in one go, without epochs.
    pub(super) fn fitted(&self) -> bool {
        let head = self.config.get("tune").and_then(toml::Value::as_str) == Some("head");
        head || self.summary.model == "linear"
    }

    pub(super) fn read(dir: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            summary: read_summary(dir.join(files::SUMMARY))?,
            epochs: read_log(dir.join(files::LOG))?,
            config: read_config(dir.join(files::CONFIG))?,
            samples: read_samples(dir.join(files::SAMPLES))?,
            texts: read_samples(dir.join(files::TEXT_SAMPLES))?,
        })
    }

    /// The record of the epoch whose weights were kept, where the log has it.
    pub(super) fn best(&self) -> Option<&EpochRecord> {
        self.epochs
            .iter()
            .find(|record| record.epoch == self.summary.best_epoch)
    }

    /// The split the evaluation was measured on, in the page's words.
    pub(super) fn evaluated_on(&self) -> &str {
        match self.summary.evaluated_on.as_str() {
            "val" => "validation",
            other => other,
        }
    }
}

fn read_summary(file: PathBuf) -> Result<Summary, ReportError> {
    let text = read(&file)?;
    let summary: Summary = parse(&file, &text)?;
    let classes = summary.classes.len();
    let evaluation = &summary.evaluation;
    let rows = evaluation.confusion.len();
    let what = if rows != classes {
        format!("{classes} classes, but {rows} rows in the confusion matrix")
    } else if let Some(row) = evaluation.confusion.iter().find(|row| row.len() != classes) {
        format!(
            "{classes} classes, but {} columns in the confusion matrix",
            row.len()
        )
    } else if evaluation.per_class.len() != classes {
        format!(
            "{classes} classes, but {} entries in per_class",
            evaluation.per_class.len()
        )
    } else {
        return Ok(summary);
    };
    Err(ReportError::Inconsistent { file, what })
}

fn read_log(file: PathBuf) -> Result<Vec<EpochRecord>, ReportError> {
    let text = read(&file)?;
    // The stream's errors carry the line within the file.
    let records = serde_json::Deserializer::from_str(&text)
        .into_iter::<EpochRecord>()
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| ReportError::Json {
            file: file.clone(),
            source,
        })?;
    let what = if records.is_empty() {
        "it holds no epoch".to_owned()
    } else if let Some(pair) = records
        .windows(2)
        .find(|pair| pair[0].epoch >= pair[1].epoch)
    {
        format!("epoch {} follows epoch {}", pair[1].epoch, pair[0].epoch)
    } else {
        return Ok(records);
    };
    Err(ReportError::Inconsistent { file, what })
}

fn read_config(file: PathBuf) -> Result<toml::Table, ReportError> {
    let text = read(&file)?;
    text.parse().map_err(|source| ReportError::Toml {
        file,
        source: Box::new(source),
    })
}

fn read_samples<T: DeserializeOwned + Default>(file: PathBuf) -> Result<T, ReportError> {
    match fs::read_to_string(&file) {
        Ok(text) => parse(&file, &text),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(source) => Err(ReportError::Read { file, source }),
    }
}

fn read(file: &Path) -> Result<String, ReportError> {
    fs::read_to_string(file).map_err(|source| ReportError::Read {
        file: file.to_owned(),
        source,
    })
}

fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, ReportError> {
    serde_json::from_str(text).map_err(|source| ReportError::Json {
        file: file.to_owned(),
        source,
    })
}
