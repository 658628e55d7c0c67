//! The one-cycle schedule.

use crate::NnError;
use crate::error::{check_positive, check_range};
use std::f64::consts::PI;

/// Rises along a cosine from `max_lr / 25` to `max_lr` over the first `warm_up` of the steps, then
/// falls along a cosine to `max_lr / 250,000`.
///
/// # Reference
/// Smith and Topin, *Super-convergence*, 2018, in the two-phase form of fastai and PyTorch's
/// `OneCycleLR` (`div_factor` 25, `final_div_factor` 1e4, cosine annealing).
#[derive(Clone, Debug)]
pub struct OneCycle {
    max_lr: f64,
    total_steps: u64,
    peak: f64,
}

impl OneCycle {
    /// Quotient of the highest and the first learning rate.
    pub const DIV_FACTOR: f64 = 25.0;
    /// Quotient of the first and the last learning rate.
    pub const FINAL_DIV_FACTOR: f64 = 1e4;

    /// A cycle over `total_steps`, the first `warm_up` (a fraction) of which rise.
    ///
    /// # Errors
    /// A `max_lr` that is negative or not finite, no steps, a `warm_up` outside of `[0, 1]`.
    pub fn new(max_lr: f64, total_steps: u64, warm_up: f64) -> Result<Self, NnError> {
        check_range("OneCycle", "max_lr", max_lr, 0.0..=f64::MAX)?;
        check_positive("OneCycle", "total_steps", total_steps as usize)?;
        check_range("OneCycle", "warm_up", warm_up, 0.0..=1.0)?;
        Ok(Self {
            max_lr,
            total_steps,
            peak: warm_up * total_steps as f64 - 1.0,
        })
    }

    /// The learning rate of step `step`, counted from 0; past the end, the last one.
    pub fn at(&self, step: u64) -> f64 {
        let first = self.max_lr / Self::DIV_FACTOR;
        let last = first / Self::FINAL_DIV_FACTOR;
        let (step, end) = (step as f64, self.total_steps as f64 - 1.0);
        if step >= end {
            last
        } else if step <= self.peak {
            anneal(first, self.max_lr, step / self.peak.max(1.0))
        } else {
            let peak = self.peak.max(0.0);
            anneal(self.max_lr, last, (step - peak) / (end - peak))
        }
    }
}

/// From `start` to `end` along half a cosine, `share` of the way.
fn anneal(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * share).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=10, pct_start=0.3)`, torch 2.15.
    #[test]
    fn equals_pytorch() {
        let schedule = OneCycle::new(0.1, 10, 0.3).unwrap();
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
            let got = schedule.at(step as u64);
            assert!(
                (got - expected).abs() < 1e-12,
                "step {step}: {got} instead of {expected}"
            );
        }
        assert_eq!(schedule.at(99), schedule.at(9));
    }

    #[test]
    fn works_without_a_rise_and_with_one_step() {
        assert_eq!(OneCycle::new(0.1, 5, 0.0).unwrap().at(0), 0.1);
        assert!(OneCycle::new(0.1, 1, 0.3).unwrap().at(0) > 0.0);
        assert!(OneCycle::new(0.1, 0, 0.3).is_err());
    }
}
