//! A regular grid of square holes.

use super::erase;
use crate::image::Window;
use crate::image::base::prelude::*;

settings! {
    /// Lays a grid over the image at a random place and fills a square in each of its cells. `p` is
    /// 0.5.
    ///
    /// # Reference
    /// Chen et al., "GridMask data augmentation", 2020; without its rotation.
    pub struct GridMask {
        /// Side of a cell as a share of the image's shorter side, `[low, high]`.
        unit_range: [f64; 2] = [0.2, 0.5],
        /// Side of a hole as a share of its cell's.
        ratio: f64 = 0.5,
        /// What fills them.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for GridMask {
    /// Side of a cell, and its first corner (row, column), in pixels.
    type Params = (usize, usize, usize);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [0.01, 1]";
        require_range::<Self>(self.unit_range, [0.01, 1.0], "unit_range", rule)?;
        let r = self.ratio;
        require::<Self>((0.0..=1.0).contains(&r), "ratio", "is in [0, 1]", r)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let [h, w] = sample.size();
        let unit = ((h.min(w) as f64 * rng.uniform(self.unit_range)).round() as usize).max(2);
        Ok((unit, rng.below(unit), rng.below(unit)))
    }

    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let (unit, top, left) = *params;
        let unit = unit.max(2);
        let side = (unit as f64 * self.ratio).round() as usize;
        let [h, w] = sample.size();
        let first = |at: usize| (at % unit) as i64 - unit as i64;
        Ok(sample.with_image(|mut image| {
            for i in (first(top)..h as i64).step_by(unit) {
                for j in (first(left)..w as i64).step_by(unit) {
                    let hole = Window {
                        top: i,
                        left: j,
                        size: [side, side],
                    };
                    image = erase(image, hole, &self.fill);
                }
            }
            image
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(r#"{"ratio": 2}"#, "grid_mask: ratio is in [0, 1], got 2")]
    }
}
