//! Normalisation layers.

mod batch_norm;
mod group_norm;
mod instance_norm;
mod layer_norm;
mod local_response_norm;
mod reparameterized;
mod rms_norm;
mod spectral_norm;
mod weight_norm;

pub use batch_norm::{BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, BatchNormConfig};
pub use group_norm::{GroupNorm, GroupNormConfig};
pub use instance_norm::{
    InstanceNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, InstanceNormConfig,
};
pub use layer_norm::{LayerNorm, LayerNormConfig};
pub use local_response_norm::LocalResponseNorm;
pub use reparameterized::from_pytorch;
pub use rms_norm::{RmsNorm, RmsNormConfig};
pub use spectral_norm::{SpectralNorm, SpectralNormConfig};
pub use weight_norm::{WeightNorm, weight_norm};
