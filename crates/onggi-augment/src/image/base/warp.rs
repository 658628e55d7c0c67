//! The one path of every geometric transform: a map, an interpolation and a border, for image,
//! masks, boxes and keypoints alike.

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::bilinear::bilinear;
use super::raster::{Image, Pixels, Value, each_depth};
use super::sample::Sample;
use super::settings::Fill;
use super::window::Border;

/// How values between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// Linear between the four nearest pixels.
    #[default]
    Bilinear,
    /// Cubic between the sixteen nearest pixels, a = −0.5 (Keys).
    Bicubic,
}

/// Where every pixel of the result comes from, in pixels from the left and top edges.
#[derive(Clone, Debug)]
pub(crate) enum Map {
    /// A 3×3 matrix on homogeneous coordinates, row by row, and its inverse.
    Matrix {
        forward: [f64; 9],
        inverse: [f64; 9],
    },
    /// For every pixel of the result how far from it its source lies.
    Field(Field),
}

/// A displacement a pixel, result to source.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) size: [usize; 2],
    pub(crate) dx: Vec<f32>,
    pub(crate) dy: Vec<f32>,
}

impl Field {
    /// The field of `f(x, y) = (source x, source y)` at pixel centres.
    pub(crate) fn of(size: [usize; 2], f: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let [h, w] = size;
        let (mut dx, mut dy) = (Vec::with_capacity(h * w), Vec::with_capacity(h * w));
        for i in 0..h {
            for j in 0..w {
                let (x, y) = (j as f64 + 0.5, i as f64 + 0.5);
                let (sx, sy) = f(x, y);
                dx.push((sx - x) as f32);
                dy.push((sy - y) as f32);
            }
        }
        Self { size, dx, dy }
    }

    /// The displacement of the pixel that (x, y) lies in, linear between pixel centres.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let [h, w] = self.size;
        let x = (x - 0.5).clamp(0.0, (w - 1) as f64);
        let y = (y - 0.5).clamp(0.0, (h - 1) as f64);
        let (j, i) = (x as usize, y as usize);
        let (fx, fy) = (x - j as f64, y - i as f64);
        let (j1, i1) = ((j + 1).min(w - 1), (i + 1).min(h - 1));
        let mix = |d: &[f32]| {
            let at = |i: usize, j: usize| f64::from(d[i * w + j]);
            let top = at(i, j) * (1.0 - fx) + at(i, j1) * fx;
            let bottom = at(i1, j) * (1.0 - fx) + at(i1, j1) * fx;
            top * (1.0 - fy) + bottom * fy
        };
        (mix(&self.dx), mix(&self.dy))
    }
}

impl Map {
    /// The map that moves points by `forward`; `None` for a matrix without an inverse.
    pub(crate) fn matrix(forward: [f64; 9]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i] = forward;
        let det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
        let inverse = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ]
        .map(|v| v / det);
        let good = inverse.iter().all(|v| v.is_finite());
        good.then_some(Self::Matrix { forward, inverse })
    }

    /// Where a point of the source goes.
    fn forward(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        match self {
            Self::Matrix { forward: m, .. } => {
                let z = m[6] * x + m[7] * y + m[8];
                // Behind the eye, or on its plane: the point is not seen.
                (z > 1e-9).then(|| {
                    (
                        (m[0] * x + m[1] * y + m[2]) / z,
                        (m[3] * x + m[4] * y + m[5]) / z,
                    )
                })
            }
            // The field leads from result to source: turned round by fixed-point iteration, which
            // meets wherever neighbouring pixels keep their order.
            Self::Field(field) => {
                let mut at = (x, y);
                for _ in 0..32 {
                    let (dx, dy) = field.at(at.0, at.1);
                    at = ((at.0 + x - dx) / 2.0, (at.1 + y - dy) / 2.0);
                }
                Some(at)
            }
        }
    }

    /// Source coordinates of the pixels of row `i` of the result, counted in pixel centres.
    pub(super) fn row(&self, i: usize, xs: &mut [f32], ys: &mut [f32]) {
        let n = xs.len();
        match self {
            Self::Matrix { inverse: m, .. } => {
                let y = i as f64 + 0.5;
                let line = |a: f64, b: f64, c: f64| (a, b * y + c + 0.5 * a);
                let (x, y, z) = (
                    line(m[0], m[1], m[2]),
                    line(m[3], m[4], m[5]),
                    line(m[6], m[7], m[8]),
                );
                if m[6] == 0.0 && m[7] == 0.0 {
                    let scaled = |(a, b): (f64, f64)| (a / m[8], b / m[8] - 0.5);
                    straight([scaled(x), scaled(y)], xs, ys);
                } else {
                    receding([x, y, z], xs, ys);
                }
            }
            Self::Field(field) => {
                let dx = &field.dx[i * n..][..n];
                let dy = &field.dy[i * n..][..n];
                for j in 0..n {
                    xs[j] = j as f32 + dx[j];
                    ys[j] = i as f32 + dy[j];
                }
            }
        }
    }
}

