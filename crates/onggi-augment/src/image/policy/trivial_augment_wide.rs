//! One operation at any strength.

use super::op::{Op, Space, Step};
use crate::image::Interpolation;
use crate::image::base::prelude::*;

/// What TrivialAugment chooses from.
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
    /// Runs one operation drawn evenly, at a strength drawn evenly from a wide range. Nothing to
    /// tune.
    ///
    /// # Reference
    /// Müller and Hutter, "TrivialAugment: tuning-free yet state-of-the-art data augmentation",
    /// ICCV 2021.
    ///
    /// # Differences from torchvision
    /// Interpolation is bilinear, not nearest.
    pub struct TrivialAugmentWide {
        /// Steps of strength.
        num_magnitude_bins: usize = 31,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for TrivialAugmentWide {
    /// The step.
    type Params = Step;

    fn check(&self) -> Result<(), AugmentError> {
        let bins = self.num_magnitude_bins;
        require::<Self>(bins > 0, "num_magnitude_bins", "is at least 1", bins)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Step, AugmentError> {
        let space = Space {
            shear: 0.99,
            translate: |_| 32.0,
            rotate: 135.0,
            factor: 0.99,
            posterize: 6.0,
            bins: self.num_magnitude_bins,
        };
        let (op, bin) = (
            OPS[rng.below(OPS.len())],
            rng.below(self.num_magnitude_bins),
        );
        Ok(space.step(op, bin, sample.size(), rng))
    }

    fn apply(&self, step: &Step, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.step(step, self.interpolation, &self.fill))
    }
}
