//! A window of random area and shape, stretched to a fixed size: the standard first step in training
//! on photographs.

use crate::image::base::prelude::*;
use crate::image::{Interpolation, Window};

settings! {
    /// Cuts a window whose share of the area and aspect ratio (width / height, drawn on a
    /// logarithmic scale) lie in the ranges, and stretches it to `size`. After ten tries that do not
    /// fit the largest centred window of a permitted ratio is taken.
    ///
    /// # Reference
    /// Szegedy et al., "Going deeper with convolutions", CVPR 2015.
    pub struct RandomResizedCrop {
        /// `[height, width]`; has to be given.
        size: [usize; 2] = [0, 0],
        /// Share of the area, `[low, high]`.
        scale: [f64; 2] = [0.08, 1.0],
        /// Width / height, `[low, high]`.
        ratio: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0],
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// Whether the filter is widened where the window shrinks.
        antialias: bool = true,
    }
}

impl Transform for RandomResizedCrop {
    type Params = Window;

    fn check(&self) -> Result<(), AugmentError> {
        require_size::<Self>(self.size)?;
        let rule = "is [low, high] with 0 ≤ low ≤ high ≤ 1";
        require_range::<Self>(self.scale, [0.0, 1.0], "scale", rule)?;
        let rule = "is [low, high] with 0.001 ≤ low ≤ high ≤ 1000";
        require_range::<Self>(self.ratio, [0.001, 1000.0], "ratio", rule)
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Window, AugmentError> {
        let [h, w] = sample.size();
        let (height, width) = (h as f64, w as f64);
        for _ in 0..10 {
            let area = height * width * rng.uniform(self.scale);
            let ratio = rng.uniform(self.ratio.map(f64::ln)).exp();
            let size = [(area / ratio).sqrt(), (area * ratio).sqrt()];
            let [crop_h, crop_w] = size.map(|n| n.round_ties_even() as usize);
            if (1..=h).contains(&crop_h) && (1..=w).contains(&crop_w) {
                return Ok(Window {
                    top: rng.below(h - crop_h + 1) as i64,
                    left: rng.below(w - crop_w + 1) as i64,
                    size: [crop_h, crop_w],
                });
            }
        }
        let ratio = (width / height).clamp(self.ratio[0], self.ratio[1]);
        let size = if ratio > width / height {
            [((width / ratio).round_ties_even() as usize).clamp(1, h), w]
        } else {
            [h, ((height * ratio).round_ties_even() as usize).clamp(1, w)]
        };
        Ok(Window {
            top: ((h - size[0]) / 2) as i64,
            left: ((w - size[1]) / 2) as i64,
            size,
        })
    }

    fn apply(&self, window: &Window, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.resize_window(*window, self.size, self.interpolation, self.antialias))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            size: [12, 10],
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"size": [9, 9], "scale": [0.5, 0.1]}"#,
                "scale is [low, high]",
            ),
            (
                r#"{"size": [9, 9], "ratio": [0, 1]}"#,
                "ratio is [low, high]",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn windows_lie_inside_and_have_area_and_ratio() {
        let crop = RandomResizedCrop::default();
        let x = picture(60, 80, 1).into();
        for index in 0..300 {
            let window = crop.draw(&x, &mut Draw::new(2, 0, index)).unwrap();
            let [h, w] = window.size;
            assert!(window.top as usize + h <= 60 && window.left as usize + w <= 80);
            let (area, ratio) = ((h * w) as f64 / 4800.0, w as f64 / h as f64);
            assert!((0.07..=1.0).contains(&area) && (0.7..1.42).contains(&ratio));
        }
        let strip = picture(1, 80, 1).into();
        let window = crop.draw(&strip, &mut Draw::new(2, 0, 0)).unwrap();
        assert_eq!(window.size, [1, 1]);
    }
}
