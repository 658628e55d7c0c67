//! Convolution: separable filters in fixed point for 8 bits, in f32 for the other depths; filters
//! that are not separable tap by tap.

use multiversion::multiversion;

use super::raster::{Image, Pixels, Value};
use super::window::Border;

/// A Gaussian of `size` taps, of sum 1.
pub(crate) fn gaussian(size: usize, sigma: f64) -> Vec<f32> {
    let half = (size as f64 - 1.0) / 2.0;
    let taps: Vec<f64> = (0..size)
        .map(|i| (-0.5 * ((i as f64 - half) / sigma).powi(2)).exp())
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|t| (t / sum) as f32).collect()
}

impl Image {
    /// The image convolved with `vertical` ⊗ `horizontal`: odd numbers of weights, none negative,
    /// each of sum 1.
    pub(crate) fn separable(&self, vertical: &[f32], horizontal: &[f32], border: Border) -> Self {
        self.with(match self.pixels() {
            Pixels::U8(p) => Pixels::U8(fixed(p, self, vertical, horizontal, border)),
            Pixels::U16(p) => Pixels::U16(float(p, self, vertical, horizontal, border)),
            Pixels::F32(p) => Pixels::F32(float(p, self, vertical, horizontal, border)),
        })
    }

    /// The image correlated with `kernel`, `size` rows and columns, both odd, its centre on the
    /// pixel; plus `bias` (fraction). The result is cut to the range.
    pub(crate) fn convolve(
        &self,
        kernel: &[f32],
        size: [usize; 2],
        bias: f32,
        border: Border,
    ) -> Self {
        let taps: Vec<([usize; 2], f32)> = kernel
            .iter()
            .enumerate()
            .filter(|(_, w)| **w != 0.0)
            .map(|(i, &w)| ([i / size[1], i % size[1]], w))
            .collect();
        self.with(match self.pixels() {
            Pixels::U8(p) if let Some(weights) = as_ring(kernel, size, bias) => {
                Pixels::U8(ring(p, self, weights, border))
            }
            Pixels::U8(p) => Pixels::U8(correlate(p, self, &taps, size, bias, border)),
            Pixels::U16(p) => Pixels::U16(correlate(p, self, &taps, size, bias, border)),
            Pixels::F32(p) => Pixels::F32(correlate(p, self, &taps, size, bias, border)),
        })
    }
}

/// Weights of the eight neighbours and of the middle of a 3×3 kernel that has but these two, small
/// enough for the fixed point of [`ring`].
fn as_ring(kernel: &[f32], size: [usize; 2], bias: f32) -> Option<[f32; 2]> {
    let [a, b, c, d, middle, e, f, g, h] = <[f32; 9]>::try_from(kernel).ok()?;
    let even = [b, c, d, e, f, g, h].iter().all(|w| *w == a);
    let small = a.abs() <= 8.0 && (middle - a).abs() <= 60.0;
    (size == [3, 3] && even && small && bias == 0.0).then_some([a, middle])
}

/// Copies a row with `half` pixels of border on both sides.
fn padded<T: Copy, U>(
    row: &[T],
    c: usize,
    half: usize,
    border: Border,
    out: &mut Vec<U>,
    convert: impl Fn(T) -> U,
) {
    let w = row.len() / c;
    out.clear();
    let edge = |range: std::ops::Range<i64>, out: &mut Vec<U>| {
        for j in range {
            // Filters see no fill; `Constant` is the outermost pixel here.
            let j = border.index(j, w).unwrap_or(if j < 0 { 0 } else { w - 1 });
            out.extend(row[j * c..][..c].iter().map(|&v| convert(v)));
        }
    };
    edge(-(half as i64)..0, out);
    out.extend(row.iter().map(|&v| convert(v)));
    edge(w as i64..(w + half) as i64, out);
}

/// Weights in units of 1/65,536, of sum 65,536 less at most one so that a flat image stays.
fn quantised(taps: &[f32]) -> Vec<u16> {
    let mut out: Vec<i64> = taps
        .iter()
        .map(|t| (f64::from(*t) * 65536.0).round() as i64)
        .collect();
    let rest = 65536 - out.iter().sum::<i64>();
    let middle = out.len() / 2;
    out[middle] += rest;
    out.iter().map(|&t| t.clamp(0, 65535) as u16).collect()
}

fn fixed(p: &[u8], image: &Image, vertical: &[f32], horizontal: &[f32], border: Border) -> Vec<u8> {
    let (h, n, c) = (
        image.height(),
        image.width() * image.channels(),
        image.channels(),
    );
    let (v, u) = (quantised(vertical), quantised(horizontal));
    let (half_v, half_u) = (v.len() / 2, u.len() / 2);
    let mut out = vec![0; p.len()];
    let mut sums = vec![0u16; n];
    let mut wide = Vec::new();
    for (i, out) in out.chunks_exact_mut(n).enumerate() {
        let rows: Vec<&[u8]> = (0..v.len())
            .map(|t| {
                let i = i as i64 + t as i64 - half_v as i64;
                let i = border.index(i, h).unwrap_or(if i < 0 { 0 } else { h - 1 });
                &p[i * n..][..n]
            })
            .collect();
        down(&rows, &v, &mut sums);
        padded(&sums, c, half_u, border, &mut wide, |v| v);
        across(&wide, &u, c, out);
    }
    out
}

