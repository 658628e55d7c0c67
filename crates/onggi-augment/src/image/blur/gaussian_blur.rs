//! The blur of a lens slightly out of focus.

use crate::image::Border;
use crate::image::base::filter::gaussian;
use crate::image::base::prelude::*;

settings! {
    /// Convolves with a Gaussian of `kernel_size` taps along both axes, its standard deviation drawn
    /// evenly. Beyond the edge the image is mirrored.
    ///
    /// # Differences from torchvision
    /// `kernel_size` is one odd number with a default, 5.
    pub struct GaussianBlur {
        /// Taps, odd.
        kernel_size: usize = 5,
        /// Standard deviation in pixels, `[low, high]`.
        sigma: [f64; 2] = [0.1, 2.0],
    }
}

impl Transform for GaussianBlur {
    /// Standard deviation.
    type Params = f64;

    fn check(&self) -> Result<(), AugmentError> {
        let k = self.kernel_size;
        let holds = k % 2 == 1 && k <= 255;
        require::<Self>(holds, "kernel_size", "is an odd number from 1 to 255", k)?;
        require_range::<Self>(
            self.sigma,
            [0.01, 100.0],
            "sigma",
            "is [low, high] in [0.01, 100]",
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.sigma))
    }

    fn apply(&self, sigma: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let taps = gaussian(self.kernel_size, *sigma);
        Ok(sample.with_image(|image| image.separable(&taps, &taps, Border::Reflect)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"kernel_size": 4}"#,
                "kernel_size is an odd number from 1 to 255, got 4",
            ),
            (
                r#"{"sigma": [0, 1]}"#,
                "sigma is [low, high] in [0.01, 100]",
            ),
        ]
    }
}
