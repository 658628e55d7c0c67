//! A square hole of zeros. RandomErasing differs in that it fills rectangles of random shape with
//! random pixels.

use super::erase;
use crate::image::Window;
use crate::image::base::prelude::*;

settings! {
    /// Fills squares with 0. Their centres are drawn evenly over the image, so that a part of a
    /// square may lie outside.
    ///
    /// # Reference
    /// DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout",
    /// 2017.
    pub struct Cutout {
        /// Number of squares.
        n_holes: usize = 1,
        /// Side in pixels; the paper has 16 for images of 32.
        length: usize = 16,
        /// What fills them.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for Cutout {
    /// The squares.
    type Params = Vec<Window>;

    fn check(&self) -> Result<(), AugmentError> {
        let (n, l) = (self.n_holes, self.length);
        require::<Self>(n <= 10_000, "n_holes", "is at most 10000", n)?;
        let holds = (1..=crate::image::MAX_SIDE).contains(&l);
        require::<Self>(holds, "length", "is 1 to 65536 pixels", l)?;
        self.fill.check::<Self>()
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Vec<Window>, AugmentError> {
        let [h, w] = sample.size();
        let half = (self.length / 2) as i64;
        let hole = |_| Window {
            top: rng.below(h) as i64 - half,
            left: rng.below(w) as i64 - half,
            size: [self.length; 2],
        };
        Ok((0..self.n_holes).map(hole).collect())
    }

    fn apply(&self, holes: &Vec<Window>, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| holes.iter().fold(image, |i, w| erase(i, *w, &self.fill))))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            n_holes: 2,
            length: 5,
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"length": 0}"#,
            "cutout: length is 1 to 65536 pixels, got 0",
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_at_the_corner_is_cut_off() {
        let white = Sample::from(Image::of(4, 4, 1, Pixels::U8(vec![255; 16])));
        let hole = Window {
            top: -1,
            left: 2,
            size: [3, 3],
        };
        let y = Cutout::default()
            .apply(&vec![hole], white)
            .unwrap()
            .image
            .to_u8();
        let want = [255, 255, 0, 0, 255, 255, 0, 0].into_iter().chain([255; 8]);
        assert_eq!(y, want.collect::<Vec<u8>>());
    }
}
