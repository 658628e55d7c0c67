//! `onggi train DATA`: from data to a tested model, a verdict and a report.
//!
//! Nothing is written before the data has been read and checked. A training that fails before its
//! first epoch takes its run folder with it, unless there is a checkpoint to go on from.

mod image;
pub(crate) mod progress;
mod run_folder;
mod samples;
mod table;
mod text;
mod transfer;

use crate::description::{Description, Input};
use crate::failure::Failure;
use crate::output::{percent, say, say_json, thousands};
use crate::settings::{Settings, Task, TrainFlags, Tune};
use crate::threads;
use anyhow::Context;
use burn::tensor::Device;
use clap::Args;
use onggi_data::{Dataset, Split, SplitMap};
use onggi_nn::{Network, init, state};
use onggi_train::metrics::evaluation;
use onggi_train::run::{self, EpochRecord, Skipped, Summary, files, write_whole};
use onggi_train::{
    Callback, Checkpoints, Evidence, Fit, Input as TrainInput, Measured, Predictions, Steadiness,
    Stopped, TensorBoard, Trainer, fingerprint, predict,
};
use progress::Watch;
use rand_chacha::ChaCha8Rng;
use run_folder::RunFolder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use text::{TEXT_COLUMN, baseline as text_baseline};
pub(crate) use transfer::Start;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi train photos/                             folders photos/cats, photos/dogs, …: pretrained weights
  onggi train photos/ --model small_resnet        from scratch
  onggi train photos/ --pretrained --tune last-2  the last two parts of the backbone learn too
  onggi train data/fashion-mini --epochs 10       fewer epochs
  onggi train digits/ --augment shift             no mirror images
  onggi train table.csv --target diagnosis        numeric columns, one class column
  onggi train reviews.csv --text-column text --target label
  onggi train reviews.csv --text-column text --target label --model cnn --augment-text eda
  onggi train reviews.csv --text-column text --target label --model all-MiniLM-L6-v2 --tune lora
  onggi train --config runs/photos-1/config.toml  repeat a run
  onggi train photos/ --time 10m                  no longer than ten minutes
  onggi train --resume runs/photos-1              go on with a run that was stopped
  onggi train photos/ --sam 0.05 --l1 1e-5        sharpness-aware steps, sparse weights
  onggi train photos/ --freeze 'conv1.*' --lr-factor 'layers.0.*=0.1'
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
        work(&settings, task, Job::Train)
    }
}

/// What is done with data and a model once they are ready.
pub(crate) enum Job {
    /// Train, test, judge and report.
    Train,
    /// Look for a learning rate.
    FindLr(super::lr_find::Search),
}

