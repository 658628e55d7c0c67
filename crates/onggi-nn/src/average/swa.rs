//! Stochastic weight averaging.

use super::AverageState;
use crate::NnError;
use burn::module::Module;

/// The mean of the weights that it is shown: `m ← m + (w − m) / (n + 1)` after `n` others.
///
/// # Reference
/// Izmailov et al., *Averaging weights leads to wider optima and better generalization*, 2018.
///
/// # Differences from PyTorch
/// Running statistics are averaged too, where `AveragedModel` leaves the first model's; recompute
/// them in either case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swa {
    state: AverageState,
}

impl Swa {
    /// Takes up the model's weights.
    ///
    /// # Errors
    /// A model with other names or shapes than the ones before.
    pub fn update<M: Module>(&mut self, model: &M) -> Result<(), NnError> {
        (self.state).update(model, |updates| 1.0 / (updates as f64 + 1.0))
    }

    /// The model with the averaged weights.
    ///
    /// # Errors
    /// No update yet; a model with other names or shapes.
    pub fn apply<M: Module>(&self, model: M) -> Result<M, NnError> {
        self.state.apply(model)
    }

    /// What it remembers, to be stored.
    pub fn state(&self) -> &AverageState {
        &self.state
    }

    /// Goes on from a stored state, bit for bit.
    pub fn load_state(&mut self, state: AverageState) {
        self.state = state;
    }
}
