//! The negative of what is bright.

use crate::image::base::prelude::*;

settings! {
    /// Inverts values at or above `threshold`. `p` is 0.5.
    pub struct Solarize {
        /// Fraction of the range.
        threshold: f64 = 0.5,
    }
}

impl Transform for Solarize {
    type Params = ();

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let t = self.threshold;
        require::<Self>((0.0..=1.0).contains(&t), "threshold", "is in [0, 1]", t)
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| image.solarize(self.threshold)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"threshold": 128}"#,
            "solarize: threshold is in [0, 1], got 128",
        )]
    }
}

impl Image {
    pub(crate) fn solarize(mut self, threshold: f64) -> Self {
        // The least level of 8 bits that is inverted.
        let least = (threshold * 255.0 - 1e-6).ceil().clamp(0.0, 256.0) as u16;
        match self.pixels_mut() {
            Pixels::U8(p) => match u8::try_from(least) {
                Ok(least) => p
                    .iter_mut()
                    .for_each(|v| *v = if *v >= least { !*v } else { *v }),
                Err(_) => return self,
            },
            _ => {
                let t = threshold as f32 - 1e-6;
                return self.map_values(|v| if v >= t { 1.0 - v } else { v });
            }
        }
        self
    }
}
