//! `onggi diagnose RUN`: what is wrong with a trained model, and with its data.

pub(crate) mod data;
mod health;
mod more_data;
mod page;
mod retrain;
mod show;
mod trade_off;

use super::runs::Runner;
use crate::commands::train::text_baseline;
use crate::description::{Trained, load_run};
use crate::failure::{Failure, usage};
use crate::output::{say, say_json};
use crate::settings::Settings;
use crate::text_run::{TextPart, TextRun, load_text};
use crate::threads::Threads;
use burn::tensor::{Int, Tensor};
use clap::Args;
use data::{Samples, Three};
use health::LayerFigures;
use more_data::CurveFigures;
use onggi_data::duplicates::Leak;
use onggi_data::text::Texts;
use onggi_data::{Dataset, Split};
use onggi_nn::Network;
use onggi_train::diagnose::{Baseline, Interval, LabelErrors, baseline, gap};
use onggi_train::metrics::{Calibration, Temperature};
use onggi_train::run::{self, EpochRecord, Summary, Verdict, files};
use onggi_train::{Evidence, Input, Measured, Predictions, Steadiness, Stopped, Subset, predict};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trade_off::TradeOff;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi diagnose runs/photos-1                  verdict, calibration, label errors, duplicates
  onggi diagnose runs/photos-1 --data photos/   where the data has moved
  onggi diagnose runs/photos-1 --learning-curve would more data help? trains 12 times
  onggi diagnose runs/photos-1 --bias-variance  too stiff or too restless? trains 15 times
  onggi diagnose runs/table-1 --json";

/// Training samples that the train figures are measured on, evenly spaced over the data.
const TRAIN_SAMPLES: usize = 2_000;

/// Confidence of the intervals.
const LEVEL: f64 = 0.95;

/// Bins of the expected calibration error.
const BINS: usize = 15;

/// Arguments of `onggi diagnose`.
#[derive(Args, Debug)]
pub(crate) struct Diagnose {
    /// Run folder, as `onggi train` printed it
    run: PathBuf,
    /// The data that the run was trained on, if it lies elsewhere now [default: as in training]
    #[arg(long, value_name = "DATA")]
    data: Option<PathBuf>,
    /// Train again on 10, 25, 50 and 100 % of the training data, and say what more data would bring
    #[arg(long)]
    learning_curve: bool,
    /// Trainings of each size for --learning-curve, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 3)]
    repeats: usize,
    /// Train models of half, the same and twice the width on bootstrap draws of the training data, and
    /// cut their errors into bias and variance
    #[arg(long)]
    bias_variance: bool,
    /// Models of each width for --bias-variance, 2 to 100
    #[arg(long, value_name = "K", default_value_t = 5)]
    models: usize,
    /// Seed of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object with all findings
    #[arg(long)]
    json: bool,
}

/// A model measured on one part.
#[derive(Serialize)]
struct PartFigures {
    samples: usize,
    accuracy: f64,
    loss: f64,
}

impl PartFigures {
    fn of(answers: &Predictions) -> Self {
        Self {
            samples: answers.labels.len(),
            accuracy: answers.accuracy(),
            loss: answers.loss,
        }
    }

    fn measured(&self) -> Measured {
        Measured {
            accuracy: self.accuracy,
            samples: self.samples,
        }
    }
}

/// How honest the probabilities are.
#[derive(Serialize)]
struct CalibrationFigures {
    /// `test`, or `val` where there is no test part: then the temperature was fitted on it too.
    measured_on: &'static str,
    samples: usize,
    error: f64,
    overconfidence: f64,
    /// Fitted on validation data.
    temperature: f64,
    error_after: f64,
}

/// A label that is probably wrong.
#[derive(Serialize)]
struct SuspectRow {
    sample: String,
    split: Split,
    label: String,
    suggested: String,
    self_confidence: f64,
    margin: f64,
}

