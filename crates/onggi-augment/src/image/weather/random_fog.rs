//! Fog.

use super::fog;
use crate::image::base::prelude::*;

settings! {
    /// Lays a random cloud over the image. `p` is 0.5.
    pub struct RandomFog {
        /// Density, `[low, high]`; 1 is as bright as white.
        density: [f64; 2] = [0.3, 1.0],
        /// How smooth the cloud is: above 1, smoother the greater.
        smoothness: f64 = 2.0,
    }
}

impl Transform for RandomFog {
    /// Density, and seed of the cloud.
    type Params = (f64, u64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require_range::<Self>(
            self.density,
            [0.0, 10.0],
            "density",
            "is [low, high] in [0, 10]",
        )?;
        let s = self.smoothness;
        require::<Self>((1.0..=10.0).contains(&s), "smoothness", "is in [1, 10]", s)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, u64), AugmentError> {
        Ok((rng.uniform(self.density), rng.seed()))
    }

    fn apply(&self, (density, seed): &(f64, u64), sample: Sample) -> Result<Sample, AugmentError> {
        let smooth = self.smoothness as f32;
        Ok(sample.with_image(|image| fog(&image, *density as f32, smooth, *seed)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"smoothness": 0.5}"#,
            "random_fog: smoothness is in [1, 10], got 0.5",
        )]
    }
}
