//! A rubber sheet pinned at a grid of points, every point moved a little.

use crate::image::base::map::{Field, Map};
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Moves the points of a grid by N(0, scale) times the image's size; between them the image
    /// follows triangle by triangle, affine in each. `p` is 0.5.
    pub struct PiecewiseAffine {
        /// Standard deviation as a share of the size, `[low, high]`.
        scale: [f64; 2] = [0.03, 0.05],
        /// Rows of points, 2 or more.
        nb_rows: usize = 4,
        /// Columns of points, 2 or more.
        nb_cols: usize = 4,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for PiecewiseAffine {
    /// Move of every point, `[x, y]` as a share of the size, row by row.
    type Params = Vec<[f64; 2]>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] between 0 and 1";
        require_range::<Self>(self.scale, [0.0, 1.0], "scale", rule)?;
        for (name, n) in [("nb_rows", self.nb_rows), ("nb_cols", self.nb_cols)] {
            require::<Self>((2..=100).contains(&n), name, "is in 2 to 100", n)?;
        }
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let scale = rng.uniform(self.scale);
        let points = 0..self.nb_rows * self.nb_cols;
        Ok(points
            .map(|_| [rng.normal() * scale, rng.normal() * scale])
            .collect())
    }

    fn apply(&self, moves: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let size = sample.size();
        let [h, w] = size.map(|n| n as f64);
        let (rows, cols) = (self.nb_rows, self.nb_cols);
        if moves.len() != rows * cols {
            return Err(AugmentError::Replay {
                transform: Self::NAME,
            });
        }
        let field = Field::of(size, |x, y| {
            let (u, v) = (x / w * (cols - 1) as f64, y / h * (rows - 1) as f64);
            let (j, i) = ((u as usize).min(cols - 2), (v as usize).min(rows - 2));
            let (u, v) = (u - j as f64, v - i as f64);
            let at = |di: usize, dj: usize| moves[(i + di) * cols + j + dj];
            // The two triangles of a cell: from the corner, along the two edges that meet there.
            let (o, a, b, u, v) = if u + v <= 1.0 {
                (at(0, 0), at(0, 1), at(1, 0), u, v)
            } else {
                (at(1, 1), at(1, 0), at(0, 1), 1.0 - u, 1.0 - v)
            };
            let mix = |k: usize| o[k] + (a[k] - o[k]) * u + (b[k] - o[k]) * v;
            (x + w * mix(0), y + h * mix(1))
        });
        let look = Look {
            interpolation: self.interpolation,
            border: self.border,
            fill: &self.fill,
        };
        Ok(sample.warp(&Map::Field(field), size, look))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"nb_cols": 1}"#,
            "piecewise_affine: nb_cols is in 2 to 100, got 1",
        )]
    }
}
