//! Learning-rate schedules: factors on the learning rate, by the step.
//!
//! A [`Schedule`] is a function of the step without state, so that a resumed training needs nothing
//! but its step; [`ReduceOnPlateau`] alone remembers. What a step is, a batch or an epoch, is the
//! caller's choice.
//!
//! # Example
//! ```
//! use onggi_nn::schedule::{Cosine, LinearWarmUp, Schedule, Sequence};
//!
//! let schedule = Schedule::Sequence(Sequence {
//!     milestones: vec![100],
//!     schedules: vec![
//!         Schedule::LinearWarmUp(LinearWarmUp { steps: 100, start_factor: 0.1 }),
//!         Schedule::Cosine(Cosine { total_steps: 900, min_factor: 0.0 }),
//!     ],
//! });
//! schedule.check()?;
//! let lr = 0.01 * schedule.factor(0);
//! assert_eq!(lr, 0.001);
//! # Ok::<(), onggi_nn::NnError>(())
//! ```

mod cosine;
mod exponential;
mod linear_warm_up;
mod multi_step;
mod one_cycle;
mod plateau;
mod polynomial;
mod sequence;
mod step_decay;

pub use cosine::{Cosine, CosineRestarts};
pub use exponential::Exponential;
pub use linear_warm_up::LinearWarmUp;
pub use multi_step::MultiStep;
pub use one_cycle::OneCycle;
pub use plateau::{PlateauState, ReduceOnPlateau};
pub use polynomial::Polynomial;
pub use sequence::Sequence;
pub use step_decay::StepDecay;

use crate::NnError;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Declares [`Schedule`]: one row a schedule.
macro_rules! schedules {
    ($($schedule:ident,)*) => {
        /// Any of the schedules; in TOML told by `name`, such as
        /// `{ name = "cosine", total_steps = 1000 }`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name", rename_all = "snake_case")]
        pub enum Schedule {
            /// 1 at every step.
            Constant,
            $(
                #[doc = concat!("[`", stringify!($schedule), "`].")]
                $schedule($schedule),
            )*
        }

        impl Schedule {
            /// An error if a setting is out of its range.
            ///
            /// # Errors
            /// Names the setting.
            pub fn check(&self) -> Result<(), NnError> {
                match self {
                    Self::Constant => Ok(()),
                    $(Self::$schedule(schedule) => schedule.check(),)*
                }
            }

            /// Factor on the learning rate at a step, counted from 0.
            pub fn factor(&self, step: u64) -> f64 {
                match self {
                    Self::Constant => 1.0,
                    $(Self::$schedule(schedule) => schedule.factor(step),)*
                }
            }
        }
    };
}

schedules! {
    StepDecay,
    MultiStep,
    Exponential,
    Polynomial,
    Cosine,
    CosineRestarts,
    LinearWarmUp,
    OneCycle,
    Sequence,
}

/// From `start` to `end` along half a cosine, `share` of the way.
fn anneal(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * share).cos())
}
