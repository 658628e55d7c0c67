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
        let (n, w) = (self.transforms.len(), &self.weights);
        require::<Self>(n > 0, "transforms", "needs at least one transform", n)?;
        let holds = w.is_empty()
            || w.len() == n
                && w.iter().all(|w| w.is_finite() && *w >= 0.0)
                && w.iter().sum::<f64>() > 0.0;
        require::<Self>(
            holds,
            "weights",
            "is one weight of 0 or more a transform, not all 0",
            w,
        )
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok(self.run(sample.clone(), rng)?.1)
    }

    fn apply(&self, (i, drawn): &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let missing = AugmentError::Replay {
            transform: Self::NAME,
        };
        self.transforms
            .get(*i)
            .ok_or(missing)?
            .replay(drawn, sample)
    }

    fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Self::Params), AugmentError> {
        let i = if self.weights.is_empty() {
            rng.below(self.transforms.len())
        } else {
            let mut left = rng.uniform([0.0, self.weights.iter().sum()]);
            let mut falls = |w: &f64| {
                left -= w;
                left < 0.0
            };
            let last = self.weights.iter().rposition(|w| *w > 0.0).unwrap_or(0);
            self.weights.iter().position(&mut falls).unwrap_or(last)
        };
        let (sample, drawn) = self.transforms[i].run(sample, rng)?;
        Ok((sample, (i, Box::new(drawn))))
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
