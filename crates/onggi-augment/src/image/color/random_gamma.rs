//! A power of the brightness.

use crate::image::base::prelude::*;

settings! {
    /// `y = x^γ`, γ drawn evenly. `p` is 0.5.
    ///
    /// # Differences from Albumentations
    /// γ itself, not in percent.
    pub struct RandomGamma {
        /// γ, `[low, high]`.
        gamma_limit: [f64; 2] = [0.8, 1.2],
    }
}

impl Transform for RandomGamma {
    /// γ.
    type Params = f64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] between 0.01 and 100";
        require_range::<Self>(self.gamma_limit, [0.01, 100.0], "gamma_limit", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.gamma_limit))
    }

    fn apply(&self, gamma: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let g = *gamma as f32;
        Ok(sample.with_image(|image| image.map_values(|v| v.max(0.0).powf(g))))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"gamma_limit": [0, 1]}"#,
            "gamma_limit is [low, high] between 0.01 and 100",
        )]
    }
}
