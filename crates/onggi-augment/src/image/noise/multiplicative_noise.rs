//! Every value times a number near 1.

use crate::image::base::noise::uniforms;
use crate::image::base::prelude::*;

settings! {
    /// Multiplies by a number drawn evenly: one for the image, one a channel, one a pixel, or one a
    /// value. `p` is 0.5.
    pub struct MultiplicativeNoise {
        /// Factor, `[low, high]`.
        multiplier: [f64; 2] = [0.9, 1.1],
        /// Whether channels differ.
        per_channel: bool = false,
        /// Whether pixels differ.
        elementwise: bool = false,
    }
}

impl Transform for MultiplicativeNoise {
    /// Seed of the factors.
    type Params = u64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [0, 100]";
        require_range::<Self>(self.multiplier, [0.0, 100.0], "multiplier", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        let [low, high] = self.multiplier.map(|m| m as f32);
        Ok(sample.with_image(|image| {
            let c = image.channels();
            let channels = if self.per_channel { c } else { 1 };
            let pixels = if self.elementwise {
                image.height() * image.width()
            } else {
                1
            };
            let factors = uniforms(*seed, 0, channels * pixels);
            let factor = |i: usize| low + (high - low) * factors[i];
            if !self.elementwise {
                return image.map_channels(!self.per_channel, |k, v| v * factor(k % channels));
            }
            let mut out = image.fractions();
            for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
                for (k, v) in pixel.iter_mut().enumerate() {
                    *v *= factor(i * channels + k % channels);
                }
            }
            image.with_fractions(&out)
        }))
    }

    #[cfg(test)]
    fn example(h: usize, _: usize, c: usize) -> Self {
        Self {
            per_channel: c > 1,
            elementwise: h > 1,
            ..Self::default()
        }
    }
}
