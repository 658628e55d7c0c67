//! Pixels and the image that holds them.

use std::sync::Arc;

use crate::AugmentError;

/// Pixel values, interleaved (HWC), in one of three depths.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// 8 bits, `0..=255`.
    U8(Vec<u8>),
    /// 16 bits, `0..=65535`.
    U16(Vec<u16>),
    /// Floating point, `0..=1` before normalisation.
    F32(Vec<f32>),
}

impl Pixels {
    /// Number of values: height · width · channels.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(p) => p.len(),
            Self::U16(p) => p.len(),
            Self::F32(p) => p.len(),
        }
    }

    /// Whether there are no values; never so inside an [`Image`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A value of one depth.
pub(crate) trait Value: Copy + Default + PartialEq + PartialOrd + 'static {
    /// White.
    const WHITE: f32;
    /// The nearest value to a number in this depth's own units, cut to its range.
    fn from_f32(level: f32) -> Self;
    /// The value as a number, not scaled.
    fn to_f32(self) -> f32;
    /// The value at `fraction` of the range.
    fn from_fraction(fraction: f32) -> Self {
        Self::from_f32(fraction * Self::WHITE)
    }
    /// The value as a fraction of the range.
    fn fraction(self) -> f32 {
        self.to_f32() / Self::WHITE
    }
}

/// 2²³, the last place of which is 1: a number of up to 23 bits that is added to it is rounded to
/// the nearest whole one, which then stands in the lowest bits; of NaN these are 0. Unlike `as` it is
/// vector code.
const LAST_PLACE: f32 = 8_388_608.0;

impl Value for u8 {
    const WHITE: f32 = 255.0;
    #[inline(always)]
    fn from_f32(level: f32) -> Self {
        (level.clamp(0.0, Self::WHITE) + LAST_PLACE).to_bits() as Self
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        // Over i32, which vector units convert.
        i32::from(self) as f32
    }
}

impl Value for u16 {
    const WHITE: f32 = 65535.0;
    #[inline(always)]
    fn from_f32(level: f32) -> Self {
        (level.clamp(0.0, Self::WHITE) + LAST_PLACE).to_bits() as Self
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        i32::from(self) as f32
    }
}

impl Value for f32 {
    const WHITE: f32 = 1.0;
    #[inline(always)]
    fn from_f32(level: f32) -> Self {
        level
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

/// Applies an expression to the buffer of any depth: `each_depth!(pixels, p => f(p))`.
macro_rules! each_depth {
    ($pixels:expr, $p:pat => $body:expr) => {
        match $pixels {
            $crate::image::Pixels::U8($p) => $crate::image::Pixels::U8($body),
            $crate::image::Pixels::U16($p) => $crate::image::Pixels::U16($body),
            $crate::image::Pixels::F32($p) => $crate::image::Pixels::F32($body),
        }
    };
}
pub(crate) use each_depth;

/// An image of `height × width` pixels with `channels` interleaved values each (HWC).
///
/// A clone shares the pixels until one of the two is changed.
///
/// # Example
/// ```
/// use onggi_augment::image::{Image, Pixels};
///
/// let grey = Image::new(2, 3, 1, Pixels::U8(vec![0, 50, 100, 150, 200, 250]))?;
/// assert_eq!((grey.height(), grey.width(), grey.channels()), (2, 3, 1));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    height: usize,
    width: usize,
    channels: usize,
    pixels: Arc<Pixels>,
}

impl Image {
    /// Joins a shape and its pixels.
    ///
    /// # Errors
    /// [`AugmentError::ImageShape`] for a zero side, [`AugmentError::PixelCount`] where the buffer
    /// does not hold `height · width · channels` values.
    pub fn new(
        height: usize,
        width: usize,
        channels: usize,
        pixels: Pixels,
    ) -> Result<Self, AugmentError> {
        let expected = height
            .checked_mul(width)
            .and_then(|n| n.checked_mul(channels))
            .filter(|&n| n > 0)
            .ok_or(AugmentError::ImageShape {
                height,
                width,
                channels,
            })?;
        let got = pixels.len();
        if got != expected {
            return Err(AugmentError::PixelCount {
                height,
                width,
                channels,
                expected,
                got,
            });
        }
        Ok(Self::of(height, width, channels, pixels))
    }

