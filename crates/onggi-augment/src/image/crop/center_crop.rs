//! The middle of the image.

use crate::image::base::prelude::*;
use crate::image::{Border, Window};

settings! {
    /// Cuts the middle out; an image that is too small is padded first.
    pub struct CenterCrop {
        /// `[height, width]`; has to be given.
        size: [usize; 2] = [0, 0],
        /// The padding's value.
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for CenterCrop {
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
        let window = Window {
            top: first(h, self.size[0]),
            left: first(w, self.size[1]),
            size: self.size,
        };
        Ok(sample.window(window, Border::Constant, &self.fill))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            size: [12, 10],
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![("{}", "center_crop: size is [height, width]")]
    }
}

/// The first row or column, as torchvision rounds it: half to even where it cuts, down where it
/// pads.
fn first(side: usize, crop: usize) -> i64 {
    if crop > side {
        -(((crop - side) / 2) as i64)
    } else {
        ((side - crop) as f64 / 2.0).round_ties_even() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_as_in_torchvision() {
        let all = [(5, 2), (7, 2), (9, 4), (4, 7), (4, 9)].map(|(side, crop)| first(side, crop));
        assert_eq!(all, [2, 2, 2, -1, -2]);
    }
}
