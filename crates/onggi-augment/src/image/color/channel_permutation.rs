//! The channels in another order.

use crate::image::base::prelude::*;

settings! {
    /// Puts the channels in an order drawn evenly among all.
    pub struct ChannelPermutation {}
}

impl Transform for ChannelPermutation {
    /// Which channel comes to each place.
    type Params = Vec<usize>;

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Vec<usize>, AugmentError> {
        Ok(rng.order(sample.image.channels()))
    }

    fn apply(&self, order: &Vec<usize>, sample: Sample) -> Result<Sample, AugmentError> {
        let c = sample.image.channels();
        if order.len() != c || order.iter().any(|k| *k >= c) {
            return Err(AugmentError::Replay {
                transform: Self::NAME,
            });
        }
        Ok(sample.with_image(|image| {
            image.with(each_depth!(image.pixels(), p => {
                p.chunks_exact(c).flat_map(|pixel| order.iter().map(|k| pixel[*k])).collect()
            }))
        }))
    }
}
