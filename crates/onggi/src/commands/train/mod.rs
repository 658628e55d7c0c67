//! `onggi train DATA`: from data to a tested model, a verdict and a report.
//!
//! Nothing is written before the data has been read and checked; a training that ends before its
//! first epoch takes its run folder with it.

mod image;
mod progress;
mod run_folder;
mod samples;
mod table;

use crate::description::{Description, Input};
use crate::failure::Failure;
use crate::output::{percent, say, say_json, thousands};
use crate::settings::{Settings, Task, TrainFlags};
use crate::threads;
use anyhow::Context;
use burn::tensor::Device;
use clap::Args;
use onggi_data::{Dataset, Split, SplitMap};
use onggi_nn::{Classifier, init, state};
use onggi_train::metrics::evaluation;
use onggi_train::run::{self, Skipped, Summary, files};
use onggi_train::{Evidence, Fit, Measured, Predictions, Steadiness, Stopped, fit, predict};
use progress::Watch;
use rand_chacha::ChaCha8Rng;
use run_folder::RunFolder;
use std::sync::Arc;
use std::time::Instant;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi train photos/                             folders photos/cats, photos/dogs, …
  onggi train data/fashion-mini --epochs 10       fewer epochs
  onggi train digits/ --augment shift             no mirror images
  onggi train table.csv --target diagnosis        numeric columns, one class column
  onggi train --config runs/photos-1/config.toml  repeat a run
  onggi train photos/ --json > figures.json       one JSON object for machines";

/// Arguments of `onggi train`.
#[derive(Args, Debug)]
pub(crate) struct Train {
    #[command(flatten)]
    flags: TrainFlags,
}

impl Train {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (settings, task) = Settings::resolve(self.flags)?;
        threads::start(settings.threads())?;
        let watch = Watch::start()?;
        match task {
            Task::Image => image::train(&settings, watch),
            Task::Table => table::train(&settings, watch),
        }
    }
}

/// One part of the data.
type Part = Arc<dyn Dataset>;

/// Data that is ready to be trained on.
struct Prepared {
    /// What the samples are called: `images`, `rows`.
    samples: &'static str,
    train: Part,
    val: Part,
    test: Option<Part>,
    split: SplitMap,
    skipped: Vec<Skipped>,
    description: Description,
}

impl Prepared {
    /// The split that the final figures are measured on.
    fn held_out(&self) -> (&Part, &'static str) {
        match &self.test {
            Some(test) => (test, "test"),
            None => (&self.val, "val"),
        }
    }

    /// Share of the commonest class in the training data.
    fn commonest(&self) -> f64 {
        let mut counts = vec![0; self.train.num_classes()];
        for index in 0..self.train.len() {
            counts[self.train.label(index)] += 1;
        }
        counts.into_iter().max().unwrap_or(0) as f64 / self.train.len().max(1) as f64
    }
}

/// Trains, tests, judges and reports; `pictures` writes the report's pictures into the run folder,
/// from the run folder's path and the answers on the held-out data.
fn train<const D: usize, M: Classifier<D>>(
    settings: &Settings,
    prepared: &Prepared,
    build: impl FnOnce(&mut ChaCha8Rng, &Device) -> Result<M, Failure>,
    pictures: impl FnOnce(&std::path::Path, &Predictions) -> Result<(), Failure>,
    mut watch: Watch,
) -> Result<(), Failure> {
    let start = Instant::now();
    let device = Device::flex().autodiff();
    let model = build(&mut init::generator(settings.seed), &device)?.train();
    let parameters = state::num_parameters(&model);
    watch.writes();
    let folder = RunFolder::create(settings, prepared)?;
    let counts = prepared.split.counts();
    if !settings.json {
        say(format!(
            "{}: {} classes; {}: {} training, {} validation, {} test",
            settings.data,
            prepared.description.classes.len(),
            prepared.samples,
            thousands(counts[0]),
            thousands(counts[1]),
            thousands(counts[2])
        ));
        say(format!(
            "{}: {} parameters",
            settings.model,
            thousands(parameters)
        ));
    }
    watch.begin(settings.epochs, &folder, &prepared.description);
    let fitted = fit(
        model,
        &prepared.train,
        &prepared.val,
        &settings.fit(),
        &mut watch,
    );
    watch.end();
    let fitted = fitted.inspect_err(|_| folder.remove_if_empty())?;

    let concluded = conclude(
        settings, prepared, &fitted, &folder, pictures, parameters, start,
    );
    concluded.map_err(|failure| match failure {
        Failure::Failed(error) => Failure::Failed(error.context(format!(
            "trained, but the run could not be finished (the best weights are in {})",
            folder.path().display()
        ))),
        usage => usage,
    })
}

