//! A crop that keeps every box whole.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

settings! {
    /// Cuts a random window that holds all boxes; without boxes, any window of at least half the
    /// height and width.
    pub struct BBoxSafeRandomCrop {
        /// Share by which the part to be kept is made smaller first, in `[0, 1]`.
        erosion_rate: f64 = 0.0,
    }
}

impl Transform for BBoxSafeRandomCrop {
    type Params = Window;

    fn check(&self) -> Result<(), AugmentError> {
        let e = self.erosion_rate;
        require::<Self>((0.0..=1.0).contains(&e), "erosion_rate", "is in [0, 1]", e)
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Window, AugmentError> {
        let [h, w] = sample.size();
        let around = sample.boxes.iter().map(|b| b.xyxy).reduce(|a, b| {
            [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[2].max(b[2]),
                a[3].max(b[3]),
            ]
        });
        // First and last pixel to be kept along an axis, drawn where there is no box.
        let mut axis = |n: usize, kept: Option<[f64; 2]>| {
            let [low, high] = match kept {
                Some([low, high]) => {
                    let cut = (high - low) * self.erosion_rate / 2.0;
                    [low + cut, high - cut]
                }
                None => {
                    let half = n as f64 / 2.0;
                    let low = rng.uniform([0.0, half]);
                    [low, low + half]
                }
            };
            let low = (low.floor().max(0.0) as usize).min(n - 1);
            let high = (high.ceil().max(0.0) as usize).clamp(low + 1, n);
            let first = rng.between([0, low]);
            (first, rng.between([high, n]) - first)
        };
        let (left, width) = axis(w, around.map(|b| [b[0], b[2]]));
        let (top, height) = axis(h, around.map(|b| [b[1], b[3]]));
        Ok(Window {
            top: top as i64,
            left: left as i64,
            size: [height, width],
        })
    }

    fn apply(&self, window: &Window, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.window(*window, Border::Edge, &Fill::All(0.0)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(r#"{"erosion_rate": 2}"#, "erosion_rate is in [0, 1], got 2")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn boxes_stay_whole() {
        let mut x = sample(30, 40, 1);
        x.boxes.remove(0);
        let area = x.boxes[0].area();
        let crop = BBoxSafeRandomCrop::default();
        for index in 0..50 {
            let window = crop.draw(&x, &mut Draw::new(0, 0, index)).unwrap();
            let y = crop.apply(&window, x.clone()).unwrap();
            assert!((y.boxes[0].area() - area).abs() < 1e-9);
        }
    }
}
