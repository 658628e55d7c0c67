//! One transform of several.

use crate::image::base::prelude::*;
use crate::image::{Drawn, ImageTransform};

settings! {
    /// Runs one transform of the list, drawn by weight; its own `p` then decides too.
    ///
    /// # Differences from Albumentations
    /// The weights are given here, not read off the `p` of the transforms.
    pub struct OneOf {
        /// What to choose from.
        transforms: Vec<ImageTransform> = Vec::new(),
        /// One weight a transform, not below 0, any sum above 0; empty for equal ones.
        weights: Vec<f64> = Vec::new(),
    }
}

impl Transform for OneOf {
    type Params = (usize, Box<Drawn>);

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is one weight of 0 or more a transform, not all 0";
        super::require_choice::<Self>(&self.transforms, &self.weights, "weights", rule)
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok(self.run(sample.clone(), rng)?.1)
    }

    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        super::replay_one::<Self>(&self.transforms, params, sample)
    }

    fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Self::Params), AugmentError> {
        super::run_one(&self.transforms, &self.weights, sample, rng)
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        let transforms = super::examples();
        Self {
            weights: vec![1.0; transforms.len()],
            transforms,
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        let flip = r#"{"transforms": [{"transform": "horizontal_flip"}], "weights": [0]}"#;
        vec![
            (
                r#"{"transforms": []}"#,
                "one_of: transforms needs at least one transform, got 0",
            ),
            (
                flip,
                "one_of: weights is one weight of 0 or more a transform, not all 0, got [0.0]",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn weights_are_shares() {
        let [a, b, ..] = &super::super::examples()[..] else {
            unreachable!()
        };
        let transforms = vec![a.clone(), b.clone(), a.clone()];
        let weights = vec![1.0, 3.0, 0.0];
        let one_of = OneOf {
            transforms,
            weights,
        };
        let mut rng = Draw::new(1, 0, 0);
        let mut counts = [0; 3];
        for _ in 0..1000 {
            counts[one_of.draw(&sample(4, 4, 1), &mut rng).unwrap().0] += 1;
        }
        assert!(
            (700..800).contains(&counts[1]) && counts[2] == 0,
            "{counts:?}"
        );
    }
}
