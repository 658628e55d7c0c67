//! The whole image in a fixed size, its aspect ratio kept: what detectors are fed.

use super::scaled;
use crate::image::base::prelude::*;
use crate::image::{Border, Interpolation, Window};

settings! {
    /// Resizes until the image fits `size`, then pads both sides of the other axis alike.
    pub struct LetterBox {
        /// `[height, width]`; has to be given.
        size: [usize; 2] = [0, 0],
        /// The bars' value, the grey of YOLO.
        fill: Fill = Fill::All(114.0 / 255.0),
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
    }
}

impl Transform for LetterBox {
    type Params = ();

    fn check(&self) -> Result<(), AugmentError> {
        require_size::<Self>(self.size)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        let [h, w] = sample.size();
        let [to_h, to_w] = self.size;
        let factor = (to_h as f64 / h as f64).min(to_w as f64 / w as f64);
        let inner = [scaled(h, factor).min(to_h), scaled(w, factor).min(to_w)];
        let window = Window {
            top: -(((to_h - inner[0]) / 2) as i64),
            left: -(((to_w - inner[1]) / 2) as i64),
            size: self.size,
        };
        let sample = sample.resize(inner, self.interpolation, true);
        Ok(sample.window(window, Border::Constant, &self.fill))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            size: [14, 12],
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn a_wide_image_gets_bars_above_and_below() {
        let letter_box = LetterBox {
            size: [20, 20],
            ..Default::default()
        };
        let y = letter_box.apply(&(), sample(10, 40, 1)).unwrap();
        assert_eq!(y.boxes[0].xyxy, [0.0, 7.0, 20.0, 12.0]);
        assert_eq!(y.image.to_u8()[0], 114);
    }
}
