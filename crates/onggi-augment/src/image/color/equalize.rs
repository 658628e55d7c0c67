//! Every level as frequent as any other.

use crate::image::base::prelude::*;

settings! {
    /// Equalises the histogram of each channel, as Pillow does. Values of 16 and 32 bits lie between
    /// two of the 256 levels and are interpolated. `p` is 0.5.
    pub struct Equalize {}
}

impl Transform for Equalize {
    type Params = ();

    const P: f64 = 0.5;

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(equalize))
    }
}

pub(crate) fn equalize(image: Image) -> Image {
    let luts: Vec<_> = histograms(&image).iter().map(table).collect();
    image.map_channels(false, |k, v| interpolated(&luts[k], v))
}

/// How often each of the 256 levels occurs in each channel.
pub(crate) fn histograms(image: &Image) -> Vec<[u32; 256]> {
    fn count<T: Value>(p: &[T], c: usize) -> Vec<[u32; 256]> {
        let mut out = vec![[0; 256]; c];
        for pixel in p.chunks_exact(c) {
            for (h, v) in out.iter_mut().zip(pixel) {
                h[usize::from(u8::from_fraction(v.fraction()))] += 1;
            }
        }
        out
    }
    let c = image.channels();
    match image.pixels() {
        Pixels::U8(p) if c == 3 => {
            // Two sets, so that equal neighbours do not wait for each other.
            let mut sets = [[[0u32; 256]; 3]; 2];
            let [a, b] = &mut sets;
            let (pairs, rest) = p.as_chunks::<6>();
            for pair in pairs {
                for k in 0..3 {
                    a[k][usize::from(pair[k])] += 1;
                    b[k][usize::from(pair[3 + k])] += 1;
                }
            }
            for (k, v) in rest.iter().enumerate() {
                a[k][usize::from(*v)] += 1;
            }
            let [a, b] = sets;
            (0..3)
                .map(|k| std::array::from_fn(|v| a[k][v] + b[k][v]))
                .collect()
        }
        Pixels::U8(p) => count(p, c),
        Pixels::U16(p) => count(p, c),
        Pixels::F32(p) => count(p, c),
    }
}

/// The value of a table of 256 levels at a fraction, linear between two levels.
pub(crate) fn interpolated(lut: &[u8; 256], v: f32) -> f32 {
    let at = v.clamp(0.0, 1.0) * 255.0;
    let i = at as usize;
    let (a, b) = (f32::from(lut[i]), f32::from(lut[(i + 1).min(255)]));
    (a + (b - a) * (at - i as f32)) / 255.0
}

fn table(histogram: &[u32; 256]) -> [u8; 256] {
    let same = std::array::from_fn(|v| v as u8);
    let last = histogram
        .iter()
        .rev()
        .find(|n| **n > 0)
        .copied()
        .unwrap_or(0);
    let step = (histogram.iter().sum::<u32>() - last) / 255;
    if step == 0 {
        return same;
    }
    let mut sum = step / 2;
    std::array::from_fn(|v| {
        let level = (sum / step).min(255) as u8;
        sum += histogram[v];
        level
    })
}
