//! The image on a larger canvas: small objects out of large ones.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

settings! {
    /// Lays the image at a random place of a canvas `side_range` times as wide and high, the rest
    /// filled. `p` is 0.5.
    ///
    /// # Reference
    /// Liu et al., "SSD: single shot multibox detector", ECCV 2016.
    pub struct RandomZoomOut {
        /// The canvas's value.
        fill: Fill = Fill::All(0.0),
        /// Factor, `[low, high]`, 1 or more.
        side_range: [f64; 2] = [1.0, 4.0],
    }
}

impl Transform for RandomZoomOut {
    type Params = Window;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] between 1 and 16";
        require_range::<Self>(self.side_range, [1.0, 16.0], "side_range", rule)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Window, AugmentError> {
        let size = sample.size();
        let factor = rng.uniform(self.side_range);
        let canvas = size.map(|n| (n as f64 * factor) as usize);
        let mut first = |k: usize| -(rng.below(canvas[k] - size[k] + 1) as i64);
        Ok(Window {
            top: first(0),
            left: first(1),
            size: canvas,
        })
    }

    fn apply(&self, window: &Window, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.window(*window, Border::Constant, &self.fill))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"side_range": [0.5, 2]}"#,
            "side_range is [low, high] between 1 and 16",
        )]
    }
}