/// Reads the data, builds the model, and does `job`.
pub(crate) fn work(settings: &Settings, task: Task, job: Job) -> Result<(), Failure> {
    threads::start(settings.threads())?;
    let watch = Watch::start()?;
    match task {
        Task::Image => image::train(settings, watch, job),
        Task::Table => table::train(settings, watch, job),
        Task::Text => text::train(settings, watch, job),
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
    /// A hash of the files' content, or of what of it is cheap to know: see where it is made.
    content: String,
    /// What a simple model reaches on the validation data.
    baseline: Option<Measured>,
    /// A file that predicting takes beside the weights: its name and what it holds.
    beside: Option<(&'static str, String)>,
}

impl Prepared {
    /// The split that the final figures are measured on.
    fn held_out(&self) -> (&Part, &'static str) {
        match &self.test {
            Some(test) => (test, "test"),
            None => (&self.val, "val"),
        }
    }

    /// Hashes of what a run depends on: a checkpoint is gone on with only if they are the same.
    fn identity(&self, settings: &Settings) -> Result<BTreeMap<String, String>, Failure> {
        let data = serde_json::to_string(&(&self.description, &self.split, &self.content))?;
        Ok(BTreeMap::from([
            ("data".to_string(), fingerprint(data.as_bytes())),
            ("settings".to_string(), settings.fingerprint()?),
        ]))
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

/// Builds the model and does `job`; `pictures` writes the report's pictures into the run folder, from
/// the run folder's path and the answers on the held-out data.
fn train<X: TrainInput, M: Network<X>>(
    settings: &Settings,
    prepared: &Prepared,
    build: impl FnOnce(&mut ChaCha8Rng, &Device) -> Result<M, Failure>,
    pictures: impl FnOnce(&std::path::Path, &Predictions) -> Result<(), Failure>,
    mut watch: Watch,
    job: Job,
) -> Result<(), Failure> {
    let device = Device::flex().autodiff();
    let model = build(&mut init::generator(settings.seed), &device)?.train();
    if let Job::FindLr(search) = job {
        return search.run::<X, M>(settings, model, &prepared.train, &mut watch);
    }
    let parameters = state::num_parameters(&model);
    watch.writes();
    let folder = match &settings.resume {
        Some(run) => RunFolder::resume(run, prepared)?,
        None => RunFolder::create(settings, &prepared.description.classes, &prepared.split)?,
    };
    if let Some((name, content)) = &prepared.beside {
        let written = write_whole(&folder.path().join(name), content.as_bytes());
        written.map_err(|error| folder.give_up(error.into()))?;
    }
    if !settings.json {
        introduce(settings, prepared, parameters);
    }
    let fitted = fit::<X, M>(settings, prepared, model, &folder, &mut watch);
    watch.end();
    let fitted = fitted.map_err(|failure| folder.give_up(failure))?;

    let concluded = conclude::<X, M>(settings, prepared, &fitted, &folder, pictures, parameters);
    concluded.map_err(|failure| match failure {
        Failure::Failed(error) => Failure::Failed(error.context(format!(
            "trained, but the run could not be finished (the best weights are in {})",
            folder.path().display()
        ))),
        usage => usage,
    })
}

/// Trains, with checkpoints in the run folder, or goes on from the newest of them.
fn fit<X: TrainInput, M: Network<X>>(
    settings: &Settings,
    prepared: &Prepared,
    model: M,
    folder: &RunFolder,
    watch: &mut Watch,
) -> Result<Fit<M>, Failure> {
    watch.begin(settings.epochs, folder, &prepared.description);
    let checkpoints = Checkpoints::open(&folder.path().join(files::CHECKPOINT))?;
    let trainer = Trainer::new(settings.training()?)?
        .with_checkpoints(checkpoints, prepared.identity(settings)?);
    let mut board = TensorBoard::new(folder.path().join(files::TENSORBOARD));
    let mut callbacks: Vec<&mut dyn Callback> = vec![watch];
    if settings.tensorboard {
        callbacks.push(&mut board);
    }
    Ok(trainer.fit(model, &prepared.train, &prepared.val, &mut callbacks)?)
}

/// What is said before training.
fn introduce(settings: &Settings, prepared: &Prepared, parameters: usize) {
    let counts = prepared.split.counts();
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

/// What comes after training: the held-out figures, the verdict, the report, the words.
fn conclude<X: TrainInput, M: Network<X>>(
    settings: &Settings,
    prepared: &Prepared,
    fitted: &Fit<M>,
    folder: &RunFolder,
    pictures: impl FnOnce(&std::path::Path, &Predictions) -> Result<(), Failure>,
    parameters: usize,
) -> Result<(), Failure> {
    let start = Instant::now();
    let (held_out, evaluated_on) = prepared.held_out();
    let answers = predict::<X, M>(&fitted.model, held_out, settings.threads())?;
    pictures(folder.path(), &answers)?;
    Outcome {
        task: prepared.description.input.task(),
        classes: &prepared.description.classes,
        records: &fitted.records,
        best: fitted.best,
        stopped: fitted.stopped,
        skipped_steps: fitted.skipped,
        seconds: fitted.seconds + start.elapsed().as_secs_f64(),
        parameters,
        split: prepared.split.counts(),
        commonest: prepared.commonest(),
        baseline: prepared.baseline,
        answers: &answers,
        evaluated_on,
        skipped: &prepared.skipped,
        samples: prepared.samples,
    }
    .settle(settings, folder)
}

/// What a training came to, whatever was trained.
struct Outcome<'a> {
    task: &'static str,
    classes: &'a [String],
    records: &'a [EpochRecord],
    /// Position of the epoch kept.
    best: usize,
    stopped: Stopped,
    skipped_steps: u64,
    seconds: f64,
    parameters: usize,
    /// Samples in train, validation and test.
    split: [usize; 3],
    /// Share of the commonest class in the training data.
    commonest: f64,
    /// What a simple model reaches on the validation data.
    baseline: Option<Measured>,
    /// On the held-out data.
    answers: &'a Predictions,
    /// `test` or `val`.
    evaluated_on: &'a str,
    skipped: &'a [Skipped],
    /// What the samples are called.
    samples: &'static str,
}

impl Outcome<'_> {
    /// The verdict, the figures, the report and the words.
    fn settle(self, settings: &Settings, folder: &RunFolder) -> Result<(), Failure> {
        let measured = evaluation(self.answers, self.classes)?;
        let best = &self.records[self.best];
        let [train, val, test] = self.split;
        let judged = Evidence {
            train: Measured {
                accuracy: best.train_accuracy,
                samples: train.min(onggi_train::TRAIN_SUBSET),
            },
            val: Measured {
                accuracy: best.val_accuracy,
                samples: val,
            },
            commonest: self.commonest,
            baseline: self.baseline,
            steadiness: Steadiness::from_log(
                self.records,
                matches!(self.stopped, Stopped::Diverged),
            ),
        }
        .verdict();
        let summary = Summary {
            task: self.task.into(),
            model: settings.model.clone(),
            classes: self.classes.to_vec(),
            train_accuracy: best.train_accuracy,
            val_accuracy: best.val_accuracy,
            test_accuracy: (test > 0).then_some(measured.accuracy),
            gap: best.train_accuracy - best.val_accuracy,
            baseline_accuracy: self.baseline.map(|simple| simple.accuracy),
            verdict: judged,
            epochs: self.records.len(),
            best_epoch: best.epoch,
            stopped: self.stopped.words().into(),
            seconds: self.seconds,
            parameters: self.parameters,
            split: self.split,
            data: settings.data.clone(),
            evaluation: measured,
            evaluated_on: self.evaluated_on.into(),
            skipped: self.skipped.to_vec(),
            run: folder.path().display().to_string(),
        };
        run::write_json(&folder.path().join(files::SUMMARY), &summary)?;
        let report =
            crate::report::write(folder.path()).context("the report could not be written")?;
        if settings.json {
            return Ok(say_json(&figures(&summary))?);
        }
        self.tell(settings, &summary);
        say(format!("Report: {}", report.display()));
        if matches!(self.stopped, Stopped::Interrupted | Stopped::Time) {
            say(format!(
                "Go on with it: onggi train --resume {}",
                folder.path().display()
            ));
        }
        Ok(())
    }

    fn tell(&self, settings: &Settings, summary: &Summary) {
        match settings.tune {
            _ if settings.model == "linear" => say(format!("Fitted in {:.1} s", summary.seconds)),
            Tune::Head => say(format!("Done in {:.1} s", summary.seconds)),
            _ => say(format!(
                "{} {} in {:.0} s ({}); kept epoch {}{}",
                summary.epochs,
                if summary.epochs == 1 {
                    "epoch"
                } else {
                    "epochs"
                },
                summary.seconds,
                self.stopped.words(),
                summary.best_epoch,
                if settings.keep_best() {
                    ", the best on validation data"
                } else {
                    ", the last"
                }
            )),
        }
        if self.skipped_steps > 0 {
            say(format!(
                "{} steps skipped, as the loss or its gradient was not finite",
                thousands(self.skipped_steps as usize)
            ));
        }
        match summary.test_accuracy {
            Some(accuracy) => say(format!(
                "Test accuracy {} on {} {} (macro F1 {:.3})",
                percent(accuracy),
                thousands(summary.evaluation.samples),
                self.samples,
                summary.evaluation.macro_f1
            )),
            None => {
                say("No test split: the validation figures have chosen the epoch, so they flatter");
            }
        }
        if let Some(simple) = summary.baseline_accuracy {
            say(format!(
                "Validation accuracy {}; of --model linear, for comparison, {}",
                percent(summary.val_accuracy),
                percent(simple)
            ));
        }
        say(&summary.verdict.words);
    }
}

/// What `--json` prints.
fn figures(summary: &Summary) -> serde_json::Value {
    serde_json::json!({
        "task": summary.task,
        "model": summary.model,
        "classes": summary.classes,
        "train_accuracy": summary.train_accuracy,
        "val_accuracy": summary.val_accuracy,
        "baseline_accuracy": summary.baseline_accuracy,
        "test_accuracy": summary.test_accuracy,
        "gap": summary.gap,
        "verdict": summary.verdict.fit,
        "epochs": summary.epochs,
        "seconds": summary.seconds,
        "run": summary.run,
    })
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
        drop_path: settings.drop_path,
        width: settings.width,
        norm: settings.norm,
        input,
        encoder: None,
    }
}
