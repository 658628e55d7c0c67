//! The blocks and rings of JPEG. Only the steps that lose something are done (colour, subsampling,
//! cosine transform, rounding) and undone; the coding of the bits, which loses nothing, is left out.

use multiversion::multiversion;

use crate::image::base::prelude::*;

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

/// Values in 8 bits, side by side, with their size.
struct Plane {
    h: usize,
    w: usize,
    values: Vec<f32>,
}

pub(crate) fn compress(image: &Image, quality: usize) -> Image {
    let ([h, w], c) = (image.size(), image.channels());
    let bytes = image.to_u8();
    let mut out = bytes.clone();
    let (luma, chroma) = (table(LUMA, quality), table(CHROMA, quality));
    let first = if image.has_color() { 3 } else { 0 };
    if first == 3 {
        let [mut y, mut cb, mut cr] = split(&bytes, h, w, c);
        y.quantise(&luma);
        let (mut b, mut r) = (cb.halve(), cr.halve());
        b.quantise(&chroma);
        r.quantise(&chroma);
        (cb, cr) = (b.double(h, w), r.double(h, w));
        for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
            let (y, b, r) = (y.values[i], cb.values[i] - 128.0, cr.values[i] - 128.0);
            pixel[0] = u8::from_f32(y + 1.402 * r);
            pixel[1] = u8::from_f32(y - 0.344_136 * b - 0.714_136 * r);
            pixel[2] = u8::from_f32(y + 1.772 * b);
        }
    }
    for k in first..c {
        let values = bytes[k..]
            .iter()
            .step_by(c)
            .map(|v| f32::from(*v))
            .collect();
        let mut plane = Plane { h, w, values };
        plane.quantise(&luma);
        for (o, v) in out[k..].iter_mut().step_by(c).zip(plane.values) {
            *o = u8::from_f32(v);
        }
    }
    image.with_u8(out)
}

/// Y, Cb and Cr.
fn split(bytes: &[u8], h: usize, w: usize, c: usize) -> [Plane; 3] {
    let n = h * w;
    let (mut y, mut b, mut r) = (vec![0f32; n], vec![0f32; n], vec![0f32; n]);
    for (i, p) in bytes.chunks_exact(c).enumerate() {
        let [red, green, blue] = [p[0], p[1], p[2]].map(f32::from);
        y[i] = (0.299 * red + 0.587 * green + 0.114 * blue).round();
        b[i] = (128.0 - 0.168_736 * red - 0.331_264 * green + 0.5 * blue).round();
        r[i] = (128.0 + 0.5 * red - 0.418_688 * green - 0.081_312 * blue).round();
    }
    [y, b, r].map(|values| Plane { h, w, values })
}

impl Plane {
    /// Half the size: means of 2×2, the outermost repeated.
    fn halve(&self) -> Self {
        let (h, w) = (self.h.div_ceil(2), self.w.div_ceil(2));
        let mut values = Vec::with_capacity(h * w);
        for i in 0..h {
            let rows = [2 * i, (2 * i + 1).min(self.h - 1)].map(|i| &self.values[i * self.w..]);
            for j in 0..w {
                let (a, b) = (2 * j, (2 * j + 1).min(self.w - 1));
                let sum = rows[0][a] + rows[0][b] + rows[1][a] + rows[1][b];
                // libjpeg rounds halves down and up in turn.
                values.push(((sum + 1.0 + (j % 2) as f32) / 4.0).floor());
            }
        }
        Self { h, w, values }
    }

    /// Twice the size, the nearer of two neighbours weighing 3, the other 1, along both axes.
    fn double(&self, h: usize, w: usize) -> Self {
        let mut values = Vec::with_capacity(h * w);
        let near = |i: usize, n: usize| {
            let other = if i.is_multiple_of(2) {
                (i / 2).saturating_sub(1)
            } else {
                i / 2 + 1
            };
            (i / 2, other.min(n - 1))
        };
        let mut line = vec![0f32; self.w];
        for i in 0..h {
            let (a, b) = near(i, self.h);
            let (a, b) = (&self.values[a * self.w..], &self.values[b * self.w..]);
            for j in 0..self.w {
                line[j] = 3.0 * a[j] + b[j];
            }
            for j in 0..w {
                let (a, b) = near(j, self.w);
                values.push(((3.0 * line[a] + line[b] + 8.0 - (j % 2) as f32) / 16.0).floor());
            }
        }
        Self { h, w, values }
    }

    /// Every block of 8×8 through the cosine transform, rounded to multiples of the table's, and
    /// back. A block that stands over repeats the outermost values.
    fn quantise(&mut self, table: &[f32; 64]) {
        let mut block = [[0f32; 8]; 8];
        for top in (0..self.h).step_by(8) {
            for left in (0..self.w).step_by(8) {
                for (i, row) in block.iter_mut().enumerate() {
                    let from = &self.values[(top + i).min(self.h - 1) * self.w..][..self.w];
                    for (j, v) in row.iter_mut().enumerate() {
                        *v = from[(left + j).min(self.w - 1)] - 128.0;
                    }
                }
                there_and_back(&mut block, table);
                for (i, row) in block.iter().enumerate().take(self.h - top) {
                    let n = 8.min(self.w - left);
                    let to = &mut self.values[(top + i) * self.w + left..][..n];
                    for (o, v) in to.iter_mut().zip(row) {
                        *o = (v + 128.0).round().clamp(0.0, 255.0);
                    }
                }
            }
        }
    }
}

/// The cosine transform of 8 values as a matrix.
static COSINES: std::sync::LazyLock<[[f32; 8]; 8]> = std::sync::LazyLock::new(|| {
    std::array::from_fn(|k| {
        let scale = if k == 0 { 0.125f64.sqrt() } else { 0.5 };
        std::array::from_fn(|n| {
            let angle = (2 * n + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0;
            (scale * angle.cos()) as f32
        })
    })
});

type Block = [[f32; 8]; 8];

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn there_and_back(block: &mut Block, table: &[f32; 64]) {
    let c = *COSINES;
    // C · B · Cᵀ, rounded, then Cᵀ · Q · C; each product adds whole rows.
    let mut half = [[0f32; 8]; 8];
    for k in 0..8 {
        for n in 0..8 {
            for j in 0..8 {
                half[k][j] += c[k][n] * block[n][j];
            }
        }
    }
    let mut turned = [[0f32; 8]; 8];
    for k in 0..8 {
        for n in 0..8 {
            for j in 0..8 {
                turned[k][j] += half[k][n] * c[j][n];
            }
        }
    }
    for k in 0..8 {
        for j in 0..8 {
            let q = table[k * 8 + j];
            turned[k][j] = (turned[k][j] / q).round() * q;
        }
    }
    let mut half = [[0f32; 8]; 8];
    for n in 0..8 {
        for k in 0..8 {
            for j in 0..8 {
                half[n][j] += c[k][n] * turned[k][j];
            }
        }
    }
    for n in 0..8 {
        let mut row = [0f32; 8];
        for k in 0..8 {
            for j in 0..8 {
                row[j] += half[n][k] * c[k][j];
            }
        }
        block[n] = row;
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
