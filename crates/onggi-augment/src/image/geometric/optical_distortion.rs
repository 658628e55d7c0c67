//! The bend of a lens: barrel and cushion.

use super::matrix::centre;
use crate::image::base::map::{Field, Map};
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Reads every pixel from `1 + k r² + k r⁴` times its distance r from the middle, r in units of
    /// the width: k below 0 swells the middle, above 0 draws it in. `p` is 0.5.
    pub struct OpticalDistortion {
        /// k: to either side, or `[low, high]`.
        distort_limit: Spread = Spread::Width(0.05),
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for OpticalDistortion {
    /// k.
    type Params = f64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is a number, or [low, high] with low ≤ high, between -1 and 1";
        require_range::<Self>(
            self.distort_limit.around(0.0),
            [-1.0, 1.0],
            "distort_limit",
            rule,
        )?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.distort_limit.around(0.0)))
    }

    fn apply(&self, k: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let size = sample.size();
        let [cx, cy] = centre(size);
        let w = size[1] as f64;
        let field = Field::of(size, |x, y| {
            let (x, y) = (x - cx, y - cy);
            let r2 = (x * x + y * y) / (w * w);
            let f = 1.0 + k * r2 + k * r2 * r2;
            (cx + x * f, cy + y * f)
        });
        let look = Look {
            interpolation: self.interpolation,
            border: self.border,
            fill: &self.fill,
        };
        Ok(sample.warp(&Map::Field(field), size, look))
    }
}
