//! What transforms are built on: the sample, the registry, and the paths many of them share.

mod bilinear;
pub(crate) mod boxes;
#[cfg(test)]
pub(crate) mod conformance;
pub(crate) mod filter;
pub(crate) mod linear;
pub(crate) mod lut;
pub(crate) mod map;
pub(crate) mod noise;
pub(crate) mod raster;
pub(super) mod read;
pub(crate) mod registry;
pub(crate) mod resample;
pub(crate) mod rgb;
pub(crate) mod sample;
pub(crate) mod settings;
pub(crate) mod warp;
pub(crate) mod window;

/// What the file of a transform needs.
pub(crate) mod prelude {
    pub(crate) use super::raster::{Image, Pixels, Value, each_depth};
    pub(crate) use super::registry::{Named, Transform};
    pub(crate) use super::sample::Sample;
    pub(crate) use super::settings::{
        Fill, Spread, require, require_range, require_size, settings,
    };
    pub(crate) use crate::{AugmentError, Draw};
}
