//! Columns and rows made wider and narrower.

use crate::image::base::map::{Field, Map};
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Cuts the image into `num_steps` columns and rows and stretches each by its own factor, drawn
    /// evenly around 1; together they fill the image again. `p` is 0.5.
    pub struct GridDistortion {
        /// Columns, and rows.
        num_steps: usize = 5,
        /// Change of the factor: to either side, or `[low, high]`.
        distort_limit: Spread = Spread::Width(0.3),
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
    }
}

impl Transform for GridDistortion {
    /// Factors of the columns, and of the rows.
    type Params = (Vec<f64>, Vec<f64>);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let n = self.num_steps;
        require::<Self>((1..=1000).contains(&n), "num_steps", "is in 1 to 1000", n)?;
        let rule = "is a change of factor, or [low, high] with low ≤ high, between -0.99 and 10";
        require_range::<Self>(
            self.distort_limit.around(0.0),
            [-0.99, 10.0],
            "distort_limit",
            rule,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let range = self.distort_limit.around(1.0);
        let range = match self.distort_limit {
            Spread::Width(_) => range,
            Spread::Between([low, high]) => [1.0 + low, 1.0 + high],
        };
        let mut factors = || (0..self.num_steps).map(|_| rng.uniform(range)).collect();
        Ok((factors(), factors()))
    }

    fn apply(&self, (x, y): &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let size = sample.size();
        let (x, y) = (axis(x, size[1]), axis(y, size[0]));
        let look = Look {
            interpolation: self.interpolation,
            border: Border::Edge,
            fill: &Fill::All(0.0),
        };
        let field = Field::of(size, |u, v| (x[u as usize], y[v as usize]));
        Ok(sample.warp(&Map::Field(field), size, look))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"num_steps": 0}"#,
            "grid_distortion: num_steps is in 1 to 1000, got 0",
        )]
    }
}

/// The source of every pixel centre along one axis.
fn axis(factors: &[f64], n: usize) -> Vec<f64> {
    let steps = factors.len().max(1) as f64;
    let total: f64 = factors.iter().sum();
    let mut ends = vec![0.0];
    for f in factors {
        ends.push(ends[ends.len() - 1] + f / total * n as f64);
    }
    (0..n)
        .map(|j| {
            let at = (j as f64 + 0.5) / n as f64 * steps;
            let cell = (at as usize).min(ends.len().saturating_sub(2));
            let next = ends.get(cell + 1).copied().unwrap_or(n as f64);
            ends[cell] + (next - ends[cell]) * (at - cell as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_factors_change_nothing_and_a_wide_column_reads_more() {
        assert_eq!(axis(&[2.0, 2.0], 4), [0.5, 1.5, 2.5, 3.5]);
        assert_eq!(axis(&[3.0, 1.0], 4), [0.75, 2.25, 3.25, 3.75]);
    }
}
