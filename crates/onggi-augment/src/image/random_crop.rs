//! Cuts a window at a random place, usually out of an image padded by a few pixels: small shifts
//! that a classifier has to bear. Stands before flips and colour changes in a pipeline.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Image, Sample, Transform, each_depth};
use crate::{AugmentError, Draw};

/// The widest padding: keeps padded sides far from overflow.
const MAX_PADDING: usize = 1 << 16;

/// Pads the image on all four sides, then cuts a window of `size` at a uniform place.
///
/// `[H, W, C] → [size[0], size[1], C]`. Two numbers are drawn, the window's top and its left edge,
/// even where there is only one place for it. The padded image is never built: the window is
/// filled, then the part of it that lies on the image is copied. The class label stays.
///
/// # Example
/// ```
/// use onggi_augment::Draw;
/// use onggi_augment::image::{Image, Pixels, RandomCrop, Transform};
///
/// let image = Image::new(28, 28, 1, Pixels::U8(vec![200; 28 * 28]))?;
/// let crop = RandomCrop::new([28, 28], 3, 0.0)?;
/// let shifted = crop.apply(image, &mut Draw::new(42, 0, 5))?;
/// assert_eq!((shifted.height(), shifted.width()), (28, 28));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
///
/// # Differences from torchvision
/// `padding` is one number for all sides and `fill` a fraction of the value range; there is no
/// `pad_if_needed`: an image that is too small is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct RandomCrop {
    size: [usize; 2],
    padding: usize,
    fill: f32,
}

/// The settings as written in a file, not yet checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    size: [usize; 2],
    #[serde(default)]
    padding: usize,
    #[serde(default)]
    fill: f32,
}

impl RandomCrop {
    /// A window of `size = [height, width]` pixels after `padding` pixels on every side.
    ///
    /// `fill` is the padding's value in all channels as a fraction of the value range: 0 black, 1
    /// white. In a file `padding` and `fill` are 0 where they are not given.
    ///
    /// # Errors
    /// [`AugmentError::CropSize`] for a zero side, [`AugmentError::CropPadding`] above 65,536,
    /// [`AugmentError::CropFill`] outside `[0, 1]`.
    pub fn new(size: [usize; 2], padding: usize, fill: f32) -> Result<Self, AugmentError> {
        if size.contains(&0) {
            return Err(AugmentError::CropSize { size });
        }
        if padding > MAX_PADDING {
            return Err(AugmentError::CropPadding {
                most: MAX_PADDING,
                padding,
            });
        }
        if !(0.0..=1.0).contains(&fill) {
            return Err(AugmentError::CropFill { fill });
        }
        Ok(Self {
            size,
            padding,
            fill,
        })
    }
}

impl TryFrom<Settings> for RandomCrop {
    type Error = AugmentError;
    fn try_from(settings: Settings) -> Result<Self, AugmentError> {
        Self::new(settings.size, settings.padding, settings.fill)
    }
}

impl From<RandomCrop> for Settings {
    fn from(crop: RandomCrop) -> Self {
        Self {
            size: crop.size,
            padding: crop.padding,
            fill: crop.fill,
        }
    }
}

impl Transform for RandomCrop {
    fn apply(&self, image: Image, rng: &mut Draw) -> Result<Image, AugmentError> {
        let [crop_height, crop_width] = self.size;
        let height = image.height + 2 * self.padding;
        let width = image.width + 2 * self.padding;
        if height < crop_height || width < crop_width {
            return Err(AugmentError::CropTooLarge {
                height,
                width,
                crop_height,
                crop_width,
            });
        }
        let top = rng.random_range(0..=height - crop_height);
        let left = rng.random_range(0..=width - crop_width);
        let rows = Span::new(top, crop_height, self.padding, image.height);
        let columns = Span::new(left, crop_width, self.padding, image.width);
        let (from, channels) = (image.width, image.channels);
        let pixels = each_depth!(&image.pixels, p => {
            window(p, from, channels, self.size, rows, columns, Sample::from_fraction(self.fill))
        });
        Ok(Image {
            height: crop_height,
            width: crop_width,
            channels,
            pixels,
        })
    }

    fn name(&self) -> &'static str {
        "random_crop"
    }
}

/// The overlap of the window and the image along one axis, in pixels.
#[derive(Clone, Copy)]
struct Span {
    /// First pixel of the image that the window shows.
    source: usize,
    /// Where it lies in the window.
    target: usize,
    /// How many there are; 0 for a window that lies in the padding.
    len: usize,
}

