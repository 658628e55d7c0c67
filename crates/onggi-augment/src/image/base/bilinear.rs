//! Bilinear sampling in 8 bits: the four neighbours of a block of pixels are fetched one pixel after
//! the other and blended by vector code in fixed point.

use multiversion::multiversion;

use super::map::Map;
use super::raster::{Image, Value};
use super::warp::Look;
use super::window::Border;

/// Pixels of a block.
const BLOCK: usize = 64;

/// Fractions of a pixel have this many bits.
const BITS: u32 = 11;

/// What stands for the place of a pixel that does not lie between four others.
const OUTSIDE: u32 = u32::MAX;

/// An image of 1, 3 or 4 channels seen through `map`; `None` for others, and for those too large.
pub(super) fn bilinear(
    pixels: &[u8],
    image: &Image,
    map: &Map,
    size: [usize; 2],
    look: Look,
) -> Option<Vec<u8>> {
    match image.channels() {
        1 => Source::<1>::new(pixels, image, look).map(|s| s.through(map, size)),
        3 => Source::<3>::new(pixels, image, look).map(|s| s.through(map, size)),
        4 => Source::<4>::new(pixels, image, look).map(|s| s.through(map, size)),
        _ => None,
    }
}

/// An image of `C` channels (1, 3 or 4), how it is looked at, and its fill.
struct Source<'a, const C: usize> {
    pixels: &'a [u8],
    height: usize,
    width: usize,
    border: Border,
    fill: [u8; C],
}

impl<'a, const C: usize> Source<'a, C> {
    /// `None` for an image whose pixels 32 bits cannot count.
    fn new(pixels: &'a [u8], image: &Image, look: Look) -> Option<Self> {
        let fill = look.fill.pixel(C);
        (pixels.len() / C < OUTSIDE as usize).then(|| Self {
            pixels,
            height: image.height(),
            width: image.width(),
            border: look.border,
            fill: std::array::from_fn(|k| fill[k]),
        })
    }

    fn through(&self, map: &Map, [h, w]: [usize; 2]) -> Vec<u8> {
        let mut out = Vec::with_capacity(h * w * C);
        // The rest of the last block is looked up for nothing.
        let mut xs = vec![0.0; w.next_multiple_of(BLOCK)];
        let mut ys = xs.clone();
        let mut pixels = [[0; C]; BLOCK];
        for i in 0..h {
            map.row(i, &mut xs[..w], &mut ys[..w]);
            let places = xs.as_chunks().0.iter().zip(ys.as_chunks().0);
            for (b, (xs, ys)) in places.enumerate() {
                block(self, xs, ys, &mut pixels);
                out.extend_from_slice(pixels[..BLOCK.min(w - b * BLOCK)].as_flattened());
            }
        }
        out
    }

    fn at(&self, i: i64, j: i64) -> &[u8] {
        let (i, j) = (
            self.border.index(i, self.height),
            self.border.index(j, self.width),
        );
        match (i, j) {
            (Some(i), Some(j)) => &self.pixels[(i * self.width + j) * C..][..C],
            _ => &self.fill,
        }
    }

    /// The value at a place on the edge or beyond, its channels in the bytes of the number.
    #[inline(never)]
    fn edge(&self, x: f32, y: f32) -> u32 {
        let outside = |v: f32, n: usize| !(v > -1.0 && v < n as f32);
        let mut bytes = [0; 4];
        if self.border == Border::Constant && (outside(x, self.width) || outside(y, self.height)) {
            bytes[..C].copy_from_slice(&self.fill);
            return u32::from_le_bytes(bytes);
        }
        // Where whole numbers of `i64` are exact; what is no number lies far outside.
        let bound = |v: f32| if v.is_nan() { -1e9 } else { v.clamp(-1e9, 1e9) };
        let (x, y) = (bound(x), bound(y));
        let (j, i) = (x.floor(), y.floor());
        let (fx, fy) = (x - j, y - i);
        let (j, i) = (j as i64, i as i64);
        let [a, b] = [self.at(i, j), self.at(i, j + 1)];
        let [c, d] = [self.at(i + 1, j), self.at(i + 1, j + 1)];
        for k in 0..C {
            let top = a[k].to_f32() + (b[k].to_f32() - a[k].to_f32()) * fx;
            let bottom = c[k].to_f32() + (d[k].to_f32() - c[k].to_f32()) * fx;
            bytes[k] = u8::from_f32(top + (bottom - top) * fy);
        }
        u32::from_le_bytes(bytes)
    }

