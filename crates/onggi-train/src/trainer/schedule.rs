//! Which course the learning rate takes over a training, whose length only the trainer knows.

use crate::TrainError;
use onggi_nn::schedule::{
    self, Cosine, CosineRestarts, Exponential, LinearWarmUp, MultiStep, OneCycle, PlateauState,
    Polynomial, ReduceOnPlateau, Sequence,
};

/// The learning rate's course over the steps, by shares of their number.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Schedule {
    /// The same all along.
    #[default]
    Constant,
    /// [`OneCycle`]: up along a cosine for `warmup` of the steps, then down to nearly 0.
    OneCycle {
        /// Share of the steps in which it rises.
        warmup: f64,
    },
    /// [`Cosine`] down to 0, after a linear rise.
    Cosine {
        /// Share of the steps in which it rises.
        warmup: f64,
    },
    /// [`CosineRestarts`]: `cycles` times down to 0, each cycle twice as long as the one before,
    /// after a linear rise.
    CosineRestarts {
        /// Share of the steps in which it rises.
        warmup: f64,
        /// Times that it falls.
        cycles: u32,
    },
    /// [`Polynomial`] down to 0, after a linear rise.
    Polynomial {
        /// Share of the steps in which it rises.
        warmup: f64,
        /// 1 is a straight line.
        power: f64,
    },
    /// [`Exponential`] down to a hundredth, after a linear rise.
    Exponential {
        /// Share of the steps in which it rises.
        warmup: f64,
    },
    /// [`MultiStep`]: times `gamma` at each of these shares of the steps.
    MultiStep {
        /// Shares of all steps, rising.
        milestones: Vec<f64>,
        /// Factor at each.
        gamma: f64,
    },
    /// [`ReduceOnPlateau`]: times `factor` when the validation loss has not fallen for more than
    /// `patience` epochs.
    Plateau {
        /// Factor each time.
        factor: f64,
        /// Epochs that are waited for.
        patience: u64,
    },
}

/// Share of the rate that an [`Exponential`] course ends at.
const EXPONENTIAL_END: f64 = 0.01;

/// Share of the rate that a linear rise starts at.
const WARM_UP_START: f64 = 0.01;

/// A [`Schedule`] over a training's steps.
#[derive(Debug)]
pub(super) struct Course {
    lr: f64,
    by_step: schedule::Schedule,
    by_loss: Option<ReduceOnPlateau>,
}

impl Course {
    pub(super) fn new(schedule: &Schedule, lr: f64, steps: u64) -> Result<Self, TrainError> {
        let mut by_loss = None;
        let by_step = match *schedule {
            Schedule::Constant => schedule::Schedule::Constant,
            Schedule::OneCycle { warmup } => schedule::Schedule::OneCycle(OneCycle {
                total_steps: steps,
                warm_up: warmup,
            }),
            Schedule::Cosine { warmup } => after(warmup, steps, |rest| {
                schedule::Schedule::Cosine(Cosine {
                    total_steps: rest,
                    min_factor: 0.0,
                })
            })?,
            Schedule::CosineRestarts { warmup, cycles } => after(warmup, steps, |rest| {
                // 1 + 2 + 4 + … periods in all.
                let periods = (1u64 << cycles.clamp(1, 32)) - 1;
                schedule::Schedule::CosineRestarts(CosineRestarts {
                    first_period: rest.div_ceil(periods).max(1),
                    period_factor: 2,
                    min_factor: 0.0,
                })
            })?,
            Schedule::Polynomial { warmup, power } => after(warmup, steps, |rest| {
                schedule::Schedule::Polynomial(Polynomial {
                    total_steps: rest,
                    power,
                })
            })?,
            Schedule::Exponential { warmup } => after(warmup, steps, |rest| {
                schedule::Schedule::Exponential(Exponential {
                    gamma: EXPONENTIAL_END.powf(1.0 / rest as f64),
                })
            })?,
            Schedule::MultiStep {
                ref milestones,
                gamma,
            } => schedule::Schedule::MultiStep(MultiStep {
                milestones: milestones.iter().map(|share| at(*share, steps)).collect(),
                gamma,
            }),
            Schedule::Plateau { factor, patience } => {
                by_loss = Some(ReduceOnPlateau {
                    factor,
                    patience,
                    ..ReduceOnPlateau::default()
                });
                schedule::Schedule::Constant
            }
        };
        by_step.check()?;
        if let Some(plateau) = &by_loss {
            plateau.check()?;
        }
        Ok(Self {
            lr,
            by_step,
            by_loss,
        })
    }

