//! `--bias-variance`: is the model too stiff, or too restless?

use super::super::runs::Runner;
use super::retrain::{self, Retraining};
use super::{Diagnose, data};
use crate::description::{Trained, load_run};
use crate::failure::{Failure, usage};
use crate::settings::{LINEAR, Settings};
use crate::text_run::load_text;
use onggi_data::Dataset;
use onggi_nn::Classifier;
use onggi_train::diagnose::BiasVariance;
use onggi_train::run::Summary;
use onggi_train::{Predictions, predict};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Factors on the model's channels or hidden units, beside the run's own.
const WIDTHS: [f64; 3] = [0.5, 1.0, 2.0];

/// The errors of models of one size.
#[derive(Serialize)]
pub(super) struct SizeFigures {
    /// Factor on the model's channels or hidden units.
    pub(super) width: f64,
    pub(super) parameters: usize,
    /// Mean over the models.
    pub(super) accuracy: f64,
    /// Of the cross-entropy, nats.
    #[serde(flatten)]
    pub(super) parts: BiasVariance,
}

/// Models of several sizes, each trained on bootstrap draws of the training data.
#[derive(Serialize)]
pub(super) struct TradeOff {
    /// Models of each size.
    pub(super) models: usize,
    /// `test`, or `val` where there is no test part.
    pub(super) measured_on: &'static str,
    /// From the smallest.
    pub(super) sizes: Vec<SizeFigures>,
}

/// Models of one size: their width, and their folders and figures.
type Size = (f64, Vec<(PathBuf, Summary)>);

/// Trains the models.
pub(super) fn train(
    runner: &mut Runner,
    args: &Diagnose,
    settings: &Settings,
) -> Result<Vec<Size>, Failure> {
    if settings.pretrained || settings.model == LINEAR {
        return usage(format!(
            "--bias-variance varies a network's width, but that of {} is one: train a network from scratch \
             to see the trade-off, or ask for --learning-curve",
            settings.model
        ));
    }
    let widths = WIDTHS.map(|factor| (settings.width * factor).clamp(0.05, 16.0));
    let mut trainings = Vec::new();
    for width in widths {
        for k in 0..args.models as u64 {
            trainings.push(Retraining {
                name: format!("width-{width}-{k}"),
                flags: vec![
                    format!("--width={width}"),
                    format!("--bootstrap={k}"),
                    format!("--seed={}", settings.seed + k),
                ],
            });
        }
    }
    let done = retrain::train(runner, args, settings, &trainings)?;
    let sizes = widths.into_iter().zip(done.chunks(args.models));
    Ok(sizes.map(|(width, runs)| (width, runs.to_vec())).collect())
}

/// Cuts the errors of the models into bias and variance.
pub(super) fn measure(trained: &[Size], data: &Path, threads: usize) -> Result<TradeOff, Failure> {
    let mut sizes = Vec::new();
    let mut measured_on = "test";
    for (width, runs) in trained {
        let mut answers = Vec::new();
        for (folder, _) in runs {
            let (found, on) = held_out(folder, data, threads)?;
            measured_on = on;
            answers.push(found);
        }
        let models: Vec<&[f64]> = answers.iter().map(|a| a.probabilities.as_slice()).collect();
        let first = &answers[0];
        let accuracy = answers.iter().map(Predictions::accuracy).sum::<f64>();
        sizes.push(SizeFigures {
            width: *width,
            parameters: runs[0].1.parameters,
            accuracy: accuracy / answers.len() as f64,
            parts: BiasVariance::cross_entropy(&models, &first.labels, first.classes)?,
        });
    }
    Ok(TradeOff {
        models: trained.first().map_or(0, |(_, runs)| runs.len()),
        measured_on,
        sizes,
    })
}

/// The answers of a run on its test part, or on validation data where there is none.
fn held_out(
    run: &Path,
    data: &Path,
    threads: usize,
) -> Result<(Predictions, &'static str), Failure> {
    fn ask<const D: usize, M: Classifier<D>>(
        model: &M,
        [_, val, test]: [Arc<dyn Dataset>; 3],
        threads: usize,
    ) -> Result<(Predictions, &'static str), Failure> {
        let (part, name) = if test.is_empty() {
            (val, "val")
        } else {
            (test, "test")
        };
        Ok((predict(model, &part, threads)?, name))
    }
    if let Some(text) = load_text(run)? {
        let (all, [_, val, test]) = data::text_parts(data, run, &text)?;
        let (part, name) = if test.is_empty() {
            (val, "val")
        } else {
            (test, "test")
        };
        return Ok((text.answers(&all.select(&part)?, threads)?, name));
    }
    let (trained, classes) = load_run(run)?;
    match &trained {
        Trained::Image(model, preprocess) => {
            let (parts, _) = data::image_parts(data, run, &classes, preprocess)?;
            ask::<4, _>(model, parts, threads)
        }
        Trained::Table(model, preprocess, target) => {
            let (parts, _) = data::table_parts(data, run, &classes, preprocess, target)?;
            ask::<2, _>(model, parts, 1)
        }
    }
}

impl TradeOff {
    /// What the figures say, in a sentence.
    pub(super) fn words(&self) -> String {
        let best = self
            .sizes
            .iter()
            .min_by(|a, b| a.parts.error.total_cmp(&b.parts.error));
        let Some(best) = best else {
            return String::new();
        };
        let share = 100.0 * best.parts.variance / best.parts.error.max(1e-12);
        format!(
            "The lowest expected error is at width {} ({:.3} nats), of which {share:.0} % is variance: \
             {}",
            best.width,
            best.parts.error,
            if share >= 50.0 {
                "more data, averaging or regularisation would help most"
            } else {
                "a better model or cleaner labels would help more than more data"
            }
        )
    }
}
