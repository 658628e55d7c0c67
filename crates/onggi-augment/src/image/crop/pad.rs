//! A margin on every side.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

settings! {
    /// Adds a margin.
    pub struct Pad {
        /// Pixels on the `[left, top, right, bottom]`, at most 65,536 each.
        padding: [usize; 4] = [0, 0, 0, 0],
        /// The margin's value.
        fill: Fill = Fill::All(0.0),
        /// What the margin shows.
        padding_mode: Border = Border::Constant,
    }
}

impl Transform for Pad {
    type Params = ();

    fn check(&self) -> Result<(), AugmentError> {
        let holds = self.padding.iter().all(|n| *n <= crate::image::MAX_SIDE);
        let rule = "is [left, top, right, bottom] of at most 65536 pixels each";
        require::<Self>(holds, "padding", rule, self.padding)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        let [h, w] = sample.size();
        let [left, top, right, bottom] = self.padding;
        let window = Window {
            top: -(top as i64),
            left: -(left as i64),
            size: [h + top + bottom, w + left + right],
        };
        Ok(sample.window(window, self.padding_mode, &self.fill))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            padding: [1, 2, 3, 4],
            padding_mode: Border::Reflect,
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"padding": [0, 0, 0, 99999]}"#,
            "pad: padding is [left, top, right, bottom]",
        )]
    }
}