    /// The learning rate of step `step`, counted from 0.
    pub(super) fn at(&self, step: u64) -> f64 {
        let plateau = self.by_loss.as_ref().map_or(1.0, ReduceOnPlateau::current);
        self.lr * self.by_step.factor(step) * plateau
    }

    /// Takes note of an epoch's validation loss.
    pub(super) fn observe(&mut self, val_loss: f64) {
        if let Some(plateau) = &mut self.by_loss {
            plateau.observe(val_loss);
        }
    }

    /// What is remembered from epoch to epoch.
    pub(super) fn state(&self) -> Option<PlateauState> {
        self.by_loss.as_ref().map(|plateau| plateau.state)
    }

    /// Goes on from a state.
    pub(super) fn load(&mut self, state: Option<PlateauState>) {
        if let (Some(plateau), Some(state)) = (&mut self.by_loss, state) {
            plateau.state = state;
        }
    }
}

/// The step at a share of all.
fn at(share: f64, steps: u64) -> u64 {
    (share * steps as f64).round() as u64
}

/// What `main` makes of the steps that a linear rise over `warmup` of them leaves.
fn after(
    warmup: f64,
    steps: u64,
    main: impl FnOnce(u64) -> schedule::Schedule,
) -> Result<schedule::Schedule, TrainError> {
    if !(0.0..1.0).contains(&warmup) {
        return Err(TrainError::setting("warmup", "in [0, 1)", warmup));
    }
    let rise = at(warmup, steps).min(steps.saturating_sub(1));
    let main = main((steps - rise).max(1));
    if rise == 0 {
        return Ok(main);
    }
    Ok(schedule::Schedule::Sequence(Sequence {
        milestones: vec![rise],
        schedules: vec![
            schedule::Schedule::LinearWarmUp(LinearWarmUp {
                steps: rise,
                start_factor: WARM_UP_START,
            }),
            main,
        ],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(schedule: &Schedule) -> Course {
        Course::new(schedule, 0.1, 100).unwrap()
    }

    #[test]
    fn each_rises_to_the_rate_and_falls() {
        let (warmup, power) = (0.2, 2.0);
        for schedule in [
            Schedule::OneCycle { warmup },
            Schedule::Cosine { warmup },
            Schedule::CosineRestarts { warmup, cycles: 2 },
            Schedule::Polynomial { warmup, power },
            Schedule::Exponential { warmup },
        ] {
            let course = course(&schedule);
            let highest = (0..100).map(|step| course.at(step)).fold(0.0, f64::max);
            assert!((highest - 0.1).abs() < 2e-3, "{schedule:?}: {highest}");
            assert!(course.at(0) < 0.01, "{schedule:?}");
            assert!(course.at(99) < 0.005, "{schedule:?}: {}", course.at(99));
        }
    }

    #[test]
    fn milestones_are_shares_of_the_steps() {
        let course = course(&Schedule::MultiStep {
            milestones: vec![0.5, 0.75],
            gamma: 0.1,
        });
        let close = |step, lr: f64| assert!((course.at(step) - lr).abs() < 1e-12, "step {step}");
        close(49, 0.1);
        close(50, 0.01);
        close(75, 0.001);
    }

    #[test]
    fn a_plateau_lowers_the_rate_and_is_remembered() {
        let schedule = Schedule::Plateau {
            factor: 0.5,
            patience: 1,
        };
        let mut first = course(&schedule);
        (0..3).for_each(|_| first.observe(1.0));
        assert_eq!(first.at(7), 0.05);
        let mut second = course(&schedule);
        second.load(first.state());
        assert_eq!(second.at(7), 0.05);
    }

    #[test]
    fn a_warm_up_of_all_steps_is_refused() {
        let error = Course::new(&Schedule::Cosine { warmup: 1.0 }, 0.1, 10).unwrap_err();
        assert!(error.to_string().contains("warmup"), "{error}");
    }
}
