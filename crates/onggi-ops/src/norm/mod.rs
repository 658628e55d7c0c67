//! Normalisation.

mod batch_norm;

pub use batch_norm::{BatchNormalized, batch_norm, batch_norm_eval};
