//! The mean of a square.

use super::{draw_odd, require_odd};
use crate::image::Border;
use crate::image::base::prelude::*;

settings! {
    /// Every pixel becomes the mean of the square around it, its side drawn evenly. `p` is 0.5.
    pub struct Blur {
        /// Side in pixels, odd, `[low, high]`.
        blur_limit: [usize; 2] = [3, 7],
    }
}

impl Transform for Blur {
    /// Side of the square.
    type Params = usize;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require_odd::<Self>(self.blur_limit)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<usize, AugmentError> {
        Ok(draw_odd(self.blur_limit, rng))
    }

    fn apply(&self, side: &usize, sample: Sample) -> Result<Sample, AugmentError> {
        let side = (*side).clamp(1, 255) | 1;
        let taps = vec![1.0 / side as f32; side];
        Ok(sample.with_image(|image| image.separable(&taps, &taps, Border::Reflect)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"blur_limit": [2, 5]}"#,
            "blur: blur_limit is [low, high] of odd numbers",
        )]
    }
}