/// A sample with a duplicate in another part.
#[derive(Serialize)]
struct LeakRow {
    sample: String,
    split: Split,
    of: String,
    of_split: Split,
    exact: bool,
}

#[derive(Serialize)]
struct DuplicateFigures {
    /// Samples of all parts together.
    samples: usize,
    groups: usize,
    /// Samples that could be left out.
    surplus: usize,
    leaks: Vec<LeakRow>,
    truncated: bool,
}

/// Everything that was found: what `--json` prints.
#[derive(Serialize)]
struct Findings {
    run: String,
    data: String,
    verdict: Verdict,
    train: PartFigures,
    val: PartFigures,
    test: Option<PartFigures>,
    /// Train accuracy less validation accuracy.
    gap: Interval,
    /// None of a run whose own model is the simple one.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Baseline>,
    calibration: CalibrationFigures,
    /// Estimated share of wrong labels in validation and test.
    label_noise: f64,
    label_errors: Vec<SuspectRow>,
    duplicates: DuplicateFigures,
    layers: Vec<LayerFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_curve: Option<CurveFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bias_variance: Option<TradeOff>,
}

/// What a model answers on the parts of its run's data, and what that is compared with.
struct Answers {
    /// On evenly spaced samples.
    train: Predictions,
    val: Predictions,
    test: Option<Predictions>,
    /// Share of the commonest class in the training data.
    commonest: f64,
    baseline: Option<Baseline>,
    layers: Vec<LayerFigures>,
}

impl Diagnose {
    pub(crate) fn run(self) -> Result<(), Failure> {
        for (flag, n, least) in [("repeats", self.repeats, 1), ("models", self.models, 2)] {
            if !(least..=100).contains(&n) {
                return usage(format!(
                    "--{flag} must be between {least} and 100, but is {n}"
                ));
            }
        }
        let text = load_text(&self.run)?;
        let summary: Summary = run::read_json(&self.run.join(files::SUMMARY))?;
        // Before this process's threads are tied to processors, which children would inherit.
        let (mut learning_curve, mut sizes) = (None, None);
        if self.learning_curve || self.bias_variance {
            let settings = Settings::of_run(&self.run, self.data.as_deref())?;
            let mut runner = Runner::new(self.threads.n(), self.again())?;
            if self.learning_curve {
                learning_curve = Some(more_data::curve(&mut runner, &self, &settings)?);
            }
            if self.bias_variance {
                sizes = Some(trade_off::train(&mut runner, &self, &settings)?);
            }
        }
        let threads = self.threads.start()?;
        let data = self
            .data
            .clone()
            .unwrap_or_else(|| summary.data.clone().into());
        let mut findings = if let Some(text) = &text {
            let (all, parts) = data::text_parts(&data, &self.run, text)?;
            let samples = data::texts(&data, &all, &parts)?;
            let answers = self.ask_texts(text, &all, &parts, threads)?;
            self.find(answers, samples, &text.classes, &summary)?
        } else {
            let (trained, classes) = load_run(&self.run)?;
            let (answers, samples) = match &trained {
                Trained::Image(model, preprocess) => {
                    let (parts, samples) =
                        data::images(&data, &self.run, &classes, preprocess, threads)?;
                    (self.ask::<Tensor<4>, _>(model, &parts, threads)?, samples)
                }
                Trained::Table(model, preprocess, target) => {
                    let (parts, samples) =
                        data::table(&data, &self.run, &classes, preprocess, target)?;
                    (self.ask::<Tensor<2>, _>(model, &parts, 1)?, samples)
                }
            };
            self.find(answers, samples, &classes, &summary)?
        };
        findings.learning_curve = learning_curve;
        if let Some(sizes) = sizes {
            findings.bias_variance = Some(trade_off::measure(&sizes, &data, threads)?);
        }
        let page = page::write(&self.run, &findings)?;
        if self.json {
            return Ok(say_json(&findings)?);
        }
        show::show(&findings);
        if let Some(page) = page {
            say(format!("\nCurves: {}", page.display()));
        }
        Ok(())
    }

