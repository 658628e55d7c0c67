//! Stretches to a fixed size.

use crate::image::Interpolation;
use crate::image::base::prelude::*;

settings! {
    /// Stretches the image to `size`; where it shrinks the filter is widened, so that no pixel is
    /// passed over.
    ///
    /// # Differences from torchvision
    /// `size` is always `[height, width]`; `smallest_max_size` keeps the aspect ratio.
    pub struct Resize {
        /// `[height, width]`; has to be given.
        size: [usize; 2] = [0, 0],
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// Whether the filter is widened where the image shrinks.
        antialias: bool = true,
    }
}

impl Transform for Resize {
    type Params = ();

    fn check(&self) -> Result<(), AugmentError> {
        require_size::<Self>(self.size)
    }

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.resize(self.size, self.interpolation, self.antialias))
    }

    #[cfg(test)]
    fn example(h: usize, w: usize, _: usize) -> Self {
        Self {
            size: [h.div_ceil(2), w + 3],
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"size": [70000, 1]}"#,
            "resize: size is [height, width] of 1 to 65536",
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn boxes_and_masks_follow() {
        let resize = Resize {
            size: [20, 60],
            ..Default::default()
        };
        let y = resize.apply(&(), sample(10, 20, 3)).unwrap();
        assert_eq!(y.boxes[0].xyxy, [0.0, 0.0, 60.0, 20.0]);
        assert_eq!(y.masks[0].size(), [20, 60]);
        let values: std::collections::BTreeSet<u8> = y.masks[0].to_u8().into_iter().collect();
        assert!(values.iter().all(|v| *v < 4));
    }
}
