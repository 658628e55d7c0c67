//! The files of a run folder, as types: what `onggi train` leaves behind and what `report`,
//! `predict` and `evaluate` read. One struct a file; the folder's layout is in [`files`].
//!
//! Accuracies, gaps and confidences are fractions in `[0, 1]`, times are seconds, losses are mean
//! cross-entropy in nats.

use crate::TrainError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Names of the files inside a run folder.
pub mod files {
    /// Everything needed to repeat the run, seed included.
    pub const CONFIG: &str = "config.toml";
    /// One [`super::EpochRecord`] a line.
    pub const LOG: &str = "log.jsonl";
    /// Class names in label order: a JSON array of strings.
    pub const CLASSES: &str = "classes.json";
    /// Which file or row went to which split: the ids by split.
    pub const SPLIT: &str = "split.json";
    /// Weights of the best epoch, with the preprocessing in the metadata.
    pub const WEIGHTS: &str = "best.safetensors";
    /// A text classifier without a network, in place of weights.
    pub const TEXT_MODEL: &str = "text_model.json";
    /// What makes token ids of a network's texts.
    pub const TOKENIZER: &str = "tokenizer.json";
    /// Texts for the report: [`super::TextSamples`].
    pub const TEXT_SAMPLES: &str = "samples/texts.json";
    /// Final figures and verdict: [`super::Summary`].
    pub const SUMMARY: &str = "run.json";
    /// Pictures for the report: [`super::Samples`] and the PNG files it names.
    pub const SAMPLES: &str = "samples/samples.json";
    /// The newest two checkpoints.
    pub const CHECKPOINT: &str = "checkpoint";
    /// Event files for TensorBoard, on request.
    pub const TENSORBOARD: &str = "tensorboard";
    /// The self-contained report.
    pub const REPORT: &str = "report.html";
}

/// One line of `log.jsonl`: the state after one epoch.
///
/// The train figures are measured in eval mode, without augmentation, on a fixed subset of the
/// training data, so that they may be compared with the validation figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Optimiser steps taken so far.
    pub step: u64,
    /// Learning rate of the epoch's last step.
    pub lr: f64,
    /// Mean loss on the train subset, eval mode: cross-entropy, or the regressor's loss.
    pub train_loss: f64,
    /// Accuracy on the train subset, eval mode; of a regressor R².
    pub train_accuracy: f64,
    /// Mean loss on the validation split.
    pub val_loss: f64,
    /// Accuracy on the validation split; of a regressor R².
    pub val_accuracy: f64,
    /// Mean over the epoch's steps of the gradient's global L2 norm, before clipping.
    pub grad_norm: f64,
    /// Steps skipped so far, as the loss or a gradient was not finite.
    #[serde(default)]
    pub skipped: u64,
    /// Time spent on training so far, that of resumed processes included.
    pub seconds: f64,
}

/// What a run's figures say about the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Far better on what it was trained on than on what it has not seen.
    Overfitting,
    /// Poor even on what it was trained on.
    Underfitting,
    /// Both: poor on its own samples, and far poorer on others.
    Both,
    /// Neither of the two.
    Neither,
    /// The training did not run calmly enough for its outcome to mean much.
    Unstable,
}

/// The verdict with the figures and words behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The finding.
    pub fit: Fit,
    /// One or two sentences: the figures, and what to try.
    pub words: String,
}

/// Precision, recall and F1 of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Class name.
    pub class: String,
    /// Share of the predictions of this class that are right; 0 when there are none.
    pub precision: f64,
    /// Share of this class's samples that are found; 0 when there are none.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Samples of this class.
    pub support: usize,
}

/// A model measured on one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Samples measured.
    pub samples: usize,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Unweighted mean of the classes' F1.
    pub macro_f1: f64,
    /// One row a class, in label order.
    pub per_class: Vec<ClassMetrics>,
    /// `confusion[truth][predicted]`, counts.
    pub confusion: Vec<Vec<usize>>,
}

/// A file or row that was left out, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Path or row.
    pub what: String,
    /// Reason.
    pub why: String,
}