    /// The command that goes on with the trainings.
    fn again(&self) -> String {
        let mut command = format!("onggi diagnose {}", self.run.display());
        if let Some(data) = &self.data {
            command += &format!(" --data {}", data.display());
        }
        if self.learning_curve {
            command += &format!(" --learning-curve --repeats {}", self.repeats);
        }
        if self.bias_variance {
            command += &format!(" --bias-variance --models {}", self.models);
        }
        command
    }

    /// What a network answers on a run's parts.
    fn ask<X: Input, M: Network<X>>(
        &self,
        model: &M,
        [train, val, test]: &Three,
        threads: usize,
    ) -> Result<Answers, Failure> {
        let some: Arc<dyn Dataset> = Arc::new(Subset::evenly(train.clone(), TRAIN_SAMPLES));
        let tested = (!test.is_empty()).then(|| predict(model, test, threads));
        let labels: Vec<usize> = (0..train.len()).map(|i| train.label(i)).collect();
        Ok(Answers {
            train: predict(model, &some, threads)?,
            val: predict(model, val, threads)?,
            test: tested.transpose()?,
            commonest: commonest(&labels, train.num_classes()),
            baseline: Some(baseline(train, val)?),
            layers: health::layers(model, train, self.seed)?,
        })
    }

    /// What a model of texts answers on a run's parts.
    fn ask_texts(
        &self,
        model: &TextRun,
        all: &Texts,
        parts: &[Vec<usize>; 3],
        threads: usize,
    ) -> Result<Answers, Failure> {
        let [train, val, test] = parts.each_ref().map(|part| all.select(part));
        let (train, val, test) = (train?, val?, test?);
        let n = train.0.len().min(TRAIN_SAMPLES);
        let some: TextPart<'_> = (0..n)
            .map(|i| i * train.0.len() / n)
            .map(|i| (train.0[i], train.1[i]))
            .unzip();
        let tested = (!test.0.is_empty()).then(|| model.answers(&test, threads));
        let (mut baseline, mut layers) = (None, Vec::new());
        if let Some(network) = model.network() {
            let settings = Settings::of_run(&self.run, self.data.as_deref())?;
            baseline = Some(text_baseline(&settings, &train, &val, model.classes.len())?);
            let tokens: Arc<dyn Dataset> =
                Arc::new(network.tokens((&some.0, &some.1), model.classes.len())?);
            layers = health::layers::<Tensor<2, Int>, _>(&network.model, &tokens, self.seed)?;
        }
        Ok(Answers {
            train: model.answers(&some, threads)?,
            val: model.answers(&val, threads)?,
            test: tested.transpose()?,
            commonest: commonest(&train.1, model.classes.len()),
            baseline,
            layers,
        })
    }

    fn find(
        &self,
        answers: Answers,
        samples: Samples,
        classes: &[String],
        summary: &Summary,
    ) -> Result<Findings, Failure> {
        let Answers {
            train, val, test, ..
        } = &answers;
        let (on_train, on_val) = (PartFigures::of(train), PartFigures::of(val));
        let diverged = summary.stopped == Stopped::Diverged.words();
        let verdict = Evidence {
            train: on_train.measured(),
            val: on_val.measured(),
            commonest: answers.commonest,
            baseline: answers.baseline.as_ref().map(|simple| Measured {
                accuracy: simple.val_accuracy,
                samples: val.labels.len(),
            }),
            steadiness: Steadiness::from_log(&log(&self.run)?, diverged),
        }
        .verdict();
        let (label_noise, label_errors) = suspects(&samples, classes, val, test.as_ref())?;
        Ok(Findings {
            run: self.run.display().to_string(),
            data: samples.data.display().to_string(),
            verdict,
            gap: gap(&right(train), &right(val), LEVEL, self.seed)?,
            train: on_train,
            val: on_val,
            calibration: calibration(val, test.as_ref())?,
            test: test.as_ref().map(PartFigures::of),
            label_noise,
            label_errors,
            duplicates: DuplicateFigures {
                samples: samples.ids.len(),
                groups: samples.duplicates.groups().len(),
                surplus: samples.duplicates.surplus(),
                leaks: leaks(&samples)?,
                truncated: samples.duplicates.truncated(),
            },
            baseline: answers.baseline,
            layers: answers.layers,
            learning_curve: None,
            bias_variance: None,
        })
    }
}

