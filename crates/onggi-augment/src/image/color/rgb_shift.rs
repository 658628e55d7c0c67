//! A summand a channel.

use crate::image::base::prelude::*;

settings! {
    /// Adds to each of red, green and blue its own number drawn evenly. `p` is 0.5.
    ///
    /// # Differences from Albumentations
    /// One limit for all three, a fraction of the range; the default is the same 20 of 255 levels.
    pub struct RgbShift {
        /// To either side, or `[low, high]`.
        shift_limit: Spread = Spread::Width(20.0 / 255.0),
    }
}

impl Transform for RgbShift {
    /// Summands, fractions of the range.
    type Params = [f64; 3];

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is a fraction, or [low, high] with low ≤ high, between -1 and 1";
        require_range::<Self>(
            self.shift_limit.around(0.0),
            [-1.0, 1.0],
            "shift_limit",
            rule,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<[f64; 3], AugmentError> {
        Ok([(); 3].map(|()| rng.uniform(self.shift_limit.around(0.0))))
    }

    fn apply(&self, shift: &[f64; 3], sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| match image.has_color() {
            true => image.map_channels(false, |k, v| v + shift.get(k).map_or(0.0, |s| *s as f32)),
            false => image,
        }))
    }
}
