//! A run folder for the tests of the report, made by the types of the real one.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::run::files;
use super::{
    AugmentedSample, ClassMetrics, EpochRecord, Evaluation, Fit, Mistake, Samples, Skipped,
    Summary, Verdict,
};

/// One grey pixel, 8 bits: Python's `zlib.compress(b"\0\x80", 9)` within the three chunks a PNG
/// file needs.
pub(super) const PNG: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0,
    0, 0, 58, 126, 155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 218, 99, 104, 0, 0, 0, 130, 0, 129,
    218, 69, 8, 59, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A complete run: image task, test split, pictures.
pub(super) fn full() -> TempDir {
    let folder = folder();
    put(folder.path(), &summary(), &log(12));
    let samples = folder.path().join("samples");
    fs::create_dir(&samples).expect("samples folder");
    fs::write(samples.join("a.png"), PNG).expect("picture");
    let listing = Samples {
        mistakes: vec![mistake("a.png")],
        augmented: vec![AugmentedSample {
            original: "a.png".to_owned(),
            views: vec!["a.png".to_owned(), "absent.png".to_owned()],
            class: "cat".to_owned(),
        }],
    };
    put_samples(folder.path(), &listing);
    folder
}

/// Writes the files every run has.
pub(super) fn put(dir: &Path, summary: &Summary, log: &[EpochRecord]) {
    let json = serde_json::to_string(summary).expect("summary");
    fs::write(dir.join(files::SUMMARY), json).expect("run.json");
    let lines: Vec<String> = log
        .iter()
        .map(|record| serde_json::to_string(record).expect("record"))
        .collect();
    fs::write(dir.join(files::LOG), lines.join("\n")).expect("log.jsonl");
    let config = "seed = 7\n[optim]\nname = 'adamw'\nlr = 0.001\n";
    fs::write(dir.join(files::CONFIG), config).expect("config.toml");
}

pub(super) fn put_samples(dir: &Path, samples: &Samples) {
    fs::create_dir_all(dir.join("samples")).expect("samples folder");
    let json = serde_json::to_string(samples).expect("samples");
    fs::write(dir.join(files::SAMPLES), json).expect("samples.json");
}

pub(super) fn mistake(image: &str) -> Mistake {
    Mistake {
        image: image.to_owned(),
        source: "cat/0001.png".to_owned(),
        truth: "cat".to_owned(),
        predicted: "dog".to_owned(),
        confidence: 0.98,
    }
}

pub(super) fn log(epochs: usize) -> Vec<EpochRecord> {
    (1..=epochs)
        .map(|epoch| {
            let progress = epoch as f64 / epochs as f64;
            EpochRecord {
                epoch,
                step: epoch as u64 * 30,
                lr: 1e-3,
                train_loss: 0.7 - 0.6 * progress,
                train_accuracy: 0.5 + 0.5 * progress,
                val_loss: 0.7 - 0.3 * progress,
                val_accuracy: 0.5 + 0.3 * progress,
                grad_norm: 1.5,
                skipped: 0,
                seconds: 2.0 * epoch as f64,
            }
        })
        .collect()
}

pub(super) fn summary() -> Summary {
    Summary {
        baseline_accuracy: None,
        task: "image".to_owned(),
        model: "small-cnn".to_owned(),
        classes: vec!["cat".to_owned(), "dog".to_owned()],
        train_accuracy: 0.96,
        val_accuracy: 0.8,
        test_accuracy: Some(0.78),
        gap: 0.16,
        verdict: Verdict {
            fit: Fit::Overfitting,
            words: "Right on 96 % in training and on 80 % in validation.".to_owned(),
        },
        epochs: 12,
        best_epoch: 9,
        stopped: "early stopping".to_owned(),
        seconds: 24.0,
        parameters: 98_442,
        split: [800, 100, 100],
        data: "data/pets".to_owned(),
        evaluation: evaluation(&[&[40, 12], &[10, 38]]),
        evaluated_on: "test".to_owned(),
        skipped: vec![Skipped {
            what: "cat/x.txt".to_owned(),
            why: "not a picture".to_owned(),
        }],
        run: "runs/pets".to_owned(),
    }
}

/// An evaluation with this confusion matrix; the other figures are made up.
pub(super) fn evaluation(confusion: &[&[usize]]) -> Evaluation {
    let per_class = confusion
        .iter()
        .enumerate()
        .map(|(i, row)| ClassMetrics {
            class: format!("class {i}"),
            precision: 0.8,
            recall: 0.75,
            f1: 0.774,
            support: row.iter().sum(),
        })
        .collect();
    Evaluation {
        samples: confusion.iter().map(|row| row.iter().sum::<usize>()).sum(),
        loss: 0.5,
        accuracy: 0.78,
        macro_f1: 0.774,
        per_class,
        confusion: confusion.iter().map(|row| row.to_vec()).collect(),
    }
}
