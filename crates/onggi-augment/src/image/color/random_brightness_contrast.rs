//! Brightness and contrast in one line: `α x + β`.

use crate::image::base::prelude::*;

settings! {
    /// Multiplies by `1 + α` and adds `β` times white, both drawn evenly. `p` is 0.5.
    pub struct RandomBrightnessContrast {
        /// β: to either side, or `[low, high]`, fractions of the range.
        brightness_limit: Spread = Spread::Width(0.2),
        /// α: to either side, or `[low, high]`.
        contrast_limit: Spread = Spread::Width(0.2),
    }
}

impl Transform for RandomBrightnessContrast {
    /// Factor and summand.
    type Params = (f64, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is a number, or [low, high] with low ≤ high, between -1 and 1";
        let range = self.brightness_limit.around(0.0);
        require_range::<Self>(range, [-1.0, 1.0], "brightness_limit", rule)?;
        let rule = "is a number, or [low, high] with low ≤ high, between -1 and 10";
        require_range::<Self>(
            self.contrast_limit.around(0.0),
            [-1.0, 10.0],
            "contrast_limit",
            rule,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, f64), AugmentError> {
        let factor = 1.0 + rng.uniform(self.contrast_limit.around(0.0));
        Ok((factor, rng.uniform(self.brightness_limit.around(0.0))))
    }

    fn apply(&self, (a, b): &(f64, f64), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| image.linear(*a as f32, *b as f32)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(r#"{"brightness_limit": 2}"#, "brightness_limit is a number")]
    }
}