/// A byte in Q8.8 times a weight, rounded down; in 16 bits throughout, of which a vector holds twice
/// as many as of 32.
#[inline(always)]
fn times(v: u8, weight: u16) -> u16 {
    u16::from(v) * (weight >> 8) + ((u16::from(v) * (weight & 255)) >> 8)
}

/// Rows to Q8.8: `Σ wₜ · rowₜ`. Each product loses half a unit of 1/256 on average; the start makes
/// up for it.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn down(rows: &[&[u8]], weights: &[u16], out: &mut [u16]) {
    let n = out.len();
    if let ([a, b, c], [wa, wb, wc]) = (rows, weights) {
        let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
        for j in 0..n {
            out[j] = times(a[j], *wa) + times(b[j], *wb) + times(c[j], *wc) + 1;
        }
        return;
    }
    if let ([a, b, c, d, e], [wa, wb, wc, wd, we]) = (rows, weights) {
        let (a, b, c, d, e) = (&a[..n], &b[..n], &c[..n], &d[..n], &e[..n]);
        for j in 0..n {
            out[j] = times(a[j], *wa)
                + times(b[j], *wb)
                + times(c[j], *wc)
                + times(d[j], *wd)
                + times(e[j], *we)
                + 2;
        }
        return;
    }
    out.fill((rows.len() / 2) as u16);
    for (row, &w) in rows.iter().zip(weights) {
        let row = &row[..n];
        for j in 0..n {
            out[j] += times(row[j], w);
        }
    }
}

/// Q8.8 to bytes along a padded row.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn across(wide: &[u16], weights: &[u16], c: usize, out: &mut [u8]) {
    let n = out.len();
    let bias = 128 + (weights.len() / 2) as u16;
    if let [wa, wb, wc] = *weights {
        let (a, b, d) = (&wide[..n], &wide[c..][..n], &wide[2 * c..][..n]);
        for j in 0..n {
            let up = |v: u16, w: u16| ((u32::from(v) * u32::from(w)) >> 16) as u16;
            let sum = up(a[j], wa) + up(b[j], wb) + up(d[j], wc);
            out[j] = (sum.saturating_add(bias) >> 8) as u8;
        }
        return;
    }
    if let [wa, wb, wc, wd, we] = *weights {
        let (x0, x1, x2) = (&wide[..n], &wide[c..][..n], &wide[2 * c..][..n]);
        let (x3, x4) = (&wide[3 * c..][..n], &wide[4 * c..][..n]);
        for j in 0..n {
            let up = |v: u16, w: u16| ((u32::from(v) * u32::from(w)) >> 16) as u16;
            let sum = up(x0[j], wa) + up(x1[j], wb) + up(x2[j], wc) + up(x3[j], wd) + up(x4[j], we);
            out[j] = (sum.saturating_add(bias) >> 8) as u8;
        }
        return;
    }
    let mut sums = vec![0u16; n];
    for (t, &w) in weights.iter().enumerate() {
        let row = &wide[t * c..][..n];
        for j in 0..n {
            sums[j] += ((u32::from(row[j]) * u32::from(w)) >> 16) as u16;
        }
    }
    for j in 0..n {
        out[j] = (sums[j].saturating_add(bias) >> 8) as u8;
    }
}

fn float<T: Value>(
    p: &[T],
    image: &Image,
    vertical: &[f32],
    horizontal: &[f32],
    border: Border,
) -> Vec<T> {
    let (h, n, c) = (
        image.height(),
        image.width() * image.channels(),
        image.channels(),
    );
    let (half_v, half_u) = (vertical.len() / 2, horizontal.len() / 2);
    let mut out = Vec::with_capacity(p.len());
    let (mut sums, mut wide) = (vec![0f32; n], Vec::new());
    for i in 0..h {
        let rows: Vec<&[T]> = (0..vertical.len())
            .map(|t| {
                let i = i as i64 + t as i64 - half_v as i64;
                let i = border.index(i, h).unwrap_or(if i < 0 { 0 } else { h - 1 });
                &p[i * n..][..n]
            })
            .collect();
        weighted(&rows, vertical, &mut sums);
        padded(&sums, c, half_u, border, &mut wide, |v| v);
        let shifted: Vec<&[f32]> = (0..horizontal.len()).map(|t| &wide[t * c..][..n]).collect();
        weighted(&shifted, horizontal, &mut sums);
        out.extend(sums.iter().map(|&s| T::from_f32(s)));
    }
    out
}

/// Values summed in registers at once.
const LANES: usize = 32;

