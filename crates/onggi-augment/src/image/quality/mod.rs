//! Loss of quality: compression, size, shape.

mod cosine;
mod downscale;
mod jpeg_compression;
mod morphological;
mod superpixels;

pub use downscale::Downscale;
pub use jpeg_compression::JpegCompression;
pub use morphological::{Morphological, Operation};
pub use superpixels::Superpixels;

pub(crate) use downscale::pixelate;
pub(crate) use jpeg_compression::compress;
