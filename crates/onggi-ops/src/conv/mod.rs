//! Convolution.

mod conv2d;

pub use conv2d::{Conv2dOptions, conv2d};
