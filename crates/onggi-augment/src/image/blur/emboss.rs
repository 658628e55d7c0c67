//! A relief lit from one corner.

use crate::image::Border;
use crate::image::base::prelude::*;

settings! {
    /// Blends the image with its relief along the diagonal. `p` is 0.5.
    pub struct Emboss {
        /// Share of the relief, `[low, high]`.
        alpha: [f64; 2] = [0.2, 0.5],
        /// Strength, `[low, high]`.
        strength: [f64; 2] = [0.2, 0.7],
    }
}

impl Transform for Emboss {
    /// Share and strength.
    type Params = (f64, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require_range::<Self>(self.alpha, [0.0, 1.0], "alpha", "is [low, high] in [0, 1]")?;
        let rule = "is [low, high] in [0, 10]";
        require_range::<Self>(self.strength, [0.0, 10.0], "strength", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, f64), AugmentError> {
        Ok((rng.uniform(self.alpha), rng.uniform(self.strength)))
    }

    fn apply(&self, (a, s): &(f64, f64), sample: Sample) -> Result<Sample, AugmentError> {
        let relief = [-1.0 - s, -s, 0.0, -s, 1.0, *s, 0.0, *s, 1.0 + s];
        let mut kernel = relief.map(|v| (v * a) as f32);
        kernel[4] += (1.0 - a) as f32;
        Ok(sample.with_image(|image| image.convolve(&kernel, [3, 3], 0.0, Border::Reflect)))
    }
}
