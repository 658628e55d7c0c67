//! A JPEG at a half, a quarter or an eighth of its size: what a small picture needs of a large photo.
//!
//! The inverse transform of a block then gives 4², 2² or 1 instead of 8² values, each the mean of
//! those it stands for. The decoder that is faster at full size does not have it.

use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{Decoder, PixelFormat};

use super::decode::MAX_ALLOC;

/// Decodes at the smallest scale that leaves both sides at least `least` pixels. `None` where that is
/// the full size, and for a file that this decoder does not take: the general one has the word then.
pub(super) fn decode(bytes: &[u8], [height, width]: [u32; 2], least: u32) -> Option<DynamicImage> {
    let fits = |scale: &u32| height.min(width).div_ceil(*scale) >= least;
    let scale = [8, 4, 2].into_iter().find(fits)?;
    let side = |side: u32| u16::try_from(side.div_ceil(scale)).ok();
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(MAX_ALLOC as usize);
    let (width, height) = decoder.scale(side(width)?, side(height)?).ok()?;
    let pixels = decoder.decode().ok()?;
    let (width, height) = (width.into(), height.into());
    match decoder.info()?.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(Into::into),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(Into::into),
        PixelFormat::L16 | PixelFormat::CMYK32 => None,
    }
}
