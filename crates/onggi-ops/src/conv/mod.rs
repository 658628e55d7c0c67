//! Convolution.

mod conv2d;

pub use conv2d::{Conv2dOps, Conv2dOptions, conv2d};
