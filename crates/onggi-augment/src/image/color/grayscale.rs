//! Takes the colour out.

use crate::image::base::prelude::*;

settings! {
    /// Red, green and blue become 0.2989 R + 0.587 G + 0.114 B; the number of channels stays.
    pub struct Grayscale {}
}

impl Transform for Grayscale {
    type Params = ();

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(Image::grayscale))
    }
}
