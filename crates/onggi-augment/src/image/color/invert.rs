//! The negative.

use crate::image::base::prelude::*;

settings! {
    /// `y = 1 − x`. `p` is 0.5.
    pub struct Invert {}
}

impl Transform for Invert {
    type Params = ();

    const P: f64 = 0.5;

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(Image::invert))
    }
}

impl Image {
    pub(crate) fn invert(mut self) -> Self {
        match self.pixels_mut() {
            Pixels::U8(p) => p.iter_mut().for_each(|v| *v = !*v),
            Pixels::U16(p) => p.iter_mut().for_each(|v| *v = !*v),
            Pixels::F32(p) => p.iter_mut().for_each(|v| *v = 1.0 - *v),
        }
        self
    }
}
