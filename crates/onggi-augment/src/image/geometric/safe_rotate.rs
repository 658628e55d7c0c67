//! A turn that keeps every corner in the picture.

use super::matrix::{centre, product, shift, stretch, turn};
use crate::image::base::map::Map;
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Turns the image counter-clockwise about its centre and shrinks it along both axes until it
    /// fits its old size again: no box or keypoint is lost. `p` is 0.5.
    pub struct SafeRotate {
        /// Degrees: to either side, or `[low, high]`.
        limit: Spread = Spread::Width(90.0),
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for SafeRotate {
    /// Degrees.
    type Params = f64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is an angle, or [low, high] with low ≤ high, between -360 and 360";
        require_range::<Self>(self.limit.around(0.0), [-360.0, 360.0], "limit", rule)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.limit.around(0.0)))
    }

    fn apply(&self, angle: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let size = sample.size();
        let [x, y] = centre(size);
        let (s, c) = angle.to_radians().sin_cos();
        let (s, c) = (s.abs(), c.abs());
        let fit = stretch(x / (x * c + y * s), y / (x * s + y * c));
        let forward = product(
            shift(x, y),
            product(fit, product(turn(*angle), shift(-x, -y))),
        );
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn nothing_is_lost() {
        for angle in [10.0, 45.0, 80.0, 135.0] {
            let y = SafeRotate::default()
                .apply(&angle, sample(20, 50, 1))
                .unwrap();
            assert_eq!((y.boxes.len(), y.keypoints.len()), (2, 3));
            assert!(y.boxes.iter().all(|b| b.visibility > 0.999_999));
        }
    }
}
