//! The brown of old photographs.

use crate::image::base::prelude::*;

settings! {
    /// Red, green and blue times the sepia matrix. `p` is 0.5.
    pub struct ToSepia {}
}

impl Transform for ToSepia {
    type Params = ();

    const P: f64 = 0.5;

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            image.map_rgb(|[r, g, b]| {
                [
                    0.393 * r + 0.769 * g + 0.189 * b,
                    0.349 * r + 0.686 * g + 0.168 * b,
                    0.272 * r + 0.534 * g + 0.131 * b,
                ]
            })
        }))
    }
}
