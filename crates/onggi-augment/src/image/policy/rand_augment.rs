//! Two operations at one strength.

use super::op::{Op, Space, Step};
use crate::image::Interpolation;
use crate::image::base::prelude::*;

/// What RandAugment chooses from.
const OPS: [Op; 14] = [
    Op::Identity,
    Op::ShearX,
    Op::ShearY,
    Op::TranslateX,
    Op::TranslateY,
    Op::Rotate,
    Op::Brightness,
    Op::Color,
    Op::Contrast,
    Op::Sharpness,
    Op::Posterize,
    Op::Solarize,
    Op::AutoContrast,
    Op::Equalize,
];

settings! {
    /// Runs `num_ops` operations drawn evenly, with repetition, all at strength `magnitude`.
    ///
    /// # Reference
    /// Cubuk et al., "RandAugment: practical automated data augmentation with a reduced search
    /// space", 2020.
    ///
    /// # Differences from torchvision
    /// Interpolation is bilinear, not nearest.
    pub struct RandAugment {
        /// Operations.
        num_ops: usize = 2,
        /// Strength, below `num_magnitude_bins`.
        magnitude: usize = 9,
        /// Steps of strength.
        num_magnitude_bins: usize = 31,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for RandAugment {
    /// The steps.
    type Params = Vec<Step>;

    fn check(&self) -> Result<(), AugmentError> {
        let (m, bins) = (self.magnitude, self.num_magnitude_bins);
        require::<Self>(
            m < bins,
            "magnitude",
            "is below num_magnitude_bins",
            [m, bins],
        )?;
        require::<Self>(
            self.num_ops <= 100,
            "num_ops",
            "is at most 100",
            self.num_ops,
        )?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Vec<Step>, AugmentError> {
        let space = Space {
            shear: 0.3,
            translate: |n| 150.0 / 331.0 * n as f64,
            rotate: 30.0,
            factor: 0.9,
            posterize: 4.0,
            bins: self.num_magnitude_bins,
        };
        let step = |_| {
            let op = OPS[rng.below(OPS.len())];
            space.step(op, self.magnitude, sample.size(), rng)
        };
        Ok((0..self.num_ops).map(step).collect())
    }

    fn apply(&self, steps: &Vec<Step>, sample: Sample) -> Result<Sample, AugmentError> {
        let step = |s: Sample, step| s.step(step, self.interpolation, &self.fill);
        Ok(steps.iter().fold(sample, step))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        // One operation: a step of rounding at a threshold of the second is no error.
        Self {
            num_ops: 1,
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"magnitude": 31}"#,
            "magnitude is below num_magnitude_bins, got [31, 31]",
        )]
    }
}
