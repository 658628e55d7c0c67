//! A look at the image from another place.

use crate::image::base::linear::solve;
use crate::image::base::map::Map;
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Moves each corner inwards by a whole number of pixels drawn evenly, and the image with them,
    /// straight lines staying straight. `p` is 0.5.
    pub struct RandomPerspective {
        /// Greatest move as a share of half the width and height, in `[0, 1]`.
        distortion_scale: f64 = 0.5,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for RandomPerspective {
    /// Where the corners go, `[x, y]`: top left, top right, bottom right, bottom left.
    type Params = [[f64; 2]; 4];

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let d = self.distortion_scale;
        require::<Self>(
            (0.0..=1.0).contains(&d),
            "distortion_scale",
            "is in [0, 1]",
            d,
        )?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let [h, w] = sample.size();
        let reach = |n: usize| (self.distortion_scale * (n / 2) as f64) as usize;
        let (dx, dy) = (reach(w), reach(h));
        let mut corner = |right: bool, low: bool| {
            let (x, y) = (rng.between([0, dx]), rng.between([0, dy]));
            let x = if right { w - 1 - x.min(w - 1) } else { x };
            let y = if low { h - 1 - y.min(h - 1) } else { y };
            [x as f64, y as f64]
        };
        Ok([
            corner(false, false),
            corner(true, false),
            corner(true, true),
            corner(false, true),
        ])
    }

    fn apply(&self, corners: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let size = sample.size();
        let look = Look {
            interpolation: self.interpolation,
            border: self.border,
            fill: &self.fill,
        };
        let [r, b] = [size[1] as f64 - 1.0, size[0] as f64 - 1.0];
        let from = [[0.0, 0.0], [r, 0.0], [r, b], [0.0, b]];
        // Corners in a line, as on an image one pixel wide, have no such map.
        Ok(match between(from, *corners).and_then(Map::matrix) {
            Some(map) => sample.warp(&map, size, look),
            None => sample,
        })
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"distortion_scale": 2}"#,
            "distortion_scale is in [0, 1], got 2",
        )]
    }
}

/// The matrix that sends four points to four others.
fn between(from: [[f64; 2]; 4], to: [[f64; 2]; 4]) -> Option<[f64; 9]> {
    let (mut a, mut b) = (Vec::with_capacity(64), Vec::with_capacity(8));
    for ([x, y], [u, v]) in from.into_iter().zip(to) {
        a.extend([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y]);
        a.extend([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y]);
        b.extend([u, v]);
    }
    let m = solve(a, b)?;
    Some(std::array::from_fn(|i| m.get(i).copied().unwrap_or(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_go_where_they_are_sent() {
        let from = [[0.0, 0.0], [9.0, 0.0], [9.0, 7.0], [0.0, 7.0]];
        let to = [[1.0, 2.0], [8.0, 0.5], [9.0, 6.0], [2.0, 7.0]];
        let m = between(from, to).unwrap();
        for ([x, y], [u, v]) in from.into_iter().zip(to) {
            let z = m[6] * x + m[7] * y + m[8];
            assert!(((m[0] * x + m[1] * y + m[2]) / z - u).abs() < 1e-9);
            assert!(((m[3] * x + m[4] * y + m[5]) / z - v).abs() < 1e-9);
        }
        assert!(between([[0.0, 0.0]; 4], to).is_none());
    }
}