    /// A pixel and its right neighbour, the channels of each in the bytes of a number; `None` where
    /// there are not enough bytes after them to read whole words.
    #[inline(always)]
    fn pair(&self, at: usize) -> Option<(u32, u32)> {
        let bytes = self.pixels.get(at * C..)?;
        if C == 1 {
            let [a, b] = *bytes.first_chunk()?;
            return Some((u32::from(a), u32::from(b)));
        }
        let both = u64::from_le_bytes(*bytes.first_chunk()?);
        Some((both as u32, (both >> (8 * C)) as u32))
    }
}

/// The pixels at (`xs`, `ys`), counted in pixel centres, interleaved into `out`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma", "aarch64+neon"))]
fn block<const C: usize>(
    source: &Source<C>,
    xs: &[f32; BLOCK],
    ys: &[f32; BLOCK],
    out: &mut [[u8; C]; BLOCK],
) {
    let (most_x, most_y) = (source.width as f32 - 1.0, source.height as f32 - 1.0);
    let width = source.width as u32;
    let (mut at, mut fx, mut fy) = ([0u32; BLOCK], [0i32; BLOCK], [0i32; BLOCK]);
    let one = (1 << BITS) as f32;
    for i in 0..BLOCK {
        let (x, y) = (xs[i], ys[i]);
        let inside = (x >= 0.0) & (x < most_x) & (y >= 0.0) & (y < most_y);
        let (x, y) = if inside { (x, y) } else { (0.0, 0.0) };
        let (j, k) = (x.floor(), y.floor());
        fx[i] = whole((x - j) * one) as i32;
        fy[i] = whole((y - k) * one) as i32;
        let place = whole(k).wrapping_mul(width).wrapping_add(whole(j));
        at[i] = if inside { place } else { OUTSIDE };
    }
    let mut quad = [[0u32; BLOCK]; 4];
    for i in 0..BLOCK {
        let place = at[i] as usize;
        let rows = match at[i] {
            OUTSIDE => None,
            _ => source.pair(place).zip(source.pair(place + source.width)),
        };
        let [a, b, c, d] = match rows {
            Some(((a, b), (c, d))) => [a, b, c, d],
            None => [source.edge(xs[i], ys[i]); 4],
        };
        quad[0][i] = a;
        quad[1][i] = b;
        quad[2][i] = c;
        quad[3][i] = d;
    }
    let mut planes = [[0u8; BLOCK]; C];
    for (k, plane) in planes.iter_mut().enumerate() {
        let shift = 8 * k as u32;
        for i in 0..BLOCK {
            let a = ((quad[0][i] >> shift) & 255) as i32;
            let b = ((quad[1][i] >> shift) & 255) as i32;
            let c = ((quad[2][i] >> shift) & 255) as i32;
            let d = ((quad[3][i] >> shift) & 255) as i32;
            let top = (a << BITS) + (b - a) * fx[i];
            let bottom = (c << BITS) + (d - c) * fx[i];
            let sum = (top << BITS) + (bottom - top) * fy[i];
            plane[i] = ((sum + (1 << (2 * BITS - 1))) >> (2 * BITS)) as u8;
        }
    }
    for (i, pixel) in out.iter_mut().enumerate() {
        for k in 0..C {
            pixel[k] = planes[k][i];
        }
    }
}

/// The nearest whole number to one from 0 to 2²²: added to 2²³ it stands in the lowest bits.
#[inline(always)]
fn whole(v: f32) -> u32 {
    (v + 8_388_608.0).to_bits() & 0x7f_ffff
}
