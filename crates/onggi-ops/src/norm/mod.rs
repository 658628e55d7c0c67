//! Normalisation.

mod batch_norm;

pub use batch_norm::{
    Activation, BatchNormalized, batch_norm, batch_norm_activated, batch_norm_eval,
    batch_norm_eval_activated,
};
