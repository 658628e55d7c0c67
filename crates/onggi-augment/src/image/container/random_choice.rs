//! One transform of several: torchvision's words for `one_of`.

use crate::image::base::prelude::*;
use crate::image::{Drawn, ImageTransform};

settings! {
    /// Runs one transform of the list, drawn by probability; its own `p` then decides too. What
    /// [`OneOf`](crate::image::OneOf) does, with the setting and the defaults of torchvision.
    pub struct RandomChoice {
        /// What to choose from.
        transforms: Vec<ImageTransform> = Vec::new(),
        /// One probability a transform, not below 0, brought to the sum 1; empty for equal ones.
        probabilities: Vec<f64> = Vec::new(),
    }
}

impl Transform for RandomChoice {
    type Params = (usize, Box<Drawn>);

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is one probability of 0 or more a transform, not all 0";
        let all = &self.probabilities;
        super::require_choice::<Self>(&self.transforms, all, "probabilities", rule)
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok(self.run(sample.clone(), rng)?.1)
    }

    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        super::replay_one::<Self>(&self.transforms, params, sample)
    }

    fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Self::Params), AugmentError> {
        super::run_one(&self.transforms, &self.probabilities, sample, rng)
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            transforms: super::examples(),
            probabilities: vec![0.2, 0.0, 0.3],
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"transforms": []}"#,
                "random_choice: transforms needs at least one transform, got 0",
            ),
            (
                r#"{"transforms": [{"transform": "invert"}], "probabilities": [-1]}"#,
                "random_choice: probabilities is one probability of 0 or more a transform, not all \
                 0, got [-1.0]",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn probabilities_need_not_add_up_to_1() {
        let choice = RandomChoice::example(4, 4, 1);
        let mut counts = [0; 3];
        for index in 0..1000 {
            let mut rng = Draw::new(1, 0, index);
            counts[choice.draw(&sample(4, 4, 1), &mut rng).unwrap().0] += 1;
        }
        assert!(
            (350..450).contains(&counts[0]) && counts[1] == 0,
            "{counts:?}"
        );
    }
}
