//! Fewer levels.

use crate::image::base::prelude::*;

settings! {
    /// Keeps the top `bits` of the 8 bits of a value, the rest 0. `p` is 0.5.
    pub struct Posterize {
        /// Bits kept, 0 to 8.
        bits: u32 = 4,
    }
}

impl Transform for Posterize {
    type Params = ();

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require::<Self>(self.bits <= 8, "bits", "is 0 to 8", self.bits)
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| image.posterize(self.bits)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(r#"{"bits": 9}"#, "posterize: bits is 0 to 8, got 9")]
    }
}

impl Image {
    pub(crate) fn posterize(mut self, bits: u32) -> Self {
        let mask = !(0xffu32 >> bits) as u8;
        let cut = |p: &mut [u8]| p.iter_mut().for_each(|v| *v &= mask);
        if self.change_bytes(cut).is_some() {
            return self;
        }
        // The thousandth keeps a value that is a whole level from falling below it in rounding.
        self.map_values(|v| f32::from((v * 255.0 + 1e-3) as u8 & mask) / 255.0)
    }
}
