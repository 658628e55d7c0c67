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

use super::base::noise::uniforms;
use super::base::raster::{Image, Pixels, Value};
use super::base::settings::Fill;
use super::base::window::Window;

/// Fills the part of the window that lies on the image.
fn erase(image: Image, window: Window, fill: &Fill) -> Image {
    let c = image.channels();
    let pixel: Vec<f32> = (0..c).map(|k| fill.at(k) as f32).collect();
    overwrite(image, window, |_| &pixel)
}

/// Fills it with values uniform over the range.
fn erase_with_noise(image: Image, window: Window, seed: u64) -> Image {
    let c = image.channels();
    let noise = uniforms(seed, 0, window.size[0] * window.size[1] * c);
    overwrite(image, window, |i| &noise[i * c..][..c])
}

/// Writes the pixels of the window, given by their place in it as fractions.
fn overwrite<'a>(mut image: Image, window: Window, f: impl Fn(usize) -> &'a [f32]) -> Image {
    fn each<'a, T: Value>(
        p: &mut [T],
        [h, w, c]: [usize; 3],
        window: Window,
        f: impl Fn(usize) -> &'a [f32],
    ) {
        let [rows, columns] = window.size;
        for i in 0..rows {
            let Some(y) = usize::try_from(window.top + i as i64)
                .ok()
                .filter(|y| *y < h)
            else {
                continue;
            };
            let first = (-window.left).clamp(0, columns as i64) as usize;
            let end = (w as i64 - window.left).clamp(0, columns as i64) as usize;
            for j in first..end {
                let at = (y * w + (window.left + j as i64) as usize) * c;
                for (v, f) in p[at..at + c].iter_mut().zip(f(i * columns + j)) {
                    *v = T::from_fraction(*f);
                }
            }
        }
    }
    let shape = [image.height(), image.width(), image.channels()];
    match image.pixels_mut() {
        Pixels::U8(p) => each(p, shape, window, f),
        Pixels::U16(p) => each(p, shape, window, f),
        Pixels::F32(p) => each(p, shape, window, f),
    }
    image
}
