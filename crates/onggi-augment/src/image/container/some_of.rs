//! Some transforms of several.

use crate::image::base::prelude::*;
use crate::image::{Drawn, ImageTransform};

settings! {
    /// Runs `n` different transforms of the list, drawn evenly, in the list's order.
    pub struct SomeOf {
        /// What to choose from.
        transforms: Vec<ImageTransform> = Vec::new(),
        /// Least and greatest number of transforms, both inclusive.
        n: [usize; 2] = [1, 1],
    }
}

impl Transform for SomeOf {
    type Params = Vec<(usize, Drawn)>;

    fn check(&self) -> Result<(), AugmentError> {
        let [low, high] = self.n;
        let holds = low <= high && high <= self.transforms.len();
        require::<Self>(
            holds,
            "n",
            "is [least, most] of the transforms there are",
            self.n,
        )
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok(self.run(sample.clone(), rng)?.1)
    }

    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        super::replay::<Self>(&self.transforms, params, sample)
    }

    fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Self::Params), AugmentError> {
        let count = rng.between(self.n);
        let mut chosen = rng.order(self.transforms.len());
        chosen.truncate(count);
        chosen.sort_unstable();
        super::run_in(&self.transforms, chosen, sample, rng)
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            transforms: super::examples(),
            n: [0, 2],
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"transforms": [], "n": [1, 1]}"#,
            "some_of: n is [least, most] of the transforms there are, got [1, 1]",
        )]
    }
}
