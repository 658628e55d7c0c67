//! The longer side to a fixed length.

use super::scaled;
use crate::image::Interpolation;
use crate::image::base::prelude::*;

settings! {
    /// Resizes so that the longer side is `max_size`, the aspect ratio kept.
    pub struct LongestMaxSize {
        /// Pixels.
        max_size: usize = 1024,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
    }
}

impl Transform for LongestMaxSize {
    type Params = ();

    fn check(&self) -> Result<(), AugmentError> {
        let n = self.max_size;
        require::<Self>(
            (1..=16_384).contains(&n),
            "max_size",
            "is 1 to 16384 pixels",
            n,
        )
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        let [h, w] = sample.size();
        let factor = self.max_size as f64 / h.max(w) as f64;
        let size = [scaled(h, factor), scaled(w, factor)];
        Ok(sample.resize(size, self.interpolation, true))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            max_size: 20,
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"max_size": 0}"#,
            "longest_max_size: max_size is 1 to 16384 pixels, got 0",
        )]
    }
}
