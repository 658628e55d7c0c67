//! Each channel stretched to the whole range.

use crate::image::base::prelude::*;

settings! {
    /// The darkest value of each channel becomes black, the brightest white. A flat channel stays.
    /// `p` is 0.5.
    pub struct AutoContrast {}
}

impl Transform for AutoContrast {
    type Params = ();

    const P: f64 = 0.5;

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(auto_contrast))
    }
}

pub(crate) fn auto_contrast(image: Image) -> Image {
    let c = image.channels();
    let ranges = match image.pixels() {
        Pixels::U8(p) if c == 3 => ranges_rgb(p).to_vec(),
        Pixels::U8(p) => ranges(p, c),
        Pixels::U16(p) => ranges(p, c),
        Pixels::F32(p) => ranges(p, c),
    };
    image.map_channels(false, |k, v| {
        let (low, high) = ranges[k];
        if high > low {
            (v - low) / (high - low)
        } else {
            v
        }
    })
}

/// Least and greatest value of each channel.
fn ranges<T: Value>(p: &[T], c: usize) -> Vec<(f32, f32)> {
    let mut out = vec![(f32::MAX, f32::MIN); c];
    for pixel in p.chunks_exact(c) {
        for (o, v) in out.iter_mut().zip(pixel) {
            let v = v.fraction();
            *o = (o.0.min(v), o.1.max(v));
        }
    }
    out
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn ranges_rgb(p: &[u8]) -> [(f32, f32); 3] {
    // 96 values are 32 pixels: the channel of a lane is its place modulo 3.
    let (mut low, mut high) = ([255u8; 96], [0u8; 96]);
    let (blocks, rest) = p.as_chunks::<96>();
    for block in blocks {
        for i in 0..96 {
            low[i] = low[i].min(block[i]);
            high[i] = high[i].max(block[i]);
        }
    }
    for (i, &v) in rest.iter().enumerate() {
        low[i] = low[i].min(v);
        high[i] = high[i].max(v);
    }
    let mut out = [(1f32, 0f32); 3];
    for i in 0..96 {
        let o = &mut out[i % 3];
        *o = (o.0.min(low[i].fraction()), o.1.max(high[i].fraction()));
    }
    out
}
