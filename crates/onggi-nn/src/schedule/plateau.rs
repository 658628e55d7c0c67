//! Falls when a figure stops improving.

use crate::NnError;
use crate::error::check_range;
use serde::{Deserialize, Serialize};

/// Multiplies the learning rate by `factor` when a figure, such as the validation loss, has not
/// fallen for more than `patience` observations; PyTorch's `ReduceLROnPlateau` with `mode="min"` and a
/// relative threshold. For a figure that should rise observe its negative: the threshold is then
/// relative to its size, too.
///
/// It is the one schedule that remembers. Serialised it keeps its state, from which it goes on.
///
/// # Differences from PyTorch
/// `min_factor` bounds the factor, PyTorch's `min_lr` the rate. A figure that is not finite counts as
/// no improvement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReduceOnPlateau {
    /// Factor of each fall, within `(0, 1)`. Default: 0.1.
    pub factor: f64,
    /// Observations without improvement that are borne. Default: 10.
    pub patience: u64,
    /// Share of the best figure by which one must be lower to count as better. Default: 1e-4.
    pub threshold: f64,
    /// Observations after a fall that do not count. Default: 0.
    pub cooldown: u64,
    /// Least factor altogether. Default: 0.
    pub min_factor: f64,
    /// What it has seen.
    pub state: PlateauState,
}

/// What [`ReduceOnPlateau`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlateauState {
    /// Lowest figure so far.
    pub best: Option<f64>,
    /// Observations since then that counted.
    pub bad: u64,
    /// Observations that will not count.
    pub cooldown_left: u64,
    /// Factor now.
    pub factor: f64,
}

impl Default for PlateauState {
    fn default() -> Self {
        Self {
            best: None,
            bad: 0,
            cooldown_left: 0,
            factor: 1.0,
        }
    }
}

impl Default for ReduceOnPlateau {
    fn default() -> Self {
        Self {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            cooldown: 0,
            min_factor: 0.0,
            state: PlateauState::default(),
        }
    }
}

impl ReduceOnPlateau {
    /// An error if a setting is out of its range.
    ///
    /// # Errors
    /// A `factor` outside of `[0, 1)`, a negative or non-finite threshold, a `min_factor` outside of
    /// `[0, 1]`.
    pub fn check(&self) -> Result<(), NnError> {
        let name = "ReduceOnPlateau";
        check_range(name, "factor", self.factor, 0.0..=1.0 - f64::EPSILON)?;
        check_range(name, "threshold", self.threshold, 0.0..=f64::MAX)?;
        check_range(name, "min_factor", self.min_factor, 0.0..=1.0)
    }

    /// Takes note of a figure; returns the factor from now on.
    pub fn observe(&mut self, figure: f64) -> f64 {
        let state = &mut self.state;
        let better = match state.best {
            None => figure.is_finite(),
            Some(best) => figure < best - best.abs() * self.threshold,
        };
        if better {
            (state.best, state.bad) = (Some(figure), 0);
        } else {
            state.bad += 1;
        }
        if state.cooldown_left > 0 {
            state.cooldown_left -= 1;
            state.bad = 0;
        }
        if state.bad > self.patience {
            state.factor = (state.factor * self.factor).max(self.min_factor);
            (state.cooldown_left, state.bad) = (self.cooldown, 0);
        }
        state.factor
    }

    /// Factor now.
    pub fn current(&self) -> f64 {
        self.state.factor
    }
}
