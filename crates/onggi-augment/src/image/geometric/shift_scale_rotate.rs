//! A small move, change of size and turn at once: the usual geometric augmentation of photographs.

use super::matrix::Affine;
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Moves, scales and turns the image about its centre, each drawn evenly. `p` is 0.5.
    ///
    /// # Differences from Albumentations
    /// Limits are one number to either side, or `[low, high]`; the turn is clockwise.
    pub struct ShiftScaleRotate {
        /// Greatest move as a share of width and height.
        shift_limit: Spread = Spread::Width(0.0625),
        /// Change of the factor 1.
        scale_limit: Spread = Spread::Width(0.1),
        /// Degrees.
        rotate_limit: Spread = Spread::Width(45.0),
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for ShiftScaleRotate {
    type Params = Affine;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is a share, or [low, high] with low ≤ high, between -1 and 1";
        require_range::<Self>(
            self.shift_limit.around(0.0),
            [-1.0, 1.0],
            "shift_limit",
            rule,
        )?;
        let rule = "is a change of factor, or [low, high] with low ≤ high, between -0.99 and 99";
        require_range::<Self>(
            self.scale_limit.around(0.0),
            [-0.99, 99.0],
            "scale_limit",
            rule,
        )?;
        let rule = "is an angle, or [low, high] with low ≤ high, between -360 and 360";
        require_range::<Self>(
            self.rotate_limit.around(0.0),
            [-360.0, 360.0],
            "rotate_limit",
            rule,
        )?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Affine, AugmentError> {
        let [h, w] = sample.size().map(|n| n as f64);
        let shift = self.shift_limit.around(0.0);
        Ok(Affine {
            translate: [rng.uniform(shift) * w, rng.uniform(shift) * h],
            scale: 1.0 + rng.uniform(self.scale_limit.around(0.0)),
            angle: rng.uniform(self.rotate_limit.around(0.0)),
            shear: [0.0, 0.0],
        })
    }

    fn apply(&self, affine: &Affine, sample: Sample) -> Result<Sample, AugmentError> {
        let look = Look {
            interpolation: self.interpolation,
            border: self.border,
            fill: &self.fill,
        };
        Ok(sample.affine(affine, look))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"scale_limit": 1}"#,
            "shift_scale_rotate: scale_limit is a change of factor",
        )]
    }
}
