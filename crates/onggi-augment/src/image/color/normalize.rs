//! Brings pixel values to mean 0 and standard deviation 1 a channel: the last step before a model.

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use crate::image::base::raster::Value;
use crate::image::base::rgb::{BLOCK, split};
use crate::image::{Image, Pixels, Sample, Transform};
use crate::{AugmentError, Draw};

/// Normalises each channel: `y = (x / max − mean) / std`, `max` being 255, 65535 or 1 by depth.
///
/// `mean` and `std` are in fractions of the value range, one a channel. The result is
/// [`Pixels::F32`] of the same shape. Nothing is drawn.
///
/// # Example
/// ```
/// use onggi_augment::Draw;
/// use onggi_augment::image::{Image, Normalize, Pixels, Transform};
///
/// let image = Image::new(1, 2, 1, Pixels::U8(vec![0, 255]))?;
/// let normalize = Normalize::new(vec![0.5], vec![0.5])?;
/// let y = normalize.build()?.apply(image, &mut Draw::new(0, 0, 0))?;
/// assert_eq!(y.image.pixels(), &Pixels::F32(vec![-1.0, 1.0]));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct Normalize {
    mean: Vec<f32>,
    std: Vec<f32>,
}

/// The settings as written in a file, not yet checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Default for Normalize {
    /// The statistics of ImageNet.
    fn default() -> Self {
        Self {
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
        }
    }
}

impl Normalize {
    /// Mean and standard deviation of each channel, as fractions of the value range.
    ///
    /// # Errors
    /// [`AugmentError::StatisticsLength`] where the two differ in length or are empty,
    /// [`AugmentError::Statistics`] for a value that is not finite or a `std` not above 0.
    pub fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self, AugmentError> {
        if mean.len() != std.len() || mean.is_empty() {
            return Err(AugmentError::StatisticsLength {
                mean: mean.len(),
                std: std.len(),
            });
        }
        for (channel, (&m, &s)) in mean.iter().zip(&std).enumerate() {
            if !m.is_finite() || !s.is_finite() || s <= 0.0 {
                return Err(AugmentError::Statistics {
                    channel,
                    mean: m,
                    std: s,
                });
            }
        }
        Ok(Self { mean, std })
    }

    /// Mean of each channel.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Standard deviation of each channel.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// Writes the normalised image plane by plane, as models take it: `[H, W, C] → [C, H, W]`.
    ///
    /// # Errors
    /// [`AugmentError::Channels`] and [`AugmentError::Buffer`] where image or buffer do not fit.
    pub fn write_chw(&self, image: &Image, out: &mut [f32]) -> Result<(), AugmentError> {
        self.check_channels(image)?;
        if out.len() != image.pixels().len() {
            return Err(AugmentError::Buffer {
                expected: image.pixels().len(),
                got: out.len(),
            });
        }
        match image.pixels() {
            Pixels::U8(p) if self.mean.len() == 3 => {
                let pairs = [0, 1, 2].map(|k| self.scale_shift(k, 255.0));
                rgb_planes(p, pairs.map(|p| p.0), pairs.map(|p| p.1), out);
            }
            Pixels::U8(p) => self.planes(p, out),
            Pixels::U16(p) => self.planes(p, out),
            Pixels::F32(p) => self.planes(p, out),
        }
        Ok(())
    }

    fn check_channels(&self, image: &Image) -> Result<(), AugmentError> {
        let (expected, got) = (self.mean.len(), image.channels());
        if expected != got {
            return Err(AugmentError::Channels { expected, got });
        }
        Ok(())
    }

    /// `y = x · scale + shift` for values with the maximum `max`.
    fn scale_shift(&self, channel: usize, max: f32) -> (f32, f32) {
        let (mean, std) = (f64::from(self.mean[channel]), f64::from(self.std[channel]));
        ((1.0 / (f64::from(max) * std)) as f32, (-mean / std) as f32)
    }

