//! When to stop, and which epoch to keep.

use crate::TrainError;
use crate::checkpoint::exact;
use serde::{Deserialize, Serialize};

/// What an epoch is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// The validation loss, the lower the better.
    #[default]
    ValLoss,
    /// The validation accuracy (of a regressor R²), the higher the better.
    ValAccuracy,
}

/// Which epoch's weights are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeptEpoch {
    /// The best by the monitor.
    #[default]
    Best,
    /// The last, however good: what a training without a look at validation data gives.
    Last,
}

/// Configuration of [`EarlyStopping`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EarlyStoppingConfig {
    /// What is watched. Default: the validation loss.
    pub monitor: Monitor,
    /// Which epoch is kept. Default: the best.
    pub keep: KeptEpoch,
    /// Epochs in a row without an improvement after which training stops; `None`: it never stops.
    pub patience: Option<usize>,
    /// How much better than the best an epoch must be to be an improvement. Default: 0.
    pub min_delta: f64,
    /// Validation loss above which training stops at once; `None`: none is too high.
    pub divergence: Option<f64>,
}

/// Watches a validation figure: says which epoch is the best so far, and when to stop.
///
/// The best epoch is the one with the best figure, by however little. An improvement, for the
/// patience, is one by more than `min_delta` on the last improvement. A figure that is not finite is
/// neither.
///
/// Validation can get worse for a while and then better than before (deep double descent, or simply
/// a high learning rate that has yet to come down), so a small `patience` may stop too soon.
///
/// # Reference
/// Prechelt, *Early stopping, but when?*, 1998; Nakkiran et al., *Deep double descent*, 2019.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    config: EarlyStoppingConfig,
    watched: Watched,
}

/// What [`EarlyStopping`] remembers; lower is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watched {
    #[serde(with = "exact")]
    best: f64,
    #[serde(with = "exact")]
    improved: f64,
    waited: usize,
    diverged: bool,
}

impl EarlyStopping {
    /// Nothing seen yet.
    ///
    /// # Errors
    /// A patience of 0; a negative or non-finite `min_delta`; a `divergence` that is not above 0.
    pub fn new(config: EarlyStoppingConfig) -> Result<Self, TrainError> {
        if config.patience == Some(0) {
            return Err(TrainError::setting("early_stopping", "at least 1 epoch", 0));
        }
        let delta = config.min_delta;
        if !(delta >= 0.0 && delta.is_finite()) {
            let expected = "at least 0 and finite";
            return Err(TrainError::setting("min_delta", expected, delta));
        }
        if let Some(divergence) = config
            .divergence
            .filter(|most| most.is_nan() || *most <= 0.0)
        {
            return Err(TrainError::setting("divergence", "above 0", divergence));
        }
        let watched = Watched {
            best: f64::INFINITY,
            improved: f64::INFINITY,
            waited: 0,
            diverged: false,
        };
        Ok(Self { config, watched })
    }

    /// Takes an epoch's validation loss and accuracy; says whether it is to be kept: as it is the best
    /// so far, or as the last is kept.
    pub fn improves(&mut self, loss: f64, accuracy: f64) -> bool {
        let figure = match self.config.monitor {
            Monitor::ValLoss => loss,
            Monitor::ValAccuracy => -accuracy,
        };
        let watched = &mut self.watched;
        if figure < watched.improved - self.config.min_delta {
            watched.improved = figure;
            watched.waited = 0;
        } else {
            watched.waited += 1;
        }
        watched.diverged = self.config.divergence.is_some_and(|most| loss > most);
        let best = figure < watched.best;
        if best {
            watched.best = figure;
        }
        best || self.config.keep == KeptEpoch::Last
    }

    /// Whether the patience is used up.
    pub fn stops(&self) -> bool {
        let waited = self.watched.waited;
        self.config
            .patience
            .is_some_and(|patience| waited >= patience)
    }

    /// Whether the last loss was above `divergence`.
    pub fn diverged(&self) -> bool {
        self.watched.diverged
    }

    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }

    pub(crate) fn resume(&mut self, watched: Watched) {
        self.watched = watched;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopping(config: EarlyStoppingConfig) -> EarlyStopping {
        EarlyStopping::new(config).unwrap()
    }

    fn patient(patience: usize) -> EarlyStoppingConfig {
        EarlyStoppingConfig {
            patience: Some(patience),
            ..Default::default()
        }
    }

    #[test]
    fn stops_after_patience_epochs_without_improvement() {
        let mut stopping = stopping(patient(2));
        let seen: Vec<_> = [1.0, 0.9, 0.95, 0.8, 0.8, f64::NAN]
            .map(|loss| (stopping.improves(loss, 0.0), stopping.stops()))
            .into();
        let best = [true, true, false, true, false, false];
        let stops = [false, false, false, false, false, true];
        assert_eq!(seen, best.into_iter().zip(stops).collect::<Vec<_>>());
    }

    #[test]
    fn small_improvements_are_the_best_but_do_not_restore_the_patience() {
        let config = EarlyStoppingConfig {
            min_delta: 0.1,
            ..patient(2)
        };
        let mut stopping = stopping(config);
        let seen = [1.0, 0.95, 0.85, 0.8, 0.78]
            .map(|loss| (stopping.improves(loss, 0.0), stopping.stops()));
        assert_eq!(seen.map(|(best, _)| best), [true; 5]);
        assert_eq!(
            seen.map(|(_, stops)| stops),
            [false, false, false, false, true]
        );
    }

    #[test]
    fn without_patience_it_only_chooses() {
        let mut stopping = stopping(EarlyStoppingConfig::default());
        let best = [1.0, 2.0, 3.0, 0.5].map(|loss| stopping.improves(loss, 0.0));
        assert_eq!(
            (best, stopping.stops()),
            ([true, false, false, true], false)
        );
    }

    #[test]
    fn watches_the_accuracy_and_a_divergence_if_asked_to() {
        let mut stopping = stopping(EarlyStoppingConfig {
            monitor: Monitor::ValAccuracy,
            divergence: Some(5.0),
            ..Default::default()
        });
        assert!(stopping.improves(1.0, 0.5) && !stopping.improves(0.5, 0.5));
        assert!(stopping.improves(2.0, 0.6) && !stopping.diverged());
        assert!(!stopping.improves(5.5, 0.1) && stopping.diverged());
    }

    #[test]
    fn refuses_settings_that_mean_nothing() {
        let error = EarlyStopping::new(patient(0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`early_stopping` must be at least 1 epoch, but is 0"
        );
        for config in [
            EarlyStoppingConfig {
                min_delta: -1.0,
                ..Default::default()
            },
            EarlyStoppingConfig {
                min_delta: f64::NAN,
                ..Default::default()
            },
            EarlyStoppingConfig {
                divergence: Some(0.0),
                ..Default::default()
            },
        ] {
            assert!(EarlyStopping::new(config).is_err());
        }
    }
}
