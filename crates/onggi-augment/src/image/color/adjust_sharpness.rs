//! Sharper or softer.

use multiversion::multiversion;

use crate::image::base::prelude::*;

settings! {
    /// Moves every pixel away from the smoothed image (3×3, the middle weighs 5, the others 1) by
    /// `sharpness_factor`: 0 is smooth, 1 as it is, 2 sharp. Pixels on the edge stay. `p` is 0.5.
    pub struct AdjustSharpness {
        /// Factor, 0 or more.
        sharpness_factor: f64 = 2.0,
    }
}

impl Transform for AdjustSharpness {
    type Params = ();

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let f = self.sharpness_factor;
        require::<Self>(
            (0.0..=100.0).contains(&f),
            "sharpness_factor",
            "is in [0, 100]",
            f,
        )
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| sharpness(&image, self.sharpness_factor)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"sharpness_factor": -1}"#,
            "sharpness_factor is in [0, 100], got -1",
        )]
    }
}

pub(crate) fn sharpness(image: &Image, factor: f64) -> Image {
    let (h, n, c) = (
        image.height(),
        image.width() * image.channels(),
        image.channels(),
    );
    if h < 3 || image.width() < 3 {
        return image.clone();
    }
    fn rows<T: Value>(p: &[T], n: usize, c: usize, f: impl Fn([&[T]; 3], &mut [T])) -> Vec<T> {
        let mut out = p.to_vec();
        let inner = n - 2 * c;
        for (i, out) in out.chunks_exact_mut(n).enumerate().skip(1) {
            if (i + 2) * n > p.len() {
                break;
            }
            let row = |i: usize| &p[i * n..][..n];
            f([row(i - 1), row(i), row(i + 1)], &mut out[c..][..inner]);
        }
        out
    }
    image.with(match image.pixels() {
        Pixels::U8(p) if factor < 4.0 => {
            let f = (factor * 8192.0).round() as i16;
            Pixels::U8(rows(p, n, c, |r, out| bytes(r, c, f, out)))
        }
        Pixels::U8(p) => Pixels::U8(rows(p, n, c, |r, out| floats(r, c, factor as f32, out))),
        Pixels::U16(p) => Pixels::U16(rows(p, n, c, |r, out| floats(r, c, factor as f32, out))),
        Pixels::F32(p) => Pixels::F32(rows(p, n, c, |r, out| floats(r, c, factor as f32, out))),
    })
}

/// In 16 bits: the sum of 13 bytes, a 13th of it by multiplication, the factor in units of 1/8192.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn bytes([a, b, d]: [&[u8]; 3], c: usize, f: i16, out: &mut [u8]) {
    let n = out.len();
    let (a0, a1, a2) = (&a[..n], &a[c..][..n], &a[2 * c..][..n]);
    let (b0, b1, b2) = (&b[..n], &b[c..][..n], &b[2 * c..][..n]);
    let (d0, d1, d2) = (&d[..n], &d[c..][..n], &d[2 * c..][..n]);
    for j in 0..n {
        let wide = |v: &[u8]| u16::from(v[j]);
        let sum = wide(a0) + wide(a1) + wide(a2) + wide(b0) + wide(b2);
        let sum = sum + wide(d0) + wide(d1) + wide(d2) + 5 * wide(b1);
        let smooth = ((u32::from(sum + 6) * 5042) >> 16) as i16;
        let away = (wide(b1) as i16 - smooth) << 7;
        let away = ((i32::from(away) * i32::from(f)) >> 16) as i16;
        out[j] = (smooth + ((away + 8) >> 4)).clamp(0, 255) as u8;
    }
}

fn floats<T: Value>([a, b, d]: [&[T]; 3], c: usize, f: f32, out: &mut [T]) {
    for (j, o) in out.iter_mut().enumerate() {
        let at = |row: &[T], k: usize| row[j + k * c].to_f32();
        let sum = at(a, 0) + at(a, 1) + at(a, 2) + at(b, 0) + at(b, 2);
        let sum = sum + at(d, 0) + at(d, 1) + at(d, 2) + 5.0 * at(b, 1);
        let smooth = sum / 13.0;
        *o = T::from_f32((smooth + f * (at(b, 1) - smooth)).clamp(0.0, T::WHITE));
    }
}
