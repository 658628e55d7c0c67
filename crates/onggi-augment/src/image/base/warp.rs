//! The one path of every geometric transform: a [`Map`], an interpolation and a border, for image,
//! masks, boxes and keypoints alike.

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::bilinear::bilinear;
use super::map::Map;
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
    use crate::image::base::map::Field;

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
    fn nan_is_fill() {
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