impl Span {
    /// The overlap of the window `[start, start + size)` in padded coordinates with the image
    /// `[padding, padding + len)`.
    fn new(start: usize, size: usize, padding: usize, len: usize) -> Self {
        let begin = start.max(padding);
        let end = (start + size).min(padding + len);
        if begin >= end {
            return Self {
                source: 0,
                target: 0,
                len: 0,
            };
        }
        Self {
            source: begin - padding,
            target: begin - start,
            len: end - begin,
        }
    }
}

/// Builds the window: filled, then overlaid with the part that lies on the image.
fn window<T: Sample>(
    pixels: &[T],
    width: usize,
    channels: usize,
    size: [usize; 2],
    rows: Span,
    columns: Span,
    fill: T,
) -> Vec<T> {
    let mut out = vec![fill; size[0] * size[1] * channels];
    for i in 0..rows.len {
        let source = ((rows.source + i) * width + columns.source) * channels;
        let target = ((rows.target + i) * size[1] + columns.target) * channels;
        let n = columns.len * channels;
        out[target..target + n].copy_from_slice(&pixels[source..source + n]);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::Pixels;
    use crate::image::tests::{Conformance, picture};

    impl Conformance for RandomCrop {
        fn example(height: usize, width: usize, _: usize) -> Self {
            Self::new([height.div_ceil(2), width.div_ceil(2)], 2, 0.5).unwrap()
        }
        fn identity() -> Option<Self> {
            Some(Self::new([17, 31], 0, 0.0).unwrap())
        }
        fn refusals() -> Vec<(&'static str, &'static str)> {
            vec![
                (r#"{"padding": 2}"#, "missing field `size`"),
                (
                    r#"{"size": [0, 3]}"#,
                    "random_crop: size is [height, width] of at least 1 pixel each, got [0, 3]",
                ),
                (
                    r#"{"size": [3, 3], "padding": 70000}"#,
                    "random_crop: padding is at most 65536 pixels, got 70000",
                ),
                (
                    r#"{"size": [3, 3], "fill": 255}"#,
                    "random_crop: fill is a fraction of the value range in [0, 1], got 255",
                ),
            ]
        }
    }

    #[test]
    fn an_image_smaller_than_the_crop_is_named() {
        let crop = RandomCrop::new([8, 8], 1, 0.0).unwrap();
        let refusal = crop
            .apply(picture(5, 20, 3), &mut Draw::new(0, 0, 0))
            .unwrap_err();
        assert_eq!(
            refusal,
            AugmentError::CropTooLarge {
                height: 7,
                width: 22,
                crop_height: 8,
                crop_width: 8
            }
        );
        assert_eq!(
            refusal.to_string(),
            "random_crop: the image is 7×22 with padding, smaller than the crop of 8×8: raise \
             padding, shrink size, or resize the image first"
        );
    }

    #[test]
    fn every_place_is_drawn() {
        let crop = RandomCrop::new([1, 1], 0, 0.0).unwrap();
        let mut seen = [false; 6];
        for index in 0..200 {
            let image = Image::new(2, 3, 1, Pixels::U8((0..6).collect())).unwrap();
            let y = crop.apply(image, &mut Draw::new(0, 0, index)).unwrap();
            let Pixels::U8(p) = y.pixels() else {
                unreachable!()
            };
            seen[usize::from(p[0])] = true;
        }
        assert_eq!(seen, [true; 6]);
    }

    proptest! {
        /// Against the definition: pad by hand, then look the window up.
        #[test]
        fn equals_padding_then_cutting(
            h in 1usize..10, w in 1usize..10, c in 1usize..5, padding in 0usize..12,
            crop_h in 1usize..12, crop_w in 1usize..12, index in 0u64..50,
        ) {
            let (ph, pw) = (h + 2 * padding, w + 2 * padding);
            prop_assume!(crop_h <= ph && crop_w <= pw);
            let x = picture(h, w, c);
            let crop = RandomCrop::new([crop_h, crop_w], padding, 1.0).unwrap();
            let y = crop.apply(x.clone(), &mut Draw::new(1, 2, index)).unwrap();
            let mut rng = Draw::new(1, 2, index);
            let top = rng.random_range(0..=ph - crop_h);
            let left = rng.random_range(0..=pw - crop_w);
            let (Pixels::U8(x), Pixels::U8(y)) = (x.pixels(), y.pixels()) else { unreachable!() };
            for i in 0..crop_h {
                for j in 0..crop_w {
                    for k in 0..c {
                        let row = (top + i).checked_sub(padding).filter(|&r| r < h);
                        let column = (left + j).checked_sub(padding).filter(|&q| q < w);
                        let want = match (row, column) {
                            (Some(r), Some(q)) => x[(r * w + q) * c + k],
                            _ => 255,
                        };
                        prop_assert_eq!(y[(i * crop_w + j) * c + k], want);
                    }
                }
            }
        }
    }
}
