//! What is wrong with a model, in figures: functions on slices that know no tensor.
//!
//! | question | answer |
//! | --- | --- |
//! | is the gap between train and validation more than chance? | [`gap`] |
//! | is one way of training better than another, on these samples? | [`Paired`] |
//! | … and on other samples? | [`crossed`] |
//! | what does a simple model reach? | [`baseline`], [`LogisticRegression`] |
//! | which labels are probably wrong? | [`LabelErrors`] |
//! | would more data help? | [`LearningCurve`] |
//! | too stiff, or too restless? | [`BiasVariance`] |
//!
//! Everything is a function of its arguments, seeds included. The verdict drawn from such figures is
//! [`Evidence`](crate::Evidence).

mod baseline;
mod bias_variance;
mod bootstrap;
mod crossed;
mod distributions;
mod label_errors;
mod learning_curve;
mod logistic;
mod paired;

pub use baseline::{Baseline, baseline};
pub use bias_variance::BiasVariance;
pub use bootstrap::{Interval, gap};
pub use crossed::crossed;
pub use label_errors::{LabelErrors, Suspect};
pub use learning_curve::{CurvePoint, LearningCurve, Outlook, PowerLaw};
pub use logistic::LogisticRegression;
pub use paired::Paired;
