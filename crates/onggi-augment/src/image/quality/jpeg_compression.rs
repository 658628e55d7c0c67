//! The blocks and rings of JPEG. Only the steps that lose something are done (colour, subsampling,
//! cosine transform, rounding) and undone; the coding of the bits, which loses nothing, is left out.

use multiversion::multiversion;

use super::cosine::{WIDTH, there_and_back};
use crate::image::base::prelude::*;
use crate::image::base::rgb::{BLOCK, join};

settings! {
    /// Compresses red, green and blue as a JPEG of a quality drawn evenly would, with 4:2:0 chroma;
    /// other channels each as a grey image. Works in 8 bits whatever the depth.
    pub struct JpegCompression {
        /// Quality, 1 to 100, `[low, high]`.
        quality: [usize; 2] = [50, 100],
    }
}

impl Transform for JpegCompression {
    /// Quality.
    type Params = usize;

    fn check(&self) -> Result<(), AugmentError> {
        let [low, high] = self.quality;
        let holds = 1 <= low && low <= high && high <= 100;
        require::<Self>(
            holds,
            "quality",
            "is [low, high] from 1 to 100",
            self.quality,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<usize, AugmentError> {
        Ok(rng.between(self.quality))
    }

    fn apply(&self, quality: &usize, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| compress(&image, *quality)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"quality": [0, 50]}"#,
            "quality is [low, high] from 1 to 100, got [0, 50]",
        )]
    }
}

#[rustfmt::skip]
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

#[rustfmt::skip]
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// A table at a quality, as libjpeg scales it.
fn table(base: [u16; 64], quality: usize) -> [f32; 64] {
    let q = quality.clamp(1, 100) as u32;
    let scale = if q < 50 { 5000 / q } else { 200 - 2 * q };
    base.map(|v| ((u32::from(v) * scale + 50) / 100).clamp(1, 255) as f32)
}

/// One channel with its size.
struct Plane {
    h: usize,
    w: usize,
    values: Vec<u8>,
}

pub(crate) fn compress(image: &Image, quality: usize) -> Image {
    let ([h, w], c) = (image.size(), image.channels());
    let mut out = image.to_u8();
    let (luma, chroma) = (table(LUMA, quality), table(CHROMA, quality));
    let first = if image.has_color() { 3 } else { 0 };
    if first == 3 {
        let rgb: Vec<u8> = match c {
            3 => Vec::new(),
            _ => out
                .chunks_exact(c)
                .flat_map(|p| [p[0], p[1], p[2]])
                .collect(),
        };
        let [mut y, cb, cr] = separate(if c == 3 { &out } else { &rgb }, h, w);
        y.quantise(&luma);
        let [cb, cr] = [cb, cr].map(|plane| {
            let mut half = plane.halve();
            half.quantise(&chroma);
            half.double(h, w)
        });
        if c == 3 {
            unite([&y.values, &cb.values, &cr.values], &mut out);
        } else {
            let mut rgb = rgb;
            unite([&y.values, &cb.values, &cr.values], &mut rgb);
            for (o, v) in out.chunks_exact_mut(c).zip(rgb.as_chunks::<3>().0) {
                o[..3].copy_from_slice(v);
            }
        }
    }
    for k in first..c {
        let values = out[k..].iter().step_by(c).copied().collect();
        let mut plane = Plane { h, w, values };
        plane.quantise(&luma);
        for (o, v) in out[k..].iter_mut().step_by(c).zip(plane.values) {
            *o = v;
        }
    }
    image.with_u8(out)
}

/// RGB to Y, Cb and Cr.
fn separate(rgb: &[u8], h: usize, w: usize) -> [Plane; 3] {
    let mut planes = [(); 3].map(|()| Plane {
        h,
        w,
        values: vec![0; h * w],
    });
    let [y, b, r] = &mut planes;
    to_ycc(rgb, [&mut y.values, &mut b.values, &mut r.values]);
    planes
}

/// A half in units of 1/65,536; of the two chroma planes one unit less, so that a half is rounded
/// down.
const HALF: i32 = 1 << 15;

/// The middle of the chroma planes in the same units.
const MIDDLE: i32 = 128 << 16;

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn to_ycc(rgb: &[u8], [y, cb, cr]: [&mut [u8]; 3]) {
    let n = rgb.len() / 3;
    let (y, cb, cr) = (&mut y[..n], &mut cb[..n], &mut cr[..n]);
    let rgb = &rgb.as_chunks::<3>().0[..n];
    for i in 0..n {
        let [r, g, b] = [
            i32::from(rgb[i][0]),
            i32::from(rgb[i][1]),
            i32::from(rgb[i][2]),
        ];
        y[i] = ((19595 * r + 38470 * g + 7471 * b + HALF) >> 16) as u8;
        cb[i] = ((-11059 * r - 21709 * g + 32768 * b + MIDDLE + HALF - 1) >> 16) as u8;
        cr[i] = ((32768 * r - 27439 * g - 5329 * b + MIDDLE + HALF - 1) >> 16) as u8;
    }
}

