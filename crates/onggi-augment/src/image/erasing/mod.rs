//! Parts of the image taken away. Masks, boxes and keypoints stay: what is hidden is still there.

mod coarse_dropout;
mod cutout;
mod grid_mask;
mod grid_shuffle;
mod pixel_dropout;
mod random_erasing;
mod xy_masking;

pub use coarse_dropout::CoarseDropout;
pub use cutout::Cutout;
pub use grid_mask::GridMask;
pub use grid_shuffle::GridShuffle;
pub use pixel_dropout::PixelDropout;
pub use random_erasing::RandomErasing;
pub use xy_masking::XYMasking;

use super::base::noise::bits;
use super::base::raster::{Image, Pixels, Value};
use super::base::settings::Fill;
use super::base::window::Window;

/// Fills it with values uniform over 256 levels of the range: a number of 32 bits makes four.
fn erase_with_noise(mut image: Image, window: Window, seed: u64) -> Image {
    let c = image.channels();
    let bits = bits(seed, 0, (window.size[0] * window.size[1] * c).div_ceil(4));
    let bytes: &[u8] = bytemuck::cast_slice(&bits);
    let shape = [image.height(), image.width(), c];
    fn each<T: Value>(p: &mut [T], shape: [usize; 3], window: Window, bytes: &[u8]) {
        for_rows(p, shape, window, |at, row| {
            let values = &bytes[at * shape[2]..][..row.len()];
            for (v, b) in row.iter_mut().zip(values) {
                *v = T::from_fraction(b.fraction());
            }
        });
    }
    match image.pixels_mut() {
        Pixels::U8(p) => for_rows(p, shape, window, |at, row| {
            row.copy_from_slice(&bytes[at * c..][..row.len()]);
        }),
        Pixels::U16(p) => each(p, shape, window, bytes),
        Pixels::F32(p) => each(p, shape, window, bytes),
    }
    image
}

/// Fills the part of the window that lies on the image.
fn erase(mut image: Image, window: Window, fill: &Fill) -> Image {
    fn each<T: Value>(p: &mut [T], shape: [usize; 3], window: Window, fill: &Fill) {
        let line = fill.pixel(shape[2]).repeat(window.size[1].min(shape[1]));
        for_rows(p, shape, window, |_, row| {
            row.copy_from_slice(&line[..row.len()])
        });
    }
    let shape = [image.height(), image.width(), image.channels()];
    match image.pixels_mut() {
        Pixels::U8(p) => each(p, shape, window, fill),
        Pixels::U16(p) => each(p, shape, window, fill),
        Pixels::F32(p) => each(p, shape, window, fill),
    }
    image
}

/// Runs `f` on every row of the window that lies on the image: the number of its first pixel in the
/// window, and the values.
fn for_rows<T>(
    p: &mut [T],
    [h, w, c]: [usize; 3],
    window: Window,
    mut f: impl FnMut(usize, &mut [T]),
) {
    let [rows, columns] = window.size;
    // What a side of the window and one of the image share, counted from the window's edge.
    let shared = |start: i64, length: usize, n: usize| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let first = start.saturating_neg().clamp(0, length);
        let end = (n as i64).saturating_sub(start).clamp(first, length);
        first as usize..end as usize
    };
    let across = shared(window.left, columns, w);
    if across.is_empty() {
        return;
    }
    for i in shared(window.top, rows, h) {
        let (y, x) = (window.top + i as i64, window.left + across.start as i64);
        let at = (y as usize * w + x as usize) * c;
        if let Some(row) = p.get_mut(at..at + across.len() * c) {
            f(i * columns + across.start, row);
        }
    }
}
