//! Crop and pad are one step: a window laid over the image, with a rule for what lies outside.

use serde::{Deserialize, Serialize};

use super::raster::{Image, Value, each_depth};
use super::sample::Sample;
use super::settings::Fill;

/// What is seen beyond the edge of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Border {
    /// The fill: `f f | a b c | f f`.
    #[default]
    Constant,
    /// The outermost pixel: `a a | a b c | c c`.
    Edge,
    /// A mirror on the outermost pixel: `c b | a b c | b a`.
    Reflect,
    /// A mirror outside the outermost pixel: `b a | a b c | c b`.
    Symmetric,
    /// The image again: `b c | a b c | a b`.
    Wrap,
}

impl Border {
    /// The pixel of `0..n` seen at `i`; `None` for the fill.
    #[inline]
    pub(crate) fn index(self, i: i64, n: usize) -> Option<usize> {
        let m = n as i64;
        if (0..m).contains(&i) {
            return Some(i as usize);
        }
        let at = match self {
            Self::Constant => return None,
            Self::Edge => i.clamp(0, m - 1),
            Self::Wrap => i.rem_euclid(m),
            Self::Symmetric => {
                let k = i.rem_euclid(2 * m);
                k.min(2 * m - 1 - k)
            }
            Self::Reflect if m == 1 => 0,
            Self::Reflect => {
                let k = i.rem_euclid(2 * m - 2);
                k.min(2 * m - 2 - k)
            }
        };
        Some(at as usize)
    }
}

/// A window of `size`, its top left pixel at (`top`, `left`) of the image, negative where it
/// stands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First row.
    pub top: i64,
    /// First column.
    pub left: i64,
    /// `[height, width]`.
    pub size: [usize; 2],
}

impl Window {
    /// The window on the whole of an image.
    pub(crate) fn all(image: &Image) -> Self {
        Self {
            top: 0,
            left: 0,
            size: image.size(),
        }
    }

    /// Its first row and column, where it does not stand over the edge.
    pub(crate) fn inside(self, image: &Image) -> Option<[usize; 2]> {
        let start = [self.top, self.left].map(|v| usize::try_from(v).ok());
        let [Some(top), Some(left)] = start else {
            return None;
        };
        let within = |start: usize, n: usize, most: usize| start <= most && n <= most - start;
        let holds = within(top, self.size[0], image.height());
        (holds && within(left, self.size[1], image.width())).then_some([top, left])
    }
}

impl Sample {
    /// What is seen through the window: image, masks (fill 0), boxes and keypoints.
    pub(crate) fn window(mut self, window: Window, border: Border, fill: &Fill) -> Self {
        if window == Window::all(&self.image) {
            return self;
        }
        self.image = cut(&self.image, window, border, fill);
        for mask in &mut self.masks {
            *mask = cut(mask, window, border, &Fill::default());
        }
        let (dx, dy) = (window.left as f64, window.top as f64);
        self.move_targets(window.size, 0, |x, y| Some((x - dx, y - dy)));
        self
    }
}

/// The window on one image.
pub(crate) fn cut(image: &Image, window: Window, border: Border, fill: &Fill) -> Image {
    let [h, w] = window.size;
    let channels = image.channels();
    let pixels = each_depth!(image.pixels(), p => copy(p, image, window, border, fill));
    Image::of(h, w, channels, pixels)
}

fn copy<T: Value>(p: &[T], image: &Image, window: Window, border: Border, fill: &Fill) -> Vec<T> {
    let (h, w, c) = (image.height(), image.width(), image.channels());
    let [out_h, out_w] = window.size;
    let fill: Vec<T> = fill.pixel(c);
    // The columns the window and the image share.
    let begin = (-window.left).clamp(0, out_w as i64) as usize;
    let end = (w as i64 - window.left).clamp(begin as i64, out_w as i64) as usize;
    let mut out = Vec::with_capacity(out_h * out_w * c);
    for i in 0..out_h as i64 {
        let Some(row) = border.index(window.top.saturating_add(i), h) else {
            (0..out_w).for_each(|_| out.extend_from_slice(&fill));
            continue;
        };
        let row = &p[row * w * c..][..w * c];
        let edge = |columns: std::ops::Range<usize>, out: &mut Vec<T>| {
            for j in columns {
                match border.index(window.left + j as i64, w) {
                    Some(j) => out.extend_from_slice(&row[j * c..][..c]),
                    None => out.extend_from_slice(&fill),
                }
            }
        };
        edge(0..begin, &mut out);
        if begin < end {
            let first = (window.left + begin as i64) as usize;
            out.extend_from_slice(&row[first * c..][..(end - begin) * c]);
        }
        edge(end.max(begin)..out_w, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Pixels;

    #[test]
    fn borders_are_those_of_numpy_pad() {
        let row = |border: Border| -> Vec<_> { (-4..7).map(|i| border.index(i, 3)).collect() };
        let some = |v: [usize; 11]| v.map(Some).to_vec();
        assert_eq!(row(Border::Edge), some([0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]));
        assert_eq!(
            row(Border::Reflect),
            some([0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2])
        );
        assert_eq!(
            row(Border::Symmetric),
            some([2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0])
        );
        assert_eq!(row(Border::Wrap), some([2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]));
        assert_eq!(
            row(Border::Constant)[..5],
            [None, None, None, None, Some(0)]
        );
        assert_eq!(Border::Reflect.index(-3, 1), Some(0));
    }

    #[test]
    fn a_window_beside_the_image_is_all_fill() {
        let image = Image::of(2, 2, 1, Pixels::U8(vec![1, 2, 3, 4]));
        for (top, left) in [(9, 0), (0, 9), (-9, 0), (0, -9)] {
            let size = [2, 3];
            let window = Window { top, left, size };
            let out = cut(&image, window, Border::Constant, &Fill::All(1.0));
            assert_eq!(out.pixels(), &Pixels::U8(vec![255; 6]));
        }
    }
}
