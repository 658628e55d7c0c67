//! Normalisation layers.

mod batch_norm;

pub use batch_norm::{BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, BatchNormConfig};
pub use onggi_ops::norm::Activation;
