//! Noise of few photons.

use crate::image::base::noise::{normals, uniforms};
use crate::image::base::prelude::*;

settings! {
    /// Counts photons: `y = Poisson(x / s) · s`, s a fraction of the range drawn evenly. `p` is 0.5.
    ///
    /// # Differences from Albumentations
    /// The image is taken as it is, not made linear first; the same `scale_range` is stronger there.
    pub struct ShotNoise {
        /// What one photon is worth, `[low, high]`.
        scale_range: [f64; 2] = [0.01, 0.05],
    }
}

impl Transform for ShotNoise {
    /// Worth of a photon, seed of the counts.
    type Params = (f64, u64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [0.0001, 1]";
        require_range::<Self>(self.scale_range, [0.0001, 1.0], "scale_range", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, u64), AugmentError> {
        Ok((rng.uniform(self.scale_range), rng.seed()))
    }

    fn apply(&self, (scale, seed): &(f64, u64), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| shot(&image, *scale as f32, *seed)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"scale_range": [0, 1]}"#,
            "scale_range is [low, high] in [0.0001, 1]",
        )]
    }
}

/// `Poisson(x / scale) · scale` of every value.
pub(crate) fn shot(image: &Image, scale: f32, seed: u64) -> Image {
    let n = image.pixels().len();
    let (u, z) = (uniforms(seed, 0, n), normals(seed, 1, n));
    let mut out = image.fractions();
    for (i, v) in out.iter_mut().enumerate() {
        // Levels of 16 bits, so that depths that hold the same image count the same photons.
        let mean = ((*v * 65535.0).round() / 65535.0).max(0.0) / scale;
        *v = poisson(mean, u[i], z[i]) * scale;
    }
    image.with_fractions(&out)
}

/// A count of the given mean: the quantile of a uniform number, or for means above 50 the nearest
/// whole number to the normal with that mean and variance.
fn poisson(mean: f32, u: f32, z: f32) -> f32 {
    if mean > 50.0 {
        return (mean + mean.sqrt() * z).round().max(0.0);
    }
    let mut term = (-f64::from(mean)).exp();
    let (mut sum, mut k) = (term, 0.0);
    while f64::from(u) > sum && k < 200.0 {
        k += 1.0;
        term *= f64::from(mean) / k;
        sum += term;
    }
    k as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_mean_and_variance_alike() {
        for mean in [0.5, 7.0, 49.0, 80.0] {
            let (u, z) = (uniforms(3, 0, 40_000), normals(3, 1, 40_000));
            let x: Vec<f32> = u
                .iter()
                .zip(&z)
                .map(|(u, z)| poisson(mean, *u, *z))
                .collect();
            let got = x.iter().sum::<f32>() / 4e4;
            let var = x.iter().map(|v| (v - got).powi(2)).sum::<f32>() / 4e4;
            assert!((got / mean - 1.0).abs() < 0.02 && (var / mean - 1.0).abs() < 0.05);
        }
    }
}