/// `Σ wₜ · rowₜ`, the rows as long as `out`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn weighted<T: Value>(rows: &[&[T]], weights: &[f32], out: &mut [f32]) {
    let blocks = out.len() / LANES;
    let (body, rest) = out.as_chunks_mut::<LANES>();
    for (b, out) in body.iter_mut().enumerate() {
        let mut sums = [0f32; LANES];
        for (row, w) in rows.iter().zip(weights) {
            if let Some(row) = row[b * LANES..].first_chunk::<LANES>() {
                for i in 0..LANES {
                    sums[i] += row[i].to_f32() * w;
                }
            }
        }
        *out = sums;
    }
    rest.fill(0.0);
    for (row, w) in rows.iter().zip(weights) {
        for (o, v) in rest.iter_mut().zip(&row[blocks * LANES..]) {
            *o += v.to_f32() * w;
        }
    }
}

fn correlate<T: Value>(
    p: &[T],
    image: &Image,
    taps: &[([usize; 2], f32)],
    size: [usize; 2],
    bias: f32,
    border: Border,
) -> Vec<T> {
    let (h, n, c) = (
        image.height(),
        image.width() * image.channels(),
        image.channels(),
    );
    let [half_v, half_u] = size.map(|s| s / 2);
    let stride = n + 2 * half_u * c;
    let mut wide = Vec::with_capacity(h * stride);
    let mut line = Vec::with_capacity(stride);
    for row in p.chunks_exact(n) {
        padded(row, c, half_u, border, &mut line, |v| v);
        wide.extend_from_slice(&line);
    }
    let weights: Vec<f32> = taps.iter().map(|t| t.1).collect();
    let mut rows = Vec::with_capacity(taps.len());
    let mut sums = vec![0f32; n];
    let mut out = Vec::with_capacity(p.len());
    for i in 0..h as i64 {
        rows.clear();
        rows.extend(taps.iter().map(|&([a, b], _)| {
            let i = i + a as i64 - half_v as i64;
            let i = border.index(i, h).unwrap_or(if i < 0 { 0 } else { h - 1 });
            &wide[i * stride + b * c..][..n]
        }));
        weighted(&rows, &weights, &mut sums);
        let bias = bias * T::WHITE;
        out.extend(
            sums.iter()
                .map(|&s| T::from_f32((s + bias).clamp(0.0, T::WHITE))),
        );
    }
    out
}

/// The 3×3 kernel that weighs the eight neighbours `ring` and the middle `middle`, in units of
/// 1/65,536: what sharpening is.
fn ring(p: &[u8], image: &Image, [ring, middle]: [f32; 2], border: Border) -> Vec<u8> {
    let (h, n, c) = (
        image.height(),
        image.width() * image.channels(),
        image.channels(),
    );
    let [ring, middle] = [ring, middle].map(|w| (w * 65536.0).round() as i32);
    let (mut columns, mut wide) = (vec![0u16; n], Vec::new());
    let mut out = vec![0; p.len()];
    for (i, out) in out.chunks_exact_mut(n).enumerate() {
        let row = |i: i64| {
            let i = border.index(i, h).unwrap_or(if i < 0 { 0 } else { h - 1 });
            &p[i * n..][..n]
        };
        let i = i as i64;
        add_rows([row(i - 1), row(i), row(i + 1)], &mut columns);
        padded(&columns, c, 1, border, &mut wide, |v| v);
        ring_row(&wide, row(i), c, [ring, middle - ring], out);
    }
    out
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn add_rows([a, b, c]: [&[u8]; 3], out: &mut [u16]) {
    let n = out.len();
    let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
    for j in 0..n {
        out[j] = u16::from(a[j]) + u16::from(b[j]) + u16::from(c[j]);
    }
}

/// `columns` are sums of three rows, padded by a pixel; `middle` is what the pixel itself weighs
/// beyond the ring.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn ring_row(columns: &[u16], row: &[u8], c: usize, [ring, middle]: [i32; 2], out: &mut [u8]) {
    let n = out.len();
    let (x0, x1, x2) = (&columns[..n], &columns[c..][..n], &columns[2 * c..][..n]);
    let row = &row[..n];
    for j in 0..n {
        let sum = i32::from(x0[j] + x1[j] + x2[j]) * ring + i32::from(row[j]) * middle;
        out[j] = ((sum + 32768) >> 16).clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn fixed_point_is_within_one_level_of_the_double_sum() {
        for k in [1, 3, 5, 7, 21] {
            let taps = gaussian(k, 0.3 + k as f64 / 4.0);
            let x = picture(19, 23, 3);
            let y = x.separable(&taps, &taps, Border::Reflect).fractions();
            let kernel: Vec<f32> = (0..k * k).map(|i| taps[i / k] * taps[i % k]).collect();
            let z = x
                .convolve(&kernel, [k, k], 0.0, Border::Reflect)
                .fractions();
            for (a, b) in y.iter().zip(z) {
                assert!((a - b).abs() < 1.01 / 255.0, "{k}: {a} {b}");
            }
        }
    }

    #[test]
    fn a_flat_image_stays() {
        for v in [0, 1, 128, 255] {
            let flat = Image::of(5, 6, 3, Pixels::U8(vec![v; 90]));
            for k in [1, 3, 5, 9, 33] {
                let taps = gaussian(k, 2.0);
                assert_eq!(flat.separable(&taps, &taps, Border::Reflect), flat);
            }
        }
    }
}
