//! Schedules one after another.

use super::Schedule;
use crate::NnError;
use serde::{Deserialize, Serialize};

/// Schedules one after another, each counting its steps from 0; PyTorch's `SequentialLR`.
///
/// # Errors
/// Another number of milestones than one less than of schedules, milestones that do not rise, those
/// of the schedules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// First step of each schedule but the first.
    pub milestones: Vec<u64>,
    /// The schedules.
    pub schedules: Vec<Schedule>,
}

impl Sequence {
    pub(super) fn check(&self) -> Result<(), NnError> {
        if self.schedules.len() != self.milestones.len() + 1 {
            let expected = format!("one fewer than the {} schedules", self.schedules.len());
            let got = self.milestones.len();
            return Err(NnError::config("Sequence", "milestones", expected, got));
        }
        if !self.milestones.is_sorted_by(|a, b| a < b) {
            let got = format!("{:?}", self.milestones);
            return Err(NnError::config("Sequence", "milestones", "rising", got));
        }
        self.schedules.iter().try_for_each(Schedule::check)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        let reached = self.milestones.iter().filter(|&&at| at <= step).count();
        let start = reached
            .checked_sub(1)
            .map_or(0, |last| self.milestones[last]);
        (self.schedules.get(reached)).map_or(1.0, |schedule| schedule.factor(step - start))
    }
}
