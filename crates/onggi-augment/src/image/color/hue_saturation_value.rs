//! Hue, saturation and value moved by a random amount each.

use crate::image::base::prelude::*;

settings! {
    /// Turns the hue and moves saturation and value, each drawn evenly. `p` is 0.5.
    ///
    /// # Differences from Albumentations
    /// Shifts are shares of the circle and of the range, not 180ths and 255ths; the defaults are the
    /// same amounts. Grey pixels stay grey.
    pub struct HueSaturationValue {
        /// Share of the circle: to either side, or `[low, high]`.
        hue_shift_limit: Spread = Spread::Width(20.0 / 180.0),
        /// Share of the range.
        sat_shift_limit: Spread = Spread::Width(30.0 / 255.0),
        /// Share of the range.
        val_shift_limit: Spread = Spread::Width(20.0 / 255.0),
    }
}

impl Transform for HueSaturationValue {
    /// Hue, saturation, value.
    type Params = [f64; 3];

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        for (name, spread) in [
            ("hue_shift_limit", self.hue_shift_limit),
            ("sat_shift_limit", self.sat_shift_limit),
            ("val_shift_limit", self.val_shift_limit),
        ] {
            let rule = "is a share, or [low, high] with low ≤ high, between -1 and 1";
            require_range::<Self>(spread.around(0.0), [-1.0, 1.0], name, rule)?;
        }
        Ok(())
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<[f64; 3], AugmentError> {
        let all = [
            self.hue_shift_limit,
            self.sat_shift_limit,
            self.val_shift_limit,
        ];
        Ok(all.map(|s| rng.uniform(s.around(0.0))))
    }

    fn apply(&self, [h, s, v]: &[f64; 3], sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| image.turn_hue(*h as f32, *s as f32, *v as f32)))
    }
}
