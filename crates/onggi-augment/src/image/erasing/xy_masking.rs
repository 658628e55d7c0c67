//! Bands across and along the image, as for spectrograms.

use super::erase;
use crate::image::Window;
use crate::image::base::prelude::*;

settings! {
    /// Fills columns and rows in bands of random width at random places. `p` is 0.5.
    ///
    /// # Reference
    /// Park et al., "SpecAugment", Interspeech 2019.
    pub struct XYMasking {
        /// Number of bands of columns, `[least, most]`.
        num_masks_x: [usize; 2] = [1, 1],
        /// Number of bands of rows, `[least, most]`.
        num_masks_y: [usize; 2] = [1, 1],
        /// Width of a band of columns as a share of the width, `[low, high]`.
        mask_x_length: [f64; 2] = [0.0, 0.1],
        /// Height of a band of rows as a share of the height, `[low, high]`.
        mask_y_length: [f64; 2] = [0.0, 0.1],
        /// What fills them.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for XYMasking {
    /// The bands.
    type Params = Vec<Window>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        for (name, [low, high]) in [
            ("num_masks_x", self.num_masks_x),
            ("num_masks_y", self.num_masks_y),
        ] {
            let rule = "is [least, most] with least ≤ most ≤ 10000";
            require::<Self>(low <= high && high <= 10_000, name, rule, [low, high])?;
        }
        let rule = "is [low, high] in [0, 1]";
        require_range::<Self>(self.mask_x_length, [0.0, 1.0], "mask_x_length", rule)?;
        require_range::<Self>(self.mask_y_length, [0.0, 1.0], "mask_y_length", rule)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Vec<Window>, AugmentError> {
        let [h, w] = sample.size();
        let mut all = Vec::new();
        let band = |n: usize, share, rng: &mut Draw| {
            let length = (n as f64 * rng.uniform(share)).round() as usize;
            (rng.below(n - length.min(n) + 1) as i64, length.min(n))
        };
        for _ in 0..rng.between(self.num_masks_x) {
            let (left, width) = band(w, self.mask_x_length, rng);
            let size = [h, width];
            all.push(Window { top: 0, left, size });
        }
        for _ in 0..rng.between(self.num_masks_y) {
            let (top, height) = band(h, self.mask_y_length, rng);
            let size = [height, w];
            all.push(Window { top, left: 0, size });
        }
        Ok(all)
    }

    fn apply(&self, bands: &Vec<Window>, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| bands.iter().fold(image, |i, w| erase(i, *w, &self.fill))))
    }
}
