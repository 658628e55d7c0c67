//! Rotation, translation, scale and shear in one.

use super::matrix::{Affine, centre};
use crate::image::base::map::Map;
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// An affine change of the image about its centre.
    ///
    /// # Differences from torchvision
    /// `degrees` has a default, 0, and `interpolation` is bilinear.
    pub struct RandomAffine {
        /// Degrees, clockwise: to either side, or `[low, high]`.
        degrees: Spread = Spread::Width(0.0),
        /// Greatest translation to either side as a share of width and height.
        translate: [f64; 2] = [0.0, 0.0],
        /// Factor, `[low, high]`.
        scale: [f64; 2] = [1.0, 1.0],
        /// Degrees along x: to either side, or `[low, high]`.
        shear: Spread = Spread::Width(0.0),
        /// Degrees along y.
        shear_y: Spread = Spread::Width(0.0),
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for RandomAffine {
    type Params = Affine;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is an angle, or [low, high] with low ≤ high, between -360 and 360";
        require_range::<Self>(self.degrees.around(0.0), [-360.0, 360.0], "degrees", rule)?;
        let rule = "is an angle, or [low, high] with low ≤ high, between -85 and 85";
        require_range::<Self>(self.shear.around(0.0), [-85.0, 85.0], "shear", rule)?;
        require_range::<Self>(self.shear_y.around(0.0), [-85.0, 85.0], "shear_y", rule)?;
        let shares = self.translate.iter().all(|t| (0.0..=1.0).contains(t));
        require::<Self>(
            shares,
            "translate",
            "is two shares in [0, 1]",
            self.translate,
        )?;
        let rule = "is [low, high] between 0.01 and 100";
        require_range::<Self>(self.scale, [0.01, 100.0], "scale", rule)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Affine, AugmentError> {
        let [h, w] = sample.size().map(|n| n as f64);
        let angle = rng.uniform(self.degrees.around(0.0));
        let [x, y] = [self.translate[0] * w, self.translate[1] * h];
        Ok(Affine {
            angle,
            translate: [rng.uniform([-x, x]).round(), rng.uniform([-y, y]).round()],
            scale: rng.uniform(self.scale),
            shear: [self.shear, self.shear_y].map(|s| rng.uniform(s.around(0.0))),
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
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            degrees: 20.0.into(),
            translate: [0.1, 0.2],
            scale: [0.7, 1.3],
            shear: 10.0.into(),
            shear_y: [-5.0, 5.0].into(),
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"scale": [0, 1]}"#,
                "random_affine: scale is [low, high] between 0.01 and 100",
            ),
            (
                r#"{"translate": [0.1, 2]}"#,
                "translate is two shares in [0, 1]",
            ),
            (
                r#"{"degrees": "many"}"#,
                "expected a number or a list of numbers",
            ),
        ]
    }
}

impl Sample {
    /// The sample after an affine change about its middle; unchanged where that has no inverse.
    pub(crate) fn affine(self, affine: &Affine, look: Look) -> Self {
        let size = self.size();
        match Map::matrix(affine.matrix(centre(size))) {
            Some(map) => self.warp(&map, size, look),
            None => self,
        }
    }
}
