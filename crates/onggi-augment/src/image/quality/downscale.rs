//! Detail lost to a smaller size.

use crate::image::Interpolation;
use crate::image::base::prelude::*;
use crate::image::base::resample::resize;

settings! {
    /// Shrinks the image by a factor drawn evenly, and brings it back to its size with every pixel a
    /// rectangle. `p` is 0.5.
    pub struct Downscale {
        /// Factor, `[low, high]`, above 0 and at most 1.
        scale_range: [f64; 2] = [0.25, 0.25],
    }
}

impl Transform for Downscale {
    /// Factor.
    type Params = f64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [0.01, 1]";
        require_range::<Self>(self.scale_range, [0.01, 1.0], "scale_range", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.scale_range))
    }

    fn apply(&self, factor: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| pixelate(&image, *factor)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"scale_range": [0, 1]}"#,
            "scale_range is [low, high] in [0.01, 1]",
        )]
    }
}

/// Smaller by `factor`, and back.
pub(crate) fn pixelate(image: &Image, factor: f64) -> Image {
    let small = image
        .size()
        .map(|n| ((n as f64 * factor) as usize).clamp(1, n));
    let small = resize(image, small, Interpolation::Bilinear, true);
    resize(&small, image.size(), Interpolation::Nearest, false)
}
