//! A bent sheet of metal: the smoothest displacement through a few moved points.

use crate::image::base::linear::solve;
use crate::image::base::map::{Field, Map};
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Moves a grid of control points by N(0, scale / 10) times the image's size; the image follows
    /// with the least bending. `p` is 0.5.
    ///
    /// # Reference
    /// Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", 1989.
    pub struct ThinPlateSpline {
        /// Strength, `[low, high]`.
        scale_range: [f64; 2] = [0.2, 0.4],
        /// Control points a side, 2 to 10.
        num_control_points: usize = 4,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for ThinPlateSpline {
    /// Move of every control point, `[x, y]` as a share of the size, row by row.
    type Params = Vec<[f64; 2]>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] between 0 and 10";
        require_range::<Self>(self.scale_range, [0.0, 10.0], "scale_range", rule)?;
        let n = self.num_control_points;
        require::<Self>(
            (2..=10).contains(&n),
            "num_control_points",
            "is in 2 to 10",
            n,
        )?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let scale = rng.uniform(self.scale_range) / 10.0;
        let points = 0..self.num_control_points.pow(2);
        Ok(points
            .map(|_| [rng.normal() * scale, rng.normal() * scale])
            .collect())
    }

    fn apply(&self, moves: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let side = self.num_control_points;
        let step = 1.0 / (side - 1) as f64;
        let points: Vec<[f64; 2]> = (0..side * side)
            .map(|i| [(i % side) as f64 * step, (i / side) as f64 * step])
            .collect();
        if moves.len() != points.len() {
            return Err(AugmentError::Replay {
                transform: Self::NAME,
            });
        }
        let axis = |k: usize| spline(&points, moves.iter().map(|m| m[k]));
        let (Some(dx), Some(dy)) = (axis(0), axis(1)) else {
            return Ok(sample);
        };
        let size = sample.size();
        let [h, w] = size.map(|n| n as f64);
        let field = Field::of(size, |x, y| {
            let (mut sx, mut sy) = (0.0, 0.0);
            let (u, v) = (x / w, y / h);
            let n = points.len();
            for (i, p) in points.iter().enumerate() {
                let bend = bend((u - p[0]).powi(2) + (v - p[1]).powi(2));
                sx += dx[i] * bend;
                sy += dy[i] * bend;
            }
            sx += dx[n] + dx[n + 1] * u + dx[n + 2] * v;
            sy += dy[n] + dy[n + 1] * u + dy[n + 2] * v;
            (x + w * sx, y + h * sy)
        });
        let look = Look {
            interpolation: self.interpolation,
            border: self.border,
            fill: &self.fill,
        };
        Ok(sample.warp(&Map::Field(field), size, look))
    }
}

/// r² ln r of r².
fn bend(r2: f64) -> f64 {
    if r2 > 0.0 { 0.5 * r2 * r2.ln() } else { 0.0 }
}

/// The weights of the points and of 1, x, y.
fn spline(points: &[[f64; 2]], values: impl Iterator<Item = f64>) -> Option<Vec<f64>> {
    let n = points.len() + 3;
    let mut a = vec![0.0; n * n];
    for (i, p) in points.iter().enumerate() {
        for (j, q) in points.iter().enumerate() {
            a[i * n + j] = bend((p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2));
        }
        for (k, v) in [1.0, p[0], p[1]].into_iter().enumerate() {
            a[i * n + n - 3 + k] = v;
            a[(n - 3 + k) * n + i] = v;
        }
    }
    solve(a, values.chain([0.0; 3]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spline_goes_through_its_points() {
        let points = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.4, 0.6]];
        let values = [0.1, -0.2, 0.3, 0.0, 0.25];
        let s = spline(&points, values.into_iter()).unwrap();
        for (p, want) in points.iter().zip(values) {
            let bent: f64 = points
                .iter()
                .zip(&s)
                .map(|(q, w)| w * bend((p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)))
                .sum();
            let got = bent + s[5] + s[6] * p[0] + s[7] * p[1];
            assert!((got - want).abs() < 1e-9);
        }
    }
}
