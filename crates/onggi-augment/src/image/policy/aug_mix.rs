//! Several chains of operations, mixed with each other and with the image.

use super::op::{Op, Space, Step};
use crate::image::Interpolation;
use crate::image::base::prelude::*;

/// What AugMix chooses from: none that is also a test corruption.
const OPS: [Op; 9] = [
    Op::ShearX,
    Op::ShearY,
    Op::TranslateX,
    Op::TranslateY,
    Op::Rotate,
    Op::Posterize,
    Op::Solarize,
    Op::AutoContrast,
    Op::Equalize,
];

settings! {
    /// Runs `mixture_width` chains of one to three operations side by side, sums them by shares drawn
    /// from a Dirichlet distribution, and blends the sum with the image by a share drawn from a beta
    /// distribution. Masks, boxes and keypoints stay where they are.
    ///
    /// # Reference
    /// Hendrycks et al., "AugMix: a simple data processing method to improve robustness and
    /// uncertainty", ICLR 2020.
    pub struct AugMix {
        /// Greatest strength, 1 to 10.
        severity: usize = 3,
        /// Chains.
        mixture_width: usize = 3,
        /// Operations a chain; 0 draws 1 to 3 (torchvision's −1).
        chain_depth: usize = 0,
        /// Of both distributions.
        alpha: f64 = 1.0,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for AugMix {
    /// The share of the image, and for each chain its share of the rest and its steps.
    type Params = (f64, Vec<(f64, Vec<Step>)>);

    fn check(&self) -> Result<(), AugmentError> {
        let (s, w, d, a) = (
            self.severity,
            self.mixture_width,
            self.chain_depth,
            self.alpha,
        );
        require::<Self>((1..=10).contains(&s), "severity", "is 1 to 10", s)?;
        require::<Self>((1..=16).contains(&w), "mixture_width", "is 1 to 16", w)?;
        require::<Self>(d <= 16, "chain_depth", "is at most 16", d)?;
        require::<Self>((0.01..=100.0).contains(&a), "alpha", "is in [0.01, 100]", a)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let space = Space {
            shear: 0.3,
            translate: |n| n as f64 / 3.0,
            rotate: 30.0,
            factor: 0.9,
            posterize: 4.0,
            bins: 10,
        };
        let kept = rng.beta(self.alpha);
        let shares: Vec<f64> = (0..self.mixture_width)
            .map(|_| rng.gamma(self.alpha))
            .collect();
        let total: f64 = shares.iter().sum();
        let chain = |share| {
            let depth = match self.chain_depth {
                0 => rng.between([1, 3]),
                depth => depth,
            };
            let step = |_| {
                let bin = rng.below(self.severity);
                space.step(OPS[rng.below(OPS.len())], bin, sample.size(), rng)
            };
            (share / total, (0..depth).map(step).collect())
        };
        Ok((kept, shares.into_iter().map(chain).collect()))
    }

    fn apply(&self, (kept, chains): &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let mut sum: Vec<f32> = sample
            .image
            .fractions()
            .iter()
            .map(|v| v * *kept as f32)
            .collect();
        for (share, steps) in chains {
            let alone = Sample::from(sample.image.clone());
            let step = |s: Sample, step| s.step(step, self.interpolation, &self.fill);
            let mixed = steps.iter().fold(alone, step).image.fractions();
            let share = (share * (1.0 - kept)) as f32;
            sum.iter_mut().zip(mixed).for_each(|(s, v)| *s += share * v);
        }
        Ok(sample.with_image(|image| image.with_fractions(&sum)))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        // One operation a chain: a step of rounding at a threshold of the second is no error.
        Self {
            chain_depth: 1,
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"severity": 11}"#,
            "aug_mix: severity is 1 to 10, got 11",
        )]
    }
}
