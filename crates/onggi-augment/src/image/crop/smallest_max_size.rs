//! The shorter side to a fixed length.

use super::scaled;
use crate::image::Interpolation;
use crate::image::base::prelude::*;

settings! {
    /// Resizes so that the shorter side is `max_size`, the aspect ratio kept. The longer side stays
    /// at or below 65,536 pixels.
    pub struct SmallestMaxSize {
        /// Pixels.
        max_size: usize = 1024,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
    }
}

impl Transform for SmallestMaxSize {
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
        let factor = self.max_size as f64 / h.min(w) as f64;
        let size = [scaled(h, factor), scaled(w, factor)];
        Ok(sample.resize(size, self.interpolation, true))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            max_size: 6,
            ..Self::default()
        }
    }
}
