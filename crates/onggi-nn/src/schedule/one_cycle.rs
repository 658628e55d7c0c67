//! The one-cycle schedule.

use super::anneal;
use crate::NnError;
use crate::error::{check_positive, check_range};
use serde::{Deserialize, Serialize};

/// Rises along a cosine from 1/25 to 1 over the first `warm_up` of the steps, then falls along a
/// cosine to 1/250,000, where it stays.
///
/// # Errors
/// No steps, a `warm_up` outside of `[0, 1]`.
///
/// # Reference
/// Smith and Topin, *Super-convergence*, 2018, in the two-phase form of fastai and PyTorch's
/// `OneCycleLR` (`div_factor` 25, `final_div_factor` 1e4, cosine annealing).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneCycle {
    /// Steps of the cycle.
    pub total_steps: u64,
    /// Share of them that rise, a fraction.
    pub warm_up: f64,
}

impl OneCycle {
    /// Quotient of the highest and the first learning rate.
    pub const DIV_FACTOR: f64 = 25.0;
    /// Quotient of the first and the last learning rate.
    pub const FINAL_DIV_FACTOR: f64 = 1e4;

    pub(super) fn check(&self) -> Result<(), NnError> {
        check_positive("OneCycle", "total_steps", self.total_steps as usize)?;
        check_range("OneCycle", "warm_up", self.warm_up, 0.0..=1.0)
    }

    pub(super) fn factor(&self, step: u64) -> f64 {
        let first = 1.0 / Self::DIV_FACTOR;
        let last = first / Self::FINAL_DIV_FACTOR;
        let peak = self.warm_up * self.total_steps as f64 - 1.0;
        let (step, end) = (step as f64, self.total_steps as f64 - 1.0);
        if step >= end {
            last
        } else if step <= peak {
            anneal(first, 1.0, step / peak.max(1.0))
        } else {
            let peak = peak.max(0.0);
            anneal(1.0, last, (step - peak) / (end - peak))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=10, pct_start=0.3)`, torch 2.15.
    #[test]
    fn equals_pytorch() {
        let schedule = OneCycle {
            total_steps: 10,
            warm_up: 0.3,
        };
        let expected = [
            0.004,
            0.052,
            0.1,
            0.095_048_463_201_347_38,
            0.081_174_565_394_950_3,
            0.061_126_202_193_628_93,
            0.038_874_197_806_371_07,
            0.018_825_834_604_823_7,
            0.004_951_936_798_652_629,
            4e-7,
        ];
        for (step, expected) in expected.into_iter().enumerate() {
            let got = 0.1 * schedule.factor(step as u64);
            assert!(
                (got - expected).abs() < 1e-12,
                "step {step}: {got} instead of {expected}"
            );
        }
        assert_eq!(schedule.factor(99), schedule.factor(9));
    }

    #[test]
    fn works_without_a_rise_and_with_one_step() {
        let cycle = |total_steps, warm_up| OneCycle {
            total_steps,
            warm_up,
        };
        assert_eq!(cycle(5, 0.0).factor(0), 1.0);
        assert!(cycle(1, 0.3).factor(0) > 0.0);
        assert!(cycle(0, 0.3).check().is_err() && cycle(5, 1.5).check().is_err());
    }
}