    /// HWC in, CHW out.
    fn planes<T: Value>(&self, x: &[T], out: &mut [f32]) {
        let channels = self.mean.len();
        for (k, plane) in out.chunks_exact_mut(x.len() / channels).enumerate() {
            let (scale, shift) = self.scale_shift(k, T::WHITE);
            match channels {
                1 => strided::<T, 1>(x, k, plane, scale, shift),
                3 => strided::<T, 3>(x, k, plane, scale, shift),
                4 => strided::<T, 4>(x, k, plane, scale, shift),
                _ => {
                    for (y, pixel) in plane.iter_mut().zip(x.chunks_exact(channels)) {
                        *y = pixel[k].to_f32() * scale + shift;
                    }
                }
            }
        }
    }

    /// HWC in, HWC out.
    fn interleaved<T: Value>(&self, x: &[T]) -> Vec<f32> {
        let channels = self.mean.len();
        let pairs: Vec<(f32, f32)> = (0..channels)
            .map(|k| self.scale_shift(k, T::WHITE))
            .collect();
        // 16 pixels of scales and shifts, so that a run of values meets a run of them.
        let scale: Vec<f32> = pairs.iter().map(|p| p.0).collect();
        let shift: Vec<f32> = pairs.iter().map(|p| p.1).collect();
        let mut out = vec![0.0; x.len()];
        scaled(x, &scale.repeat(16), &shift.repeat(16), &mut out);
        out
    }
}

/// `y = x · scale + shift`, scales and shifts again and again.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma", "aarch64+neon"))]
fn scaled<T: Value>(x: &[T], scale: &[f32], shift: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks(scale.len()).zip(y.chunks_mut(scale.len())) {
        let n = x.len();
        let (y, scale, shift) = (&mut y[..n], &scale[..n], &shift[..n]);
        for i in 0..n {
            y[i] = x[i].to_f32() * scale[i] + shift[i];
        }
    }
}

/// RGB bytes to three planes.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma", "aarch64+neon"))]
fn rgb_planes(x: &[u8], scale: [f32; 3], shift: [f32; 3], out: &mut [f32]) {
    let n = x.len() / 3;
    let (red, rest) = out.split_at_mut(n);
    let (green, blue) = rest.split_at_mut(n);
    let mut planes = [[0; BLOCK]; 3];
    let (blocks, rest) = x.as_chunks::<{ 3 * BLOCK }>();
    for (b, block) in blocks.iter().enumerate() {
        split(block, &mut planes);
        for (k, plane) in [&mut *red, &mut *green, &mut *blue].into_iter().enumerate() {
            if let Some(y) = plane[b * BLOCK..].first_chunk_mut::<BLOCK>() {
                let x = &planes[k];
                for i in 0..BLOCK {
                    y[i] = x[i].to_f32() * scale[k] + shift[k];
                }
            }
        }
    }
    for (i, pixel) in rest.as_chunks::<3>().0.iter().enumerate() {
        let at = blocks.len() * BLOCK + i;
        red[at] = pixel[0].to_f32() * scale[0] + shift[0];
        green[at] = pixel[1].to_f32() * scale[1] + shift[1];
        blue[at] = pixel[2].to_f32() * scale[2] + shift[2];
    }
}

/// Channel `k` of pixels of `C` channels: a stride known at compile time is what lets the loop
/// become vector code.
fn strided<T: Value, const C: usize>(x: &[T], k: usize, plane: &mut [f32], scale: f32, shift: f32) {
    for (y, pixel) in plane.iter_mut().zip(x.as_chunks::<C>().0) {
        *y = pixel[k].to_f32() * scale + shift;
    }
}

impl TryFrom<Settings> for Normalize {
    type Error = AugmentError;
    fn try_from(settings: Settings) -> Result<Self, AugmentError> {
        let narrow = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect();
        Self::new(narrow(settings.mean), narrow(settings.std))
    }
}

