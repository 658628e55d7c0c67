//! Noise of a sensor at high sensitivity: in brightness and in colour.

use crate::image::base::noise::normals;
use crate::image::base::prelude::*;

settings! {
    /// Moves brightness by N(0, intensity · s), s the standard deviation of the image's grey, stronger
    /// in the dark, and colour by N(0, color_shift · intensity) a channel. `p` is 0.5.
    ///
    /// # Differences from Albumentations
    /// Noise of colour is added to red, green and blue, not to the hue; both are normal, not Poisson.
    pub struct IsoNoise {
        /// Spread of the colour, `[low, high]`.
        color_shift: [f64; 2] = [0.01, 0.05],
        /// Strength, `[low, high]`.
        intensity: [f64; 2] = [0.1, 0.5],
    }
}

impl Transform for IsoNoise {
    /// Spread of colour, strength, seed of the noise.
    type Params = (f64, f64, u64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [0, 1]";
        require_range::<Self>(self.color_shift, [0.0, 1.0], "color_shift", rule)?;
        require_range::<Self>(
            self.intensity,
            [0.0, 2.0],
            "intensity",
            "is [low, high] in [0, 2]",
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok((
            rng.uniform(self.color_shift),
            rng.uniform(self.intensity),
            rng.seed(),
        ))
    }

    fn apply(
        &self,
        (color, intensity, seed): &Self::Params,
        sample: Sample,
    ) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            let grey = image.luma();
            let n = grey.len() as f32;
            let mean = grey.iter().sum::<f32>() / n;
            let spread = (grey.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
            let (light, tint) = (
                normals(*seed, 0, grey.len()),
                normals(*seed, 1, grey.len() * 3),
            );
            let strength = *intensity as f32 * spread;
            let tinted = (*color * *intensity) as f32;
            let c = image.channels();
            let moved = if image.has_color() { 3 } else { 1 };
            let mut out = image.fractions();
            for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
                let all = light[i] * strength * (1.0 - grey[i]);
                for (k, v) in pixel[..moved].iter_mut().enumerate() {
                    *v += all + tint[i * 3 + k] * tinted;
                }
            }
            image.with_fractions(&out)
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"intensity": [1, 9]}"#,
            "iso_noise: intensity is [low, high] in [0, 2]",
        )]
    }
}
