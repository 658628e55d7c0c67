//! Linear models over sparse rows, such as TF-IDF makes of texts: no network, no epochs, one optimum.
//!
//! [`LinearClassifier`] is logistic regression, [`LinearRegressor`] its like for quantities, both with an L2,
//! L1 or elastic-net penalty; [`TextLinear`] is the whole way from texts to probabilities, with the strength
//! of the penalty chosen by validation. [`LinearHead`] takes dense rows, such as a network's features. The same data and settings give the same bits at any number of
//! threads. `diagnose` has the dense relative that networks are held against.

mod choose;
mod classifier;
mod dense;
pub(crate) mod minimise;
mod objective;
mod pca;
mod regressor;
#[cfg(test)]
mod tests;
mod text;

pub use choose::{Chosen, Trial};
pub use classifier::LinearClassifier;
pub use dense::{DenseRows, LinearHead};
pub use pca::principal_components;
pub use regressor::LinearRegressor;
pub use text::{Mistake, Telling, TextLinear, TextLinearConfig};

use onggi_data::text::SparseRows;
use serde::{Deserialize, Serialize};

use self::minimise::{Descent, minimise};
use self::objective::Objective;
use crate::TrainError;
use crate::metrics::refuse;

/// How a linear model is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearConfig {
    /// Inverse strength of the penalty, scikit-learn's `C`: the larger, the closer to the data; 20.
    pub c: f64,
    /// Share of the L1 penalty, 0 for L2 alone, 1 for L1 alone; 0.
    pub l1_ratio: f64,
    /// Whether each class weighs the same in all, however few its samples; no.
    pub balanced: bool,
    /// The fit ends where no slope is steeper than this share of the steepest at the start; 0.001.
    pub tolerance: f64,
    /// Steps at most; 1,000.
    pub max_steps: usize,
}

impl Default for LinearConfig {
    fn default() -> Self {
        Self {
            c: 20.0,
            l1_ratio: 0.0,
            balanced: false,
            tolerance: 1e-3,
            max_steps: 1_000,
        }
    }
}

/// Most weights of a model: 1 GB at 8 bytes.
const MOST_WEIGHTS: usize = 1 << 27;

impl LinearConfig {
    fn check(&self) -> Result<(), TrainError> {
        if !(self.c > 0.0 && self.c.is_finite()) {
            return Err(TrainError::setting("c", "above 0", self.c));
        }
        if !(0.0..=1.0).contains(&self.l1_ratio) {
            return Err(TrainError::setting("l1_ratio", "0 to 1", self.l1_ratio));
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let got = self.tolerance;
            return Err(TrainError::setting("tolerance", "between 0 and 1", got));
        }
        if self.max_steps == 0 {
            return Err(TrainError::setting("max_steps", "at least 1", 0));
        }
        Ok(())
    }
}

/// Weights and biases at the optimum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fitted {
    features: usize,
    /// `[features][outputs]`.
    weights: Vec<f64>,
    /// `[outputs]`.
    bias: Vec<f64>,
}

impl Fitted {
    /// One fit for each strength of the penalty, each started from the one before.
    fn path(
        objective: &Objective<'_>,
        config: &LinearConfig,
        cs: &[f64],
    ) -> Result<Vec<Self>, TrainError> {
        let penalised = objective.penalised();
        let mut at: Vec<f64> = vec![0.0; penalised];
        at.extend(objective.biases());
        let mut slope = at.clone();
        objective.value(0.0, &at, &mut slope);
        let steepest = slope[..penalised]
            .iter()
            .fold(0.0, |most: f64, s| most.max(s.abs()));
        let mut all = Vec::with_capacity(cs.len());
        for &c in cs {
            LinearConfig { c, ..*config }.check()?;
            let penalty = 1.0 / (c * objective.samples());
            let l2 = penalty * (1.0 - config.l1_ratio);
            let descent = Descent {
                steps: config.max_steps,
                tolerance: config.tolerance * steepest,
                l1: penalty * config.l1_ratio,
                penalised,
            };
            at = minimise(at, &descent, |at, slope| objective.value(l2, at, slope));
            let (weights, bias) = at.split_at(penalised);
            all.push(Self {
                features: objective.x.columns(),
                weights: weights.to_vec(),
                bias: bias.to_vec(),
            });
        }
        Ok(all)
    }

    /// Outputs of every row, through `finish`.
    fn outputs(
        &self,
        x: &SparseRows,
        finish: impl Fn(&[f64]) -> Vec<f64> + Sync + Send,
    ) -> Result<Vec<f64>, TrainError> {
        if x.columns() != self.features {
            let expected = format!("rows of {} features", self.features);
            return refuse("linear model", expected, x.columns());
        }
        let rows = x.map(|i| {
            let mut out = vec![0.0; self.bias.len()];
            objective::forward(x, i, &self.weights, &self.bias, &mut out);
            finish(&out)
        });
        Ok(rows.concat())
    }

    /// Whether the lists fit together and are finite, as a file may not.
    fn check(&self, outputs: usize) -> Result<(), TrainError> {
        let expected = self.features.checked_mul(outputs);
        let fit = expected == Some(self.weights.len()) && self.bias.len() == outputs;
        let finite = self.weights.iter().chain(&self.bias).all(|w| w.is_finite());
        if !(fit && finite && outputs > 0) {
            let expected = format!("{} × {outputs} finite weights", self.features);
            return refuse("linear model", expected, self.weights.len());
        }
        Ok(())
    }
}
