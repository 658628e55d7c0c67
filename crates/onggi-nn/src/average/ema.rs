//! The exponential moving average of weights.

use super::AverageState;
use crate::NnError;
use crate::error::check_range;
use burn::module::Module;

/// Follows a model's weights: `e ← d e + (1 − d) w`, after each step.
///
/// With warm-up `d = min(decay, (1 + t) / (10 + t))` with `t` the updates before this one, so that the
/// first, untrained weights are soon forgotten. Running statistics are averaged in the same way.
///
/// # Reference
/// Polyak and Juditsky, *Acceleration of stochastic approximation by averaging*, 1992; the warm-up is
/// TensorFlow's.
#[derive(Clone, Debug, PartialEq)]
pub struct Ema {
    decay: f64,
    warm_up: bool,
    state: AverageState,
}

impl Ema {
    /// Of nothing yet; the first update copies.
    ///
    /// # Errors
    /// A `decay` outside of `[0, 1]`.
    pub fn new(decay: f64, warm_up: bool) -> Result<Self, NnError> {
        check_range("Ema", "decay", decay, 0.0..=1.0)?;
        Ok(Self {
            decay,
            warm_up,
            state: AverageState::default(),
        })
    }

    /// Takes up the model's weights.
    ///
    /// # Errors
    /// A model with other names or shapes than the ones before.
    pub fn update<M: Module>(&mut self, model: &M) -> Result<(), NnError> {
        let (decay, warm_up) = (self.decay, self.warm_up);
        self.state.update(model, |updates| {
            let t = updates as f64;
            let most = if warm_up { (1.0 + t) / (10.0 + t) } else { 1.0 };
            1.0 - decay.min(most)
        })
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
