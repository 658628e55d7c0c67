//! Single pixels left out.

use crate::image::base::noise::uniforms;
use crate::image::base::prelude::*;

settings! {
    /// Fills each pixel, or each value, with probability `dropout_prob`. `p` is 0.5.
    pub struct PixelDropout {
        /// Probability.
        dropout_prob: f64 = 0.01,
        /// Whether the channels of a pixel have their own lots.
        per_channel: bool = false,
        /// What fills them.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for PixelDropout {
    /// Seed of the lots.
    type Params = u64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let d = self.dropout_prob;
        require::<Self>((0.0..=1.0).contains(&d), "dropout_prob", "is in [0, 1]", d)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        fn each<T: Value>(p: &mut [T], fill: &[T], lots: &[f32], most: f32) {
            let run = p.len() / lots.len();
            for (i, (values, lot)) in p.chunks_exact_mut(run).zip(lots).enumerate() {
                if *lot < most {
                    for (k, v) in values.iter_mut().enumerate() {
                        *v = fill[(i * run + k) % fill.len()];
                    }
                }
            }
        }
        let most = self.dropout_prob as f32;
        Ok(sample.with_image(|mut image| {
            let c = image.channels();
            let run = if self.per_channel { 1 } else { c };
            let lots = uniforms(*seed, 0, image.pixels().len() / run);
            match image.pixels_mut() {
                Pixels::U8(p) => each(p, &self.fill.pixel(c), &lots, most),
                Pixels::U16(p) => each(p, &self.fill.pixel(c), &lots, most),
                Pixels::F32(p) => each(p, &self.fill.pixel(c), &lots, most),
            }
            image
        }))
    }

    #[cfg(test)]
    fn example(_: usize, w: usize, _: usize) -> Self {
        Self {
            dropout_prob: 0.3,
            per_channel: w > 10,
            fill: Fill::Channels(vec![0.1, 0.9]),
        }
    }
}