/// Coordinates `a j + b`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn straight([x, y]: [(f64, f64); 2], xs: &mut [f32], ys: &mut [f32]) {
    let n = xs.len();
    let ys = &mut ys[..n];
    for j in 0..n {
        let t = f64::from(j as i32);
        xs[j] = (x.0 * t + x.1) as f32;
        ys[j] = (y.0 * t + y.1) as f32;
    }
}

/// Coordinates `(a j + b) / z`, counted in pixel centres. A pixel that looks behind the eye sees
/// nothing: far off the image.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn receding([x, y, z]: [(f64, f64); 3], xs: &mut [f32], ys: &mut [f32]) {
    let n = xs.len();
    let ys = &mut ys[..n];
    for j in 0..n {
        let t = f64::from(j as i32);
        let w = z.0 * t + z.1;
        let w = if w > 1e-9 { 1.0 / w } else { f64::NAN };
        xs[j] = ((x.0 * t + x.1) * w - 0.5) as f32;
        ys[j] = ((y.0 * t + y.1) * w - 0.5) as f32;
    }
}

/// How a warp looks at pixels.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) interpolation: Interpolation,
    pub(crate) border: Border,
    pub(crate) fill: &'a Fill,
}

impl Sample {
    /// The sample seen through `map` in a window of `size`. Masks are sampled by nearest
    /// neighbour, with 0 where the image has its fill.
    pub(crate) fn warp(mut self, map: &Map, size: [usize; 2], look: Look) -> Self {
        self.image = warp(&self.image, map, size, look);
        let nearest = Look {
            interpolation: Interpolation::Nearest,
            fill: &Fill::All(0.0),
            ..look
        };
        for mask in &mut self.masks {
            *mask = warp(mask, map, size, nearest);
        }
        let between = match map {
            Map::Matrix { .. } => 0,
            Map::Field(_) => 15,
        };
        self.move_targets(size, between, |x, y| map.forward(x, y));
        self
    }
}

/// One image seen through a map.
pub(crate) fn warp(image: &Image, map: &Map, size: [usize; 2], look: Look) -> Image {
    let c = image.channels();
    if look.interpolation == Interpolation::Bilinear
        && let Pixels::U8(p) = image.pixels()
        && let Some(bytes) = bilinear(p, image, map, size, look)
    {
        return Image::of(size[0], size[1], c, Pixels::U8(bytes));
    }
    let pixels = each_depth!(image.pixels(), p => match c {
        1 => groups::<_, 1>(p, image, map, size, look),
        _ => groups::<_, 4>(p, image, map, size, look),
    });
    Image::of(size[0], size[1], c, pixels)
}

/// Runs over the channels in groups of `L` that lie side by side, so that four channels are one
/// vector and three are four with one unused.
fn groups<T: Value, const L: usize>(
    p: &[T],
    image: &Image,
    map: &Map,
    size: [usize; 2],
    look: Look,
) -> Vec<T> {
    let c = image.channels();
    let fill: Vec<T> = look.fill.pixel(c);
    let mut out = vec![T::default(); size[0] * size[1] * c];
    let (mut xs, mut ys) = (vec![0.0; size[1]], vec![0.0; size[1]]);
    let mut line = vec![[T::default(); L]; size[1]];
    let mut source = vec![[T::default(); L]; image.height() * image.width()];
    for k in (0..c).step_by(L) {
        let m = L.min(c - k);
        gather(p, c, k, m, &mut source);
        let mut pixel = [T::default(); L];
        pixel[..m].copy_from_slice(&fill[k..k + m]);
        let view = View {
            pixels: &source,
            height: image.height(),
            width: image.width(),
            border: look.border,
            fill: pixel,
        };
        for (i, row) in out.chunks_exact_mut(size[1] * c).enumerate() {
            map.row(i, &mut xs, &mut ys);
            match look.interpolation {
                Interpolation::Nearest => nearest_row(&view, &xs, &ys, &mut line),
                Interpolation::Bilinear => bilinear_row(&view, &xs, &ys, &mut line),
                Interpolation::Bicubic => bicubic_row(&view, &xs, &ys, &mut line),
            }
            scatter(&line, c, k, m, row);
        }
    }
    out
}

