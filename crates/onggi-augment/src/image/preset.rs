//! Pipelines by name, for training on images of one size.

use super::{
    ColorJitter, Compose, HorizontalFlip, RandAugment, RandomCrop, RandomErasing,
    RandomResizedCrop, RandomRotation, Spread, Transform,
};
use crate::AugmentError;

/// Padding of the shift as a share of the longer side: 1 pixel of 28, where 2 cost two points of test
/// accuracy on data/fashion-mini.
const SHIFT: f64 = 1.0 / 28.0;

/// How much training images are varied.
///
/// | name | transforms |
/// | --- | --- |
/// | `none` | – |
/// | `shift` | moved by up to 1/28 of the longer side |
/// | `light` | as shift, mirrored half of the time |
/// | `standard` | as light, turned by up to 10°, brightness, contrast and saturation by up to 20 % and hue by up to 5 %, a rectangle of up to a fifth erased a quarter of the time |
/// | `strong` | a window of 35 to 100 % of the area stretched to the whole, mirrored half of the time, RandAugment (two operations at 9 of 30), a rectangle of up to a third erased a quarter of the time |
///
/// `shift` is for digits, text, and whatever changes its meaning in a mirror.
///
/// # Example
/// ```
/// use onggi_augment::image::Preset;
///
/// let pipeline = Preset::Light.pipeline(28, 28)?;
/// assert_eq!(pipeline.transforms().len(), 2);
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Not at all.
    None,
    /// Moved by a few pixels.
    Shift,
    /// Moved and mirrored.
    Light,
    /// Moved, mirrored, turned, coloured and covered a little.
    Standard,
    /// Cut out, mirrored, and changed in ways drawn at random.
    Strong,
}

impl Preset {
    /// All of them, weakest first.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Shift,
        Self::Light,
        Self::Standard,
        Self::Strong,
    ];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shift => "shift",
            Self::Light => "light",
            Self::Standard => "standard",
            Self::Strong => "strong",
        }
    }

    /// The pipeline for images of `height` and `width`, which it keeps.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] for a side of 0.
    pub fn pipeline(self, height: usize, width: usize) -> Result<Compose, AugmentError> {
        let padding = (height.max(width) as f64 * SHIFT).round().max(1.0) as usize;
        let shift = RandomCrop {
            size: [height, width],
            padding,
            ..Default::default()
        };
        let flip = HorizontalFlip::default();
        let erase = |largest| RandomErasing {
            scale: [0.02, largest],
            ..Default::default()
        };
        Ok(Compose::new(match self {
            Self::None => Vec::new(),
            Self::Shift => vec![shift.build()?],
            Self::Light => vec![shift.build()?, flip.build()?],
            Self::Standard => {
                let jitter = ColorJitter {
                    brightness: Spread::Width(0.2),
                    contrast: Spread::Width(0.2),
                    saturation: Spread::Width(0.2),
                    hue: Spread::Width(0.05),
                };
                let turn = RandomRotation {
                    degrees: Spread::Width(10.0),
                    ..Default::default()
                };
                vec![
                    shift.build()?,
                    flip.build()?,
                    turn.build()?,
                    jitter.build()?,
                    erase(0.2).p(0.25)?,
                ]
            }
            Self::Strong => {
                let crop = RandomResizedCrop {
                    size: [height, width],
                    scale: [0.35, 1.0],
                    ..Default::default()
                };
                vec![
                    crop.build()?,
                    flip.build()?,
                    RandAugment::default().build()?,
                    erase(0.33).p(0.25)?,
                ]
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Draw;
    use crate::image::{Image, Pixels};

    #[test]
    fn every_preset_keeps_the_size_of_grey_and_colour_images() {
        for preset in Preset::ALL {
            for channels in [1, 3] {
                let pipeline = preset.pipeline(20, 30).unwrap();
                let image =
                    Image::new(20, 30, channels, Pixels::U8(vec![7; 600 * channels])).unwrap();
                for index in 0..20 {
                    let drawn = pipeline.apply(image.clone(), &mut Draw::new(1, 0, index));
                    let image = drawn.unwrap().image;
                    assert_eq!((image.size(), image.channels()), ([20, 30], channels));
                }
            }
        }
        assert!(Preset::Strong.pipeline(0, 3).is_err());
    }
}
