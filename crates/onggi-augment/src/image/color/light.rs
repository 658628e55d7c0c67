//! What colour transforms share: linear tone, grey, and the turn of hue, saturation and value.

use multiversion::multiversion;

use crate::image::base::raster::{Image, Pixels, Value, each_depth};
use crate::image::base::rgb::{BLOCK, each_block, join, level, split};

/// Weights of red, green and blue in grey (Rec. 601, to the digits torchvision has).
pub(crate) const GREY: [f32; 3] = [0.2989, 0.587, 0.114];

impl Image {
    /// Whether there are red, green and blue.
    pub(crate) fn has_color(&self) -> bool {
        self.channels() >= 3
    }

    /// `a · x + b`, `b` a fraction of the range, cut to the range.
    pub(crate) fn linear(mut self, a: f32, b: f32) -> Self {
        // The fixed point of `linear_u8` holds factors below 4.
        if a.abs() < 4.0 && b.abs() < 4.0 {
            let factor = (a * 8192.0).round() as i16;
            let offset = (b * 255.0 * 16.0).round() as i16 + 8;
            if self
                .change_bytes(|p| linear_u8(p, factor, offset))
                .is_some()
            {
                return self;
            }
        }
        self.map_values(|v| a * v + b)
    }

    /// `factor · x`.
    pub(crate) fn brightness(self, factor: f64) -> Self {
        self.linear(factor as f32, 0.0)
    }

    /// Away from the mean grey by `factor`.
    pub(crate) fn contrast(self, factor: f64) -> Self {
        let mean = self.mean_grey();
        self.linear(factor as f32, (1.0 - factor as f32) * mean)
    }

    /// Away from each pixel's grey by `factor`.
    pub(crate) fn saturation(mut self, factor: f64) -> Self {
        let c = self.channels();
        if !self.has_color() || factor == 1.0 {
            return self;
        }
        let f = factor as f32;
        // The fixed point of `saturate_rgb` holds factors up to 16.
        if c == 3 && f <= 16.0 && self.change_bytes(|p| saturate_rgb(p, f)).is_some() {
            return self;
        }
        match self.pixels_mut() {
            Pixels::U8(p) => p.chunks_exact_mut(c).for_each(|p| saturate(&mut p[..3], f)),
            Pixels::U16(p) => p.chunks_exact_mut(c).for_each(|p| saturate(&mut p[..3], f)),
            Pixels::F32(p) => p.chunks_exact_mut(c).for_each(|p| saturate(&mut p[..3], f)),
        }
        self
    }

    /// Hue turned by `hue` (1 is the whole circle), saturation and value moved by a share of their
    /// range.
    pub(crate) fn turn_hue(mut self, hue: f32, saturation: f32, value: f32) -> Self {
        if !self.has_color() {
            return self;
        }
        let (c, move_by) = (self.channels(), [hue, saturation, value]);
        if c == 3 && self.change_bytes(|p| turn_rgb(p, move_by)).is_some() {
            return self;
        }
        match self.pixels_mut() {
            Pixels::U8(p) => turn(p, c, move_by),
            Pixels::U16(p) => turn(p, c, move_by),
            Pixels::F32(p) => turn(p, c, move_by),
        }
        self
    }

    /// Grey in all of the first three channels.
    pub(crate) fn grayscale(mut self) -> Self {
        let c = self.channels();
        if !self.has_color() {
            return self;
        }
        if c == 3
            && let Pixels::U8(p) = self.pixels()
        {
            return self.with(Pixels::U8(grey_rgb(p)));
        }
        match self.pixels_mut() {
            Pixels::U8(p) => p.chunks_exact_mut(c).for_each(grey_pixel),
            Pixels::U16(p) => p.chunks_exact_mut(c).for_each(grey_pixel),
            Pixels::F32(p) => p.chunks_exact_mut(c).for_each(grey_pixel),
        }
        self
    }

    /// Grey of every pixel as a fraction; of images without colour the first channel.
    pub(crate) fn luma(&self) -> Vec<f32> {
        fn of<T: Value>(p: &[T], c: usize) -> Vec<f32> {
            let grey = |p: &[T]| match p {
                [r, g, b, ..] => grey(r.fraction(), g.fraction(), b.fraction()),
                p => p[0].fraction(),
            };
            p.chunks_exact(c).map(grey).collect()
        }
        match self.pixels() {
            Pixels::U8(p) => of(p, self.channels()),
            Pixels::U16(p) => of(p, self.channels()),
            Pixels::F32(p) => of(p, self.channels()),
        }
    }