fn gather<T: Value, const L: usize>(p: &[T], c: usize, k: usize, m: usize, out: &mut [[T; L]]) {
    if c == 3 && L == 4 {
        for (o, v) in out.iter_mut().zip(p.as_chunks::<3>().0) {
            o[..3].copy_from_slice(v);
        }
    } else {
        for (o, v) in out.iter_mut().zip(p.chunks_exact(c)) {
            o[..m].copy_from_slice(&v[k..k + m]);
        }
    }
}

fn scatter<T: Value, const L: usize>(line: &[[T; L]], c: usize, k: usize, m: usize, row: &mut [T]) {
    if c == 3 && L == 4 {
        for (o, v) in row.as_chunks_mut::<3>().0.iter_mut().zip(line) {
            o.copy_from_slice(&v[..3]);
        }
    } else {
        for (o, v) in row.chunks_exact_mut(c).zip(line) {
            o[k..k + m].copy_from_slice(&v[..m]);
        }
    }
}

struct View<'a, T, const L: usize> {
    pixels: &'a [[T; L]],
    height: usize,
    width: usize,
    border: Border,
    fill: [T; L],
}

impl<T: Value, const L: usize> View<'_, T, L> {
    fn at(&self, i: i64, j: i64) -> [T; L] {
        match (
            self.border.index(i, self.height),
            self.border.index(j, self.width),
        ) {
            (Some(i), Some(j)) => self.pixels[i * self.width + j],
            _ => self.fill,
        }
    }

    /// Keeps coordinates where whole numbers of `i64` are exact; one that is no number lies far
    /// outside.
    fn bound(v: f32) -> f32 {
        if v.is_nan() { -1e9 } else { v.clamp(-1e9, 1e9) }
    }
}

