//! Flows: which steps of a list run.

use super::TextTransform;
use super::draw::{below, chance};
use super::pipeline::Working;
use super::settings::{Settings, augmenter, check_p};
use crate::{AugmentError, Draw};

macro_rules! flow {
    ($(#[$meta:meta])* $name:ident = $tag:literal { $($own:tt)* }) => {
        augmenter! { @write [] $(#[$meta])* $name = $tag {
            /// The steps, first to last.
            steps: Vec<TextTransform> = Vec::new(),
            $($own)*
        } }
    };
}

flow! {
    /// Runs all steps, first to last.
    Sequential = "sequential" {}
}

flow! {
    /// Runs each step with probability `p`.
    Sometimes = "sometimes" {
        /// Probability of each step, in `[0, 1]`; 0.8.
        p: f64 = 0.8,
    }
}

flow! {
    /// Runs one step, drawn.
    OneOf = "one_of" {
        /// How often each step is drawn, one weight a step; empty for equal weights.
        weights: Vec<f64> = Vec::new(),
    }
}

impl Sequential {
    pub(super) fn validate(&self) -> Result<(), AugmentError> {
        check_steps(&self.steps)
    }

    pub(super) fn run(&self, work: &mut Working<'_>, rng: &mut Draw) -> Result<(), AugmentError> {
        self.steps.iter().try_for_each(|step| step.run(work, rng))
    }
}

impl Sometimes {
    pub(super) fn validate(&self) -> Result<(), AugmentError> {
        check_p(Self::NAME, "p", self.p)?;
        check_steps(&self.steps)
    }

    pub(super) fn run(&self, work: &mut Working<'_>, rng: &mut Draw) -> Result<(), AugmentError> {
        for step in &self.steps {
            if chance(rng, self.p) {
                step.run(work, rng)?;
            }
        }
        Ok(())
    }
}

impl OneOf {
    pub(super) fn validate(&self) -> Result<(), AugmentError> {
        let total: f64 = self.weights.iter().sum();
        let even = self.weights.is_empty();
        let fits = self.weights.len() == self.steps.len()
            && self.weights.iter().all(|&w| w >= 0.0)
            && total > 0.0
            && total.is_finite();
        if !even && !fits {
            return Err(AugmentError::Setting {
                transform: Self::NAME,
                setting: "weights",
                rule: "must be one number of at least 0 a step, not all 0",
                got: format!("{:?} for {} steps", self.weights, self.steps.len()),
            });
        }
        check_steps(&self.steps)
    }

    pub(super) fn run(&self, work: &mut Working<'_>, rng: &mut Draw) -> Result<(), AugmentError> {
        let place = if self.weights.is_empty() {
            below(rng, self.steps.len())
        } else {
            let total: f64 = self.weights.iter().sum();
            let mut left = below(rng, 1 << 31) as f64 / f64::from(1u32 << 31) * total;
            let drawn = self.weights.iter().position(|&weight| {
                left -= weight;
                left < 0.0
            });
            drawn.unwrap_or(0)
        };
        match self.steps.get(place) {
            Some(step) => step.run(work, rng),
            None => Ok(()),
        }
    }
}

fn check_steps(steps: &[TextTransform]) -> Result<(), AugmentError> {
    steps.iter().try_for_each(TextTransform::check)
}

impl TextTransform {
    /// The steps of a flow; none of an augmenter.
    pub fn steps(&self) -> &[Self] {
        match self {
            Self::Sequential(flow) => &flow.steps,
            Self::Sometimes(flow) => &flow.steps,
            Self::OneOf(flow) => &flow.steps,
            _ => &[],
        }
    }

    pub(super) fn steps_mut(&mut self) -> &mut [Self] {
        match self {
            Self::Sequential(flow) => &mut flow.steps,
            Self::Sometimes(flow) => &mut flow.steps,
            Self::OneOf(flow) => &mut flow.steps,
            _ => &mut [],
        }
    }
}