    /// [`Image::luma`] in 8 bits, the same for all depths that hold the same image.
    pub(crate) fn luma_levels(&self) -> Vec<u8> {
        let (p, c) = (self.to_u8(), self.channels());
        if !self.has_color() {
            return p.into_iter().step_by(c).collect();
        }
        let mut out = vec![0; p.len() / c];
        match c {
            3 => grey_plane::<3>(&p, &mut out),
            4 => grey_plane::<4>(&p, &mut out),
            _ => {
                for (o, pixel) in out.iter_mut().zip(p.chunks_exact(c)) {
                    grey_plane::<3>(&pixel[..3], std::slice::from_mut(o));
                }
            }
        }
        out
    }

    /// Mean grey as a fraction.
    pub(crate) fn mean_grey(&self) -> f32 {
        if let (Pixels::U8(p), 3) = (self.pixels(), self.channels()) {
            return sum_grey(p) as f32 / (255.0 * 65536.0 * (p.len() / 3) as f32);
        }
        let all = self.luma();
        let sum: f64 = all.iter().map(|&v| f64::from(v)).sum();
        (sum / all.len() as f64) as f32
    }

    /// Runs `f` on the red, green and blue of every pixel, as fractions.
    pub(crate) fn map_rgb(mut self, f: impl Fn([f32; 3]) -> [f32; 3]) -> Self {
        fn each<T: Value>(mut p: Vec<T>, c: usize, f: impl Fn([f32; 3]) -> [f32; 3]) -> Vec<T> {
            for pixel in p.chunks_exact_mut(c) {
                if let [r, g, b, ..] = pixel {
                    let out = f([r.fraction(), g.fraction(), b.fraction()]);
                    [*r, *g, *b] = out.map(|v| T::from_fraction(v.clamp(0.0, 1.0)));
                }
            }
            p
        }
        if !self.has_color() {
            return self;
        }
        let c = self.channels();
        let pixels = std::mem::replace(self.pixels_mut(), Pixels::U8(Vec::new()));
        *self.pixels_mut() = each_depth!(pixels, p => each(p, c, &f));
        self
    }
}

fn grey(r: f32, g: f32, b: f32) -> f32 {
    GREY[0] * r + GREY[1] * g + GREY[2] * b
}

/// `a` in units of 1/8192, `b` in units of a 16th level with the half for rounding in it.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn linear_u8(p: &mut [u8], a: i16, b: i16) {
    for v in p {
        let x = i16::from(*v) << 7;
        let scaled = ((i32::from(x) * i32::from(a)) >> 16) as i16;
        *v = (scaled.saturating_add(b) >> 4).clamp(0, 255) as u8;
    }
}

/// Grey in units of 1/65,536 of a level.
const GREY_16: [u32; 3] = [19589, 38470, 7471];

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn sum_grey(p: &[u8]) -> u64 {
    let mut total = 0u64;
    // A block's sum of a channel fits 32 bits.
    for block in p.chunks(3 << 16) {
        let mut sums = [0u32; 3];
        for [r, g, b] in block.as_chunks::<3>().0 {
            sums[0] += u32::from(*r);
            sums[1] += u32::from(*g);
            sums[2] += u32::from(*b);
        }
        for (s, w) in sums.iter().zip(GREY_16) {
            total += u64::from(*s) * u64::from(w);
        }
    }
    total
}

/// Weights of grey as two bytes each: all sums stay below 2¹⁶, and 16-bit lanes are twice as many as
/// the 32-bit lanes that whole products need. The result is the same to the last bit.
const GREY_HIGH: [u16; 3] = [76, 150, 29];
const GREY_LOW: [u16; 3] = [133, 70, 47];
const _: () = {
    let mut k = 0;
    while k < 3 {
        assert!(GREY_HIGH[k] as u32 * 256 + GREY_LOW[k] as u32 == GREY_16[k]);
        k += 1;
    }
};

/// Grey in all three channels, written on the way into the new image: to copy first and change in
/// place takes 1.2 times as long.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn grey_rgb(p: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(p.len());
    let mut block = [0; 3 * BLOCK];
    let (blocks, rest) = p.as_chunks();
    for from in blocks {
        grey_block(from, &mut block);
        out.extend_from_slice(&block);
    }
    let mut last = [0; 3 * BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    grey_block(&last, &mut block);
    out.extend_from_slice(&block[..rest.len()]);
    out
}

