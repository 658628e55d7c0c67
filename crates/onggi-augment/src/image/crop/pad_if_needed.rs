//! A margin where the image is too small.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

settings! {
    /// Pads both sides of an axis alike until the image has at least `size`.
    pub struct PadIfNeeded {
        /// Least `[height, width]`; has to be given.
        size: [usize; 2] = [0, 0],
        /// The margin's value.
        fill: Fill = Fill::All(0.0),
        /// What the margin shows.
        padding_mode: Border = Border::Constant,
    }
}

impl Transform for PadIfNeeded {
    type Params = ();

    fn check(&self) -> Result<(), AugmentError> {
        require_size::<Self>(self.size)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        let [h, w] = sample.size();
        let size = [h.max(self.size[0]), w.max(self.size[1])];
        let window = Window {
            top: -(((size[0] - h) / 2) as i64),
            left: -(((size[1] - w) / 2) as i64),
            size,
        };
        Ok(sample.window(window, self.padding_mode, &self.fill))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            size: [12, 12],
            ..Self::default()
        }
    }
}
