//! The corruptions robustness is measured with, at their five severities.

use serde::{Deserialize, Serialize};

use super::spatter::{Cover, spatter};
use super::{fog, plasma};
use crate::image::Border;
use crate::image::base::filter::gaussian;
use crate::image::base::noise::normals;
use crate::image::base::prelude::*;
use crate::image::base::resample::resize;
use crate::image::base::warp::Interpolation;
use crate::image::blur::{disk, glass, line, zoom};
use crate::image::noise::{add_normal, shot, specks};
use crate::image::quality::{compress, pixelate};

/// One of the 19 corruptions: 15 to test with, the last four to tune with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum CorruptionKind {
    #[default]
    GaussianNoise,
    ShotNoise,
    ImpulseNoise,
    DefocusBlur,
    GlassBlur,
    MotionBlur,
    ZoomBlur,
    Snow,
    Frost,
    Fog,
    Brightness,
    Contrast,
    Elastic,
    Pixelate,
    Jpeg,
    SpeckleNoise,
    GaussianBlur,
    Spatter,
    Saturate,
}

settings! {
    /// One of the corruptions of ImageNet-C at a severity. Masks, boxes and keypoints stay.
    ///
    /// # Reference
    /// Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    /// perturbations", ICLR 2019.
    ///
    /// # Differences from the paper
    /// Frost is a random cloud of ice, not a photograph of it; spatter is of one colour; elastic
    /// moves by the noise alone, without its affine part.
    pub struct Corruption {
        /// Which.
        kind: CorruptionKind = CorruptionKind::GaussianNoise,
        /// 1 to 5.
        severity: usize = 1,
    }
}

impl Transform for Corruption {
    /// Seed.
    type Params = u64;

    fn check(&self) -> Result<(), AugmentError> {
        let s = self.severity;
        require::<Self>((1..=5).contains(&s), "severity", "is 1 to 5", s)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        let at = self.severity.clamp(1, 5) - 1;
        Ok(sample.with_image(|image| corrupt(image, self.kind, at, *seed)))
    }

    #[cfg(test)]
    fn example(h: usize, w: usize, c: usize) -> Self {
        use CorruptionKind::*;
        let all = [
            Snow,
            Frost,
            Fog,
            Elastic,
            Pixelate,
            Saturate,
            ImpulseNoise,
            ZoomBlur,
        ];
        Self {
            kind: all[(h + w + c) % all.len()],
            severity: 1 + h % 5,
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"severity": 6}"#,
                "corruption: severity is 1 to 5, got 6",
            ),
            (r#"{"kind": "hail"}"#, "unknown variant `hail`"),
        ]
    }
}

