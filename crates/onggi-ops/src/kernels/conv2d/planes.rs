//! Rectangles of images, moved between `NCHW` and lanes.

use super::super::Shared;
use super::super::simd::Isa;
use super::lanes::{LANES, gather, scatter};
use std::ops::Range;

/// Rows and columns of a rectangle.
pub(super) type Area = [Range<usize>; 2];

/// Pixels of a rectangle.
pub(super) fn pixels(area: &Area) -> usize {
    area[0].len() * area[1].len()
}

/// Images `(N, channels, height, width)` from `image` on.
#[derive(Clone, Copy)]
pub(super) struct Planes<T> {
    pub(super) values: T,
    pub(super) image: usize,
    pub(super) channels: usize,
    pub(super) size: [usize; 2],
}

impl<T> Planes<T> {
    fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The runs of pixels that make up a rectangle: `(offset of the first, length)`.
    fn runs(&self, channel: usize, area: &Area) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let ([rows, columns], width) = (area, self.size[1]);
        let whole = columns.len() == width;
        let (count, len) = if whole {
            (1, rows.len() * width)
        } else {
            (rows.len(), columns.len())
        };
        let plane = (self.image * self.channels + channel) * self.plane();
        let first = plane + rows.start * width + columns.start;
        (0..count).map(move |row| (first + row * width, len))
    }
}

impl Planes<&[f32]> {
    /// Writes a rectangle of a channel of sixteen images as lines of lanes, `step` lines apart.
    pub(super) fn gather(self, isa: Isa, channel: usize, area: &Area, to: &mut [f32], step: usize) {
        let mut line = 0;
        for (pixel, len) in self.runs(channel, area) {
            let to = &mut to[line * step * LANES..];
            gather(
                isa,
                &self.values[pixel..],
                self.channels * self.plane(),
                len,
                to,
                step * LANES,
            );
            line += len;
        }
    }
}

impl Planes<Shared<'_, f32>> {
    /// Writes lines of lanes, `step` lines apart, as a rectangle of a channel of sixteen images.
    ///
    /// # Safety
    /// Nobody else may use the rectangle now.
    pub(super) unsafe fn scatter(
        self,
        isa: Isa,
        channel: usize,
        area: &Area,
        from: &[f32],
        step: usize,
    ) {
        let (mut line, apart) = (0, self.channels * self.plane());
        for (pixel, len) in self.runs(channel, area) {
            let to = self.values.rows(pixel, [LANES, apart, len]);
            // SAFETY: `rows` are inside, and nobody else uses them by the caller's promise.
            unsafe {
                scatter(
                    isa,
                    &from[line * step * LANES..],
                    step * LANES,
                    len,
                    to,
                    apart,
                )
            };
            line += len;
        }
    }
}
