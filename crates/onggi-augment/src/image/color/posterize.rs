//! Fewer levels.

use multiversion::multiversion;

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
    pub(crate) fn posterize(self, bits: u32) -> Self {
        let mask = !(0xffu32 >> bits) as u8;
        if let Pixels::U8(p) = self.pixels() {
            let mut kept = Vec::with_capacity(p.len());
            mask_into(p, mask, &mut kept);
            return self.with(Pixels::U8(kept));
        }
        // The thousandth keeps a value that is a whole level from falling below it in rounding.
        self.map_values(|v| f32::from((v * 255.0 + 1e-3) as u8 & mask) / 255.0)
    }
}

/// Values written at once: small beside the first-level cache, many times a vector.
const BLOCK: usize = 512;

/// Adds the bits of every value that `mask` has: masked on the way into the new image, rather than
/// copied first and masked in place.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn mask_into(p: &[u8], mask: u8, out: &mut Vec<u8>) {
    let (blocks, rest) = p.as_chunks::<BLOCK>();
    let mut kept = [0; BLOCK];
    for block in blocks {
        for k in 0..BLOCK {
            kept[k] = block[k] & mask;
        }
        out.extend_from_slice(&kept);
    }
    for &v in rest {
        out.push(v & mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_masked_beyond_whole_blocks_too() {
        let values: Vec<u8> = (0..BLOCK * 2 + 77).map(|i| (i % 251) as u8).collect();
        let image = Image::of(1, values.len(), 1, Pixels::U8(values.clone()));
        let want = values.iter().map(|v| v & 0xe0).collect();
        assert_eq!(image.posterize(3).into_pixels(), Pixels::U8(want));
    }
}
