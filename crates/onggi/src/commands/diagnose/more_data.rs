//! `--learning-curve`: would more data help?

use super::super::runs::Runner;
use super::Diagnose;
use super::retrain::{self, Retraining};
use crate::failure::Failure;
use crate::output::thousands;
use crate::settings::Settings;
use onggi_train::diagnose::{CurvePoint, LearningCurve, Outlook};
use onggi_train::run::Summary;
use serde::Serialize;

/// Shares of the training data that are trained on.
const SHARES: [f64; 4] = [0.1, 0.25, 0.5, 1.0];

/// Smaller shares get more epochs, so that they have as many steps, up to so many times as many.
const MOST_TIMES: f64 = 4.0;

/// One point of accuracy, as a share.
const POINT: f64 = 0.01;

/// Errors at several sizes, and what they foretell.
#[derive(Serialize)]
pub(super) struct CurveFigures {
    #[serde(flatten)]
    pub(super) curve: LearningCurve,
    /// `test`, or `val` where there is no test part.
    pub(super) measured_on: String,
    /// Trainings of each size.
    pub(super) repeats: usize,
    /// What it would take to gain a point.
    pub(super) one_point: Outlook,
}

/// Trains on shares of the data and fits the curve.
pub(super) fn curve(
    runner: &mut Runner,
    args: &Diagnose,
    settings: &Settings,
) -> Result<CurveFigures, Failure> {
    let mut trainings = Vec::new();
    for share in SHARES {
        let times = (1.0 / share).min(MOST_TIMES);
        let scaled = |n: usize| (n as f64 * times).ceil() as usize;
        for repeat in 0..args.repeats {
            trainings.push(Retraining {
                name: format!("share-{:.0}-{repeat}", 100.0 * share),
                flags: vec![
                    format!("--train-share={share}"),
                    format!("--epochs={}", scaled(settings.epochs)),
                    format!("--early-stopping={}", scaled(settings.early_stopping)),
                    format!("--seed={}", settings.seed + repeat as u64),
                ],
            });
        }
    }
    let done = retrain::train(runner, args, settings, &trainings)?;
    let points: Vec<CurvePoint> = done
        .chunks(args.repeats)
        .map(|runs| point(runs.iter().map(|(_, summary)| summary)))
        .collect();
    let curve = LearningCurve::fit(&points, args.seed)?;
    Ok(CurveFigures {
        measured_on: done[0].1.evaluated_on.clone(),
        repeats: args.repeats,
        one_point: curve.outlook(POINT),
        curve,
    })
}

/// The mean error of some trainings of one size. Its standard error has two parts: that of the share
/// of mistakes among the samples, which are the same for all, and that of the mean over trainings.
fn point<'a>(runs: impl Iterator<Item = &'a Summary> + Clone) -> CurvePoint {
    let n = runs.clone().count() as f64;
    let (mut samples, mut tested) = (0, 0);
    let errors: Vec<f64> = runs
        .map(|summary| {
            (samples, tested) = (summary.split[0], summary.evaluation.samples);
            1.0 - summary.evaluation.accuracy
        })
        .collect();
    let error = errors.iter().sum::<f64>() / n;
    let wrong = (error * tested as f64).round() as usize;
    let counted = CurvePoint::counted(samples, wrong, tested);
    let squares: f64 = errors.iter().map(|e| (e - error).powi(2)).sum();
    let spread = if n > 1.0 {
        squares / (n - 1.0) / n
    } else {
        0.0
    };
    CurvePoint {
        samples,
        error,
        standard_error: counted.standard_error.hypot(spread.sqrt()),
    }
}

impl CurveFigures {
    /// What the curve foretells, in a sentence.
    pub(super) fn words(&self) -> String {
        match &self.one_point {
            Outlook::Reachable { samples, low, high } => format!(
                "A point of accuracy more would take about {} training samples in all (80 % interval {} to {})",
                about(*samples),
                about(*low),
                about(*high)
            ),
            Outlook::Flat => "The error does not fall with the data by more than chance would do: more of \
                              this kind may not help, or more samples to test on are needed to see it"
                .into(),
            Outlook::Unsupported { reason } => {
                format!("What a point of accuracy more would take cannot be said: {reason}")
            }
        }
    }
}

/// A number of samples, to two digits.
fn about(samples: f64) -> String {
    if !samples.is_finite() || samples >= 1e15 {
        return "any number".into();
    }
    let unit = 10_f64.powf(samples.max(1.0).log10().floor() - 1.0).max(1.0);
    thousands(((samples / unit).round() * unit) as usize)
}
