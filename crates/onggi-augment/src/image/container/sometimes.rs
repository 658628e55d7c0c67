//! All of a list or nothing: torchvision's RandomApply.

use crate::image::base::prelude::*;
use crate::image::{Compose, Drawn, ImageTransform};

settings! {
    /// Runs the whole list with probability `p` (0.5), else leaves the sample as it is; with p = 1 a
    /// list that stands where one transform can.
    pub struct Sometimes {
        /// Run first to last.
        transforms: Vec<ImageTransform> = Vec::new(),
    }
}

impl Transform for Sometimes {
    type Params = Vec<Drawn>;

    const P: f64 = 0.5;

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok(self.run(sample.clone(), rng)?.1)
    }

    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        Compose::new(self.transforms.clone()).replay(params, sample)
    }

    fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Self::Params), AugmentError> {
        Compose::new(self.transforms.clone()).run(sample, rng)
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            transforms: super::examples(),
        }
    }
}
