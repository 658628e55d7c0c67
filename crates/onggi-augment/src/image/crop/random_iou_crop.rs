//! A crop that keeps a drawn overlap with some box: the crop of SSD.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

settings! {
    /// Draws a least overlap (IoU) and then windows until one holds the centre of some box and
    /// overlaps with one of them that much. Boxes whose centre lies outside are dropped. Least
    /// overlaps of 1 and more leave the image as it is, and so does a sample without boxes.
    ///
    /// # Reference
    /// Liu et al., "SSD: single shot multibox detector", ECCV 2016.
    ///
    /// # Differences from torchvision
    /// After 50 rounds without a window the image is left as it is, where torchvision goes on.
    pub struct RandomIoUCrop {
        /// Least share of width and of height.
        min_scale: f64 = 0.3,
        /// Greatest share of width and of height.
        max_scale: f64 = 1.0,
        /// Width / height of the window, `[low, high]`.
        aspect_ratio: [f64; 2] = [0.5, 2.0],
        /// Least overlaps to draw from.
        sampler_options: Vec<f64> = vec![0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0],
        /// Windows tried a round.
        trials: usize = 40,
    }
}

impl Transform for RandomIoUCrop {
    type Params = Option<Window>;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is between 0 and max_scale, which is at most 1";
        let range = [self.min_scale, self.max_scale];
        require_range::<Self>(range, [0.0, 1.0], "min_scale", rule)?;
        let rule = "is [low, high] between 0.001 and 1000";
        require_range::<Self>(self.aspect_ratio, [0.001, 1000.0], "aspect_ratio", rule)?;
        let n = self.sampler_options.len();
        require::<Self>(n > 0, "sampler_options", "needs at least one overlap", n)?;
        require::<Self>(
            self.trials <= 1000,
            "trials",
            "is at most 1000",
            self.trials,
        )
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Option<Window>, AugmentError> {
        let [h, w] = sample.size().map(|n| n as f64);
        if sample.boxes.is_empty() {
            return Ok(None);
        }
        for _ in 0..50 {
            let least = self.sampler_options[rng.below(self.sampler_options.len())];
            if least >= 1.0 {
                return Ok(None);
            }
            for _ in 0..self.trials {
                let mut share = || rng.uniform([self.min_scale, self.max_scale]);
                let (new_w, new_h) = ((w * share()).floor(), (h * share()).floor());
                let fits = (self.aspect_ratio[0]..=self.aspect_ratio[1]).contains(&(new_w / new_h));
                let left = ((w - new_w) * rng.uniform([0.0, 1.0])).floor();
                let top = ((h - new_h) * rng.uniform([0.0, 1.0])).floor();
                let window = [left, top, left + new_w, top + new_h];
                if !fits || new_w < 1.0 || new_h < 1.0 {
                    continue;
                }
                let mut held = sample
                    .boxes
                    .iter()
                    .filter(|b| holds(window, b.xyxy))
                    .peekable();
                if held.peek().is_some() && held.any(|b| b.iou(window) >= least) {
                    return Ok(Some(Window {
                        top: top as i64,
                        left: left as i64,
                        size: [new_h as usize, new_w as usize],
                    }));
                }
            }
        }
        Ok(None)
    }

    fn apply(&self, window: &Option<Window>, mut sample: Sample) -> Result<Sample, AugmentError> {
        let Some(window) = window else {
            return Ok(sample);
        };
        let (l, t) = (window.left as f64, window.top as f64);
        let edges = [l, t, l + window.size[1] as f64, t + window.size[0] as f64];
        sample.boxes.retain(|b| holds(edges, b.xyxy));
        Ok(sample.window(*window, Border::Edge, &Fill::All(0.0)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"sampler_options": []}"#,
                "sampler_options needs at least one overlap",
            ),
            (
                r#"{"min_scale": 2}"#,
                "min_scale is between 0 and max_scale",
            ),
        ]
    }
}

/// Whether the centre of a box lies in the window.
fn holds([l, t, r, b]: [f64; 4], xyxy: [f64; 4]) -> bool {
    let (x, y) = ((xyxy[0] + xyxy[2]) / 2.0, (xyxy[1] + xyxy[3]) / 2.0);
    l < x && x < r && t < y && y < b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn a_crop_keeps_a_box() {
        let crop = RandomIoUCrop::default();
        let mut cropped = 0;
        for index in 0..60 {
            let x = sample(40, 50, 1);
            let window = crop.draw(&x, &mut Draw::new(0, 0, index)).unwrap();
            cropped += usize::from(window.is_some());
            assert!(!crop.apply(&window, x).unwrap().boxes.is_empty());
        }
        assert!(cropped > 20, "{cropped}");
    }
}
