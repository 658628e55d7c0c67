//! Drops or mud on the lens.

use serde::{Deserialize, Serialize};

use crate::image::Border;
use crate::image::base::filter::gaussian;
use crate::image::base::noise::normals;
use crate::image::base::prelude::*;

settings! {
    /// Covers the image where blurred noise N(mean, std) is above a threshold. `p` is 0.5.
    ///
    /// # Reference
    /// Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    /// perturbations", ICLR 2019; a flat colour stands for its distance map.
    pub struct Spatter {
        /// Mean of the noise.
        mean: f64 = 0.65,
        /// Its standard deviation.
        std: f64 = 0.3,
        /// Standard deviation of the blur in pixels.
        gauss_sigma: f64 = 2.0,
        /// What is covered lies above.
        cutoff_threshold: f64 = 0.68,
        /// Share of the cover, 0 to 1.
        intensity: f64 = 0.6,
        /// Water, or mud.
        mud: bool = false,
    }
}

/// Settings and seed of one cover.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cover {
    pub(crate) noise: [f64; 2],
    pub(crate) sigma: f64,
    pub(crate) threshold: f64,
    pub(crate) intensity: f64,
    pub(crate) mud: bool,
    pub(crate) seed: u64,
}

impl Transform for Spatter {
    /// Seed of the noise.
    type Params = u64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let s = self.gauss_sigma;
        require::<Self>(
            (0.1..=20.0).contains(&s),
            "gauss_sigma",
            "is in [0.1, 20]",
            s,
        )?;
        let i = self.intensity;
        require::<Self>((0.0..=1.0).contains(&i), "intensity", "is in [0, 1]", i)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        let cover = Cover {
            noise: [self.mean, self.std],
            sigma: self.gauss_sigma,
            threshold: self.cutoff_threshold,
            intensity: self.intensity,
            mud: self.mud,
            seed: *seed,
        };
        Ok(sample.with_image(|image| spatter(&image, cover)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"gauss_sigma": 0}"#,
            "spatter: gauss_sigma is in [0.1, 20], got 0",
        )]
    }
}

pub(crate) fn spatter(image: &Image, cover: Cover) -> Image {
    let [h, w] = image.size();
    let [mean, std] = cover.noise.map(|v| v as f32);
    let noise = normals(cover.seed, 0, h * w)
        .iter()
        .map(|z| mean + std * z)
        .collect();
    let taps = gaussian(2 * (4.0 * cover.sigma).round() as usize + 1, cover.sigma);
    let noise = Image::of(h, w, 1, Pixels::F32(noise));
    let noise = noise.separable(&taps, &taps, Border::Reflect).fractions();
    let color = if cover.mud {
        [63.0, 42.0, 20.0]
    } else {
        [175.0, 238.0, 238.0]
    };
    let mut out = image.fractions();
    for (pixel, n) in out.chunks_exact_mut(image.channels()).zip(noise) {
        // Soft at the rim, over a hundredth of the noise's range.
        let a = ((n - cover.threshold as f32) * 100.0).clamp(0.0, 1.0) * cover.intensity as f32;
        for (v, c) in pixel.iter_mut().zip(color) {
            *v += a * (c / 255.0 - *v);
        }
    }
    image.with_fractions(&out)
}