/// Y, Cb and Cr to RGB.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn unite([y, cb, cr]: [&[u8]; 3], rgb: &mut [u8]) {
    for (i, out) in rgb.chunks_mut(3 * BLOCK).enumerate() {
        let n = out.len() / 3;
        let at = i * BLOCK;
        let (y, cb, cr) = (&y[at..][..n], &cb[at..][..n], &cr[at..][..n]);
        let mut planes = [[0; BLOCK]; 3];
        let [red, green, blue] = &mut planes;
        let (red, green, blue) = (&mut red[..n], &mut green[..n], &mut blue[..n]);
        for j in 0..n {
            let v = (i32::from(y[j]) << 16) + HALF;
            let [b, r] = [i32::from(cb[j]) - 128, i32::from(cr[j]) - 128];
            red[j] = ((v + 91881 * r) >> 16).clamp(0, 255) as u8;
            green[j] = ((v - 22554 * b - 46802 * r) >> 16).clamp(0, 255) as u8;
            blue[j] = ((v + 116_130 * b) >> 16).clamp(0, 255) as u8;
        }
        let mut block = [0; 3 * BLOCK];
        join(&planes, &mut block);
        out.copy_from_slice(&block[..3 * n]);
    }
}

impl Plane {
    /// Half the size: means of 2×2, the outermost repeated.
    fn halve(&self) -> Self {
        let (h, w) = (self.h.div_ceil(2), self.w.div_ceil(2));
        let mut values = vec![0; h * w];
        for (i, out) in values.chunks_exact_mut(w).enumerate() {
            let row = |i: usize| &self.values[i.min(self.h - 1) * self.w..][..self.w];
            let (a, b) = (row(2 * i), row(2 * i + 1));
            means(a, b, out);
            if self.w % 2 == 1 {
                let sum = 2 * (u16::from(a[self.w - 1]) + u16::from(b[self.w - 1]));
                out[w - 1] = ((sum + 1 + ((w - 1) % 2) as u16) >> 2) as u8;
            }
        }
        Self { h, w, values }
    }

    /// Twice the size, the nearer of two neighbours weighing 3, the other 1, along both axes.
    fn double(&self, h: usize, w: usize) -> Self {
        let n = self.w;
        let mut values = vec![0; h * w];
        let (mut line, mut wide) = (vec![0u16; n + 2], vec![0; 2 * n]);
        for (i, out) in values.chunks_exact_mut(w).enumerate() {
            let near = i / 2;
            let other = if i.is_multiple_of(2) {
                near.saturating_sub(1)
            } else {
                (near + 1).min(self.h - 1)
            };
            let row = |i: usize| &self.values[i * n..][..n];
            stretch([row(near), row(other)], &mut line, &mut wide);
            out.copy_from_slice(&wide[..w]);
        }
        Self { h, w, values }
    }

    /// Every block of 8×8 through the cosine transform, rounded to multiples of the table's, and
    /// back. A block that stands over repeats the outermost values.
    fn quantise(&mut self, table: &[f32; 64]) {
        let inverse = table.map(f32::recip);
        let mut rows = [[0; WIDTH]; 8];
        for top in (0..self.h).step_by(8) {
            for left in (0..self.w).step_by(WIDTH) {
                let n = WIDTH.min(self.w - left);
                for (i, row) in rows.iter_mut().enumerate() {
                    let from = &self.values[(top + i).min(self.h - 1) * self.w + left..][..n];
                    row[..n].copy_from_slice(from);
                    row[n..].fill(from[n - 1]);
                }
                there_and_back(&mut rows, table, &inverse);
                for (i, row) in rows.iter().enumerate().take(self.h - top) {
                    self.values[(top + i) * self.w + left..][..n].copy_from_slice(&row[..n]);
                }
            }
        }
    }
}

/// libjpeg rounds halves down and up in turn.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn means(a: &[u8], b: &[u8], out: &mut [u8]) {
    let (a, b) = (a.as_chunks::<2>().0, b.as_chunks::<2>().0);
    let n = a.len();
    let (b, out) = (&b[..n], &mut out[..n]);
    for j in 0..n {
        let sum = u16::from(a[j][0]) + u16::from(a[j][1]) + u16::from(b[j][0]) + u16::from(b[j][1]);
        out[j] = ((sum + 1 + (j as u16 & 1)) >> 2) as u8;
    }
}

/// Two rows to one of twice the width; `line` has one value more on either side.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn stretch([near, other]: [&[u8]; 2], line: &mut [u16], out: &mut [u8]) {
    let n = near.len();
    let other = &other[..n];
    let inner = &mut line[1..][..n];
    for j in 0..n {
        inner[j] = 3 * u16::from(near[j]) + u16::from(other[j]);
    }
    line[0] = line[1];
    line[n + 1] = line[n];
    let (before, here, after) = (&line[..n], &line[1..][..n], &line[2..][..n]);
    let out = &mut out.as_chunks_mut::<2>().0[..n];
    for j in 0..n {
        out[j][0] = ((3 * here[j] + before[j] + 8) >> 4) as u8;
        out[j][1] = ((3 * here[j] + after[j] + 7) >> 4) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn flat_colours_hardly_move_and_worse_quality_is_worse() {
        let flat = Image::of(20, 20, 3, Pixels::U8([200, 40, 90].repeat(400)));
        for (a, b) in flat.to_u8().iter().zip(compress(&flat, 95).to_u8()) {
            assert!(a.abs_diff(b) <= 3, "{a} {b}");
        }
        let x = picture(40, 40, 3);
        let error = |q| -> u32 {
            let y = compress(&x, q).to_u8();
            x.to_u8()
                .iter()
                .zip(y)
                .map(|(a, b)| u32::from(a.abs_diff(b)))
                .sum()
        };
        assert!(error(90) < error(40) && error(40) < error(5));
    }
}
