//! Noise of a sensor in the dark.

use crate::image::base::noise::normals;
use crate::image::base::prelude::*;

settings! {
    /// Adds N(mean, sigma) to every value; the result is cut to the range.
    pub struct GaussianNoise {
        /// Fraction of the range.
        mean: f64 = 0.0,
        /// Fraction of the range.
        sigma: f64 = 0.1,
    }
}

impl Transform for GaussianNoise {
    /// Seed of the noise.
    type Params = u64;

    fn check(&self) -> Result<(), AugmentError> {
        let (m, s) = (self.mean, self.sigma);
        require::<Self>((-1.0..=1.0).contains(&m), "mean", "is in [-1, 1]", m)?;
        require::<Self>((0.0..=10.0).contains(&s), "sigma", "is in [0, 10]", s)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        let (mean, sigma) = (self.mean as f32, self.sigma as f32);
        Ok(sample.with_image(|image| add_normal(image, mean, sigma, *seed)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"sigma": -1}"#,
            "gaussian_noise: sigma is in [0, 10], got -1",
        )]
    }
}

/// Adds N(mean, sigma), fractions of the range, to every value.
pub(crate) fn add_normal(mut image: Image, mean: f32, sigma: f32, seed: u64) -> Image {
    fn add<T: Value>(p: &mut [T], noise: &[f32], mean: f32, sigma: f32) {
        let (mean, sigma) = (mean * T::WHITE, sigma * T::WHITE);
        for (v, n) in p.iter_mut().zip(noise) {
            *v = T::from_f32((v.to_f32() + mean + sigma * n).clamp(0.0, T::WHITE));
        }
    }
    let noise = normals(seed, 0, image.pixels().len());
    match image.pixels_mut() {
        Pixels::U8(p) => add(p, &noise, mean, sigma),
        Pixels::U16(p) => add(p, &noise, mean, sigma),
        Pixels::F32(p) => add(p, &noise, mean, sigma),
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_has_the_mean_and_spread_asked_for() {
        let grey = Image::of(100, 100, 3, Pixels::F32(vec![0.5; 30_000]));
        let y = add_normal(grey, 0.05, 0.1, 9).fractions();
        let mean = y.iter().sum::<f32>() / 3e4;
        let var = y.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 3e4;
        assert!((mean - 0.55).abs() < 0.003 && (var.sqrt() - 0.1).abs() < 0.003);
    }
}
