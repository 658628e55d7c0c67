//! Mirrors an image top and bottom: for pictures without an up, such as tissue or satellite images.

use crate::image::base::prelude::*;

settings! {
    /// Mirrors the image top and bottom: `y[i, j] = x[H − 1 − i, j]`. `p` is 0.5.
    pub struct VerticalFlip {}
}

impl Transform for VerticalFlip {
    type Params = ();

    const P: f64 = 0.5;

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.turn_over())
    }
}

impl Sample {
    /// Top and bottom exchanged.
    pub(crate) fn turn_over(self) -> Self {
        let [h, w] = self.size();
        let mut sample = self.each_image(|image| {
            let n = image.width() * image.channels();
            image.with(each_depth!(image.pixels(), p => {
                let mut out = Vec::with_capacity(p.len());
                p.chunks_exact(n).rev().for_each(|row| out.extend_from_slice(row));
                out
            }))
        });
        sample.move_targets([h, w], 0, |x, y| Some((x, h as f64 - y)));
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{BoundingBox, BoxFormat};

    #[test]
    fn rows_and_boxes_turn_over() {
        let image = Image::of(3, 2, 1, Pixels::U8(vec![1, 2, 3, 4, 5, 6]));
        let mut sample = Sample::from(image);
        sample.boxes = vec![BoundingBox::new([0.0, 0.0, 1.0, 1.0], BoxFormat::Xyxy, 0)];
        let y = sample.turn_over();
        assert_eq!(y.image.pixels(), &Pixels::U8(vec![5, 6, 3, 4, 1, 2]));
        assert_eq!(y.boxes[0].xyxy, [0.0, 2.0, 1.0, 3.0]);
    }
}
