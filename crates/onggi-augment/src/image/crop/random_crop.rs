//! Cuts a window at a random place, usually out of an image padded by a few pixels: small shifts
//! that a classifier has to bear. Stands before flips and colour changes in a pipeline.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

/// The widest padding: keeps padded sides far from overflow.
const MAX_PADDING: usize = 1 << 16;

settings! {
    /// Pads the image on all four sides, then cuts a window of `size` at a uniform place.
    ///
    /// `[H, W, C] → [size[0], size[1], C]`. The padded image is never built: what the window shows
    /// is copied.
    ///
    /// # Example
    /// ```
    /// use onggi_augment::Draw;
    /// use onggi_augment::image::{Image, Pixels, RandomCrop, Transform};
    ///
    /// let image = Image::new(28, 28, 1, Pixels::U8(vec![200; 28 * 28]))?;
    /// let crop = RandomCrop { size: [28, 28], padding: 3, ..Default::default() }.build()?;
    /// let shifted = crop.apply(image, &mut Draw::new(42, 0, 5))?;
    /// assert_eq!(shifted.size(), [28, 28]);
    /// # Ok::<(), onggi_augment::AugmentError>(())
    /// ```
    ///
    /// # Differences from torchvision
    /// `padding` is one number for all sides and `fill` a fraction of the value range. There is no
    /// `pad_if_needed`: an image that is too small is an error (`pad_if_needed` is a transform).
    pub struct RandomCrop {
        /// `[height, width]` of the window; has to be given.
        size: [usize; 2] = [0, 0],
        /// Pixels added on every side, at most 65,536.
        padding: usize = 0,
        /// The padding's value.
        fill: Fill = Fill::All(0.0),
        /// What the padding shows.
        padding_mode: Border = Border::Constant,
    }
}

impl Transform for RandomCrop {
    type Params = Window;

    fn check(&self) -> Result<(), AugmentError> {
        require_size::<Self>(self.size)?;
        let n = self.padding;
        require::<Self>(n <= MAX_PADDING, "padding", "is at most 65536 pixels", n)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Window, AugmentError> {
        let [h, w] = sample.size().map(|n| n + 2 * self.padding);
        let [crop_h, crop_w] = self.size;
        if h < crop_h || w < crop_w {
            return Err(AugmentError::Unfit {
                transform: Self::NAME,
                problem: format!(
                    "the image is {h}×{w} with padding, smaller than the crop of {crop_h}×{crop_w}: \
                     raise padding, shrink size, or put pad_if_needed or a resize before it"
                ),
            });
        }
        let padding = self.padding as i64;
        Ok(Window {
            top: rng.below(h - crop_h + 1) as i64 - padding,
            left: rng.below(w - crop_w + 1) as i64 - padding,
            size: self.size,
        })
    }

    fn apply(&self, window: &Window, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.window(*window, self.padding_mode, &self.fill))
    }

    #[cfg(test)]
    fn example(h: usize, w: usize, _: usize) -> Self {
        Self {
            size: [h.div_ceil(2), w.div_ceil(2)],
            padding: 2,
            fill: Fill::All(0.5),
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"padding": 2}"#,
                "random_crop: size is [height, width] of 1 to 65536 pixels each",
            ),
            (
                r#"{"size": [3, 3], "padding": 70000}"#,
                "is at most 65536 pixels, got 70000",
            ),
            (
                r#"{"size": [3, 3], "fill": 255}"#,
                "random_crop: fill is a fraction of the value range in [0, 1], or one for each \
                 channel, got All(255.0)",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn an_image_smaller_than_the_crop_is_named() {
        let crop = RandomCrop {
            size: [8, 8],
            padding: 1,
            ..Default::default()
        };
        let refusal = crop
            .draw(&picture(5, 20, 3).into(), &mut Draw::new(0, 0, 0))
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "random_crop: the image is 7×22 with padding, smaller than the crop of 8×8: raise \
             padding, shrink size, or put pad_if_needed or a resize before it"
        );
    }

    #[test]
    fn every_place_is_drawn() {
        let crop = RandomCrop {
            size: [1, 1],
            ..Default::default()
        };
        let mut seen = [false; 6];
        for index in 0..200 {
            let w = crop
                .draw(&picture(2, 3, 1).into(), &mut Draw::new(0, 0, index))
                .unwrap();
            seen[(w.top * 3 + w.left) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
    }

    proptest! {
        /// Against the definition: pad by hand, then look the window up.
        #[test]
        fn equals_padding_then_cutting(
            h in 1usize..10, w in 1usize..10, c in 1usize..5, padding in 0usize..12,
            crop_h in 1usize..12, crop_w in 1usize..12, index in 0u64..50,
        ) {
            let (ph, pw) = (h + 2 * padding, w + 2 * padding);
            prop_assume!(crop_h <= ph && crop_w <= pw);
            let size = [crop_h, crop_w];
            let x = Sample::from(picture(h, w, c));
            let crop = RandomCrop { size, padding, fill: Fill::All(1.0), ..Default::default() };
            let window = crop.draw(&x, &mut Draw::new(1, 2, index)).unwrap();
            let y = crop.apply(&window, x.clone()).unwrap();
            let (Pixels::U8(x), Pixels::U8(y)) = (x.image.pixels(), y.image.pixels())
                else { unreachable!() };
            let inside = |i: i64, n: usize| usize::try_from(i).ok().filter(|&i| i < n);
            for i in 0..crop_h {
                for j in 0..crop_w {
                    for k in 0..c {
                        let row = inside(window.top + i as i64, h);
                        let column = inside(window.left + j as i64, w);
                        let want = match (row, column) {
                            (Some(r), Some(q)) => x[(r * w + q) * c + k],
                            _ => 255,
                        };
                        prop_assert_eq!(y[(i * crop_w + j) * c + k], want);
                    }
                }
            }
        }
    }
}