/// The corruption at severity `s`, counted from 0.
fn corrupt(image: Image, kind: CorruptionKind, s: usize, seed: u64) -> Image {
    use CorruptionKind as K;
    match kind {
        K::GaussianNoise => add_normal(image, 0.0, [0.08, 0.12, 0.18, 0.26, 0.38][s], seed),
        K::ShotNoise => shot(&image, 1.0 / [60.0, 25.0, 12.0, 5.0, 3.0][s], seed),
        K::ImpulseNoise => specks(image, 1, [0.03, 0.06, 0.09, 0.17, 0.27][s], 0.5, seed),
        K::SpeckleNoise => speckle(&image, [0.15, 0.2, 0.35, 0.45, 0.6][s], seed),
        K::GaussianBlur => {
            let sigma = [1.0, 2.0, 3.0, 4.0, 6.0][s];
            let taps = gaussian((8.0 * sigma) as usize + 1, sigma);
            image.separable(&taps, &taps, Border::Edge)
        }
        K::GlassBlur => {
            let all = [
                (0.7, 1, 2),
                (0.9, 2, 1),
                (1.0, 2, 3),
                (1.1, 3, 2),
                (1.5, 4, 2),
            ];
            glass(&image, all[s], seed)
        }
        K::DefocusBlur => {
            let (r, alias) = [(3.0, 0.1), (4.0, 0.5), (6.0, 0.5), (8.0, 0.5), (10.0, 0.5)][s];
            let (kernel, n) = disk(r, alias);
            image.convolve(&kernel, [n, n], 0.0, Border::Reflect)
        }
        K::MotionBlur => {
            let (r, sigma) = [(10, 3.0), (15, 5.0), (15, 8.0), (15, 12.0), (20, 15.0)][s];
            let angle = Draw::new(seed, 0, 1).uniform([-45.0, 45.0]);
            streak(&image, 2 * r + 1, sigma, angle)
        }
        K::ZoomBlur => {
            let (most, step) = [
                (1.11, 0.01),
                (1.16, 0.01),
                (1.21, 0.02),
                (1.26, 0.02),
                (1.31, 0.03),
            ][s];
            zoom(&image, most, step)
        }
        K::Snow => snow(&image, s, seed),
        K::Frost => {
            let (kept, ice) = [(1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)][s];
            let cloud = plasma(image.size(), 1.5, seed);
            let mut out = image.fractions();
            for (pixel, c) in out.chunks_exact_mut(image.channels()).zip(cloud) {
                // Ice is blueish.
                for (v, tint) in pixel.iter_mut().zip([0.85, 0.95, 1.0, 1.0]) {
                    *v = kept * *v + ice * c * c * tint;
                }
            }
            image.with_fractions(&out)
        }
        K::Fog => {
            let (density, decay) = [(1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)][s];
            fog(&image, density, decay, seed)
        }
        K::Brightness => {
            let up = [0.1, 0.2, 0.3, 0.4, 0.5][s];
            match image.has_color() {
                true => image.turn_hue(0.0, 0.0, up),
                false => image.linear(1.0, up),
            }
        }
        K::Contrast => contrast(&image, [0.4, 0.3, 0.2, 0.1, 0.05][s]),
        K::Elastic => {
            let alpha = [12.5, 16.25, 21.25, 25.0, 30.0][s];
            let elastic = crate::image::ElasticTransform {
                alpha: 20.0 * alpha,
                sigma: 4.0,
                border: Border::Reflect,
                ..Default::default()
            };
            let same = image.clone();
            elastic.apply(&seed, image.into()).map_or(same, |s| s.image)
        }
        K::Pixelate => pixelate(&image, [0.6, 0.5, 0.4, 0.3, 0.25][s]),
        K::Jpeg => compress(&image, [25, 18, 15, 10, 7][s]),
        K::Spatter => {
            let all = [
                (0.65, 4.0, 0.69, 0.6, false),
                (0.65, 3.0, 0.68, 0.6, false),
                (0.65, 2.0, 0.68, 0.5, false),
                (0.65, 1.0, 0.65, 1.0, true),
                (0.67, 1.0, 0.65, 1.0, true),
            ];
            let (mean, sigma, threshold, intensity, mud) = all[s];
            let noise = [mean, if s == 4 { 0.4 } else { 0.3 }];
            let cover = Cover {
                noise,
                sigma,
                threshold,
                intensity,
                mud,
                seed,
            };
            spatter(&image, cover)
        }
        K::Saturate => {
            let (factor, more) = [(0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2)][s];
            image.map_rgb(|rgb| {
                let high = rgb.into_iter().fold(0f32, f32::max);
                let low = rgb.into_iter().fold(1f32, f32::min);
                if high <= low {
                    return rgb;
                }
                let old = (high - low) / high;
                let new = (old * factor + more).clamp(0.0, 1.0);
                rgb.map(|v| high - (high - v) * new / old)
            })
        }
    }
}

fn speckle(image: &Image, sigma: f32, seed: u64) -> Image {
    let x = image.fractions();
    let noise = normals(seed, 0, x.len());
    let out: Vec<f32> = x
        .iter()
        .zip(noise)
        .map(|(v, z)| v + v * sigma * z)
        .collect();
    image.with_fractions(&out)
}

