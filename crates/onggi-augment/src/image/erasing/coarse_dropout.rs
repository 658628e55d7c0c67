//! Several rectangular holes.

use super::erase;
use crate::image::Window;
use crate::image::base::prelude::*;

settings! {
    /// Fills rectangles that lie inside the image. `p` is 0.5.
    pub struct CoarseDropout {
        /// Number of holes, `[least, most]`.
        num_holes_range: [usize; 2] = [1, 2],
        /// Height as a share of the image's, `[low, high]`.
        hole_height_range: [f64; 2] = [0.1, 0.2],
        /// Width as a share of the image's, `[low, high]`.
        hole_width_range: [f64; 2] = [0.1, 0.2],
        /// What fills them.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for CoarseDropout {
    /// The holes.
    type Params = Vec<Window>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let [low, high] = self.num_holes_range;
        let rule = "is [least, most] with least ≤ most ≤ 10000";
        require::<Self>(
            low <= high && high <= 10_000,
            "num_holes_range",
            rule,
            [low, high],
        )?;
        let rule = "is [low, high] in [0, 1]";
        require_range::<Self>(
            self.hole_height_range,
            [0.0, 1.0],
            "hole_height_range",
            rule,
        )?;
        require_range::<Self>(self.hole_width_range, [0.0, 1.0], "hole_width_range", rule)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Vec<Window>, AugmentError> {
        let [h, w] = sample.size();
        let count = rng.between(self.num_holes_range);
        let hole = |_| {
            let mut side = |n: usize, range| ((n as f64 * rng.uniform(range)) as usize).clamp(1, n);
            let size = [
                side(h, self.hole_height_range),
                side(w, self.hole_width_range),
            ];
            Window {
                top: rng.below(h - size[0] + 1) as i64,
                left: rng.below(w - size[1] + 1) as i64,
                size,
            }
        };
        Ok((0..count).map(hole).collect())
    }

    fn apply(&self, holes: &Vec<Window>, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| holes.iter().fold(image, |i, w| erase(i, *w, &self.fill))))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"num_holes_range": [3, 2]}"#,
            "num_holes_range is [least, most]",
        )]
    }
}