fn nearest_row<T: Value, const L: usize>(
    view: &View<T, L>,
    xs: &[f32],
    ys: &[f32],
    out: &mut [[T; L]],
) {
    for ((o, &x), &y) in out.iter_mut().zip(xs).zip(ys) {
        let (x, y) = (View::<T, L>::bound(x), View::<T, L>::bound(y));
        *o = view.at((y + 0.5).floor() as i64, (x + 0.5).floor() as i64);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn bilinear_row<T: Value, const L: usize>(
    view: &View<T, L>,
    xs: &[f32],
    ys: &[f32],
    out: &mut [[T; L]],
) {
    let (w, h) = (view.width, view.height);
    let (most_x, most_y) = (w as f32 - 1.0, h as f32 - 1.0);
    for ((o, &x), &y) in out.iter_mut().zip(xs).zip(ys) {
        if x >= 0.0 && x < most_x && y >= 0.0 && y < most_y {
            let (j, i) = (x as i32, y as i32);
            let (fx, fy) = (x - j as f32, y - i as f32);
            let at = i as usize * w + j as usize;
            if let (Some([a, b]), Some([c, d])) = (
                view.pixels.get(at..at + 2),
                view.pixels.get(at + w..at + w + 2),
            ) {
                for k in 0..L {
                    let (a, b, c, d) = (a[k].to_f32(), b[k].to_f32(), c[k].to_f32(), d[k].to_f32());
                    let top = a + (b - a) * fx;
                    let bottom = c + (d - c) * fx;
                    o[k] = T::from_f32(top + (bottom - top) * fy);
                }
            }
        } else {
            *o = bilinear_edge(view, x, y);
        }
    }
}

#[inline(never)]
fn bilinear_edge<T: Value, const L: usize>(view: &View<T, L>, x: f32, y: f32) -> [T; L] {
    let (x, y) = (View::<T, L>::bound(x), View::<T, L>::bound(y));
    if view.border == Border::Constant
        && (x <= -1.0 || y <= -1.0 || x >= view.width as f32 || y >= view.height as f32)
    {
        return view.fill;
    }
    let (j, i) = (x.floor(), y.floor());
    let (fx, fy) = (x - j, y - i);
    let (j, i) = (j as i64, i as i64);
    let [a, b] = [view.at(i, j), view.at(i, j + 1)];
    let [c, d] = [view.at(i + 1, j), view.at(i + 1, j + 1)];
    std::array::from_fn(|k| {
        let top = a[k].to_f32() + (b[k].to_f32() - a[k].to_f32()) * fx;
        let bottom = c[k].to_f32() + (d[k].to_f32() - c[k].to_f32()) * fx;
        T::from_f32(top + (bottom - top) * fy)
    })
}

fn bicubic_row<T: Value, const L: usize>(
    view: &View<T, L>,
    xs: &[f32],
    ys: &[f32],
    out: &mut [[T; L]],
) {
    // Keys' weights of the four neighbours for a fraction t.
    let weights = |t: f32| {
        let near = |t: f32| (1.5 * t - 2.5) * t * t + 1.0;
        let far = |t: f32| ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0;
        [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
    };
    for ((o, &x), &y) in out.iter_mut().zip(xs).zip(ys) {
        let (x, y) = (View::<T, L>::bound(x), View::<T, L>::bound(y));
        let (j, i) = (x.floor(), y.floor());
        let (wx, wy) = (weights(x - j), weights(y - i));
        let mut sum = [0.0; L];
        for (a, wy) in wy.iter().enumerate() {
            for (b, wx) in wx.iter().enumerate() {
                let v = view.at(i as i64 + a as i64 - 1, j as i64 + b as i64 - 1);
                for k in 0..L {
                    sum[k] += v[k].to_f32() * wy * wx;
                }
            }
        }
        *o = sum.map(|v| T::from_f32(v.clamp(0.0, T::WHITE)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::{picture, sample};

    const IDENTITY: [f64; 9] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];

    fn look(interpolation: Interpolation, fill: &Fill) -> Look<'_> {
        Look {
            interpolation,
            border: Border::Constant,
            fill,
        }
    }

    #[test]
    fn the_identity_changes_nothing() {
        let fill = Fill::All(0.3);
        let still = Field::of([9, 12], |x, y| (x, y));
        for c in [1, 2, 3, 4, 7] {
            for map in [Map::matrix(IDENTITY).unwrap(), Map::Field(still.clone())] {
                for i in [
                    Interpolation::Nearest,
                    Interpolation::Bilinear,
                    Interpolation::Bicubic,
                ] {
                    let x = picture(9, 12, c);
                    assert_eq!(warp(&x, &map, [9, 12], look(i, &fill)), x);
                }
            }
        }
    }

    #[test]
    fn half_a_pixel_to_the_right_is_the_mean_of_two() {
        let image = Image::of(1, 3, 1, Pixels::U8(vec![10, 20, 40]));
        let map = Map::matrix([1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]).unwrap();
        let fill = Fill::All(0.0);
        let y = warp(&image, &map, [1, 3], look(Interpolation::Bilinear, &fill));
        assert_eq!(y.pixels(), &Pixels::U8(vec![5, 15, 30]));
    }

    #[test]
    fn points_go_where_pixels_go() {
        let wave = |x: f64, y: f64| (x + 2.0 * (y / 9.0).sin(), y + 1.5 * (x / 8.0).cos());
        let field = Map::Field(Field::of([40, 50], wave));
        let turn = Map::matrix([0.8, -0.3, 6.0, 0.2, 0.9, -1.0, 0.001, 0.002, 1.0]).unwrap();
        for map in [field, turn] {
            let (mut xs, mut ys) = (vec![0.0; 50], vec![0.0; 50]);
            map.row(20, &mut xs, &mut ys);
            for j in [10, 25, 40] {
                let (x, y) = (f64::from(xs[j]) + 0.5, f64::from(ys[j]) + 0.5);
                let (bx, by) = map.forward(x, y).unwrap();
                let off = (bx - (j as f64 + 0.5)).hypot(by - 20.5);
                assert!(off < 1e-3, "{off}");
            }
        }
    }

    #[test]
    fn a_matrix_without_inverse_is_none_and_nan_is_fill() {
        assert!(Map::matrix([0.0; 9]).is_none());
        let nan = Map::Field(Field::of([4, 4], |_, _| (f64::NAN, f64::INFINITY)));
        let fill = Fill::All(1.0);
        for i in [
            Interpolation::Nearest,
            Interpolation::Bilinear,
            Interpolation::Bicubic,
        ] {
            let y = warp(&picture(4, 4, 3), &nan, [4, 4], look(i, &fill));
            assert_eq!(y.pixels(), &Pixels::U8(vec![255; 48]));
        }
        let out = sample(4, 4, 3).warp(&nan, [4, 4], look(Interpolation::Bilinear, &fill));
        assert!(out.boxes.is_empty() && out.keypoints.is_empty());
    }
}