/// Blur along a line whose weights fall off as a Gaussian on one side.
fn streak(image: &Image, n: usize, sigma: f64, angle: f64) -> Image {
    let weight = |t: f64| {
        if t < 0.0 {
            0.0
        } else {
            (-0.5 * (t / sigma).powi(2)).exp()
        }
    };
    image.convolve(&line(n, angle, weight), [n, n], 0.0, Border::Edge)
}

/// Each channel drawn towards its mean.
fn contrast(image: &Image, factor: f32) -> Image {
    let c = image.channels();
    let mut out = image.fractions();
    let n = (out.len() / c) as f64;
    for k in 0..c {
        let mean = out[k..]
            .iter()
            .step_by(c)
            .map(|v| f64::from(*v))
            .sum::<f64>()
            / n;
        let mean = mean as f32;
        out[k..]
            .iter_mut()
            .step_by(c)
            .for_each(|v| *v = mean + factor * (*v - mean));
    }
    image.with_fractions(&out)
}

/// Falling snow: thresholded noise, enlarged, blurred along a line, over a bleached image.
fn snow(image: &Image, s: usize, seed: u64) -> Image {
    let all = [
        (0.1, 3.0, 0.5, 10, 4.0, 0.8),
        (0.2, 2.0, 0.5, 12, 4.0, 0.7),
        (0.55, 4.0, 0.9, 12, 8.0, 0.7),
        (0.55, 4.5, 0.85, 12, 8.0, 0.65),
        (0.55, 2.5, 0.85, 12, 12.0, 0.55),
    ];
    let (mean, enlarge, threshold, reach, sigma, kept) = all[s];
    let [h, w] = image.size();
    let small = [h, w].map(|n| ((n as f64 / enlarge).ceil() as usize).max(1));
    let flake = |z: &f32| {
        let v: f32 = mean + 0.3 * *z;
        if v < threshold { 0.0 } else { v.min(1.0) }
    };
    let noise = normals(seed, 0, small[0] * small[1])
        .iter()
        .map(flake)
        .collect();
    let layer = Image::of(small[0], small[1], 1, Pixels::F32(noise));
    let layer = resize(&layer, [h, w], Interpolation::Bilinear, true);
    let angle = Draw::new(seed, 0, 1).uniform([45.0, 135.0]);
    let layer = streak(&layer, 2 * reach + 1, sigma, angle).fractions();
    let grey = image.luma();
    let mut out = image.fractions();
    let n = layer.len();
    for (i, pixel) in out.chunks_exact_mut(image.channels()).enumerate() {
        // The layer and the layer upside down.
        let flakes = layer[i] + layer[n - 1 - i];
        for v in pixel {
            *v = kept * *v + (1.0 - kept) * v.max(grey[i] * 1.5 + 0.5) + flakes;
        }
    }
    image.with_fractions(&out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    const KINDS: &str = "gaussian_noise shot_noise impulse_noise defocus_blur glass_blur \
        motion_blur zoom_blur snow frost fog brightness contrast elastic pixelate jpeg \
        speckle_noise gaussian_blur spatter saturate";

    #[test]
    fn each_of_the_nineteen_changes_the_image_and_worse_is_worse() {
        let x = picture(48, 48, 3);
        for name in KINDS.split_whitespace() {
            let kind = serde_json::from_value(name.into()).unwrap();
            let change = |s: usize| -> u32 {
                let y = corrupt(x.clone(), kind, s, 11);
                x.to_u8()
                    .iter()
                    .zip(y.to_u8())
                    .map(|(a, b)| u32::from(a.abs_diff(b)))
                    .sum()
            };
            assert!(change(0) > 0 && change(4) > 0, "{name}");
            // Saturation is taken away first, then added; frost trades light for ice.
            let steady = !matches!(kind, CorruptionKind::Saturate | CorruptionKind::Frost);
            assert!(!steady || change(4) > change(0), "{name}");
        }
        assert_eq!(KINDS.split_whitespace().count(), 19);
    }
}
