//! Images, and the transforms on them.
//!
//! A transform is one file of this folder and one row of the [registry](ImageTransform) below. From
//! the row come its name in TOML and JSON and the conformance tests every transform passes.

mod compose;
mod horizontal_flip;
mod normalize;
mod random_crop;

pub use compose::Compose;
pub use horizontal_flip::HorizontalFlip;
pub use normalize::Normalize;
pub use random_crop::RandomCrop;

use serde::{Deserialize, Serialize};

use crate::{AugmentError, Draw};

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
trait Sample: Copy {
    /// White.
    const WHITE: f32;
    /// The value at `fraction` in `[0, 1]` of the range.
    fn from_fraction(fraction: f32) -> Self;
    /// The value as a number, not scaled.
    fn to_f32(self) -> f32;
}

impl Sample for u8 {
    const WHITE: f32 = 255.0;
    fn from_fraction(fraction: f32) -> Self {
        (fraction * Self::WHITE).round() as Self
    }
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

impl Sample for u16 {
    const WHITE: f32 = 65535.0;
    fn from_fraction(fraction: f32) -> Self {
        (fraction * Self::WHITE).round() as Self
    }
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

impl Sample for f32 {
    const WHITE: f32 = 1.0;
    fn from_fraction(fraction: f32) -> Self {
        fraction
    }
    fn to_f32(self) -> f32 {
        self
    }
}

/// An image of `height × width` pixels with `channels` interleaved values each (HWC).
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
    pixels: Pixels,
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
        Ok(Self {
            height,
            width,
            channels,
            pixels,
        })
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

    /// The values, row by row, pixel by pixel.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Takes the values out.
    pub fn into_pixels(self) -> Pixels {
        self.pixels
    }
}

/// A change to an image, drawn anew for every sample.
pub trait Transform {
    /// Changes `image`; every random choice comes from `rng`, in an order the transform documents.
    ///
    /// # Errors
    /// Where the image does not fit the transform: too small, wrong channel count.
    fn apply(&self, image: Image, rng: &mut Draw) -> Result<Image, AugmentError>;

