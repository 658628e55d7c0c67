//! When to stop.

use crate::TrainError;

/// Watches the validation loss and says when it has stopped improving.
///
/// A loss improves on the best one if it is lower by more than `min_delta`. After `patience` epochs
/// in a row without an improvement, training should stop. A loss that is not finite never improves.
///
/// Validation can get worse for a while and then better than before (deep double descent, or simply
/// a high learning rate that has yet to come down), so a small `patience` may stop too soon.
///
/// # Reference
/// Prechelt, *Early stopping, but when?*, 1998; Nakkiran et al., *Deep double descent*, 2019.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    best: f64,
    waited: usize,
}

impl EarlyStopping {
    /// Stops after `patience` epochs without an improvement by more than `min_delta` (nats).
    ///
    /// # Errors
    /// A patience of 0; a negative or non-finite `min_delta`.
    pub fn new(patience: usize, min_delta: f64) -> Result<Self, TrainError> {
        if patience == 0 {
            let (setting, expected) = ("early_stopping", "at least 1 epoch");
            return Err(TrainError::Setting {
                setting,
                expected,
                got: "0".into(),
            });
        }
        if !(min_delta >= 0.0 && min_delta.is_finite()) {
            let (setting, expected) = ("min_delta", "at least 0 and finite");
            return Err(TrainError::Setting {
                setting,
                expected,
                got: min_delta.to_string(),
            });
        }
        Ok(Self {
            patience,
            min_delta,
            best: f64::INFINITY,
            waited: 0,
        })
    }

    /// Takes an epoch's validation loss; says whether it is the best so far.
    pub fn improves(&mut self, loss: f64) -> bool {
        let improves = loss < self.best - self.min_delta;
        if improves {
            self.best = loss;
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        improves
    }

    /// Whether the patience is used up.
    pub fn stops(&self) -> bool {
        self.waited >= self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_after_patience_epochs_without_improvement() {
        let mut stopping = EarlyStopping::new(2, 0.0).unwrap();
        let seen: Vec<_> = [1.0, 0.9, 0.95, 0.8, 0.8, f64::NAN]
            .map(|loss| (stopping.improves(loss), stopping.stops()))
            .into();
        let improved = [true, true, false, true, false, false];
        let stops = [false, false, false, false, false, true];
        assert_eq!(seen, improved.into_iter().zip(stops).collect::<Vec<_>>());
    }

    #[test]
    fn an_improvement_must_exceed_min_delta() {
        let mut stopping = EarlyStopping::new(1, 0.1).unwrap();
        assert!(stopping.improves(1.0));
        assert!(!stopping.improves(0.95));
        assert!(stopping.improves(0.85));
    }

    #[test]
    fn refuses_settings_that_mean_nothing() {
        let error = EarlyStopping::new(0, 0.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`early_stopping` must be at least 1 epoch, but is 0"
        );
        assert!(EarlyStopping::new(1, -1.0).is_err());
        assert!(EarlyStopping::new(1, f64::NAN).is_err());
    }
}
