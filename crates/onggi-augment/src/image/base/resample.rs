//! Resizing: the filter is widened where the image shrinks, so that no pixel is passed over.
//!
//! Done by `fast_image_resize`, half of the time along the rows and a third down the columns. Plain
//! loops in 16 bits, a row of the result at a time, took 1.3 times as long.

use fast_image_resize::images::{CroppedImage, Image as Buffer, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::raster::{Image, Pixels};
use super::sample::Sample;
use super::settings::Fill;
use super::warp::Interpolation;
use super::window::{Border, Window, cut};

impl Sample {
    /// The sample at another size; masks by nearest neighbour.
    pub(crate) fn resize(
        self,
        size: [usize; 2],
        interpolation: Interpolation,
        antialias: bool,
    ) -> Self {
        let all = Window::all(&self.image);
        self.resize_window(all, size, interpolation, antialias)
    }

    /// What is seen through a window, at another size; beyond the edge is the outermost pixel.
    pub(crate) fn resize_window(
        mut self,
        window: Window,
        size: [usize; 2],
        interpolation: Interpolation,
        antialias: bool,
    ) -> Self {
        if window != Window::all(&self.image) {
            let (dx, dy) = (window.left as f64, window.top as f64);
            self.move_targets(window.size, 0, |x, y| Some((x - dx, y - dy)));
        }
        if window.size != size {
            let [sy, sx] = [0, 1].map(|k| size[k] as f64 / window.size[k] as f64);
            self.move_targets(size, 0, |x, y| Some((x * sx, y * sy)));
        }
        self.image = resize_window(&self.image, window, size, interpolation, antialias);
        for mask in &mut self.masks {
            *mask = resize_window(mask, window, size, Interpolation::Nearest, false);
        }
        self
    }
}

/// One image at another size. Sides are at most [`MAX_SIDE`](super::settings::MAX_SIDE).
pub(crate) fn resize(
    image: &Image,
    size: [usize; 2],
    interpolation: Interpolation,
    antialias: bool,
) -> Image {
    resize_window(image, Window::all(image), size, interpolation, antialias)
}

fn resize_window(
    image: &Image,
    window: Window,
    size: [usize; 2],
    interpolation: Interpolation,
    antialias: bool,
) -> Image {
    let whole = window == Window::all(image);
    if whole && window.size == size {
        return image.clone();
    }
    let c = image.channels();
    // More channels than the resizer takes go plane by plane, which is a copy anyway.
    let in_place = window.size != size && (whole || c <= 4);
    let Some(start) = window.inside(image).filter(|_| in_place) else {
        let seen = cut(image, window, Border::Edge, &Fill::default());
        return resize(&seen, size, interpolation, antialias);
    };
    let filter = match interpolation {
        Interpolation::Nearest => None,
        Interpolation::Bilinear => Some(FilterType::Bilinear),
        Interpolation::Bicubic => Some(FilterType::CatmullRom),
    };
    let algorithm = match (filter, antialias) {
        (None, _) => ResizeAlg::Nearest,
        (Some(filter), true) => ResizeAlg::Convolution(filter),
        (Some(filter), false) => ResizeAlg::Interpolation(filter),
    };
    let part = Part {
        image: image.size(),
        channels: c,
        start,
        size: window.size,
    };
    let pixels = match image.pixels() {
        Pixels::U8(p) => {
            let kinds = [
                PixelType::U8,
                PixelType::U8x2,
                PixelType::U8x3,
                PixelType::U8x4,
            ];
            Pixels::U8(resized(p, part, size, kinds, algorithm))
        }
        Pixels::U16(p) => {
            let kinds = [
                PixelType::U16,
                PixelType::U16x2,
                PixelType::U16x3,
                PixelType::U16x4,
            ];
            Pixels::U16(resized(p, part, size, kinds, algorithm))
        }
        Pixels::F32(p) => {
            let kinds = [
                PixelType::F32,
                PixelType::F32x2,
                PixelType::F32x3,
                PixelType::F32x4,
            ];
            let mut out = resized(p, part, size, kinds, algorithm);
            // A cubic swings beyond its neighbours; integers are cut at the ends of their range.
            let range = 0.0..=1.0;
            if interpolation == Interpolation::Bicubic && p.iter().all(|v| range.contains(v)) {
                out.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
            }
            Pixels::F32(out)
        }
    };
    Image::of(size[0], size[1], c, pixels)
}

/// What is seen of an image.
#[derive(Clone, Copy)]
struct Part {
    /// Height and width of the whole image.
    image: [usize; 2],
    channels: usize,
    /// First row and column, height and width of the part.
    start: [usize; 2],
    size: [usize; 2],
}

fn resized<T: bytemuck::Pod>(
    p: &[T],
    part: Part,
    size: [usize; 2],
    kinds: [PixelType; 4],
    algorithm: ResizeAlg,
) -> Vec<T> {
    // In 8 bits the resizer goes down the columns first. A cubic is cut to the range between the two
    // passes, so their order shows; Pillow and torchvision go along the rows first.
    let cubic = algorithm == ResizeAlg::Convolution(FilterType::CatmullRom);
    let [h, w] = part.size;
    if cubic && size_of::<T>() == 1 && size[0] != h && size[1] != w {
        let wide = resized(p, part, [h, size[1]], kinds, algorithm);
        let rest = Part {
            image: [h, size[1]],
            start: [0, 0],
            size: [h, size[1]],
            ..part
        };
        return resized(&wide, rest, size, kinds, algorithm);
    }
    let c = part.channels;
    if let Some(&kind) = kinds.get(c - 1) {
        return one(p, part, size, kind, algorithm);
    }
    // More channels than the resizer takes: plane by plane.
    let mut out = vec![T::zeroed(); size[0] * size[1] * c];
    for k in 0..c {
        let plane: Vec<T> = p[k..].iter().step_by(c).copied().collect();
        let plane = one(&plane, part, size, kinds[0], algorithm);
        for (o, v) in out[k..].iter_mut().step_by(c).zip(plane) {
            *o = v;
        }
    }
    out
}

fn one<T: bytemuck::Pod>(
    p: &[T],
    part: Part,
    to: [usize; 2],
    kind: PixelType,
    algorithm: ResizeAlg,
) -> Vec<T> {
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let ([from_h, from_w], [top, left]) = (part.image.map(side), part.start.map(side));
    let [h, w] = part.size.map(side);
    let mut out = Buffer::new(side(to[1]), side(to[0]), kind);
    let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
    if let Ok(source) = ImageRef::new(from_w, from_h, bytemuck::cast_slice(p), kind)
        && let Ok(source) = CroppedImage::new(&source, left, top, w, h)
    {
        // Both buffers have one pixel type and sides above 0, the only things it refuses.
        let done = Resizer::new().resize(&source, &mut out, &options);
        debug_assert!(done.is_ok(), "{done:?}");
    }
    match bytemuck::try_cast_vec(out.into_vec()) {
        Ok(same) => same,
        Err((_, bytes)) => bytemuck::pod_collect_to_vec(&bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::{picture, sample};

    /// Shrinking by 2, the triangle spans 4 pixels with weights 0.25, 0.75, 0.75, 0.25, cut off and
    /// normalised at the border: 255 · 0.25 / 1.75 = 36.4.
    #[test]
    fn shrinking_weighs_with_a_wide_triangle() {
        let row = Image::of(1, 4, 1, Pixels::U8(vec![0, 0, 255, 255]));
        let y = resize(&row, [1, 2], Interpolation::Bilinear, true);
        assert_eq!(y.pixels(), &Pixels::U8(vec![36, 219]));
        let y = resize(&row, [1, 8], Interpolation::Nearest, false);
        assert_eq!(
            y.pixels(),
            &Pixels::U8(vec![0, 0, 0, 0, 255, 255, 255, 255])
        );
    }

    #[test]
    fn channels_equal_their_planes() {
        let kinds = [Interpolation::Bicubic, Interpolation::Bilinear];
        for (c, kind) in [2, 3, 4, 6].into_iter().flat_map(|c| kinds.map(|k| (c, k))) {
            let x = picture(9, 13, c);
            let y = resize(&x, [5, 20], kind, true);
            let (Pixels::U8(p), Pixels::U8(q)) = (x.pixels(), y.pixels()) else {
                unreachable!()
            };
            for k in 0..c {
                let plane = p[k..].iter().step_by(c).copied().collect();
                let plane = Image::of(9, 13, 1, Pixels::U8(plane));
                let want = resize(&plane, [5, 20], kind, true).into_pixels();
                let got: Vec<u8> = q[k..].iter().step_by(c).copied().collect();
                assert_eq!(want, Pixels::U8(got));
            }
        }
    }

    #[test]
    fn a_window_is_cut_and_resized() {
        let x = sample(20, 30, 3);
        for (top, left, size) in [(3, 5, [11, 17]), (0, 0, [20, 30]), (-4, 20, [9, 15])] {
            let window = Window { top, left, size };
            for kind in [Interpolation::Bicubic, Interpolation::Bilinear] {
                let cut = x.clone().window(window, Border::Edge, &Fill::default());
                let want = cut.resize([14, 12], kind, true);
                assert_eq!(x.clone().resize_window(window, [14, 12], kind, true), want);
            }
        }
    }
}
