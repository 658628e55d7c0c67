//! Channels left out.

use crate::image::base::prelude::*;

settings! {
    /// Fills a few channels drawn evenly; at least one is kept. `p` is 0.5.
    pub struct ChannelDropout {
        /// Least and greatest number of channels, both inclusive.
        channel_drop_range: [usize; 2] = [1, 1],
        /// Their value.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for ChannelDropout {
    /// The channels.
    type Params = Vec<usize>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let [low, high] = self.channel_drop_range;
        let rule = "is [least, most] with least ≤ most";
        require::<Self>(low <= high, "channel_drop_range", rule, [low, high])?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Vec<usize>, AugmentError> {
        let c = sample.image.channels();
        let count = rng.between(self.channel_drop_range).min(c - 1);
        let mut all = rng.order(c);
        all.truncate(count);
        Ok(all)
    }

    fn apply(&self, dropped: &Vec<usize>, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            image.map_channels(false, |k, v| match dropped.contains(&k) {
                true => self.fill.at(k) as f32,
                false => v,
            })
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"channel_drop_range": [2, 1]}"#,
            "is [least, most] with least ≤ most",
        )]
    }
}
