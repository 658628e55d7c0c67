//! The learning-rate range test: how fast the loss falls at which learning rate.

use super::mover::Mover;
use super::pass::Passes;
use super::{Callback, Progress, TrainSettings};
use crate::{Input, TrainError};
use onggi_data::{Batch, Dataset, View};
use onggi_nn::Network;
use std::sync::Arc;

/// Configuration of [`range_test`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeTestConfig {
    /// First learning rate. Default: 1e-7.
    pub from: f64,
    /// Last learning rate. Default: 10.
    pub to: f64,
    /// Steps from the one to the other, evenly spaced in the logarithm. Default: 100.
    pub steps: usize,
    /// Weight of the past in the smoothed loss. Default: 0.9.
    pub smoothing: f64,
    /// The test ends once the smoothed loss is so many times the lowest. Default: 4.
    pub divergence: f64,
}

impl Default for RangeTestConfig {
    fn default() -> Self {
        Self {
            from: 1e-7,
            to: 10.0,
            steps: 100,
            smoothing: 0.9,
            divergence: 4.0,
        }
    }
}

/// One step of a [`range_test`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangePoint {
    /// Learning rate.
    pub lr: f64,
    /// The batch's training loss, before the step.
    pub loss: f64,
    /// Exponential mean of the losses so far, with the bias of its start taken out.
    pub smoothed: f64,
}

/// What a [`range_test`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeTest {
    /// The steps, until the last or until the loss blew up.
    pub points: Vec<RangePoint>,
    /// The learning rate at which the smoothed loss falls fastest per decade; `None` where it never
    /// falls.
    pub suggestion: Option<f64>,
}

/// Trains a model for a few steps, each at a higher learning rate, and watches the loss.
///
/// Below some learning rate nothing happens; then the loss falls, the faster the higher the rate;
/// then it blows up. The suggestion is where it falls fastest: enough to learn well, below what is
/// too much. It is for the highest learning rate of a one-cycle schedule; the loss is smoothed, so
/// it lags behind and the suggestion leans to a rate that is rather low than high.
///
/// The model is used up: its weights are worth nothing after a rate that is too high.
///
/// # Errors
/// Bounds that are not positive and rising, fewer than 10 steps; what training can fail with.
///
/// # Reference
/// Smith, *Cyclical learning rates for training neural networks*, 2017.
pub fn range_test<X: Input, M: Network<X>>(
    mut model: M,
    train: &Arc<dyn Dataset>,
    settings: &TrainSettings,
    config: &RangeTestConfig,
    callback: &mut dyn Callback,
) -> Result<RangeTest, TrainError> {
    config.check()?;
    settings.check()?;
    let loader = settings.loader(train)?;
    let loss = settings.loss(train)?;
    let batches = loader.num_batches();
    let mut mover = Mover::new(settings, config.steps as u64)?;
    let mut points: Vec<RangePoint> = Vec::new();
    let (mut mean, mut lowest, mut passes) = (0.0, f64::INFINITY, 0);
    let mut epoch = 0;
    'test: loop {
        epoch += 1;
        let view = View::Train {
            seed: settings.seed,
            epoch,
        };
        let mut epoch_batches = loader.epoch(epoch, view);
        loop {
            let group = epoch_batches.by_ref().take(settings.accumulate);
            let group: Vec<Batch> = group.collect::<Result<_, _>>()?;
            if group.is_empty() {
                break;
            }
            let step = points.len();
            if step == config.steps || callback.interrupted() {
                break 'test;
            }
            let share = step as f64 / (config.steps - 1) as f64;
            let lr = config.from * (config.to / config.from).powf(share);
            let gradients = Passes::<X>::new(settings, &loss, 1, passes);
            let moved = mover.step(model, lr, |model| gradients.gradients(model, &group))?;
            passes += gradients.count(&group);
            model = moved.model;
            let beta = config.smoothing;
            mean = beta * mean + (1.0 - beta) * moved.loss;
            let smoothed = mean / (1.0 - beta.powi(step as i32 + 1));
            lowest = f64::min(lowest, smoothed);
            if !moved.stepped || smoothed > config.divergence * lowest {
                break 'test;
            }
            points.push(RangePoint {
                lr,
                loss: moved.loss,
                smoothed,
            });
            callback.on_step(&Progress {
                epoch: 1,
                batch: step + 1,
                batches: config.steps,
                step: step as u64 + 1,
                loss: smoothed,
                lr,
            });
        }
        if batches == 0 {
            break;
        }
    }
    let suggestion = suggest(&points);
    Ok(RangeTest { points, suggestion })
}