/// What comes after training: the held-out figures, the verdict, the report, the words.
fn conclude<const D: usize, M: Classifier<D>>(
    settings: &Settings,
    prepared: &Prepared,
    fitted: &Fit<M>,
    folder: &RunFolder,
    pictures: impl FnOnce(&std::path::Path, &Predictions) -> Result<(), Failure>,
    parameters: usize,
    start: Instant,
) -> Result<(), Failure> {
    let (held_out, evaluated_on) = prepared.held_out();
    let answers = predict(&fitted.model, held_out, settings.threads())?;
    let measured = evaluation(&answers, &prepared.description.classes)?;
    let best = &fitted.records[fitted.best];
    let subset = prepared.train.len().min(onggi_train::TRAIN_SUBSET);
    let judged = Evidence {
        train: Measured {
            accuracy: best.train_accuracy,
            samples: subset,
        },
        val: Measured {
            accuracy: best.val_accuracy,
            samples: prepared.val.len(),
        },
        commonest: prepared.commonest(),
        baseline: None,
        steadiness: Steadiness::from_log(
            &fitted.records,
            matches!(fitted.stopped, Stopped::Diverged),
        ),
    }
    .verdict();
    pictures(folder.path(), &answers)?;
    let summary = Summary {
        task: prepared.description.input.task().into(),
        model: settings.model.clone(),
        classes: prepared.description.classes.clone(),
        train_accuracy: best.train_accuracy,
        val_accuracy: best.val_accuracy,
        test_accuracy: prepared.test.as_ref().map(|_| measured.accuracy),
        gap: best.train_accuracy - best.val_accuracy,
        verdict: judged,
        epochs: fitted.records.len(),
        best_epoch: best.epoch,
        stopped: fitted.stopped.words().into(),
        seconds: start.elapsed().as_secs_f64(),
        parameters,
        split: prepared.split.counts(),
        data: settings.data.clone(),
        evaluation: measured,
        evaluated_on: evaluated_on.into(),
        skipped: prepared.skipped.clone(),
        run: folder.path().display().to_string(),
    };
    run::write_json(&folder.path().join(files::SUMMARY), &summary)?;
    let report = crate::report::write(folder.path()).context("the report could not be written")?;
    if settings.json {
        return Ok(say_json(&figures(&summary))?);
    }
    tell(&summary, fitted.stopped, prepared.samples);
    say(format!("Report: {}", report.display()));
    Ok(())
}

/// What `--json` prints.
fn figures(summary: &Summary) -> serde_json::Value {
    serde_json::json!({
        "task": summary.task,
        "model": summary.model,
        "classes": summary.classes,
        "train_accuracy": summary.train_accuracy,
        "val_accuracy": summary.val_accuracy,
        "test_accuracy": summary.test_accuracy,
        "gap": summary.gap,
        "verdict": summary.verdict.fit,
        "epochs": summary.epochs,
        "seconds": summary.seconds,
        "run": summary.run,
    })
}

fn tell(summary: &Summary, stopped: Stopped, samples: &str) {
    say(format!(
        "{} {} in {:.0} s ({}); kept epoch {}, whose validation loss is lowest",
        summary.epochs,
        if summary.epochs == 1 {
            "epoch"
        } else {
            "epochs"
        },
        summary.seconds,
        stopped.words(),
        summary.best_epoch
    ));
    match summary.test_accuracy {
        Some(accuracy) => say(format!(
            "Test accuracy {} on {} {samples} (macro F1 {:.3})",
            percent(accuracy),
            thousands(summary.evaluation.samples),
            summary.evaluation.macro_f1
        )),
        None => say("No test split: the validation figures have chosen the epoch, so they flatter"),
    }
    say(&summary.verdict.words);
}

/// The parts of a data set as the split map has them; no test part if it is empty.
fn parts<T: Dataset + 'static>(
    mut make: impl FnMut(Split) -> Result<T, Failure>,
    split: &SplitMap,
) -> Result<(Part, Part, Option<Part>), Failure> {
    let train: Part = Arc::new(make(Split::Train)?);
    let val: Part = Arc::new(make(Split::Val)?);
    let test: Option<Part> = if split.ids(Split::Test).is_empty() {
        None
    } else {
        Some(Arc::new(make(Split::Test)?))
    };
    Ok((train, val, test))
}

/// The description of a model that `settings` ask for.
fn describe(settings: &Settings, classes: Vec<String>, input: Input) -> Description {
    Description {
        model: settings.model.clone(),
        classes,
        dropout: settings.dropout,
        input,
    }
}
