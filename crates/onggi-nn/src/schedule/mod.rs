//! Learning-rate schedules: functions of the step, without state.

mod one_cycle;

pub use one_cycle::OneCycle;