#[inline(always)]
fn grey_block(from: &[u8; 3 * BLOCK], to: &mut [u8; 3 * BLOCK]) {
    let mut planes = [[0; BLOCK]; 3];
    split(from, &mut planes);
    let [red, green, blue] = &mut planes;
    for i in 0..BLOCK {
        let [r, g, b] = [u16::from(red[i]), u16::from(green[i]), u16::from(blue[i])];
        let low = GREY_LOW[0] * r + GREY_LOW[1] * g + GREY_LOW[2] * b;
        let high = GREY_HIGH[0] * r + GREY_HIGH[1] * g + GREY_HIGH[2] * b;
        red[i] = ((high + (low >> 8) + 128) >> 8) as u8;
    }
    planes[1] = planes[0];
    planes[2] = planes[0];
    join(&planes, to);
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn grey_plane<const C: usize>(p: &[u8], out: &mut [u8]) {
    for (o, pixel) in out.iter_mut().zip(p.as_chunks::<C>().0) {
        let [r, g, b] = [
            u32::from(pixel[0]),
            u32::from(pixel[1]),
            u32::from(pixel[2]),
        ];
        *o = ((GREY_16[0] * r + GREY_16[1] * g + GREY_16[2] * b + 32768) >> 16) as u8;
    }
}

fn grey_pixel<T: Value>(p: &mut [T]) {
    if let [r, g, b, ..] = p {
        let y = T::from_f32(grey(r.to_f32(), g.to_f32(), b.to_f32()));
        [*r, *g, *b] = [y; 3];
    }
}

/// `f · x + (1 − f) · grey` in units of 1/4096 of a level.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn saturate_rgb(p: &mut [u8], f: f32) {
    let [own, rest] = [f, 1.0 - f].map(|f| (f * 4096.0).round() as i32);
    each_block!(p, planes => {
        let [r, g, b] = &mut planes;
        for i in 0..BLOCK {
            let [x, y, z] = [i32::from(r[i]), i32::from(g[i]), i32::from(b[i])];
            // Grey in 64ths of a level.
            let grey = (GREY_16[0] as i32 * x + GREY_16[1] as i32 * y + GREY_16[2] as i32 * z + 512) >> 10;
            let away = ((grey * rest) >> 6) + 2048;
            r[i] = ((x * own + away) >> 12).clamp(0, 255) as u8;
            g[i] = ((y * own + away) >> 12).clamp(0, 255) as u8;
            b[i] = ((z * own + away) >> 12).clamp(0, 255) as u8;
        }
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma", "aarch64+neon"))]
fn saturate<T: Value>(p: &mut [T], f: f32) {
    for pixel in p.as_chunks_mut::<3>().0 {
        let [r, g, b] = [pixel[0].to_f32(), pixel[1].to_f32(), pixel[2].to_f32()];
        let y = (1.0 - f) * (GREY[0] * r + GREY[1] * g + GREY[2] * b);
        pixel[0] = T::from_f32((f * r + y).clamp(0.0, T::WHITE));
        pixel[1] = T::from_f32((f * g + y).clamp(0.0, T::WHITE));
        pixel[2] = T::from_f32((f * b + y).clamp(0.0, T::WHITE));
    }
}

/// As [`turn`] in levels of 8 bits; the two quotients are by at least half a level, which only
/// changes those of grey and black, where the dividend is 0.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma", "aarch64+neon"))]
fn turn_rgb(p: &mut [u8], [hue, saturation, value]: [f32; 3]) {
    let (hue, value) = (hue * 6.0, value * 255.0);
    each_block!(p, planes => {
        let [r, g, b] = &mut planes;
        for i in 0..BLOCK {
            let [x, y, z] = [r[i].to_f32(), g[i].to_f32(), b[i].to_f32()];
            let high = x.max(y).max(z);
            let chroma = high - x.min(y).min(z);
            let scale = 1.0 / chroma.max(0.5);
            let blue = 4.0 + (x - y) * scale;
            let other = if high == y { 2.0 + (z - x) * scale } else { blue };
            let h = if high == x { (y - z) * scale } else { other };
            let h = h + hue;
            let h = h - 6.0 * (h * (1.0 / 6.0)).floor();
            let s = (chroma / high.max(0.5) + saturation).clamp(0.0, 1.0);
            let s = if chroma > 0.0 { s } else { 0.0 };
            let v = (high + value).clamp(0.0, 255.0);
            let chroma = v * s;
            let low = v - chroma;
            r[i] = level(low + chroma * ((h - 3.0).abs() - 1.0).clamp(0.0, 1.0));
            g[i] = level(low + chroma * (2.0 - (h - 2.0).abs()).clamp(0.0, 1.0));
            b[i] = level(low + chroma * (2.0 - (h - 4.0).abs()).clamp(0.0, 1.0));
        }
    });
}

/// Pixels turned at once: planes of one block, so that the sums become vector code.
const TURNED: usize = 64;

/// Through HSV and back without a branch: hue in sixths of the circle, chroma = value · saturation.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma", "aarch64+neon"))]
fn turn<T: Value>(p: &mut [T], c: usize, [hue, saturation, value]: [f32; 3]) {
    let (mut r, mut g, mut b) = ([0f32; TURNED], [0f32; TURNED], [0f32; TURNED]);
    for block in p.chunks_mut(TURNED * c) {
        let n = block.len() / c;
        for (i, pixel) in block.chunks_exact(c).enumerate() {
            (r[i], g[i], b[i]) = (pixel[0].to_f32(), pixel[1].to_f32(), pixel[2].to_f32());
        }
        let unit = 1.0 / T::WHITE;
        for i in 0..TURNED {
            let (x, y, z) = (r[i] * unit, g[i] * unit, b[i] * unit);
            let high = x.max(y).max(z);
            let chroma = high - x.min(y).min(z);
            let scale = if chroma > 0.0 { 1.0 / chroma } else { 0.0 };
            let red = (y - z) * scale;
            let green = 2.0 + (z - x) * scale;
            let blue = 4.0 + (x - y) * scale;
            let other = if high == y { green } else { blue };
            let h = if high == x { red } else { other };
            let s = if high > 0.0 { chroma / high } else { 0.0 };
            let h = h + hue * 6.0;
            // A grey pixel has no hue: it stays grey whatever is added to its saturation.
            let s = if chroma > 0.0 {
                (s + saturation).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let v = (high + value).clamp(0.0, 1.0);
            let chroma = v * s;
            let part = |n: f32| {
                let k = n + h;
                let k = k - 6.0 * (k * (1.0 / 6.0)).floor();
                v - chroma * k.min(4.0 - k).clamp(0.0, 1.0)
            };
            r[i] = part(5.0) * T::WHITE;
            g[i] = part(3.0) * T::WHITE;
            b[i] = part(1.0) * T::WHITE;
        }
        for (i, pixel) in block.chunks_exact_mut(c).enumerate().take(n) {
            pixel[0] = T::from_f32(r[i]);
            pixel[1] = T::from_f32(g[i]);
            pixel[2] = T::from_f32(b[i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn fixed_point_is_within_a_level_of_the_formula() {
        let all = Image::of(256, 1, 1, Pixels::U8((0..=255).collect()));
        for (a, b) in [
            (1.0, 0.0),
            (1.7, -0.2),
            (0.3, 0.5),
            (-1.0, 1.0),
            (3.9, -1.5),
            (0.0, 0.4),
        ] {
            let got = all.clone().linear(a, b).to_u8();
            for (v, got) in got.into_iter().enumerate() {
                let want = (a * v as f32 + b * 255.0).clamp(0.0, 255.0);
                assert!(
                    (f32::from(got) - want).abs() <= 0.7,
                    "{a} {b} {v}: {got} {want}"
                );
            }
        }
        assert_eq!(all.clone().linear(1.0, 0.0), all);
    }

    #[test]
    fn a_whole_turn_of_hue_is_none() {
        let x = picture(13, 17, 3);
        for hue in [0.0, 1.0, -1.0] {
            let y = x.clone().turn_hue(hue, 0.0, 0.0);
            for (a, b) in x.to_u8().iter().zip(y.to_u8()) {
                assert!(a.abs_diff(b) <= 1);
            }
        }
    }

    #[test]
    fn grey_in_two_bytes_is_grey_in_one_number() {
        let values: Vec<u8> = (0..3 * 4099usize)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8)
            .chain([255; 9])
            .collect();
        let mut want = vec![0; values.len() / 3];
        grey_plane::<3>(&values, &mut want);
        let want: Vec<u8> = want.iter().flat_map(|&y| [y; 3]).collect();
        assert_eq!(grey_rgb(&values), want);
    }

    #[test]
    fn a_third_of_a_turn_makes_red_green() {
        let red = Image::of(1, 1, 3, Pixels::U8(vec![200, 0, 0]));
        assert_eq!(red.turn_hue(1.0 / 3.0, 0.0, 0.0).to_u8(), [0, 200, 0]);
    }

    #[test]
    fn mean_grey_of_bytes_is_that_of_fractions() {
        let x = picture(40, 50, 3);
        let y = x.with(Pixels::F32(x.fractions()));
        assert!((x.mean_grey() - y.mean_grey()).abs() < 1e-4);
    }
}
