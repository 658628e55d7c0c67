//! Normalisation.

mod batch_norm;

pub use batch_norm::{BatchNormOps, BatchNormalized, batch_norm, batch_norm_eval};
