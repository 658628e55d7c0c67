//! Turns by a random angle.

use super::matrix::{about, centre, product, shift, turn};
use crate::image::base::map::Map;
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Turns the image by an angle drawn evenly, counter-clockwise, about `center`.
    ///
    /// # Differences from torchvision
    /// `degrees` has a default, 30; `interpolation` is bilinear; boxes and keypoints follow.
    pub struct RandomRotation {
        /// Degrees: to either side, or `[low, high]`.
        degrees: Spread = Spread::Width(30.0),
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// Whether the image grows to hold all of the turned one.
        expand: bool = false,
        /// `[x, y]` in pixels; the middle where it is not given. Not together with `expand`.
        center: Option<[f64; 2]> = None,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for RandomRotation {
    /// Degrees, counter-clockwise.
    type Params = f64;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is an angle, or [low, high] with low ≤ high, between -360 and 360";
        require_range::<Self>(self.degrees.around(0.0), [-360.0, 360.0], "degrees", rule)?;
        let alone = !(self.expand && self.center.is_some());
        require::<Self>(alone, "center", "cannot be given with expand", self.center)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.degrees.around(0.0)))
    }

    fn apply(&self, angle: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let [x, y] = self.center.unwrap_or(centre(sample.size()));
        let mut forward = about(x, y, turn(*angle));
        let mut size = sample.size();
        if self.expand {
            size = expanded(size, *angle);
            let [nx, ny] = centre(size);
            forward = product(shift(nx - x, ny - y), forward);
        }
        let look = Look {
            interpolation: self.interpolation,
            border: self.border,
            fill: &self.fill,
        };
        Ok(match Map::matrix(forward) {
            Some(map) => sample.warp(&map, size, look),
            None => sample,
        })
    }

    #[cfg(test)]
    fn example(h: usize, _: usize, _: usize) -> Self {
        Self {
            expand: h > 9,
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"degrees": [10, -10]}"#,
                "random_rotation: degrees is an angle",
            ),
            (
                r#"{"expand": true, "center": [0, 0]}"#,
                "center cannot be given with expand",
            ),
        ]
    }
}

/// The size that holds the turned image; a ten-thousandth of a pixel over is not counted.
fn expanded([h, w]: [usize; 2], degrees: f64) -> [usize; 2] {
    let (s, c) = degrees.to_radians().sin_cos();
    let (h, w) = (h as f64, w as f64);
    let whole = |half: f64| 2.0 * ((half * 1e4).trunc() / 1e4).ceil();
    let side = |a: f64, b: f64| whole((a.abs() + b.abs()) / 2.0).max(1.0) as usize;
    [side(w * s, h * c), side(w * c, h * s)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn ninety_degrees_are_a_quarter_turn() {
        let rotation = RandomRotation::default();
        let x = sample(8, 8, 3);
        let y = rotation.apply(&90.0, x.clone()).unwrap();
        let want = x.quarter_turns(1);
        assert_eq!(y.image, want.image);
        assert_eq!(y.masks, want.masks);
        for (a, b) in y.boxes.iter().zip(&want.boxes) {
            a.xyxy
                .iter()
                .zip(b.xyxy)
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-9));
        }
    }

    #[test]
    fn expand_holds_the_whole_image() {
        assert_eq!(expanded([10, 20], 90.0), [20, 10]);
        assert_eq!(expanded([10, 10], 45.0), [16, 16]);
    }
}