    /// [`Image::new`] for a buffer that was made to fit.
    pub(crate) fn of(height: usize, width: usize, channels: usize, pixels: Pixels) -> Self {
        debug_assert_eq!(pixels.len(), height * width * channels);
        Self {
            height,
            width,
            channels,
            pixels: Arc::new(pixels),
        }
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Values a pixel.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// `[height, width]`.
    pub fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// The values, row by row, pixel by pixel.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The values for change; copied first where another clone of the image has them too.
    pub fn pixels_mut(&mut self) -> &mut Pixels {
        Arc::make_mut(&mut self.pixels)
    }

    /// Changes the values of an 8-bit image pixel by pixel; `None` where it has another depth. Values
    /// that another clone has too are copied and changed block by block, so that they pass through
    /// memory once.
    pub(crate) fn change_bytes(&mut self, mut change: impl FnMut(&mut [u8])) -> Option<()> {
        if let Some(own) = Arc::get_mut(&mut self.pixels) {
            let Pixels::U8(p) = own else { return None };
            change(p);
            return Some(());
        }
        let Pixels::U8(p) = self.pixels() else {
            return None;
        };
        // Whole pixels, and for 1, 3 and 4 channels whole blocks of 64 of them.
        let block = 12_288usize.next_multiple_of(self.channels * 64);
        let mut out = Vec::with_capacity(p.len());
        for p in p.chunks(block) {
            let at = out.len();
            out.extend_from_slice(p);
            change(&mut out[at..]);
        }
        self.pixels = Arc::new(Pixels::U8(out));
        Some(())
    }

    /// Takes the values out.
    pub fn into_pixels(self) -> Pixels {
        Arc::unwrap_or_clone(self.pixels)
    }

    /// The image with other pixels of the same shape.
    pub(crate) fn with(&self, pixels: Pixels) -> Self {
        Self::of(self.height, self.width, self.channels, pixels)
    }

    /// The values as fractions of the range: 0 black, 1 white.
    pub fn fractions(&self) -> Vec<f32> {
        fn scaled<T: Value>(p: &[T]) -> Vec<f32> {
            p.iter().map(|v| v.fraction()).collect()
        }
        match self.pixels() {
            Pixels::U8(p) => scaled(p),
            Pixels::U16(p) => scaled(p),
            Pixels::F32(p) => p.clone(),
        }
    }

    /// The image of this shape and depth with values given as fractions, cut to `[0, 1]`.
    pub(crate) fn with_fractions(&self, fractions: &[f32]) -> Self {
        fn scaled<T: Value>(p: &[f32]) -> Vec<T> {
            p.iter()
                .map(|v| T::from_fraction(v.clamp(0.0, 1.0)))
                .collect()
        }
        self.with(match self.pixels() {
            Pixels::U8(_) => Pixels::U8(scaled(fractions)),
            Pixels::U16(_) => Pixels::U16(scaled(fractions)),
            Pixels::F32(_) => Pixels::F32(scaled(fractions)),
        })
    }

    /// The image in 8 bits, as encoders and decoders take it.
    pub(crate) fn to_u8(&self) -> Vec<u8> {
        match self.pixels() {
            Pixels::U8(p) => p.clone(),
            Pixels::U16(p) => p.iter().map(|v| u8::from_fraction(v.fraction())).collect(),
            Pixels::F32(p) => p.iter().map(|&v| u8::from_fraction(v)).collect(),
        }
    }

    /// The image of this depth with values given in 8 bits.
    pub(crate) fn with_u8(&self, values: Vec<u8>) -> Self {
        self.with(match self.pixels() {
            Pixels::U8(_) => Pixels::U8(values),
            Pixels::U16(_) => Pixels::U16(values.iter().map(|&v| u16::from(v) * 257).collect()),
            Pixels::F32(_) => Pixels::F32(values.iter().map(|v| v.fraction()).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_refuses_a_wrong_length_and_a_zero_side() {
        assert_eq!(
            Image::new(2, 2, 3, Pixels::U8(vec![0; 11])).unwrap_err(),
            AugmentError::PixelCount {
                height: 2,
                width: 2,
                channels: 3,
                expected: 12,
                got: 11
            }
        );
        for (height, width, channels) in [(0, 2, 1), (2, 0, 1), (2, 2, 0), (usize::MAX, 2, 1)] {
            assert_eq!(
                Image::new(height, width, channels, Pixels::F32(vec![])).unwrap_err(),
                AugmentError::ImageShape {
                    height,
                    width,
                    channels
                }
            );
        }
    }

    #[test]
    fn depths_convert_there_and_back() {
        let all: Vec<u8> = (0..=255).collect();
        let image = Image::new(16, 16, 1, Pixels::U8(all.clone())).unwrap();
        assert_eq!(image.with_fractions(&image.fractions()), image);
        let wide = image.with(Pixels::U16(vec![0; 256])).with_u8(all.clone());
        assert_eq!(wide.to_u8(), all);
        assert_eq!(wide.with_fractions(&wide.fractions()), wide);
    }

    #[test]
    fn bytes_change_the_same_whether_shared_or_not() {
        let number = |p: &mut [u8]| {
            let pixels = p.chunks_exact_mut(5).map(|pixel| &mut pixel[1]);
            pixels.for_each(|v| *v = v.wrapping_mul(7));
        };
        let bytes: Vec<u8> = (0..60_000).map(|i| (i % 251) as u8).collect();
        let shared = Image::of(80, 150, 5, Pixels::U8(bytes.clone()));
        let mut one = shared.clone();
        let mut own = Image::of(80, 150, 5, Pixels::U8(bytes.clone()));
        assert_eq!(one.change_bytes(number), Some(()));
        assert_eq!(own.change_bytes(number), Some(()));
        assert_eq!(one, own);
        assert_eq!(shared.pixels(), &Pixels::U8(bytes));
        let mut float = Image::of(1, 1, 1, Pixels::F32(vec![0.5]));
        assert_eq!(float.change_bytes(|p| p.fill(0)), None);
    }

    #[test]
    fn a_clone_keeps_its_pixels() {
        let image = Image::new(1, 2, 1, Pixels::U8(vec![1, 2])).unwrap();
        let mut other = image.clone();
        if let Pixels::U8(p) = other.pixels_mut() {
            p[0] = 9;
        }
        assert_eq!(image.pixels(), &Pixels::U8(vec![1, 2]));
        assert_eq!(other.pixels(), &Pixels::U8(vec![9, 2]));
    }
}
