//! A random size.

use super::scaled;
use crate::image::Interpolation;
use crate::image::base::prelude::*;

settings! {
    /// Resizes until the image fits `target_size` times a factor drawn evenly, the aspect ratio kept.
    ///
    /// # Reference
    /// Ghiasi et al., "Simple copy-paste is a strong data augmentation method", CVPR 2021.
    pub struct ScaleJitter {
        /// `[height, width]`; has to be given.
        target_size: [usize; 2] = [0, 0],
        /// Factor, `[low, high]`.
        scale_range: [f64; 2] = [0.1, 2.0],
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
    }
}

impl Transform for ScaleJitter {
    /// The factor.
    type Params = f64;

    fn check(&self) -> Result<(), AugmentError> {
        let holds = self.target_size.iter().all(|n| (1..=16_384).contains(n));
        let rule = "is [height, width] of 1 to 16384 pixels each";
        require::<Self>(holds, "target_size", rule, self.target_size)?;
        let rule = "is [low, high] between 0.001 and 4";
        require_range::<Self>(self.scale_range, [0.001, 4.0], "scale_range", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.scale_range))
    }

    fn apply(&self, factor: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let [h, w] = sample.size();
        let [to_h, to_w] = self.target_size;
        let factor = factor * (to_h as f64 / h as f64).min(to_w as f64 / w as f64);
        let size = [scaled(h, factor), scaled(w, factor)];
        Ok(sample.resize(size, self.interpolation, true))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            target_size: [12, 10],
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            "{}",
            "scale_jitter: target_size is [height, width] of 1 to 16384 pixels each",
        )]
    }
}
