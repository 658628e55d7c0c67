//! Convolution.

mod conv1d;
mod conv2d;
mod conv3d;
mod conv_transpose;

pub use conv_transpose::{
    ConvTranspose1dOptions, ConvTranspose2dOptions, conv_transpose1d, conv_transpose2d,
};
pub use conv1d::{Conv1dOptions, conv1d};
pub use conv2d::{Conv2dOptions, conv2d};
pub use conv3d::{Conv3dOptions, conv3d};