/// Steps left out at the beginning, where the smoothed loss still follows single batches.
const SETTLING: usize = 10;

/// The learning rate of the steepest descent: of the least-squares line of the smoothed loss against
/// log lr over five points, the middle of the one that falls fastest. Only points before the lowest
/// loss count.
fn suggest(points: &[RangePoint]) -> Option<f64> {
    const WINDOW: usize = 5;
    let by_loss =
        |a: &(usize, &RangePoint), b: &(usize, &RangePoint)| a.1.smoothed.total_cmp(&b.1.smoothed);
    let (lowest, _) = points.iter().enumerate().min_by(by_loss)?;
    let fallen = points.get(SETTLING.min(lowest)..=lowest)?;
    let slope = |window: &[RangePoint]| {
        let n = window.len() as f64;
        let x = window.iter().map(|p| p.lr.log10()).sum::<f64>() / n;
        let y = window.iter().map(|p| p.smoothed).sum::<f64>() / n;
        let product = |p: &RangePoint| (p.lr.log10() - x) * (p.smoothed - y);
        let square = |p: &RangePoint| (p.lr.log10() - x).powi(2);
        window.iter().map(product).sum::<f64>() / window.iter().map(square).sum::<f64>()
    };
    let steepest = fallen
        .windows(WINDOW)
        .map(|window| (slope(window), window[WINDOW / 2].lr))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    (steepest.0 < 0.0).then_some(steepest.1)
}

impl RangeTestConfig {
    fn check(&self) -> Result<(), TrainError> {
        if !(self.from > 0.0 && self.to > self.from && self.to.is_finite()) {
            let got = format!("{:e} to {:e}", self.from, self.to);
            return Err(TrainError::setting("range", "positive and rising", got));
        }
        if self.steps < 2 * SETTLING {
            return Err(TrainError::setting("steps", "at least 20", self.steps));
        }
        if !(0.0..1.0).contains(&self.smoothing) {
            let expected = "at least 0 and below 1";
            return Err(TrainError::setting("smoothing", expected, self.smoothing));
        }
        if self.divergence.is_nan() || self.divergence <= 1.0 {
            return Err(TrainError::setting(
                "divergence",
                "above 1",
                self.divergence,
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loss that falls along a sigmoid in log lr, fastest at `steepest`, and then blows up.
    fn curve(steepest: f64) -> Vec<RangePoint> {
        (0..100)
            .map(|i| {
                let lr = 1e-6 * 10_f64.powf(7.0 * f64::from(i) / 99.0);
                let x = (lr / steepest).log10();
                let smoothed = 1.0 / (1.0 + (4.0 * x).exp()) + (lr / 2.0).powi(2);
                RangePoint {
                    lr,
                    loss: smoothed,
                    smoothed,
                }
            })
            .collect()
    }

    #[test]
    fn suggests_where_the_loss_falls_fastest() {
        for steepest in [1e-4, 1e-3, 1e-2] {
            let got = suggest(&curve(steepest)).unwrap();
            let off = (got / steepest).log10().abs();
            assert!(off < 0.08, "{got} instead of {steepest}");
        }
    }

    #[test]
    fn a_loss_that_never_falls_suggests_nothing() {
        let mut points = curve(1e-3);
        for (i, point) in points.iter_mut().enumerate() {
            point.smoothed = 1.0 + i as f64;
        }
        assert_eq!(suggest(&points), None);
        assert_eq!(suggest(&[]), None);
    }

    #[test]
    fn settings_that_mean_nothing_are_errors() {
        let good = RangeTestConfig::default();
        assert!(good.check().is_ok());
        for bad in [
            RangeTestConfig { from: 0.0, ..good },
            RangeTestConfig { to: 1e-9, ..good },
            RangeTestConfig {
                to: f64::INFINITY,
                ..good
            },
            RangeTestConfig { steps: 5, ..good },
            RangeTestConfig {
                smoothing: 1.0,
                ..good
            },
            RangeTestConfig {
                divergence: f64::NAN,
                ..good
            },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
