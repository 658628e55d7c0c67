//! Normalisation.

mod batch_norm;
mod group_norm;
mod layer_norm;
mod local_response_norm;
mod rms_norm;

pub use batch_norm::{
    BatchNormalized, batch_norm, batch_norm_activated, batch_norm_eval, batch_norm_eval_activated,
};
pub use group_norm::{InstanceNormalized, group_norm, instance_norm};
pub use layer_norm::layer_norm;
pub use local_response_norm::local_response_norm;
pub use rms_norm::rms_norm;