/// `run.json`: the final figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// `image`, `table` or `text`.
    pub task: String,
    /// Model name, as `--model` takes it.
    pub model: String,
    /// Class names in label order.
    pub classes: Vec<String>,
    /// Train accuracy of the best epoch (eval mode, fixed subset).
    pub train_accuracy: f64,
    /// Validation accuracy of the best epoch.
    pub val_accuracy: f64,
    /// Test accuracy of the best weights; `None` without a test split.
    pub test_accuracy: Option<f64>,
    /// `train_accuracy − val_accuracy`.
    pub gap: f64,
    /// Validation accuracy of a simple model, where one was fitted for comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_accuracy: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// Epochs run.
    pub epochs: usize,
    /// The epoch whose weights were kept, from 1.
    pub best_epoch: usize,
    /// Why training ended, in words: `early stopping`, `all epochs done`, `interrupted`.
    pub stopped: String,
    /// Wall time of the whole run.
    pub seconds: f64,
    /// Trainable parameters.
    pub parameters: usize,
    /// Samples in train, validation and test.
    pub split: [usize; 3],
    /// Path of the data, as the user wrote it.
    pub data: String,
    /// The best weights on the test split (validation where there is no test split).
    pub evaluation: Evaluation,
    /// `test` or `val`: what `evaluation` was measured on.
    pub evaluated_on: String,
    /// What was left out of the data.
    pub skipped: Vec<Skipped>,
    /// Path of the run folder, as the user would type it.
    pub run: String,
}

/// One wrong answer, with its picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// PNG file beside `samples.json`.
    pub image: String,
    /// Where the sample came from.
    pub source: String,
    /// True class.
    pub truth: String,
    /// Predicted class.
    pub predicted: String,
    /// Probability given to the predicted class.
    pub confidence: f64,
}

/// One training sample as the model saw it, after augmentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AugmentedSample {
    /// PNG file of the original, beside `samples.json`.
    pub original: String,
    /// PNG files of augmented views, beside `samples.json`.
    pub views: Vec<String>,
    /// Class.
    pub class: String,
}

/// `samples/samples.json`: the pictures of the report; empty lists for tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Wrong answers, surest first.
    pub mistakes: Vec<Mistake>,
    /// Augmented samples.
    pub augmented: Vec<AugmentedSample>,
}

/// An n-gram and how strongly it speaks for a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TellingNgram {
    /// The n-gram.
    pub ngram: String,
    /// What it adds to the logit of the class.
    pub weight: f64,
}

/// One wrong answer to a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextMistake {
    /// Row or file.
    pub source: String,
    /// Its beginning.
    pub text: String,
    /// True class.
    pub truth: String,
    /// Predicted class.
    pub predicted: String,
    /// Probability given to the predicted class.
    pub confidence: f64,
    /// What in it spoke most for the predicted class.
    pub telling: Vec<TellingNgram>,
}

/// `samples/texts.json`: what the report shows of a text classifier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextSamples {
    /// The words that speak most strongly for each class, in label order.
    pub telling: Vec<Vec<TellingNgram>>,
    /// Wrong answers, surest first.
    pub mistakes: Vec<TextMistake>,
}

/// Writes a file that appears whole or not at all: a temporary file beside it, flushed to disk,
/// then renamed.
///
/// # Errors
/// What writing a file can fail with; the old file, if there is one, is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        TrainError::io(path)(source)
    })
}

/// Writes `value` as JSON, whole or not at all.
///
/// # Errors
/// As [`write_whole`].
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), TrainError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| TrainError::File {
        path: path.to_path_buf(),
        reason: e.to_string(),
    })?;
    text.push(b'\n');
    write_whole(path, &text)
}

/// Reads a JSON file.
///
/// # Errors
/// A file that cannot be read, or that is damaged.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, TrainError> {
    let bytes = fs::read(path).map_err(TrainError::io(path))?;
    serde_json::from_slice(&bytes).map_err(|e| TrainError::File {
        path: path.to_path_buf(),
        reason: format!("damaged or cut short: {e}"),
    })
}

/// An error unless `dir` is a run folder: one with `config.toml` and weights.
///
/// # Errors
/// A path that is no folder, or a folder without the two.
pub fn check_run(dir: &Path) -> Result<(), TrainError> {
    if !fs::metadata(dir).map_err(TrainError::io(dir))?.is_dir() {
        let source = std::io::ErrorKind::NotADirectory.into();
        return Err(TrainError::io(dir)(source));
    }
    let text = dir.join(files::TEXT_MODEL).is_file();
    let model = if text {
        files::TEXT_MODEL
    } else {
        files::WEIGHTS
    };
    for missing in [files::CONFIG, model] {
        let file = dir.join(missing);
        match fs::metadata(&file) {
            Ok(found) if found.is_file() => {}
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(TrainError::io(file)(e));
            }
            _ => {
                let path = dir.to_path_buf();
                return Err(TrainError::NotARun { path, missing });
            }
        }
    }
    Ok(())
}