/// 1 for each right answer, 0 for each wrong one.
fn right(answers: &Predictions) -> Vec<f64> {
    let pairs = answers.predicted().into_iter().zip(&answers.labels);
    pairs
        .map(|(p, &label)| f64::from(u8::from(p == label)))
        .collect()
}

/// Share of the commonest class.
fn commonest(labels: &[usize], classes: usize) -> f64 {
    let mut counts = vec![0; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    counts.into_iter().max().unwrap_or(0) as f64 / labels.len().max(1) as f64
}

/// The run's log; its last line may have been cut short by a crash.
fn log(dir: &Path) -> Result<Vec<EpochRecord>, Failure> {
    let path = dir.join(files::LOG);
    let text = fs::read_to_string(&path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
    Ok(text
        .lines()
        .map_while(|line| serde_json::from_str(line).ok())
        .collect())
}

fn calibration(
    val: &Predictions,
    test: Option<&Predictions>,
) -> Result<CalibrationFigures, Failure> {
    let k = val.classes;
    // A softmax in `f32` may give 0; its logarithm must be finite.
    let logs = |answers: &Predictions| -> Vec<f64> {
        answers
            .probabilities
            .iter()
            .map(|p| p.max(1e-38).ln())
            .collect()
    };
    let temperature = Temperature::fit(&val.labels, &logs(val), k)?;
    let (measured_on, answers) = test.map_or(("val", val), |test| ("test", test));
    let before = Calibration::new(&answers.labels, &answers.probabilities, k, BINS)?;
    let scaled = temperature.apply(&logs(answers), k)?;
    Ok(CalibrationFigures {
        measured_on,
        samples: answers.labels.len(),
        error: before.error(),
        overconfidence: before.overconfidence(),
        temperature: temperature.value(),
        error_after: Calibration::new(&answers.labels, &scaled, k, BINS)?.error(),
    })
}

/// Label errors among the samples that the model was not trained on.
fn suspects(
    samples: &Samples,
    classes: &[String],
    val: &Predictions,
    test: Option<&Predictions>,
) -> Result<(f64, Vec<SuspectRow>), Failure> {
    let held_out = || [Some(val), test].into_iter().flatten();
    let labels: Vec<usize> = held_out().flat_map(|part| part.labels.clone()).collect();
    let p: Vec<f64> = held_out()
        .flat_map(|part| part.probabilities.clone())
        .collect();
    let found = LabelErrors::find(&labels, &p, classes.len())?;
    let offset = samples.splits.len() - labels.len();
    let row = |suspect: &onggi_train::diagnose::Suspect| SuspectRow {
        sample: samples.ids[offset + suspect.index].clone(),
        split: samples.splits[offset + suspect.index],
        label: classes[suspect.label].clone(),
        suggested: classes[suspect.suggested].clone(),
        self_confidence: suspect.self_confidence,
        margin: suspect.margin,
    };
    Ok((found.noise, found.suspects.iter().map(row).collect()))
}

fn leaks(samples: &Samples) -> Result<Vec<LeakRow>, Failure> {
    let row = |leak: &Leak| LeakRow {
        sample: samples.ids[leak.sample].clone(),
        split: leak.split,
        of: samples.ids[leak.of].clone(),
        of_split: leak.of_split,
        exact: leak.exact,
    };
    Ok(samples
        .duplicates
        .leaks(&samples.splits)?
        .iter()
        .map(row)
        .collect())
}
