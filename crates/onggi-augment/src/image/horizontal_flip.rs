//! Mirrors an image left and right: the first augmentation to try on photographs, and one to leave
//! out where sides have meaning (digits, letters, road signs).

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Image, Transform, each_depth};
use crate::{AugmentError, Draw};

/// Mirrors the image left and right with probability `p`: `y[i, j] = x[i, W − 1 − j]`.
///
/// One number is drawn, whatever `p` is. The class label stays.
///
/// # Example
/// ```
/// use onggi_augment::Draw;
/// use onggi_augment::image::{HorizontalFlip, Image, Pixels, Transform};
///
/// let image = Image::new(1, 3, 1, Pixels::U8(vec![1, 2, 3]))?;
/// let flipped = HorizontalFlip::new(1.0)?.apply(image, &mut Draw::new(0, 0, 0))?;
/// assert_eq!(flipped.pixels(), &Pixels::U8(vec![3, 2, 1]));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct HorizontalFlip {
    p: f64,
}

/// The settings as written in a file, not yet checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    p: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl HorizontalFlip {
    /// Flips with probability `p`, 0.5 where a file does not give it.
    ///
    /// # Errors
    /// [`AugmentError::Probability`] outside `[0, 1]`.
    pub fn new(p: f64) -> Result<Self, AugmentError> {
        if !(0.0..=1.0).contains(&p) {
            return Err(AugmentError::Probability {
                transform: "horizontal_flip",
                p,
            });
        }
        Ok(Self { p })
    }
}

impl TryFrom<Settings> for HorizontalFlip {
    type Error = AugmentError;
    fn try_from(settings: Settings) -> Result<Self, AugmentError> {
        Self::new(settings.p)
    }
}

impl From<HorizontalFlip> for Settings {
    fn from(flip: HorizontalFlip) -> Self {
        Self { p: flip.p }
    }
}

impl Transform for HorizontalFlip {
    fn apply(&self, image: Image, rng: &mut Draw) -> Result<Image, AugmentError> {
        if rng.random::<f64>() >= self.p {
            return Ok(image);
        }
        let Image {
            height,
            width,
            channels,
            pixels,
        } = image;
        let pixels = each_depth!(pixels, mut p => { mirror(&mut p, width, channels); p });
        Ok(Image {
            height,
            width,
            channels,
            pixels,
        })
    }

    fn name(&self) -> &'static str {
        "horizontal_flip"
    }
}

/// Reverses the pixels of every row. The usual channel counts get loops of fixed stride.
fn mirror<T: Copy>(pixels: &mut [T], width: usize, channels: usize) {
    for row in pixels.chunks_exact_mut(width * channels) {
        match channels {
            1 => row.reverse(),
            3 => row.as_chunks_mut::<3>().0.reverse(),
            4 => row.as_chunks_mut::<4>().0.reverse(),
            _ => {
                // Reversing the row reverses the channels too; a second reversal puts them back.
                row.reverse();
                row.chunks_exact_mut(channels).for_each(<[T]>::reverse);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::tests::{Conformance, picture};

    impl Conformance for HorizontalFlip {
        fn example(_: usize, _: usize, _: usize) -> Self {
            Self::new(0.5).unwrap()
        }
        fn identity() -> Option<Self> {
            Some(Self::new(0.0).unwrap())
        }
        fn refusals() -> Vec<(&'static str, &'static str)> {
            vec![
                (
                    r#"{"p": 1.5}"#,
                    "horizontal_flip: p is a probability in [0, 1], got 1.5",
                ),
                (
                    r#"{"p": -0.1}"#,
                    "horizontal_flip: p is a probability in [0, 1], got -0.1",
                ),
            ]
        }
    }

    #[test]
    fn refuses_nan() {
        assert!(matches!(
            HorizontalFlip::new(f64::NAN),
            Err(AugmentError::Probability {
                transform: "horizontal_flip",
                ..
            })
        ));
    }

    #[test]
    fn flips_about_half_the_samples() {
        let flip = HorizontalFlip::new(0.5).unwrap();
        let image = picture(1, 2, 1);
        let flipped = (0..1000)
            .filter(|&i| flip.apply(image.clone(), &mut Draw::new(0, 0, i)).unwrap() != image)
            .count();
        assert!((440..560).contains(&flipped), "{flipped}");
    }

    proptest! {
        #[test]
        fn moves_every_pixel_and_is_its_own_inverse(
            h in 1usize..12, w in 1usize..12, c in 1usize..6,
        ) {
            let flip = HorizontalFlip::new(1.0).unwrap();
            let x = picture(h, w, c);
            let y = flip.apply(x.clone(), &mut Draw::new(0, 0, 0)).unwrap();
            let (super::super::Pixels::U8(a), super::super::Pixels::U8(b)) =
                (x.pixels(), y.pixels()) else { unreachable!() };
            for i in 0..h {
                for j in 0..w {
                    for k in 0..c {
                        prop_assert_eq!(
                            a[(i * w + j) * c + k],
                            b[(i * w + (w - 1 - j)) * c + k]
                        );
                    }
                }
            }
            prop_assert_eq!(flip.apply(y, &mut Draw::new(0, 0, 1)).unwrap(), x);
        }
    }
}
