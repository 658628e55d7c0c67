//! Snow on the ground: the dark parts bleached.

use crate::image::base::prelude::*;

settings! {
    /// Multiplies pixels darker than a threshold drawn evenly. `p` is 0.5.
    ///
    /// # Differences from Albumentations
    /// Darkness is grey, not lightness of HLS. Falling snow is a [`Corruption`](super::Corruption).
    pub struct RandomSnow {
        /// Threshold of grey, fraction, `[low, high]`.
        snow_point_range: [f64; 2] = [0.38, 0.48],
        /// Factor.
        brightness_coeff: f64 = 2.5,
    }
}

impl Transform for RandomSnow {
    /// Threshold.
    type Params = f64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [0, 1]";
        require_range::<Self>(self.snow_point_range, [0.0, 1.0], "snow_point_range", rule)?;
        let b = self.brightness_coeff;
        require::<Self>(
            (0.0..=100.0).contains(&b),
            "brightness_coeff",
            "is in [0, 100]",
            b,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.snow_point_range))
    }

    fn apply(&self, point: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let (point, factor) = (*point as f32, self.brightness_coeff as f32);
        Ok(sample.with_image(|image| {
            let (grey, c) = (image.luma(), image.channels());
            let mut out = image.fractions();
            for (pixel, grey) in out.chunks_exact_mut(c).zip(grey) {
                if grey < point {
                    pixel.iter_mut().for_each(|v| *v *= factor);
                }
            }
            image.with_fractions(&out)
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"brightness_coeff": -1}"#,
            "brightness_coeff is in [0, 100], got -1",
        )]
    }
}
