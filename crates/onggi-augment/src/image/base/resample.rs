//! Resizing: the filter is widened where the image shrinks, so that no pixel is passed over.

use fast_image_resize::images::{Image as Buffer, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::raster::{Image, Pixels};
use super::sample::Sample;
use super::warp::Interpolation;

impl Sample {
    /// The sample at another size; masks by nearest neighbour.
    pub(crate) fn resize(
        mut self,
        size: [usize; 2],
        interpolation: Interpolation,
        antialias: bool,
    ) -> Self {
        let [h, w] = self.size();
        if [h, w] == size {
            return self;
        }
        self.image = resize(&self.image, size, interpolation, antialias);
        for mask in &mut self.masks {
            *mask = resize(mask, size, Interpolation::Nearest, false);
        }
        let (sx, sy) = (size[1] as f64 / w as f64, size[0] as f64 / h as f64);
        self.move_targets(size, 0, |x, y| Some((x * sx, y * sy)));
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
    if image.size() == size {
        return image.clone();
    }
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
    let c = image.channels();
    let shape = [image.height(), image.width(), c];
    let pixels = match image.pixels() {
        Pixels::U8(p) => {
            let kinds = [
                PixelType::U8,
                PixelType::U8x2,
                PixelType::U8x3,
                PixelType::U8x4,
            ];
            Pixels::U8(resized(p, shape, size, kinds, algorithm))
        }
        Pixels::U16(p) => {
            let kinds = [
                PixelType::U16,
                PixelType::U16x2,
                PixelType::U16x3,
                PixelType::U16x4,
            ];
            Pixels::U16(resized(p, shape, size, kinds, algorithm))
        }
        Pixels::F32(p) => {
            let kinds = [
                PixelType::F32,
                PixelType::F32x2,
                PixelType::F32x3,
                PixelType::F32x4,
            ];
            let mut out = resized(p, shape, size, kinds, algorithm);
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

fn resized<T: bytemuck::Pod>(
    p: &[T],
    [h, w, c]: [usize; 3],
    size: [usize; 2],
    kinds: [PixelType; 4],
    algorithm: ResizeAlg,
) -> Vec<T> {
    // In 8 bits the resizer goes down the columns first. A cubic is cut to the range between the two
    // passes, so their order shows; Pillow and torchvision go along the rows first.
    let cubic = algorithm == ResizeAlg::Convolution(FilterType::CatmullRom);
    if cubic && size_of::<T>() == 1 && size[0] != h && size[1] != w {
        let wide = resized(p, [h, w, c], [h, size[1]], kinds, algorithm);
        return resized(&wide, [h, size[1], c], size, kinds, algorithm);
    }
    if let Some(&kind) = kinds.get(c - 1) {
        return one(p, [h, w], size, kind, algorithm);
    }
    // More channels than the resizer takes: plane by plane.
    let mut out = vec![T::zeroed(); size[0] * size[1] * c];
    for k in 0..c {
        let plane: Vec<T> = p[k..].iter().step_by(c).copied().collect();
        let plane = one(&plane, [h, w], size, kinds[0], algorithm);
        for (o, v) in out[k..].iter_mut().step_by(c).zip(plane) {
            *o = v;
        }
    }
    out
}

fn one<T: bytemuck::Pod>(
    p: &[T],
    from: [usize; 2],
    to: [usize; 2],
    kind: PixelType,
    algorithm: ResizeAlg,
) -> Vec<T> {
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut out = Buffer::new(side(to[1]), side(to[0]), kind);
    let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
    let bytes = bytemuck::cast_slice(p);
    if let Ok(source) = ImageRef::new(side(from[1]), side(from[0]), bytes, kind) {
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
    use crate::image::base::conformance::picture;

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
    fn many_channels_equal_their_planes() {
        let x = picture(9, 13, 6);
        let y = resize(&x, [5, 20], Interpolation::Bicubic, true);
        let (Pixels::U8(p), Pixels::U8(q)) = (x.pixels(), y.pixels()) else {
            unreachable!()
        };
        for k in 0..6 {
            let plane = p[k..].iter().step_by(6).copied().collect();
            let plane = Image::of(9, 13, 1, Pixels::U8(plane));
            let want = resize(&plane, [5, 20], Interpolation::Bicubic, true).into_pixels();
            let got: Vec<u8> = q[k..].iter().step_by(6).copied().collect();
            assert_eq!(want, Pixels::U8(got));
        }
    }
}
