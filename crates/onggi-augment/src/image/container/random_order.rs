//! A list in random order.

use crate::image::base::prelude::*;
use crate::image::{Drawn, ImageTransform};

settings! {
    /// Runs every transform of the list once, in an order drawn evenly among all.
    pub struct RandomOrder {
        /// What to run.
        transforms: Vec<ImageTransform> = Vec::new(),
    }
}

impl Transform for RandomOrder {
    type Params = Vec<(usize, Drawn)>;

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok(self.run(sample.clone(), rng)?.1)
    }

    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        super::replay::<Self>(&self.transforms, params, sample)
    }

    fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Self::Params), AugmentError> {
        let order = rng.order(self.transforms.len());
        super::run_in(&self.transforms, order, sample, rng)
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            transforms: super::examples(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn every_order_is_drawn() {
        let example = RandomOrder::example(4, 4, 1);
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..60 {
            let drawn = example
                .draw(&sample(8, 8, 1), &mut Draw::new(0, 0, index))
                .unwrap();
            seen.insert(drawn.iter().map(|d| d.0).collect::<Vec<_>>());
        }
        assert_eq!(seen.len(), 6);
    }
}
