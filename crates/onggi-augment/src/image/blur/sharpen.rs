//! Edges raised by a Laplacian.

use crate::image::Border;
use crate::image::base::prelude::*;

settings! {
    /// Blends the image with its convolution by 8 + lightness in the middle and −1 around it. `p` is
    /// 0.5.
    pub struct Sharpen {
        /// Share of the convolution, `[low, high]`.
        alpha: [f64; 2] = [0.2, 0.5],
        /// What the middle weighs beyond 8, `[low, high]`.
        lightness: [f64; 2] = [0.5, 1.0],
    }
}

impl Transform for Sharpen {
    /// Share and lightness.
    type Params = (f64, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require_range::<Self>(self.alpha, [0.0, 1.0], "alpha", "is [low, high] in [0, 1]")?;
        let rule = "is [low, high] in [0, 10]";
        require_range::<Self>(self.lightness, [0.0, 10.0], "lightness", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, f64), AugmentError> {
        Ok((rng.uniform(self.alpha), rng.uniform(self.lightness)))
    }

    fn apply(&self, (a, light): &(f64, f64), sample: Sample) -> Result<Sample, AugmentError> {
        let mut kernel = [-*a as f32; 9];
        kernel[4] = (1.0 - a + a * (8.0 + light)) as f32;
        Ok(sample.with_image(|image| image.convolve(&kernel, [3, 3], 0.0, Border::Reflect)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"alpha": [0, 2]}"#,
            "sharpen: alpha is [low, high] in [0, 1]",
        )]
    }
}