    /// The name in TOML, JSON and reports: snake case.
    fn name(&self) -> &'static str;
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
use each_depth;

macro_rules! registry {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Every transform there is, as one type: what a TOML or JSON pipeline is read into.
        ///
        /// The key `transform` names it, the other keys are its settings; unknown names and keys
        /// and settings out of range are refused.
        ///
        /// # Example
        /// ```
        /// use onggi_augment::image::ImageTransform;
        ///
        /// let flip: ImageTransform = toml::from_str("transform = 'horizontal_flip'\np = 0.3")?;
        /// assert!(toml::from_str::<ImageTransform>("transform = 'horizontal_flip'\np = 3").is_err());
        /// # Ok::<(), toml::de::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "transform")]
        pub enum ImageTransform {
            $($(#[$doc])* #[serde(rename = $name)] $variant($variant),)*
        }

        $(impl From<$variant> for ImageTransform {
            fn from(transform: $variant) -> Self {
                Self::$variant(transform)
            }
        })*

        impl Transform for ImageTransform {
            fn apply(&self, image: Image, rng: &mut Draw) -> Result<Image, AugmentError> {
                match self {
                    $(Self::$variant(transform) => transform.apply(image, rng),)*
                }
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(transform) => transform.name(),)*
                }
            }
        }

        #[cfg(test)]
        mod conformance {
            $(
                #[test]
                #[allow(non_snake_case)]
                fn $variant() {
                    super::tests::conform::<super::$variant>($name);
                }
            )*
        }
    };
}

registry! {
    /// [`RandomCrop`]: pad, then cut a window at a random place.
    RandomCrop = "random_crop",
    /// [`HorizontalFlip`]: mirror left and right.
    HorizontalFlip = "horizontal_flip",
    /// [`Normalize`]: subtract the mean, divide by the standard deviation.
    Normalize = "normalize",
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a transform's own file gives to the conformance tests.
    pub(super) trait Conformance: Transform + Into<ImageTransform> {
        /// Settings valid for an image of this shape, with every random choice in play.
        fn example(height: usize, width: usize, channels: usize) -> Self;
        /// Settings under which nothing may change, where there are such (`p = 0`).
        fn identity() -> Option<Self>;
        /// Bad settings as JSON, and the words of the refusal.
        fn refusals() -> Vec<(&'static str, &'static str)>;
    }

    /// Pixels that differ from each other, in the depth asked for.
    pub(super) fn picture(height: usize, width: usize, channels: usize) -> Image {
        let n = height * width * channels;
        let pixels = (0..n).map(|i| (i * 37 + 11) as u8).collect();
        Image::new(height, width, channels, Pixels::U8(pixels)).unwrap()
    }

    fn fractions(pixels: &Pixels) -> Vec<f32> {
        match pixels {
            Pixels::U8(p) => p.iter().map(|&v| f32::from(v) / 255.0).collect(),
            Pixels::U16(p) => p.iter().map(|&v| f32::from(v) / 65535.0).collect(),
            Pixels::F32(p) => p.clone(),
        }
    }

    fn depths(image: &Image) -> [Image; 3] {
        let f = fractions(image.pixels());
        let wide = f.iter().map(|v| (v * 65535.0).round() as u16).collect();
        [image.pixels.clone(), Pixels::U16(wide), Pixels::F32(f)].map(|pixels| Image {
            pixels,
            ..image.clone()
        })
    }

    pub(super) fn conform<T: Conformance>(name: &str) {
        for (h, w, c) in [
            (1, 1, 1),
            (1, 9, 3),
            (9, 1, 1),
            (17, 31, 3),
            (17, 31, 4),
            (8, 8, 5),
        ] {
            let transform = T::example(h, w, c);
            assert_eq!(transform.name(), name);
            for index in 0..20 {
                let draw = || Draw::new(7, 1, index);
                let views = depths(&picture(h, w, c)).map(|image| {
                    let once = transform.apply(image.clone(), &mut draw()).unwrap();
                    let again = transform.apply(image, &mut draw()).unwrap();
                    assert_eq!(once, again, "same seed, same bytes");
                    let size = once.height() * once.width() * once.channels();
                    assert_eq!(once.pixels().len(), size, "shape and buffer agree");
                    once
                });
                let [narrow, rest @ ..] = &views;
                for other in rest {
                    let shape = |i: &Image| (i.height(), i.width(), i.channels());
                    assert_eq!(shape(narrow), shape(other), "depths agree on the shape");
                    let pairs = fractions(narrow.pixels())
                        .into_iter()
                        .zip(fractions(other.pixels()));
                    for (i, (a, b)) in pairs.enumerate() {
                        assert!(
                            (a - b).abs() <= 2.0 / 255.0,
                            "{name} {h}×{w}×{c} at {i}: {a} {b}"
                        );
                    }
                }
            }

            let saved: ImageTransform = T::example(h, w, c).into();
            let json = serde_json::to_string(&saved).unwrap();
            assert!(
                json.contains(&format!("\"transform\":\"{name}\"")),
                "{json}"
            );
            assert_eq!(
                serde_json::from_str::<ImageTransform>(&json).unwrap(),
                saved
            );
            let text = toml::to_string(&saved).unwrap();
            assert_eq!(toml::from_str::<ImageTransform>(&text).unwrap(), saved);
            let unknown = json.replacen('{', "{\"colour\": 1,", 1);
            let refusal = serde_json::from_str::<ImageTransform>(&unknown).unwrap_err();
            assert!(
                refusal.to_string().contains("unknown field `colour`"),
                "{refusal}"
            );
        }
        if let Some(identity) = T::identity() {
            for index in 0..20 {
                let image = picture(17, 31, 3);
                let same = identity
                    .apply(image.clone(), &mut Draw::new(0, 0, index))
                    .unwrap();
                assert_eq!(same, image);
            }
        }
        for (settings, words) in T::refusals() {
            let json = settings.replacen('{', &format!("{{\"transform\": \"{name}\","), 1);
            let refusal = serde_json::from_str::<ImageTransform>(&json).unwrap_err();
            assert!(refusal.to_string().contains(words), "{json}: {refusal}");
        }
    }

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
    fn unknown_transform_is_refused_by_name() {
        let refusal = serde_json::from_str::<ImageTransform>(r#"{"transform": "flop"}"#);
        let words = refusal.unwrap_err().to_string();
        assert!(
            words.contains("unknown variant `flop`, expected one of `random_crop`"),
            "{words}"
        );
    }
}
