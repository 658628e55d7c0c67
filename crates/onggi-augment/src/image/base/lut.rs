//! Pointwise changes: 8 bits by a table of 256 entries, 16 bits by one of 65,536 for large images.

use super::raster::{Image, Pixels, Value};

impl Image {
    /// Every value changed by `f`, fraction to fraction; the result is cut to `[0, 1]`.
    pub(crate) fn map_values(self, f: impl Fn(f32) -> f32) -> Self {
        self.map_channels(true, |_, v| f(v))
    }

    /// As [`Image::map_values`], with the channel's number. `same` says that it makes no
    /// difference.
    pub(crate) fn map_channels(mut self, same: bool, f: impl Fn(usize, f32) -> f32) -> Self {
        let channels = self.channels();
        let tables = if same { 1 } else { channels };
        if let Pixels::U8(_) = self.pixels() {
            let luts: Vec<[u8; 256]> = (0..tables)
                .map(|k| std::array::from_fn(|v| level(&f, k, v as u8)))
                .collect();
            self.change_bytes(|p| look_up(p, &luts));
            return self;
        }
        match self.pixels_mut() {
            Pixels::U8(p) => each(p, tables, &f),
            // Below this size building the table costs more than it saves.
            Pixels::U16(p) if p.len() > tables << 17 => {
                let luts: Vec<Vec<u16>> = (0..tables)
                    .map(|k| (0..=u16::MAX).map(|v| level(&f, k, v)).collect())
                    .collect();
                for pixel in p.chunks_exact_mut(tables) {
                    for (v, lut) in pixel.iter_mut().zip(&luts) {
                        *v = lut[usize::from(*v)];
                    }
                }
            }
            Pixels::U16(p) => each(p, tables, &f),
            Pixels::F32(p) => each(p, tables, &f),
        }
        self
    }
}

/// The new value of one level.
fn level<T: Value>(f: &impl Fn(usize, f32) -> f32, channel: usize, v: T) -> T {
    T::from_fraction(f(channel, v.fraction()).clamp(0.0, 1.0))
}

fn each<T: Value>(p: &mut [T], tables: usize, f: &impl Fn(usize, f32) -> f32) {
    for pixel in p.chunks_exact_mut(tables) {
        for (k, v) in pixel.iter_mut().enumerate() {
            *v = level(f, k, *v);
        }
    }
}

/// One table for all channels, or one for each.
pub(crate) fn look_up(p: &mut [u8], luts: &[[u8; 256]]) {
    match luts {
        [lut] => p.iter_mut().for_each(|v| *v = lut[usize::from(*v)]),
        [a, b, c] => {
            for [x, y, z] in p.as_chunks_mut::<3>().0 {
                *x = a[usize::from(*x)];
                *y = b[usize::from(*y)];
                *z = c[usize::from(*z)];
            }
        }
        luts => {
            for pixel in p.chunks_exact_mut(luts.len()) {
                for (v, lut) in pixel.iter_mut().zip(luts) {
                    *v = lut[usize::from(*v)];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_depths_agree_with_the_formula() {
        let f = |k: usize, v: f32| v * v + 0.1 * k as f32;
        let bytes: Vec<u8> = (0..=255).chain(0..=255).collect();
        let narrow = Image::of(256, 1, 2, Pixels::U8(bytes));
        // Large enough for the table of 16 bits.
        let wide: Vec<u16> = (0..1 << 19).map(|i| (i % 65536) as u16).collect();
        let wide = Image::of(1 << 9, 1 << 9, 2, Pixels::U16(wide));
        let float = narrow.with(Pixels::F32(narrow.fractions()));
        for image in [narrow, wide, float] {
            let y = image.clone().map_channels(false, f).fractions();
            for (i, (x, y)) in image.fractions().iter().zip(y).enumerate() {
                assert!((f(i % 2, *x).min(1.0) - y).abs() < 0.002, "{i}: {x} {y}");
            }
        }
    }
}