impl From<Normalize> for Settings {
    fn from(normalize: Normalize) -> Self {
        // The shortest decimal that reads back as the same number: 0.485, not 0.48500001430511475.
        let wide = |v: Vec<f32>| {
            let shortest = |v: f32| v.to_string().parse().unwrap_or(f64::from(v));
            v.into_iter().map(shortest).collect()
        };
        Self {
            mean: wide(normalize.mean),
            std: wide(normalize.std),
        }
    }
}

impl Transform for Normalize {
    type Params = ();

    fn draw(&self, sample: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        self.check_channels(&sample.image)
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        self.check_channels(&sample.image)?;
        Ok(sample.with_image(|image| {
            let pixels = match image.pixels() {
                Pixels::U8(p) => self.interleaved(p),
                Pixels::U16(p) => self.interleaved(p),
                Pixels::F32(p) => self.interleaved(p),
            };
            image.with(Pixels::F32(pixels))
        }))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, channels: usize) -> Self {
        let mean = (0..channels).map(|k| 0.25 + 0.125 * k as f32).collect();
        Self::new(mean, vec![1.0; channels]).unwrap()
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"mean": [0.5], "std": [0.5, 0.5]}"#,
                "normalize: mean and std need one value a channel each, got 1 mean and 2 std values",
            ),
            (r#"{"mean": [], "std": []}"#, "got 0 mean and 0 std values"),
            (
                r#"{"mean": [0.5, 0.5], "std": [0.5, 0]}"#,
                "normalize: mean must be finite and std finite and above 0, got mean 0.5 and std 0 \
                 for channel 1",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn refuses_what_is_not_finite() {
        for (m, s) in [
            (f32::NAN, 1.0),
            (f32::INFINITY, 1.0),
            (0.0, f32::NAN),
            (0.0, -1.0),
        ] {
            assert!(matches!(
                Normalize::new(vec![m], vec![s]),
                Err(AugmentError::Statistics { channel: 0, .. })
            ));
        }
    }

    #[test]
    fn refuses_other_channels_and_buffers() {
        let grey = Normalize::new(vec![0.5], vec![0.5]).unwrap();
        let wrong = AugmentError::Channels {
            expected: 1,
            got: 3,
        };
        assert_eq!(grey.apply(&(), picture(2, 2, 3).into()), Err(wrong.clone()));
        assert_eq!(
            grey.write_chw(&picture(2, 2, 3), &mut [0.0; 12]),
            Err(wrong)
        );
        assert_eq!(
            grey.write_chw(&picture(2, 2, 1), &mut [0.0; 5]),
            Err(AugmentError::Buffer {
                expected: 4,
                got: 5
            })
        );
    }

    proptest! {
        /// Both layouts against the formula.
        #[test]
        fn equals_the_formula(h in 1usize..9, w in 1usize..9, c in 1usize..6) {
            let x = picture(h, w, c);
            let mean: Vec<f32> = (0..c).map(|k| 0.1 * (k + 1) as f32).collect();
            let std: Vec<f32> = (0..c).map(|k| 0.2 + 0.05 * k as f32).collect();
            let normalize = Normalize::new(mean.clone(), std.clone()).unwrap();
            let mut planes = vec![0.0; h * w * c];
            normalize.write_chw(&x, &mut planes).unwrap();
            let y = normalize.apply(&(), x.clone().into()).unwrap().image;
            let (Pixels::U8(x), Pixels::F32(y)) = (x.pixels(), y.pixels()) else { unreachable!() };
            for i in 0..h * w {
                for k in 0..c {
                    let want = (f32::from(x[i * c + k]) / 255.0 - mean[k]) / std[k];
                    prop_assert!((y[i * c + k] - want).abs() < 1e-5);
                    prop_assert_eq!(planes[k * h * w + i], y[i * c + k]);
                }
            }
        }
    }
}
