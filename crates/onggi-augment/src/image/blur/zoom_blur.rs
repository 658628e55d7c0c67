//! The streaks of zooming while the shutter is open.

use crate::image::base::map::Map;
use crate::image::base::prelude::*;
use crate::image::base::warp::{Look, warp};
use crate::image::{Border, Interpolation};

settings! {
    /// The mean of the image and of its enlargements about the middle, by 1 + step, 1 + 2 step, …
    /// below the greatest factor. `p` is 0.5.
    ///
    /// # Reference
    /// Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    /// perturbations", ICLR 2019.
    pub struct ZoomBlur {
        /// Greatest factor, `[low, high]`.
        max_factor: [f64; 2] = [1.0, 1.31],
        /// Step, `[low, high]`.
        step_factor: [f64; 2] = [0.01, 0.03],
    }
}

impl Transform for ZoomBlur {
    /// Greatest factor and step.
    type Params = (f64, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [1, 3]";
        require_range::<Self>(self.max_factor, [1.0, 3.0], "max_factor", rule)?;
        let rule = "is [low, high] in [0.005, 1]";
        require_range::<Self>(self.step_factor, [0.005, 1.0], "step_factor", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, f64), AugmentError> {
        Ok((rng.uniform(self.max_factor), rng.uniform(self.step_factor)))
    }

    fn apply(&self, (most, step): &(f64, f64), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| zoom(&image, *most, *step)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"step_factor": [0, 1]}"#,
            "step_factor is [low, high] in [0.005, 1]",
        )]
    }
}

/// The mean of the image and of its enlargements by factors below `most`.
pub(crate) fn zoom(image: &Image, most: f64, step: f64) -> Image {
    let mut sum = image.fractions();
    let mut count = 1.0f32;
    let exact = image.with(Pixels::F32(sum.clone()));
    let [h, w] = image.size();
    let (x, y) = (w as f64 / 2.0, h as f64 / 2.0);
    let look = Look {
        interpolation: Interpolation::Bilinear,
        border: Border::Edge,
        fill: &Fill::All(0.0),
    };
    let mut k = 1.0;
    while 1.0 + k * step < most && k < 400.0 {
        let f = 1.0 + k * step;
        let map = Map::matrix([f, 0.0, x - f * x, 0.0, f, y - f * y, 0.0, 0.0, 1.0]);
        if let Some(Pixels::F32(p)) = map.map(|m| warp(&exact, &m, [h, w], look).into_pixels()) {
            sum.iter_mut().zip(p).for_each(|(s, v)| *s += v);
            count += 1.0;
        }
        k += 1.0;
    }
    sum.iter_mut().for_each(|s| *s /= count);
    image.with_fractions(&sum)
}
