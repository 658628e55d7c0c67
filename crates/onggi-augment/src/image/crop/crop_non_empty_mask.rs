//! A crop with something in it, for segmentation where most of the image is background.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

settings! {
    /// Cuts a window of `size` around a pixel of the first mask that is not 0, drawn evenly among
    /// them; any window where there is none. The window is no larger than the image.
    pub struct CropNonEmptyMask {
        /// `[height, width]`; has to be given.
        size: [usize; 2] = [0, 0],
    }
}

impl Transform for CropNonEmptyMask {
    type Params = Window;

    fn check(&self) -> Result<(), AugmentError> {
        require_size::<Self>(self.size)
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Window, AugmentError> {
        let [h, w] = sample.size();
        let [crop_h, crop_w] = [self.size[0].min(h), self.size[1].min(w)];
        let filled = sample.masks.first().map(filled).unwrap_or_default();
        let (top, left) = if filled.is_empty() {
            (rng.below(h - crop_h + 1), rng.below(w - crop_w + 1))
        } else {
            let at = filled[rng.below(filled.len())];
            let mut first =
                |at: usize, crop: usize, n: usize| at.saturating_sub(rng.below(crop)).min(n - crop);
            (first(at / w, crop_h, h), first(at % w, crop_w, w))
        };
        Ok(Window {
            top: top as i64,
            left: left as i64,
            size: [crop_h, crop_w],
        })
    }

    fn apply(&self, window: &Window, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.window(*window, Border::Edge, &Fill::All(0.0)))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self { size: [6, 5] }
    }
}

/// The pixels of a mask with a value other than 0.
fn filled(mask: &Image) -> Vec<usize> {
    fn of<T: Value>(p: &[T], c: usize) -> Vec<usize> {
        let some = |pixel: &[T]| pixel.iter().any(|v| *v != T::default());
        p.chunks_exact(c)
            .enumerate()
            .filter(|(_, p)| some(p))
            .map(|(i, _)| i)
            .collect()
    }
    let c = mask.channels();
    match mask.pixels() {
        Pixels::U8(p) => of(p, c),
        Pixels::U16(p) => of(p, c),
        Pixels::F32(p) => of(p, c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_filled_pixel_is_kept() {
        let mut mask = vec![0; 300];
        mask[17 * 10 + 3] = 1;
        let mut x = Sample::from(Image::of(30, 10, 1, Pixels::U8(vec![0; 300])));
        x.masks.push(Image::of(30, 10, 1, Pixels::U8(mask)));
        let crop = CropNonEmptyMask { size: [4, 20] };
        for index in 0..40 {
            let window = crop.draw(&x, &mut Draw::new(0, 0, index)).unwrap();
            let y = crop.apply(&window, x.clone()).unwrap();
            assert_eq!(y.size(), [4, 10]);
            assert!(y.masks[0].to_u8().contains(&1));
        }
    }
}
